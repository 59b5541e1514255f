/* park-aggregator backup: everything that cannot be made again, in one file, beside a running server, and
 * read again before it is called done. The identity is backed up apart (key backup). */
#include "aggregator/delivery.h"
#include "aggregator/folder.h"
#include "aggregator/ledger_export.h"
#include "aggregator/ledger_file.h"
#include "aggregator/office.h"
#include "common/codec.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/merkle.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* Only where a person looks at it. */
static void show_progress(uint64_t done, uint64_t all, void *data)
{
  struct control_request *request = data;

  g_autofree char *progress = g_strdup_printf(_("%" PRIu64 " of %" PRIu64 " leaves"), done, all);

  control_err(request->output, "\r%s", progress);
  if (done >= all) control_err(request->output, "\n");
}

static char *read_configuration(const char *folder)
{
  g_autofree char *path = folder_path(folder, "aggregator.yaml");
  char *text = NULL;

  return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

struct checking {
  const uint8_t *sign_key;
  const char *path; /* where the file is to be */
  uint64_t leaves;
};

/* What stands on the disk now, as a restore would read it. */
static bool read_all(const char *path, struct checking *checking, GError **error)
{
  CLEANUP(ledger_file_close) struct ledger_file_reader *reader = ledger_file_open(path, error);
  CLEANUP(signed_head_free) struct signed_head *head = NULL;
  enum ledger_record kind;
  const uint8_t *data, *payload;
  size_t length;
  uint8_t hash[MERKLE_HASH_SIZE];
  struct merkle tree;
  GError *failure = NULL;

  if (!reader) return false;
  merkle_init(&tree);
  while (ledger_file_next(reader, &kind, &data, &length, &failure)) {
    if (kind == LEDGER_HEAD &&
        seal_open(data, length, SEAL_HEAD, checking->sign_key, &payload, &length, NULL) == SEAL_OK)
      head = signed_head_decode(payload, length);
    if (kind != LEDGER_LEAF) continue;
    merkle_leaf_hash(data, length, hash);
    merkle_append(&tree, hash);
  }
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  merkle_root(&tree, hash);
  checking->leaves = tree.size;
  if (head && head->size == tree.size && memcmp(head->root.data, hash, sizeof hash) == 0) return true;
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_DATA, _("its leaves do not come to its head"));
  return false;
}

static bool check(const char *path, void *data, GError **error)
{
  struct checking *checking = data;
  g_autoptr(GError) found = NULL;

  if (read_all(path, checking, &found)) return true;
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_DATA,
      _("%s: what is read back is not what was written (%s); check that disk, and back up again. The file "
        "that had this name before, if there was one, is as it was"),
      checking->path, found->message);
  return false;
}

static bool write_file(struct office *office, struct control_request *request, struct checking *checking,
                       GError **error)
{
  g_autofree char *configuration = read_configuration(office->config->data);
  struct ledger_export_options options = {.receipts = true, .configuration = configuration, .data = request};
  struct delivery *delivery = delivery_begin(checking->path, error);

  if (!delivery) return false;
  if (isatty(STDERR_FILENO)) options.progress = show_progress;
  if (ledger_export(office->config->data, request->output, &options, error))
    return delivery_end(delivery, true, check, checking, error);
  delivery_end(delivery, false, NULL, NULL, NULL);
  return false;
}

static int run(struct office *office, struct control_request *request, const char *path)
{
  g_autofree char *key = folder_path(office->config->data, "identity.key");
  GError *error = NULL;
  CLEANUP(identity_free) struct identity *identity = identity_load(key, &error);
  struct checking checking = {.path = path};

  if (!identity) return office_fail(request, error);
  checking.sign_key = identity_sign_public(identity);
  if (!write_file(office, request, &checking, &error)) return office_fail(request, error);
  control_out(request->output,
              _("%s: %" PRIu64
                " leaves with their receipts, written and read again. The keys are not in it: keep "
                "“park-aggregator key backup” of them somewhere else.\n"),
              path, checking.leaves);
  return 0;
}

int office_backup(struct office *office, struct control_request *request, int argc, char **argv)
{
  const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
  int exit_code;

  if (!office_options(request, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  return run(office, request, argv[1]);
}
