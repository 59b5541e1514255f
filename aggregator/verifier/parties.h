/* Who may say something: agents, by the enrolments, admissions and revocations of the ledger so far. */
#ifndef PARKTALLY_VERIFIER_PARTIES_H
#define PARKTALLY_VERIFIER_PARTIES_H

#include "aggregator/verifier/faults.h"
#include "aggregator/verifier/keys.h"
#include "common/catalogue.h"
#include "common/codec.h"

#include <glib.h>
#include <stdbool.h>

struct party {
  char *id, *area;
  enum agent_role role;
  GStrv forms; /* empty: every form of the role */
  struct keys keys;
  bool waits, revoked; /* it waits for its admission */
  GHashTable *used;    /* set of its sequence numbers */
};

struct parties {
  struct faults *faults;
  GPtrArray *all;          /* of struct party, as they enrolled */
  GHashTable *by_key;      /* id of any key that it has or had → struct party */
  GHashTable *by_id;       /* text → struct party */
  bool restored;           /* from a backup, which may not have known all of them */
  GHashTable *barred;      /* set of names that were revoked unknown then */
  GHashTable *invitations; /* hash of the secret, hex → struct invited, which is private */
  uint64_t key_changes;    /* of all of them */
};

void parties_init(struct parties *parties, struct faults *faults);
void parties_finish(struct parties *parties);

/* Open invitations are void, since the ledger has other keys than they name, or was restored. */
void parties_void_invitations(struct parties *parties);
void parties_restore(struct parties *parties);

/* Leaves of these kinds. `ledger` are the ledger's keys. */
void parties_invite(struct parties *parties, uint64_t at, const struct leaf *leaf);
void parties_enrol(struct parties *parties, uint64_t at, const struct catalogue *catalogue,
                   const struct keys *ledger, const struct leaf *leaf);
void parties_revoke(struct parties *parties, uint64_t at, const char *id);
/* What a leaf says that changes an agent's keys. */
void parties_change_keys(struct parties *parties, uint64_t at, struct bytes_view sealed,
                         const struct key_change *change);
/* An admission that was not refused. */
void parties_admit(struct parties *parties, uint64_t at, const struct catalogue *catalogue,
                   const struct party *by, const struct park_act *act);

/* Whose seal this is; NULL, and it is said, if nobody's who is enrolled. `ret_payload` is set also where the
 * signature does not hold, which is said too. */
struct party *parties_open(struct parties *parties, uint64_t at, struct bytes_view sealed,
                           enum seal_label label, struct bytes_view *ret_payload,
                           uint8_t ret_id[static SEAL_HASH_SIZE]);

/* That it had rights when it said this, in its own name, with a number that it had not used, and a key that
 * seals numbers so far. */
void parties_check(struct parties *parties, uint64_t at, struct party *party, struct bytes_view sealed,
                   const char *said_by, uint64_t sequence);

bool party_may_report(const struct party *party, const struct catalogue *catalogue, const char *form);

#endif
