/* The wire's messages as plain records: the only door to the generated protobuf code (codec*.c,
 * submission.c).
 *
 * Decoders take verified or size-limited bytes, allocate from one bounded arena that the record owns, and
 * check every text (clean UTF-8, length) and every fixed-size field. A record is freed with its *_free();
 * what it points to lives as long. Encoders never fail. Unknown fields are passed over. */
#ifndef PARKTALLY_COMMON_CODEC_H
#define PARKTALLY_COMMON_CODEC_H

#include "common/cleanup.h"
#include "common/finding.h"
#include "common/seal.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define PROTOCOL_VERSION 1

struct bytes_view {
  const uint8_t *data;
  size_t length;
};

struct hashes_view {
  const uint8_t (*hash)[SEAL_HASH_SIZE];
  size_t count;
};

/* --- frames --- */

enum frame_kind {
  FRAME_NONE, /* of a newer protocol, or empty */
  FRAME_HELLO,
  FRAME_WELCOME,
  FRAME_DOCUMENT_REQUEST,
  FRAME_DOCUMENT,
  FRAME_CHUNK_REQUEST,
  FRAME_CHUNK,
  FRAME_SUBMIT,
  FRAME_RECEIPT,
  FRAME_BUSY,
  FRAME_FAULT,
  FRAME_REFUSAL_REQUEST,
  FRAME_REFUSAL_PAGE,
  FRAME_CERTIFICATE,
  FRAME_STATE_REQUEST,
  FRAME_STATE_PAGE,
  FRAME_HEAD_REQUEST,
  FRAME_HEAD,
};

enum document_kind { DOCUMENT_OF_CATALOGUE = 1, DOCUMENT_OF_REGISTER = 2 };

enum verdict {
  VERDICT_IS_COUNTED = 1,
  VERDICT_IS_UNCHANGED = 2,
  VERDICT_IS_STALE = 3,
  VERDICT_IS_WAITING = 4,
  VERDICT_IS_REFUSED = 5,
  VERDICT_IS_WAITING_UNIT = 6, /* for its unit's registration */
};

struct refusal {
  uint32_t row;
  const char *unit;
  const char *rule; /* finding id */
  const char *indicator;
  const char *found, *expected;
  enum verdict verdict;
};

/* What an area is asked. */
struct inquiry_item {
  uint64_t number;
  const char *form, *period, *unit;
  const char *rule; /* finding id */
  const char *indicator, *found, *expected;
  const char *question; /* an operator's words, or "" */
  int64_t asked_at_ms;
  const char *answer; /* "": open */
  const char *answered_by;
  int64_t answered_at_ms;
};

/* A quasi-mandatory rule that may be broken. */
struct consent_item {
  const char *form, *period, *unit, *rule;
};

/* What became of an application to register a unit. */
enum application_state { APPLICATION_IS_PENDING = 1, APPLICATION_IS_REGISTERED, APPLICATION_IS_DECLINED };

struct application_item {
  uint64_t number;
  const char *unit, *name;
  enum application_state state;
  const char *reason; /* of who declined it, or "" */
  int64_t applied_at_ms, settled_at_ms;
};

enum agent_role { AGENT_OF_PARK = 0, AGENT_OF_BUREAU = 1 };

/* An agent of the area. */
enum agent_state { AGENT_IS_IN_FORCE = 1, AGENT_IS_WAITING, AGENT_IS_REVOKED };

/* What an agent found when it enrolled: none that had its rights; one that has them still, so that it waits
 * for its admission; none but revoked ones. */
enum agent_entry { ENTRY_IS_FIRST = 0, ENTRY_IS_WAITING, ENTRY_IS_SUCCESSION };

struct agent_item {
  const char *agent;
  enum agent_role role;
  const char *const *forms;
  size_t form_count;        /* 0: every form of the role; at most LIMIT_AGENT_FORMS */
  struct bytes_view key_id; /* 32 bytes: of its signing key */
  enum agent_state state;
  enum agent_entry entry;
  int64_t enrolled_at_ms, revoked_at_ms;
  const char *admitted_by; /* an agent, or "": then what follows says nothing */
  const char *approved_by, *reason;
  int64_t admitted_at_ms;
};

/* That the tree of the first `from` leaves begins another. */
struct consistency_item {
  uint64_t from;
  struct hashes_view path;
};

