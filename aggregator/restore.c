/* park-aggregator restore: a data folder out of a backup. It begins a new epoch, signed, in which nothing is
 * taken until somebody has looked after revocations (resume). */
#include "aggregator/commands.h"
#include "aggregator/epoch_start.h"
#include "aggregator/folder.h"
#include "aggregator/ledger_file.h"
#include "aggregator/ledger_put.h"
#include "aggregator/replay.h"
#include "aggregator/snapshot.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/key_chain.h"
#include "common/passphrase.h"
#include "common/text.h"
#include "common/who.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AFTER_MOST 99991231235959

struct restoring {
  const char *file, *key; /* paths */
  const char *reason;
  guint64 after;
  struct identity *identity;
  struct store *store;
  struct key_chain *keys;   /* from those of the ledger's start to those of `identity` */
  struct signed_head *head; /* what the file says that it holds */
  char *configuration;
  uint64_t leaves;
};

static bool refuse(const struct restoring *restoring, const char *what, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA, _("%s: %s; use another backup"), restoring->file, what);
  return false;
}

/* --- records --- */

static bool take_head(struct restoring *restoring, const uint8_t *data, size_t length, GError **error)
{
  const struct key_link *link;
  const uint8_t *payload;
  size_t payload_length;
  enum seal_status status =
      key_chain_open(restoring->keys, data, length, SEAL_HEAD, &payload, &payload_length, NULL, &link);

  if (restoring->head || restoring->leaves > 0)
    return refuse(restoring, _("a head where none may be"), error);
  if (status == SEAL_OTHER_KEY)
    return refuse(
        restoring,
        _("it was made with other keys than the ones that were named: those of another city, or newer ones"),
        error);
  if (status == SEAL_OK) restoring->head = signed_head_decode(payload, payload_length);
  return restoring->head && key_link_may_seal(link, restoring->head->epoch, restoring->head->size)
             ? true
             : refuse(restoring, _("its head is not what was signed"), error);
}

static bool take_leaf(struct restoring *restoring, const uint8_t *data, size_t length, GError **error)
{
  if (!restoring->head) return refuse(restoring, _("it begins without a head"), error);
  if (!ledger_put_leaf(restoring->store, restoring->leaves, data, length))
    return refuse(restoring, _("a leaf of the ledger in it cannot be read"), error);
  restoring->leaves++;
  if (restoring->leaves % LEDGER_PUT_STEP != 0) return true;
  if (!store_commit(restoring->store, error)) return false;
  store_begin(restoring->store);
  return true;
}

/* Behind its leaf. */
static bool take_receipt(struct restoring *restoring, const uint8_t *data, size_t length, GError **error)
{
  uint64_t position;

  if (!ledger_put_receipt(restoring->store, restoring->keys, data, length, &position) ||
      position + 1 != restoring->leaves)
    return refuse(restoring, _("a receipt in it is not what was signed"), error);
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
  struct merkle tree;
  uint8_t root[MERKLE_HASH_SIZE];
  GError *failure = NULL;

  if (!reader) return false;
  while (ledger_file_next(reader, &kind, &data, &length, &failure))
    if (!take_record(restoring, kind, data, length, error)) return false;
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  if (!ledger_put_tree(restoring->store, restoring->leaves, &tree)) return true; /* told at the commit */
  merkle_root(&tree, root);
  return (restoring->head && restoring->head->size == tree.size &&
          memcmp(restoring->head->root.data, root, sizeof root) == 0) ||
         refuse(restoring, _("its leaves do not come to its head"), error);
}

static bool make_store(struct restoring *restoring, const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  bool done;

  restoring->store = store_open(path, STORE_CREATE, error);
  if (!restoring->store) return false;
  store_begin(restoring->store);
  done = read_file(restoring, error);
  if (done)
    done = store_commit(restoring->store, error);
  else
    store_rollback(restoring->store);
  store_close(restoring->store);
  return done;
}

/* The catalogue in force as the file that operators know. */
static bool write_files(const struct restoring *restoring, const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  g_autofree char *catalogue = folder_path(folder, "catalogue.yaml");
  g_autofree char *configuration = folder_path(folder, "aggregator.yaml");
  const GFileSetContentsFlags flags = G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE;
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, error);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = store ? snapshot_load(store, error) : NULL;

  if (!snapshot || !g_file_set_contents_full(catalogue, snapshot->catalogue->text,
                                             (gssize)snapshot->catalogue->text_length, flags, 0644, error))
    return false;
  return !restoring->configuration ||
         g_file_set_contents_full(configuration, restoring->configuration, -1, flags, 0644, error);
}

/* A restore is told from others by its time. */
static bool check_clock(const struct restoring *restoring, GError **error)
{
  g_autofree char *now = NULL, *last = NULL;

  if (restoring->after > 0 || clock_wall().ms >= restoring->head->recorded_at_ms) return true;
  now = clock_format(clock_wall());
  last = clock_format((struct wall_time){restoring->head->recorded_at_ms});
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_CONFIG,
      _("this computer's clock says %s, the last entry of the backup is from %s: set the clock right. If "
        "it is right, and the city's was ahead, name with --after the latest restore that parks know, "
        "by its time, such as 20261129191045, or 1 if there was none"),
      now, last);
  return false;
}

static bool fill(const char *folder, void *data, GError **error)
{
  struct restoring *restoring = data;
  g_autofree char *key = folder_path(folder, "identity.key"), *by = who_is(getuid(), 0);

  return identity_store(restoring->identity, key, error) && make_store(restoring, folder, error) &&
         check_clock(restoring, error) && replay_rebuild(folder, NULL, NULL, error) &&
         epoch_start(folder, restoring->identity, restoring->after, by, restoring->reason, error) &&
         write_files(restoring, folder, error);
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
  if (restoring->identity) restoring->keys = key_chain_of(restoring->identity, "", &error);
  done = restoring->keys && folder_make(folder, fill, restoring, &error);
  key_chain_unref(restoring->keys);
  identity_free(restoring->identity);
  signed_head_free(restoring->head);
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
  g_autofree char *data = NULL, *key = NULL, *reason = NULL, *after = NULL;
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("data folder to make"), N_("DIR")},
      {"key", 0, 0, G_OPTION_ARG_FILENAME, &key, N_("what “key backup” wrote, or an identity.key"),
       N_("FILE")},
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; kept in the ledger"), N_("R")},
      {"after", 0, 0, G_OPTION_ARG_STRING, &after,
       N_("where a clock was wrong: the time of the latest restore that parks know, such as 20261129191045"),
       N_("TIME")},
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
  if (after && !g_ascii_string_to_unsigned(after, 10, 1, AFTER_MOST, &restoring.after, NULL)) {
    g_autoptr(GError) error = g_error_new_literal(
        PARKTALLY_ERROR, ERROR_USAGE,
        _("--after is the time of a restore, in UTC and without signs, such as 20261129191045"));
    return command_fail(error);
  }
  restoring.file = argv[1];
  restoring.key = key;
  restoring.reason = reason ? reason : "";
  return run(&restoring, data);
}
