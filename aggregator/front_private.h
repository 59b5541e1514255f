/* What the front's files share: its connections. For its own thread alone. */
#ifndef PARKTALLY_AGGREGATOR_FRONT_PRIVATE_H
#define PARKTALLY_AGGREGATOR_FRONT_PRIVATE_H

#include "aggregator/bounds.h"
#include "aggregator/front.h"
#include "aggregator/front_limits.h"
#include "aggregator/front_peers.h"
#include "aggregator/front_zmtp.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;

/* One of the two sockets of a connection; −1: there is none. */
struct end {
  struct connection *connection;
  int file;
  uint32_t events; /* of epoll, that are asked for */
  bool ended;      /* nothing more comes from there */
};

/* Bytes that one side gave and the other has not taken yet. Memory is held only while there are any. */
struct rest {
  uint8_t *data;
  size_t from, to;
};

/* What became of the handshake; each state waits for one thing. */
enum phase {
  PHASE_GREETING,  /* the client's greeting and HELLO, and its turn; the ROUTER knows nothing yet */
  PHASE_HANDSHAKE, /* INITIATE, and what the ROUTER says to it */
  PHASE_OPEN,      /* messages */
  PHASE_OVER,      /* closed; freed after this turn of the loop */
};

/* Of one whose handshake is not over: whoever has less standing goes first. */
enum standing {
  STANDING_STRANGER,
  STANDING_WELCOME, /* a stranger to whose HELLO there was an answer */
  STANDING_KNOWN,   /* an agent came from its address before */
  STANDINGS,
};

struct front_agent {
  char *id;
  GQueue connections; /* oldest first; their own links */
  struct bucket bytes;
  uint64_t unseen; /* that of its connections together */
};

struct connection {
  struct front *front;
  struct end client, router;
  bool enrols, connecting;
  bool waits, is_inside; /* its HELLO: waits here, is with the ROUTER and not answered */
  GBytes *asked;         /* its greeting and HELLO, while another ROUTER may be asked; else NULL */
  enum standing standing;
  enum phase phase;
  uint32_t id; /* among the peers; 0: not yet */
  char name[FRONT_ADDRESS_SIZE];
  struct front_address *address;
  struct front_agent *agent; /* NULL before it is open, and of who enrols */
  struct zmtp up, down;
  struct rest up_rest, down_rest;
  int64_t begun_ms;
  int64_t slow_ms;      /* since when the client does not take what there is; 0: it does */
  int64_t starved_ms;   /* since when nothing comes to its end; 0: it is not held for that */
  int64_t rested_ms;    /* until when it is held for its rate; 0: it is not */
  int64_t leaves_ms;    /* when it is cut, as it was told; 0: it is not */
  uint64_t spent;       /* cost of messages that the agent's bucket has paid */
  uint64_t unseen;      /* cost of messages that were passed, less that of those seen */
  uint64_t seen_frames; /* when it was last looked at */
  /* Small frames may be nobody's (heartbeats): cost of those that are over since a later large one was seen,
   * and what of small ones had been seen by then. */
  uint64_t small_over, small_seen;
  bool is_held;
  GList link, handshake, hello, of_address, of_agent, held; /* where it stands in lists */
};

struct front {
  struct bounds *bounds;
  struct front_peers *peers;
  struct front_addresses *addresses;
  GHashTable *agents;           /* id → struct front_agent */
  GQueue connections;           /* all, oldest first */
  GQueue handshakes[STANDINGS]; /* those not yet open, oldest first */
  GQueue hellos[2];             /* whose HELLO waits, oldest first: of strangers, of known addresses … */
  unsigned hellos_inside;       /* … and how many are with a ROUTER that has not answered */
  GQueue over;                  /* to be freed */
  uint64_t unseen;              /* that of all connections */
  GQueue held;                  /* those of which nothing is taken now */
  int64_t now_ms;               /* of this turn of the loop */
  int64_t accepts_again_ms;     /* no descriptor was left: not before */
  int64_t tick_ms;              /* of the next look at everything */
  int64_t end_ms;               /* stopping: when it ends at the latest; 0: it is not */
  int poll, wake;
  struct listener {
    int file;
    char *endpoint;
    uint16_t router, former; /* ports of the ROUTERs behind it, at 127.0.0.1; the second may be 0: none */
    bool asked;              /* epoll is asked */
  } listeners[2];            /* submissions, enrolment */
  int reserve;               /* a descriptor that can be given up when there is none */
  uint8_t *buffer;           /* LIMIT_FRONT_BUFFER bytes */
  GThread *thread;
  GMutex lock; /* of what follows, from other threads */
  GQueue orders;
  bool stop;
};

/* --- front_connection.c --- */

/* Takes the socket. */
void connection_new(struct front *front, int file, bool enrols, struct front_address *address,
                    const char *name);
/* Closes both sockets and leaves all lists; freed after the turn. */
void connection_close(struct connection *connection);
/* The same, because a limit was reached. */
void connection_cut(struct connection *connection, enum bound why);
/* What epoll says of one of its sockets. */
void connection_serve(struct connection *connection, struct end *end, uint32_t events);
/* Asks epoll for what it waits for now. */
void connection_ask(struct connection *connection);
void connection_free(struct connection *connection);

/* One of its sockets, which epoll is to watch: for nothing yet. */
bool connection_watch(struct connection *connection, struct end *end, int file);

/* --- front_handshake.c --- */

void handshake_begin(struct connection *connection);
void handshake_end(struct connection *connection);
/* How many are not over. */
unsigned handshake_count(const struct front *front);
/* Where its greeting and HELLO are whole, it waits for its turn. */
void handshake_await_turn(struct connection *connection);
/* Whose HELLO waits goes on, as many as may: known addresses before strangers, and of these who came last
 * comes first, for under a flood who came first may be gone before it is its turn. */
void handshake_take_turns(struct front *front);
/* The ROUTER hung up on its HELLO, as it does where that was for other keys: the other one is asked. False if
 * there is none, or it was not that. */
bool handshake_ask_former(struct connection *connection);
/* Follows what the ROUTER says; behind the handshake nothing of it is looked at. Whatever it says out of
 * turn, an ERROR, ends in its hanging up. Returns the bytes that are the front's own: the greeting, which the
 * client has already. */
size_t handshake_follow(struct connection *connection, const uint8_t *data, size_t length);

/* --- front_accept.c --- */

/* Takes in who waits, some at a time. */
void accept_all(struct front *front, struct listener *listener);
/* Asks epoll for whoever comes, or not. */
void accept_ask(struct front *front);
/* The first of a queue of handshakes. */
void accept_cut_oldest(GQueue *handshakes, enum bound why);

/* --- front_credit.c --- */

/* It is open: its agent, if it has one. */
void credit_begin(struct connection *connection);
void credit_end(struct connection *connection);
/* Messages of it were passed on. */
void credit_spend(struct connection *connection);
/* Whether more of it may be taken now; else it is held: asked again when its time has come, or the gate has
 * seen something. */
bool credit_allows(struct connection *connection);
/* Looks what the gate has seen of it. */
void credit_look(struct connection *connection);
/* Forgets agents that have no connections. */
void credit_sweep(struct front *front);

#endif
