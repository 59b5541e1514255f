/* park-aggregator restore: a data folder out of a backup. It begins a new epoch, signed, in which nothing is
 * taken until somebody has looked after revocations (resume). */
#include "aggregator/commands.h"
#include "aggregator/epoch.h"
#include "aggregator/folder.h"
#include "aggregator/key_change.h"
#include "aggregator/ledger.h"
#include "aggregator/ledger_file.h"
#include "aggregator/replay.h"
#include "aggregator/writer.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/key_chain.h"
#include "common/passphrase.h"
#include "common/submission.h"
#include "common/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STEP_LEAVES 256 /* in one transaction */

struct restoring {
  const char *file, *key; /* paths */
  const char *reason;
  struct identity *identity;
  struct store *store;
  struct ledger *ledger;
  struct key_chain *keys; /* from those of the ledger's start to those of `identity` */
  GBytes *sealed_head;
  struct signed_head *head;            /* what the file says that it holds */
  uint8_t last_id[SUBMISSION_ID_SIZE]; /* of the submission or act read last */
  bool has_last;
  char *configuration;
  uint64_t leaves;
};

static bool refuse(const struct restoring *restoring, const char *what, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA, _("%s: %s; use another backup"), restoring->file, what);
  return false;
}

static bool refuse_older(const struct restoring *restoring, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
              _("%s: the city's keys were changed after %s was made; name a newer “key backup”"),
              restoring->file, restoring->key);
  return false;
}

/* --- records --- */

/* Its seal is verified when the keys are known. */
static bool take_head(struct restoring *restoring, const uint8_t *data, size_t length, GError **error)
{
  const uint8_t *payload;
  size_t payload_length;

  if (restoring->head || restoring->leaves > 0)
    return refuse(restoring, _("a head where none may be"), error);
  if (seal_peek(data, length, SEAL_HEAD, &payload, &payload_length))
    restoring->head = signed_head_decode(payload, payload_length);
  restoring->sealed_head = g_bytes_new(data, length);
  return restoring->head ? true : refuse(restoring, _("its head is not what was signed"), error);
}

static bool opens(const struct restoring *restoring, const uint8_t *data, size_t length,
                  enum seal_label label, uint64_t epoch, uint64_t size)
{
  const struct key_link *link;
  const uint8_t *payload;
  size_t payload_length;

  return restoring->keys &&
         key_chain_open(restoring->keys, data, length, label, &payload, &payload_length, NULL, &link) ==
             SEAL_OK &&
         key_link_may_seal(link, epoch, size);
}

/* The first leaf has the first keys; the papers of those that were named lead from there to them. */
static bool take_first(struct restoring *restoring, const struct leaf *leaf, GError **error)
{
  const GPtrArray *papers = identity_papers(restoring->identity);
  struct key_chain *keys;
  bool leads = true;
  size_t length;
  const uint8_t *data = g_bytes_get_data(restoring->sealed_head, &length);

  keys = restoring->keys = key_chain_new("", leaf->genesis.curve_key.data, leaf->genesis.sign_key.data);
  for (guint n = 0; n < papers->len && leads; n++) {
    size_t size;
    const uint8_t *paper = g_bytes_get_data(papers->pdata[n], &size);

    leads = key_chain_add(keys, paper, size);
  }
  leads = leads && memcmp(key_chain_present(keys)->sign_key, identity_sign_public(restoring->identity),
                          SEAL_PUBLIC_KEY_SIZE) == 0;
  if (!leads) return refuse(restoring, _("it was made with other keys than the ones that were named"), error);
  if (opens(restoring, data, length, SEAL_HEAD, restoring->head->epoch, restoring->head->size)) return true;
  if (key_chain_find(keys, seal_claimed_key(data, length)))
    return refuse(restoring, _("its head is not what was signed"), error);
  return refuse_older(restoring, error);
}

/* A change of keys that the named ones do not know of came after them. */
static bool knows_change(const struct restoring *restoring, const struct leaf *leaf)
{
  const struct bytes_view *sealed = &leaf->key.sealed;
  CLEANUP(key_change_free) struct key_change *change = key_change_peek(sealed);

  if (change && *change->agent) return true; /* an agent's */
  for (guint n = 0; n < restoring->keys->papers->len; n++) {
    size_t length;
    const void *paper = g_bytes_get_data(restoring->keys->papers->pdata[n], &length);

    if (length == sealed->length && memcmp(paper, sealed->data, length) == 0) return true;
  }
  return false;
}

/* Where in the body the sealed bytes stand, which parts begin with; 0 of other kinds. */
static size_t sealed_at(const struct leaf *leaf, const uint8_t *body, size_t length)
{
  const struct bytes_view *sealed = &leaf->submission.sealed;
  const uint8_t *at;

  if (leaf->kind != LEAF_SUBMISSION) return 0;
  at = memmem(body, length, sealed->data, sealed->length);
  return at ? (size_t)(at - body) : 0;
}

