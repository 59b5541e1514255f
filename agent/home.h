/* The agent's data folder: identity, enrolment, catalogue and register, configuration, locks.
 *
 *   identity.key     the agent's keys (mode 0600)
 *   enrolment        what `join` brought: endpoints, the aggregator's keys, the certificate, which invitation
 *   catalogue.yaml   with catalogue.seal beside it: as served, hash and seal verified
 *   register.csv     with register.seal beside it, likewise
 *   register.image   the register compiled: a cache, made again where it is missing
 *   outbox.db        what was made to be sent, and what came back
 *   agent.yaml       configuration, optional
 *   lock.push, lock.link   one process prepares, one process sends at a time
 *   lock.run         one service at a time */
#ifndef PARKTALLY_AGENT_HOME_H
#define PARKTALLY_AGENT_HOME_H

#include "agent/mapping.h"
#include "common/catalogue.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/identity.h"
#include "common/key_chain.h"
#include "common/register.h"

#include <glib.h>
#include <stdbool.h>

/* Read from agent.yaml; see deploy/agent.example.yaml. Texts "" where absent. */
struct agent_config {
  char *review_folder; /* 待审: checked only */
  char *submit_folder; /* 报送: sent */
  char *approved_by, *responsible, *filler, *telephone;
  char *proxy;         /* SOCKS5, host:port */
  GPtrArray *mappings; /* of struct mapping_rules, NULL-terminated */
};

struct home {
  char *folder;
  struct identity *identity;
  struct key_chain *keys; /* this agent's, from those of its certificate to those of `identity` */
  struct certificate *certificate;
  GBytes *sealed_certificate; /* as the aggregator gave it */
  char *endpoint;
  char *enrol_endpoint;     /* NULL where it joined before this was kept */
  struct key_chain *server; /* the aggregator's, from those of the invitation on, as far as is known */
  char *invitation; /* hash of the secret it joined with, in hexadecimal; NULL where it is not known */
  struct catalogue *catalogue; /* NULL until fetched */
  struct unit_register *units; /* NULL until fetched */
  uint8_t register_hash[SEAL_HASH_SIZE];
  int area; /* of the certificate, in the catalogue; CATALOGUE_NONE if it does not know it */
  struct agent_config config;
  char *trouble; /* why a stored catalogue or register was set aside, to be fetched again; or NULL */
  int64_t document_stamps[2]; /* of the seals as read; see home_refresh() */
  int64_t key_stamps[2];      /* of identity.key and of enrolment, likewise: home_refresh_keys() */
};

/* `--data DIR`, else $PARKTALLY_DATA, else /var/lib/park-agent. Newly allocated. */
char *home_folder(const char *option);

/* Opens an enrolled folder. ERROR_CONFIG where it is not enrolled (says how to join), a file is damaged, or
 * agent.yaml has mistakes (all of them, with line and column). A catalogue or register that is not what its
 * seal says is set aside
 * (`trouble`), as the link fetches it again. `config` is the path of the configuration or NULL: agent.yaml in
 * the folder, if there. */
struct home *home_open(const char *folder, const char *config, GError **error);
void home_free(struct home *home);
CLEANUP_DEFINE(struct home, home_free)

/* The proxy that agent.yaml in the folder names, "" if none; for joining, when there is no home yet. Newly
 * allocated. */
char *home_proxy(const char *folder, GError **error);

/* Only the configuration, for `check --config`. */
bool home_check_config(const char *path, GError **error);

/* Stores what `join` got, durably. `certificate` is sealed. */
bool home_enrol(const char *folder, const struct invitation *invitation, const uint8_t *certificate,
                size_t length, GError **error);

/* Whether the folder joined with just this invitation. */
bool home_joined_with(const struct home *home, const struct invitation *invitation);

/* Stores a document whose hash and seal the caller has verified, durably, and takes it into use. */
bool home_store_document(struct home *home, enum document_kind kind, const uint8_t *data, size_t length,
                         const uint8_t *manifest, size_t manifest_length, GError **error);

/* Takes into use what another process or thread has stored since. */
bool home_refresh(struct home *home, GError **error);

/* --- keys --- */

/* Takes into use keys that another process has changed since, this agent's or the aggregator's. `ret_changed`
 * (may be NULL): whether there were any. */
bool home_refresh_keys(struct home *home, bool *ret_changed, GError **error);

/* Replaces this agent's keys by new ones, durably: numbers up to `until` were sealed with those of before.
 * The lock "push" must be held. ERROR_CONFIG where it changed them too often. */
bool home_change_keys(struct home *home, uint64_t until, const char *reason, GError **error);

/* What it shows where agents enrol: its certificate, and which keys it has had since. Sealed. */
GBytes *home_return(const struct home *home);

/* Opens what the aggregator has sealed, with whichever of its keys. `ret_link` (may be NULL) says which one:
 * what names a tree is to be asked of key_link_may_seal(), for a key that was changed signs no later one. */
enum seal_status home_open_sealed(const struct home *home, struct bytes_view sealed, enum seal_label label,
                                  struct bytes_view *ret_payload, const struct key_link **ret_link);
/* The same of receipts and heads, whose tree is looked at: key_chain_open_receipt(), key_chain_open_head().
 */
struct receipt *home_open_receipt(const struct home *home, struct bytes_view sealed,
                                  enum seal_status *ret_status);
struct signed_head *home_open_head(const struct home *home, struct bytes_view sealed);

/* Takes over what the aggregator says of its own keys, durably. `ret_changed` (may be NULL) as above.
 * ERROR_DATA, and nothing changed, where they do not follow from those that are known. */
bool home_take_server_keys(struct home *home, const struct bytes_view *changes, size_t count,
                           bool *ret_changed, GError **error);

/* home_lock() of "push", for who seals: then with the keys that are in force. */
int home_lock_to_seal(struct home *home, GError **error);

/* Takes a lock of the folder ("push", "link", "run"), held until the descriptor is closed. −1 and
 * ERROR_TEMPORARY if another process holds it and `wait` is false. */
int home_lock(const char *folder, const char *name, bool wait, GError **error);

#endif
