/* park-aggregator ledger head: what the ledger is now, signed, for whoever will compare it later. */
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/proof.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>

#include <jansson.h>

static void print_json(struct control_request *request, const struct tree_head *head, const char *recorded,
                       const char *root, const char *key, const char *text)
{
  json_t *object = json_pack("{s:I, s:s, s:s, s:s, s:s}", "leaves", (json_int_t)head->size, "recorded",
                             recorded, "root", root, "key", key, "head", text);
  char *line = json_dumps(object, JSON_COMPACT);

  control_out(request->output, "%s\n", line);
  free(line);
  json_decref(object);
}

static void print_head(struct office *office, struct control_request *request,
                       const struct catalogue *catalogue, const struct tree_head *head, GBytes *sealed,
                       int64_t recorded_ms, bool json)
{
  uint8_t key_id[SEAL_HASH_SIZE];
  g_autofree char *recorded = moment_format(catalogue, recorded_ms);
  g_autofree char *root = text_hex(head->root, sizeof head->root);
  g_autofree char *text = head_text(g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
  g_autofree char *key = NULL;

  seal_key_id(identity_sign_public(office->identity), key_id);
  key = text_hex(key_id, sizeof key_id);
  if (json)
    print_json(request, head, recorded, root, key, text);
  else
    control_out(request->output,
                _("leaves    %" PRIu64 "\nrecorded  %s\nroot      %s\nkey       %s\nhead      %s\n"),
                head->size, recorded, root, key, text);
}

static int run(struct office *office, struct control_request *request, bool json)
{
  GError *error = NULL;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  struct tree_head head = {0};
  g_autoptr(GBytes) sealed = NULL;
  int64_t recorded_ms;

  if (!snapshot) return office_fail(request, error);
  if (proof_head(office->reader, &head)) sealed = proof_sign(office->reader, office->identity, &head);
  recorded_ms = store_last_recorded(office->reader);
  if (!store_commit(office->reader, &error)) return office_fail(request, error);
  print_head(office, request, snapshot->catalogue, &head, sealed, recorded_ms, json);
  return 0;
}

int office_ledger_head(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *format = NULL;
  const GOptionEntry entries[] = {
      {"format", 0, 0, G_OPTION_ARG_STRING, &format, N_("text (default) or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  bool json;

  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!office_read_text_or_json(request, format, &json)) return ERROR_USAGE;
  return run(office, request, json);
}
