/* What the files of the link share: link.c has the states and the loop, link_frame.c what comes in,
 * link_fetch.c how catalogue and register come. */
#ifndef PARKTALLY_AGENT_LINK_PRIVATE_H
#define PARKTALLY_AGENT_LINK_PRIVATE_H

#include "agent/link.h"
#include "common/channel.h"
#include "common/clock.h"
#include "common/limits.h"

/* CLOSED → GREETING → READY, and from either of the last two → FETCHING → GREETING. Any → CLOSED. */
enum link_state {
  STATE_CLOSED,    /* no socket; one is opened at `open_at` */
  STATE_RETURNING, /* at the door where agents enrol, after nobody knew us: the certificate is shown */
  STATE_GREETING,  /* Hello is on its way, or about to be; nothing else is sent */
  STATE_FETCHING,  /* a document comes, chunk by chunk */
  STATE_READY,     /* submissions go out */
};

/* A submission that is to be answered. */
struct flight {
  struct outbox_item *item;
  bool sent;
  struct mono_time sent_at;
  struct mono_time due; /* when it is sent, or sent again */
};

/* A request that has one answer. */
struct request {
  bool due;               /* to be sent */
  bool awaited;           /* sent, and no answer yet */
  struct mono_time since; /* of either */
};

struct fetch {
  enum document_kind kind;
  GBytes *sealed;            /* the manifest; NULL until it came */
  struct manifest *manifest; /* of it */
  GByteArray *data;          /* chunks so far */
  uint32_t index;            /* of the chunk asked for */
  struct request request;
};

struct link {
  struct home *home;
  struct outbox *outbox;
  struct link_events events;
  void *data;
  int lock;
  int64_t answer_ms;
  struct channel_context *context;
  struct channel_client *client;

  enum link_state state;
  GError *failure; /* ends link_run() */
  struct mono_time open_at;
  int64_t backoff_ms;
  struct mono_time heard_at;
  bool connected; /* as told to the owner */
  struct mono_time connected_at;
  unsigned unheard;           /* connections in a row over which nothing was heard */
  struct request certificate; /* shown again */

  struct request hello, page;
  uint8_t page_id[SUBMISSION_ID_SIZE];
  uint32_t page_offset;
  bool pages_missing; /* refusals may have to be asked for */

  struct request state_page; /* of what the city asks */
  uint64_t state_from;
  uint64_t state_wanted; /* of Welcome */
  uint64_t state_coming; /* of the page before; another one begins anew */
  bool waiting;          /* for admission: until a Welcome says otherwise nothing is submitted */

  struct request head; /* of the ledger */
  struct outbox_head asked[LIMIT_HEADS_ASKED];
  size_t asked_count;
  bool trusted; /* over this connection the ledger was shown to continue all that was signed before */
  bool untied;  /* receipts came since, with heads of their own */

  bool current;                      /* the documents were those in force at the last Welcome */
  uint8_t wanted[2][SEAL_HASH_SIZE]; /* documents in force, by kind − 1 */
  bool has_wanted[2];
  struct mono_time distrust_until[2]; /* a document was refused: not asked for again before */
  unsigned fetches;                   /* since READY */
  struct fetch fetch;

  size_t credit;
  GPtrArray *flights; /* of struct flight */
  bool answered;      /* answers came that are to be kept together */
  uint64_t cursor;    /* last sequence taken from the outbox */
  bool more;          /* the outbox may have more behind it */
  bool rested;        /* nothing was read from the outbox since it was let rest */
  int64_t version;    /* of the outbox, as last seen */
  struct mono_time polled_at;
};

/* The one place where the state changes. */
void link_enter(struct link *link, enum link_state state);
/* Closes the socket; a new one is opened after the back-off. */
void link_reopen(struct link *link);
/* What is not answered is to be sent again. */
void link_forget_flights(struct link *link);
/* The connection is of use: the back-off begins anew. */
void link_note_progress(struct link *link);
/* True if it went out. */
bool link_send(struct link *link, const struct frame *frame);
/* Sends a due request if it can; marks it as awaited. */
void link_send_request(struct link *link, struct request *request, const struct frame *frame);
void request_make_due(struct request *request);
/* Ends link_run() with this error, which it takes. */
void link_fail(struct link *link, GError *error);
/* Tells the owner of something wrong that ends nothing. */
void link_report(struct link *link, const char *code, const char *text);

/* Milliseconds until then, 0 if it is past. */
int64_t link_until_time(struct mono_time time);
struct mono_time link_time_after(int64_t ms);

/* Takes one message from the aggregator. */
void link_take(struct link *link, GBytes *message);

/* Begins to fetch what is not in force any more, or enters READY. */
void link_fetch_or_ready(struct link *link);
void link_take_document(struct link *link, const struct frame *frame);
/* The request was answered by a fault. */
void link_fetch_refused(struct link *link, const char *code, const char *text);
void link_take_chunk(struct link *link, const struct frame *frame);
void link_send_fetch(struct link *link);
/* The document is not to be had now, or not to be trusted: says so and goes on with those that we have. */
void link_distrust(struct link *link, const char *code, const char *text);
void fetch_clear(struct fetch *fetch);

/* STATE_RETURNING, begun and run: a city that was restored from a backup may not know us. */
bool link_may_return(const struct link *link);
void link_begin_return(struct link *link);
int64_t link_run_returning(struct link *link);
void link_take_certificate(struct link *link, const struct frame *frame);

bool link_is_overdue(const struct link *link, const struct request *request);
int64_t link_request_pause(const struct link *link, const struct request *request);

void link_ask_for_head(struct link *link);
void link_take_head(struct link *link, const struct frame *frame);
/* Whether the head is proved, by the answer that it came with, to continue the one before. */
bool link_head_continues(const struct signed_head *head, const struct frame *frame,
                         const struct outbox_head *before);

/* What such an answer tells of restores of the city's, and what of them was known. Each goes on from the one
 * before it, and the first from one that may be known. One that is no later, and that none of these goes on
 * from, was left, for a backup from before it. */
struct restores {
  struct epoch *epochs[LIMIT_EPOCHS_TOLD]; /* opened */
  const struct bytes_view *sealed[LIMIT_EPOCHS_TOLD];
  size_t count;
  uint64_t before; /* the last one that was signed with keys from before those that we were invited with */
  GArray *known;   /* struct known_restore, by number */
};
/* False if the outbox cannot be read, and `error`; or without one, if the city did not sign them. Either way
 * they are to be cleared. */
bool restores_open(const struct link *link, const struct frame *frame, struct restores *ret_restores,
                   GError **error);
void restores_clear(struct restores *restores);
/* Whether they are what was told before, lead up to the head, and are where its ledger goes on. If not,
 * `*ret_against` is what that contradicts. */
bool restores_fit(const struct restores *restores, const struct signed_head *head, const struct frame *frame,
                  struct outbox_head *ret_against);
/* Whether the ledger of now lacks that head because of them. */
bool restores_lose(const struct restores *restores, const struct outbox_head *head);
/* Keeps what is new of them, with all that follows, like an answer. */
bool restores_keep(struct link *link, const struct restores *restores, GError **error);

/* What is sealed there contradicts a head that was signed before: ends link_run(). */
void link_refuse_ledger(struct link *link, struct bytes_view sealed, const struct outbox_head *against);

#endif