struct frame {
  enum frame_kind kind;
  uint32_t protocol;
  union {
    struct {
      const char *agent, *software;
      int64_t clock_ms;
      struct bytes_view catalogue_hash, register_hash; /* 32 bytes or empty */
      struct bytes_view server_key;                    /* likewise: id of the newest that is known */
    } hello;
    struct {
      uint32_t credit;
      int64_t clock_ms;
      struct bytes_view catalogue_hash, register_hash;
      uint64_t state;
      bool waiting;
      const struct bytes_view *key_changes; /* sealed: the aggregator's, since the one of Hello */
      size_t key_change_count;
    } welcome;
    struct {
      enum document_kind kind;
    } document_request;
    struct {
      enum document_kind kind;
      struct bytes_view manifest; /* sealed */
    } document;
    struct {
      enum document_kind kind;
      struct bytes_view hash; /* 32 bytes */
      uint32_t index;
    } chunk_request;
    struct {
      struct bytes_view hash;
      uint32_t index;
      struct bytes_view data;
    } chunk;
    struct {
      struct bytes_view id; /* 32 bytes */
      struct bytes_view sealed;
    } submit;
    struct {
      struct bytes_view sealed;
    } receipt, certificate;
    struct {
      struct bytes_view id; /* 32 bytes */
      uint32_t retry_after_ms;
    } busy;
    struct {
      struct bytes_view id; /* 32 bytes or empty */
      const char *code, *text;
    } fault;
    struct {
      struct bytes_view id;
      uint32_t offset;
    } refusal_request;
    struct {
      struct bytes_view id;
      uint32_t offset, total;
      const struct refusal *refusals;
      size_t count;
    } refusal_page;
    struct {
      uint64_t from;
    } state_request;
    struct {
      uint64_t state;
      uint64_t from, next; /* next 0: the last page */
      const struct inquiry_item *inquiries;
      size_t inquiry_count;
      const struct consent_item *consents;
      size_t consent_count;
      const struct application_item *applications;
      size_t application_count;
      const struct agent_item *agents;
      size_t agent_count; /* all together at most LIMIT_STATE_INLINE */
    } state_page;
    struct {
      const uint64_t *from;
      size_t count; /* at most LIMIT_HEADS_ASKED */
    } head_request;
    struct {
      struct bytes_view sealed;
      const struct consistency_item *items;
      size_t count;                    /* at most LIMIT_HEADS_TOLD */
      const struct bytes_view *epochs; /* sealed */
      size_t epoch_count;              /* at most LIMIT_EPOCHS_TOLD */
    } head;
  };
};

/* NULL if malformed. The record points into its own copy. */
struct frame *frame_decode(const uint8_t *data, size_t length);

/* The id and the sealed submission of a FRAME_SUBMIT as frame_encode() writes it; both point into `data`.
 * False of any other frame, also of a submission in another writing: frame_decode() decides. */
bool submit_view(const uint8_t *data, size_t length, struct bytes_view *ret_id,
                 struct bytes_view *ret_sealed);
void frame_free(struct frame *frame);
CLEANUP_DEFINE(struct frame, frame_free)

/* Encodes; `protocol` is filled in. */
GBytes *frame_encode(const struct frame *frame);

/* --- sealed payloads --- */

struct manifest {
  enum document_kind kind;
  struct bytes_view hash;
  uint64_t size;
  const uint8_t (*chunks)[SEAL_HASH_SIZE];
  size_t chunk_count;
  const char *area;
};
struct manifest *manifest_decode(const uint8_t *payload, size_t length);
void manifest_free(struct manifest *manifest);
CLEANUP_DEFINE(struct manifest, manifest_free)
GByteArray *manifest_encode(const struct manifest *manifest);

struct receipt {
  struct bytes_view submission; /* 32 bytes */
  const char *agent;
  uint64_t sequence;
  uint32_t counted, unchanged, stale, waiting, refused;
  uint64_t position;
  uint64_t tree_size, tree_epoch;
  struct bytes_view tree_root; /* 32 bytes */
  int64_t recorded_at_ms;
  const struct refusal *refusals;
  size_t refusal_count;    /* in this record */
  uint32_t refusals_total; /* in all */
  const char *const *findings;
  size_t finding_count;
  struct bytes_view leaf_hash; /* 32 bytes */
  struct hashes_view path;     /* from the leaf to the tree's root; at most MERKLE_PROOF_MOST */
};
struct receipt *receipt_decode(const uint8_t *payload, size_t length);
void receipt_free(struct receipt *receipt);
CLEANUP_DEFINE(struct receipt, receipt_free)
GByteArray *receipt_encode(const struct receipt *receipt);