/* What the store knows of a submission, or act, besides its leaf: as add_submission() of group.c has it. */
static bool note_submission(struct restoring *restoring, const struct leaf *leaf, uint64_t position)
{
  bool is_act = leaf->kind == LEAF_PARK_ACT;
  const struct bytes_view *sealed = is_act ? &leaf->park_act.sealed : &leaf->submission.sealed;
  CLEANUP(park_act_free) struct park_act *act = NULL;
  CLEANUP(submission_free) struct submission *submission = NULL;
  const uint8_t *payload;
  size_t length;

  restoring->has_last = is_act || leaf->kind == LEAF_SUBMISSION;
  if (!restoring->has_last) return true;
  if (!seal_peek(sealed->data, sealed->length, is_act ? SEAL_ACT : SEAL_SUBMISSION, &payload, &length))
    return false;
  seal_hash(payload, length, restoring->last_id);
  if (is_act)
    act = park_act_decode(payload, length);
  else
    submission = submission_decode(payload, length);
  if (!act && !submission) return false;
  store_submission_add(restoring->store, restoring->last_id, position,
                       act ? act->agent : submission_head(submission)->agent,
                       act ? act->sequence : submission_head(submission)->sequence);
  return true;
}

static bool take_leaf(struct restoring *restoring, const uint8_t *data, size_t length, GError **error)
{
  CLEANUP(leaf_free) struct leaf *leaf = leaf_decode(data, length);

  if (!restoring->head) return refuse(restoring, _("it begins without a head"), error);
  if (!leaf || !note_submission(restoring, leaf, restoring->leaves))
    return refuse(restoring, _("a leaf of the ledger in it cannot be read"), error);
  if (restoring->leaves == 0 && leaf->kind != LEAF_GENESIS)
    return refuse(restoring, _("its first leaf is not a ledger's first"), error);
  if (restoring->leaves == 0 && !take_first(restoring, leaf, error)) return false;
  if (leaf->kind == LEAF_KEY && !knows_change(restoring, leaf)) return refuse_older(restoring, error);
  ledger_append_bytes(restoring->ledger, leaf->kind, leaf->recorded_at_ms, data, length,
                      sealed_at(leaf, data, length));
  restoring->leaves++;
  if (restoring->leaves % STEP_LEAVES != 0) return true;
  ledger_seal(restoring->ledger);
  if (!store_commit(restoring->store, error)) return false;
  store_begin(restoring->store);
  return true;
}

static bool take_receipt(struct restoring *restoring, const uint8_t *data, size_t length, GError **error)
{
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  const uint8_t *payload;
  size_t payload_length;

  if (seal_peek(data, length, SEAL_RECEIPT, &payload, &payload_length))
    receipt = receipt_decode(payload, payload_length);
  if (!restoring->has_last || !receipt ||
      !opens(restoring, data, length, SEAL_RECEIPT, receipt->tree_epoch, receipt->tree_size))
    return refuse(restoring, _("a receipt in it is not what was signed"), error);
  store_receipt_put(restoring->store, restoring->last_id, data, length);
  restoring->has_last = false;
  return true;
}

static bool take_record(struct restoring *restoring, enum ledger_record kind, const uint8_t *data,
                        size_t length, GError **error)
{
  switch (kind) {
  case LEDGER_HEAD:
    return take_head(restoring, data, length, error);
  case LEDGER_LEAF:
    return take_leaf(restoring, data, length, error);
  case LEDGER_RECEIPT:
    return take_receipt(restoring, data, length, error);
  case LEDGER_CONFIGURATION:
    g_free(restoring->configuration);
    restoring->configuration = g_strndup((const char *)data, length);
    return true;
  case LEDGER_TABLES: /* they are made anew from the leaves */
    return refuse(restoring, _("this is an export for auditors, which has no receipts"), error);
  case LEDGER_END:
    break;
  }
  return refuse(restoring, _("a record of a kind that this program does not know"), error);
}

/* --- the whole of it --- */

static bool read_file(struct restoring *restoring, GError **error)
{
  CLEANUP(ledger_file_close) struct ledger_file_reader *reader = ledger_file_open(restoring->file, error);
  enum ledger_record kind;
  const uint8_t *data;
  size_t length;
  uint64_t size;
  uint8_t root[MERKLE_HASH_SIZE];
  GError *failure = NULL;

  if (!reader) return false;
  while (ledger_file_next(reader, &kind, &data, &length, &failure))
    if (!take_record(restoring, kind, data, length, error)) return false;
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  ledger_head(restoring->ledger, &size, root);
  if (!restoring->head || restoring->head->size != size ||
      memcmp(restoring->head->root.data, root, sizeof root) != 0)
    return refuse(restoring, _("its leaves do not come to its head"), error);
  ledger_seal(restoring->ledger);
  return true;
}

static bool make_store(struct restoring *restoring, const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  bool done;

  restoring->store = store_open(path, STORE_CREATE, error);
  if (!restoring->store) return false;
  restoring->ledger = ledger_new(restoring->store);
  store_begin(restoring->store);
  done = read_file(restoring, error);
  if (done)
    done = store_commit(restoring->store, error);
  else
    store_rollback(restoring->store);
  ledger_free(restoring->ledger);
  store_close(restoring->store);
  return done;
}

