/* park-aggregator ledger prove: that a submission, or any leaf, is in the ledger, for whoever holds a signed
 * head. */
#include "aggregator/office.h"
#include "aggregator/proof.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

struct proof {
  uint64_t position;
  struct tree_head head;
  uint8_t leaf_hash[MERKLE_HASH_SIZE];
  struct merkle_proof path;
  GBytes *leaf, *sealed; /* the leaf's bytes; the signed head */
};

static void proof_clear(struct proof *proof)
{
  if (proof->leaf) g_bytes_unref(proof->leaf);
  if (proof->sealed) g_bytes_unref(proof->sealed);
}

/* By the hexadecimal id of a submission or an act, or by the leaf's number. */
static bool find_leaf(struct store *store, const char *what, uint64_t leaves, uint64_t *ret_position,
                      GError **error)
{
  uint8_t id[SUBMISSION_ID_SIZE];

  if (text_unhex(what, sizeof id, id)) {
    if (store_submission_position(store, id, ret_position)) return true;
    g_set_error(error, PARKTALLY_ERROR, ERROR_DATA, _("the ledger has no submission %s"), what);
    return false;
  }
  if (leaves > 0 && g_ascii_string_to_unsigned(what, 10, 0, leaves - 1, ret_position, NULL)) return true;
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_USAGE,
      _("“%s” is neither the id of a submission (64 hexadecimal digits, as in its receipt) nor the number "
        "of one of the ledger's %" PRIu64 " leaves"),
      what, leaves);
  return false;
}

static bool make(struct office *office, const char *what, struct proof *proof, GError **error)
{
  struct store *store = office->reader;

  if (!proof_head(store, &proof->head)) return true; /* told at the commit */
  if (!find_leaf(store, what, proof->head.size, &proof->position, error)) return false;
  if (!proof_inclusion(store, proof->position, &proof->head, proof->leaf_hash, &proof->path)) return true;
  proof->leaf = store_leaf(store, proof->position);
  proof->sealed = proof_sign(store, office->identity, &proof->head);
  return true;
}

static json_t *path_json(const struct proof *proof)
{
  json_t *path = json_array();

  for (size_t n = 0; n < proof->path.count; n++) {
    g_autofree char *hash = text_hex(proof->path.hash[n], MERKLE_HASH_SIZE);

    json_array_append_new(path, json_string(hash));
  }
  return path;
}

static void print_json(struct control_request *request, const struct proof *proof, const char *hash,
                       const char *root, const char *head)
{
  gsize length;
  const uint8_t *data = g_bytes_get_data(proof->leaf, &length);
  g_autofree char *leaf = g_base64_encode(data, length);
  json_t *object = json_pack("{s:I, s:s, s:s, s:o, s:I, s:s, s:s}", "position", (json_int_t)proof->position,
                             "leaf", leaf, "leaf_hash", hash, "path", path_json(proof), "leaves",
                             (json_int_t)proof->head.size, "root", root, "head", head);
  char *line = json_dumps(object, JSON_COMPACT);

  control_write(request->output, line, strlen(line));
  control_out(request->output, "\n");
  free(line);
  json_decref(object);
}

static void print_proof(struct control_request *request, const struct proof *proof, bool json)
{
  g_autofree char *hash = text_hex(proof->leaf_hash, sizeof proof->leaf_hash);
  g_autofree char *root = text_hex(proof->head.root, sizeof proof->head.root);
  g_autofree char *head = head_text(g_bytes_get_data(proof->sealed, NULL), g_bytes_get_size(proof->sealed));

  if (json) {
    print_json(request, proof, hash, root, head);
    return;
  }
  control_out(request->output, _("leaf      %" PRIu64 " of %" PRIu64 "\nhash      %s\n"), proof->position,
              proof->head.size, hash);
  for (size_t n = 0; n < proof->path.count; n++) {
    g_autofree char *step = text_hex(proof->path.hash[n], MERKLE_HASH_SIZE);

    control_out(request->output, n == 0 ? _("path      %s\n") : "          %s\n", step);
  }
  control_out(request->output, _("root      %s\nhead      %s\n"), root, head);
}

static int run(struct office *office, struct control_request *request, const char *what, bool json)
{
  struct proof proof = {0};
  GError *error = NULL;
  int exit_code = 0;

  store_begin(office->reader);
  if (!make(office, what, &proof, &error)) {
    store_rollback(office->reader);
    exit_code = office_fail(request, error);
  } else if (!store_commit(office->reader, &error)) {
    exit_code = office_fail(request, error);
  } else {
    print_proof(request, &proof, json);
  }
  proof_clear(&proof);
  return exit_code;
}

int office_ledger_prove(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *format = NULL;
  const GOptionEntry entries[] = {
      {"format", 0, 0, G_OPTION_ARG_STRING, &format, N_("text (default) or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  bool json;

  if (!office_options(request, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  if (!office_read_text_or_json(request, format, &json)) return ERROR_USAGE;
  return run(office, request, argv[1], json);
}