/* What the ledger was when its last leaf was recorded. */
struct signed_head {
  uint64_t size;
  uint64_t epoch;         /* the last that began; 0: it was never restored */
  struct bytes_view root; /* 32 bytes */
  int64_t recorded_at_ms; /* of the last leaf */
};
struct signed_head *signed_head_decode(const uint8_t *payload, size_t length);
void signed_head_free(struct signed_head *head);
CLEANUP_DEFINE(struct signed_head, signed_head_free)
GByteArray *signed_head_encode(const struct signed_head *head);
/* A restore from a backup: the ledger goes on from this head of the epoch before. */
struct epoch {
  uint64_t number; /* later ones have larger numbers, and lead on from one another or not */
  uint64_t before; /* the one that it goes on from; 0: none */
  uint64_t size;
  struct bytes_view root; /* 32 bytes */
  int64_t restored_at_ms;
};
struct epoch *epoch_decode(const uint8_t *payload, size_t length);
void epoch_free(struct epoch *epoch);
CLEANUP_DEFINE(struct epoch, epoch_free)
GByteArray *epoch_encode(const struct epoch *epoch);

/* A sealed head as a line of text, to be passed on and kept by people. Newly allocated. */
char *head_text(const uint8_t *sealed, size_t length);
/* The sealed bytes again, white space around it allowed; NULL if it is damaged. Nothing is verified. */
GBytes *head_from_text(const char *text);

struct certificate {
  const char *agent, *area;
  enum agent_role role;
  const char *const *forms;
  size_t form_count;                     /* 0: every form of the role */
  struct bytes_view curve_key, sign_key; /* 32 bytes */
  int64_t issued_at_ms;
};
struct certificate *certificate_decode(const uint8_t *payload, size_t length);
void certificate_free(struct certificate *certificate);
CLEANUP_DEFINE(struct certificate, certificate_free)
GByteArray *certificate_encode(const struct certificate *certificate);

/* Who seals with new keys from here on: key_chain.h. */
#define KEY_CONSENT_SIZE 64 /* an Ed25519 signature */
struct key_change {
  const char *agent;                     /* "": the aggregator */
  uint64_t until, epoch;                 /* the last number, or tree, that the key before it seals */
  struct bytes_view curve_key, sign_key; /* 32 bytes */
  int64_t changed_at_ms;
  const char *by, *reason;   /* "" where none */
  struct bytes_view consent; /* of the new signing key: KEY_CONSENT_SIZE bytes */
};
struct key_change *key_change_decode(const uint8_t *payload, size_t length);
void key_change_free(struct key_change *change);
CLEANUP_DEFINE(struct key_change, key_change_free)
GByteArray *key_change_encode(const struct key_change *change);

/* What a returning agent shows. */
struct return_record {
  struct bytes_view certificate;        /* sealed */
  const struct bytes_view *key_changes; /* sealed; at most LIMIT_KEY_CHANGES */
  size_t key_change_count;
};
struct return_record *return_decode(const uint8_t *payload, size_t length);
void return_free(struct return_record *record);
CLEANUP_DEFINE(struct return_record, return_free)
GByteArray *return_encode(const struct return_record *record);

/* What a park does besides reporting. */
enum park_act_kind { PARK_ANSWERS = 1, PARK_APPLIES, PARK_ADMITS };

struct park_act {
  const char *agent;
  uint64_t sequence;
  int64_t created_at_ms;
  enum park_act_kind kind;
  struct {
    uint64_t inquiry;
    const char *text, *answered_by;
    int64_t asked_at_ms; /* of the inquiry, whose number a restore may give to another one */
  } answer;              /* PARK_ANSWERS */
  struct {
    const char *unit, *class, *name, *industry, *parent;
    const char *from; /* a day, or "": since ever */
    const char *text, *applied_by;
  } application; /* PARK_APPLIES */
  struct {
    const char *agent;
    struct bytes_view key_id; /* 32 bytes: of its signing key */
    const char *reason;       /* or "" */
    const char *approved_by;
  } admission; /* PARK_ADMITS */
};
struct park_act *park_act_decode(const uint8_t *payload, size_t length);
void park_act_free(struct park_act *act);
CLEANUP_DEFINE(struct park_act, park_act_free)
GByteArray *park_act_encode(const struct park_act *act);

/* --- invitations and joining --- */

struct invitation {
  const char *endpoint, *enrol_endpoint;
  struct bytes_view curve_key, sign_key, secret; /* 32 bytes each */
  int64_t expires_at_ms;
};
/* From the one string that an operator passes on, white space around it allowed; NULL if it is damaged. */
struct invitation *invitation_decode(const char *text);
void invitation_free(struct invitation *invitation);
CLEANUP_DEFINE(struct invitation, invitation_free)
char *invitation_encode(const struct invitation *invitation);

/* The joining record, the whole message on the enrolment endpoint: secret, the agent's two public keys, and
 * an Ed25519 signature by the second over "parktally-join-1" followed by these 96 bytes. */