static void keep_error(const GError *error, void *data)
{
  GError **kept = data;

  if (!*kept) *kept = g_error_copy(error);
}

static GBytes *seal_epoch(const struct restoring *restoring, const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, error);
  g_autoptr(GBytes) sealed = NULL;

  if (!store) return NULL;
  store_begin(store);
  sealed = epoch_seal(store, restoring->identity, clock_wall().ms);
  return store_commit(store, error) ? g_steal_pointer(&sealed) : NULL;
}

/* The catalogue in force as the file that operators know. */
static bool write_files(const struct restoring *restoring, const char *folder, struct writer *writer,
                        GError **error)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(writer));
  g_autofree char *catalogue = folder_path(folder, "catalogue.yaml");
  g_autofree char *configuration = folder_path(folder, "aggregator.yaml");
  const GFileSetContentsFlags flags = G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE;

  if (!g_file_set_contents_full(catalogue, snapshot->catalogue->text,
                                (gssize)snapshot->catalogue->text_length, flags, 0644, error))
    return false;
  return !restoring->configuration ||
         g_file_set_contents_full(configuration, restoring->configuration, -1, flags, 0644, error);
}

/* Changes of keys that the backup does not have. */
static GArray *later_keys(const struct restoring *restoring, struct writer *writer)
{
  GArray *changes = g_array_new(FALSE, FALSE, sizeof(struct bytes_view));
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(writer));

  for (guint n = snapshot->keys->papers->len; n < restoring->keys->papers->len; n++) {
    struct bytes_view change;

    change.data = g_bytes_get_data(restoring->keys->papers->pdata[n], &change.length);
    g_array_append_val(changes, change);
  }
  return changes;
}

static bool begin_epoch(const struct restoring *restoring, const char *folder, GError **error)
{
  g_autoptr(GError) failure = NULL;
  CLEANUP(writer_free)
  struct writer *writer = writer_new(folder, restoring->identity, keep_error, &failure, error);
  g_autoptr(GBytes) sealed = writer ? seal_epoch(restoring, folder, error) : NULL;
  struct leaf leaf = {.kind = LEAF_EPOCH, .by = g_get_user_name(), .reason = restoring->reason};
  struct act act = {.kind = LEAF_EPOCH, .leaf = &leaf};

  if (!sealed) return false;
  g_autoptr(GArray) changes = later_keys(restoring, writer);
  leaf.epoch.sealed.data = g_bytes_get_data(sealed, &leaf.epoch.sealed.length);
  leaf.epoch.key_changes = (const struct bytes_view *)(const void *)changes->data;
  leaf.epoch.key_change_count = changes->len;
  return writer_act(writer, &act, NULL, error) && write_files(restoring, folder, writer, error);
}

static bool fill(const char *folder, void *data, GError **error)
{
  struct restoring *restoring = data;
  g_autofree char *key = folder_path(folder, "identity.key");

  return identity_store(restoring->identity, key, error) && make_store(restoring, folder, error) &&
         replay_rebuild(folder, NULL, NULL, error) && begin_epoch(restoring, folder, error);
}

/* --- the command --- */

static struct identity *load_identity(const char *path, GError **error)
{
  CLEANUP(passphrase_free) struct passphrase *passphrase = NULL;

  if (!identity_is_backup(path)) return identity_load(path, error);
  passphrase = passphrase_read(false, error);
  return passphrase ? identity_load_backup(path, passphrase_text(passphrase), error) : NULL;
}

static int run(struct restoring *restoring, const char *data)
{
  g_autofree char *folder = g_canonicalize_filename(data, NULL);
  g_autoptr(GError) error = NULL;
  bool done;

  restoring->identity = load_identity(restoring->key, &error);
  done = restoring->identity && folder_make(folder, fill, restoring, &error);
  identity_free(restoring->identity);
  signed_head_free(restoring->head);
  key_chain_unref(restoring->keys);
  if (restoring->sealed_head) g_bytes_unref(restoring->sealed_head);
  g_free(restoring->configuration);
  if (!done) return command_fail(error);
  g_print(_("%s: %" PRIu64 " leaves are restored, and every total is made anew from them.\n"
            "Start the server as before (park-aggregator run --data %s). It answers, and takes nothing until "
            "you have "
            "given “park-aggregator resume”, which says what to look after first.\n"),
          folder, restoring->leaves, folder);
  return 0;
}

int command_restore(int argc, char **argv)
{
  g_autofree char *data = NULL, *key = NULL, *reason = NULL;
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("data folder to make"), N_("DIR")},
      {"key", 0, 0, G_OPTION_ARG_FILENAME, &key, N_("what “key backup” wrote, or an identity.key"),
       N_("FILE")},
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; kept in the ledger"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  struct restoring restoring = {0};
  int exit_code;

  if (!command_options(NULL, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  if (!data || !key) {
    g_autoptr(GError) error =
        g_error_new_literal(PARKTALLY_ERROR, ERROR_USAGE,
                            _("name the folder to make with --data and the backup of the keys with --key"));
    return command_fail(error);
  }
  restoring.file = argv[1];
  restoring.key = key;
  restoring.reason = reason ? reason : "";
  return run(&restoring, data);
}
