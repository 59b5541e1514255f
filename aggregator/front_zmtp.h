/* What passes in one direction of a connection, read as ZMTP 3 with CURVE (RFC 23, RFC 26): the greeting, the
 * two steps of the handshake that come from this side, then messages. It looks at frames from outside: their
 * sizes and flags, and the words that they begin with; what is in them is encrypted.
 *
 * A byte that breaks a rule is never let through, so what stands behind sees no frame that is too large, in
 * its wrong place, or no frame at all. Pure, incremental, any number of bytes at a time. */
#ifndef PARKTALLY_AGGREGATOR_FRONT_ZMTP_H
#define PARKTALLY_AGGREGATOR_FRONT_ZMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZMTP_GREETING_SIZE 64
#define ZMTP_HELLO_SIZE 202 /* the frame, with its head */
#define ZMTP_WRAPPING 33    /* what CURVE adds to the content of a frame */
/* A frame up to here may be a PING or PONG of libzmq's, which nobody but libzmq sees. */
#define ZMTP_SMALL_MOST (ZMTP_WRAPPING + 23)

enum zmtp_side { ZMTP_CLIENT, ZMTP_SERVER };

/* What is awaited. After each step of its handshake a side has to wait for the other. */
enum zmtp_state {
  ZMTP_GREETING,
  ZMTP_FIRST,   /* client: HELLO, server: WELCOME */
  ZMTP_ASKED,   /* nothing, before the other side has answered the first step … */
  ZMTP_SECOND,  /* client: INITIATE, server: READY */
  ZMTP_WAITING, /* … and the second */
  ZMTP_OPEN,    /* messages */
};

enum zmtp_fault {
  ZMTP_SOUND,
  ZMTP_OTHER,     /* no ZMTP 3, or not with CURVE */
  ZMTP_HANDSHAKE, /* not the step that is due */
  ZMTP_LARGE,     /* a frame over the limit */
  ZMTP_MORE,      /* a frame that says that it is a part */
  ZMTP_NO_MESSAGE /* a frame that is no encrypted message */
};

struct zmtp {
  enum zmtp_side side;
  enum zmtp_state state;
  size_t most;   /* bytes of a message's frame, without its head */
  size_t at;     /* bytes seen of the greeting, or of the frame's head */
  uint8_t flags; /* of the present frame, as far as its head was seen */
  uint64_t length, left;
  /* Of messages whose heads were seen, so far: of more than ZMTP_SMALL_MOST bytes, and the others. */
  uint64_t large, large_bytes, small, small_bytes;
  uint64_t small_before, small_before_bytes; /* those small ones that came before the last large one */
};

/* `most`: bytes of a frame's content before CURVE wraps it. */
void zmtp_init(struct zmtp *zmtp, enum zmtp_side side, size_t most);

/* The next bytes as they came. Returns how many may pass; fewer than `length` only where `ret_fault` says
 * why, and then nothing more may. It stops behind each step of a handshake: what follows is a fault until
 * zmtp_answered(). */
size_t zmtp_take(struct zmtp *zmtp, const uint8_t *data, size_t length, enum zmtp_fault *ret_fault);

/* The other side has answered this side's step. */
void zmtp_answered(struct zmtp *zmtp);

/* What a server greets with. */
extern const uint8_t zmtp_greeting[ZMTP_GREETING_SIZE];

#endif