#define JOIN_SIZE 160
struct join_record {
  uint8_t secret[32], curve_key[32], sign_key[32];
};
void join_encode(const struct join_record *join, const uint8_t sign_secret[static SEAL_SECRET_KEY_SIZE],
                 uint8_t ret_bytes[static JOIN_SIZE]);
/* False if the size or the signature is wrong. */
bool join_decode(const uint8_t *data, size_t length, struct join_record *ret_join);

/* --- leaves of the ledger --- */

enum leaf_kind {
  LEAF_GENESIS = 1,
  LEAF_CATALOGUE,
  LEAF_REGISTER,
  LEAF_INVITATION,
  LEAF_ENROLMENT,
  LEAF_REVOCATION,
  LEAF_SUBMISSION,
  LEAF_PERIOD,
  LEAF_PARK_ACT,
  LEAF_EXAMINATION,
  LEAF_ASK,
  LEAF_ACCEPT,
  LEAF_CONSENT,
  LEAF_DECLINE,
  LEAF_EDITION,
  LEAF_EPOCH,
  LEAF_RESUME,
  LEAF_NOTE,
  LEAF_KEY,
};

enum period_action { PERIOD_TO_OPEN = 1, PERIOD_TO_CLOSE = 2, PERIOD_TO_REOPEN = 3 };

struct release {
  uint64_t position;
  uint32_t row;
  enum verdict verdict;
};

/* What was found in the reports of a submission that does not refuse them. */
struct examined {
  uint64_t position;
  const char *form, *period, *area;
  const struct refusal *findings; /* of reports that count or are stale */
  size_t finding_count;
  uint64_t more; /* findings beyond those, which are counted only */
};

struct leaf {
  enum leaf_kind kind;
  int64_t recorded_at_ms;
  const char *by, *reason; /* "" where none */
  union {
    struct {
      struct bytes_view curve_key, sign_key;
    } genesis;
    struct {
      struct bytes_view text;
    } catalogue;
    struct {
      struct bytes_view text;
      const struct release *releases;
      size_t release_count;
    } register_; /* `register` is C's */
    struct {
      struct bytes_view secret_hash;
      const char *area;
      enum agent_role role;
      const char *const *forms;
      size_t form_count;
      int64_t expires_at_ms;
    } invitation;
    struct {
      struct bytes_view certificate; /* sealed */
      struct bytes_view secret_hash;
      enum agent_entry entry;
    } enrolment;
    struct {
      const char *agent;
      int64_t doubtful_since_ms; /* 0: nothing is in doubt */
    } revocation;
    struct {
      struct bytes_view sealed;
      const struct refusal *exceptions;
      size_t exception_count;
      const struct release *releases;
      size_t release_count;
      const char *const *findings;
      size_t finding_count;
    } submission;
    struct {
      struct bytes_view sealed;
      const struct refusal *exceptions; /* one, or none */
      size_t exception_count;
    } park_act;
    struct {
      uint64_t examined; /* all submissions before this position are */
      const struct examined *submissions;
      size_t submission_count;
    } examination;
    struct {
      uint64_t inquiry; /* 0: about a report; the leaf's reason is the question */
      const char *form, *period, *unit, *area, *indicator;
    } ask;
    struct {
      const uint64_t *inquiries;
      size_t inquiry_count; /* 0: all reports of form, period and area */
      const char *form, *period, *area;
    } accept;
    struct {
      const char *form, *period, *unit, *area, *rule;
    } consent;
    struct {
      uint64_t application; /* the leaf's reason says why */
      const struct release *releases;
      size_t release_count;
    } decline;
    struct {
      struct bytes_view sealed;
    } edition, key;
    struct {
      struct bytes_view sealed;
      const struct bytes_view *key_changes; /* sealed: the aggregator's, which the backup lacks */
      size_t key_change_count;
    } epoch;
    struct {
      uint64_t epoch;
    } resume;
    struct {
      const char *act, *detail;
    } note;
    struct {
      const char *form, *period;
      enum period_action action;
      const char *area; /* "": everybody */
    } period;
  };
};
/* What leaf_encode() makes of `by` and `reason`: clean, and cut to LIMIT_NAME_BYTES. Newly allocated. */
char *leaf_words(const char *text);
/* The arena of a leaf is bounded by its own length, for what is in the ledger is ours. */
struct leaf *leaf_decode(const uint8_t *data, size_t length);
void leaf_free(struct leaf *leaf);
CLEANUP_DEFINE(struct leaf, leaf_free)
/* `ret_sealed`, unless NULL: where in it the sealed submission begins; 0 of other kinds. */
GByteArray *leaf_encode(const struct leaf *leaf, size_t *ret_sealed);

#endif
