/* park-aggregator audit list, verify: the journal of what operators did, each act with who and why, as the
 * ledger has it. */
#include "aggregator/folder.h"
#include "aggregator/key_change.h"
#include "aggregator/leaf_act.h"
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/print.h"
#include "aggregator/proof.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

static const struct print_column columns[] = {
    {"position", N_("leaf"), PRINT_COUNT},
    {"recorded", N_("recorded"), PRINT_TEXT},
    {"by", N_("by whom"), PRINT_TEXT},
    {"act", N_("act"), PRINT_TEXT},
    {"about", N_("about"), PRINT_TEXT},
    {"reason", N_("reason"), PRINT_TEXT},
    {NULL, NULL, PRINT_TEXT},
};

struct journal {
  struct store *store;
  const struct catalogue *catalogue;
  const char *by, *act; /* these alone; NULL: all */
  struct print *print;
  uint64_t acts, nameless;
};

/* --- walking --- */

/* Who did it, and why, newly allocated: the operator, or the agent that joined or changed its keys. */
static void find_doer(const struct leaf *leaf, const char *about, char **ret_by, char **ret_reason)
{
  CLEANUP(key_change_free)
  struct key_change *change = leaf->kind == LEAF_KEY ? key_change_peek(&leaf->key.sealed) : NULL;
  bool own = change && *change->agent;

  *ret_by = g_strdup(leaf->kind == LEAF_ENROLMENT ? about : own ? change->agent : leaf->by);
  *ret_reason = g_strdup(own ? change->reason : leaf->reason);
}

static void print_act(struct journal *journal, uint64_t position, const struct leaf *leaf, const char *act,
                      const char *about, const char *by, const char *reason)
{
  g_autofree char *recorded = moment_format(journal->catalogue, leaf->recorded_at_ms);

  print_count(journal->print, (int64_t)position);
  print_cell(journal->print, recorded);
  print_cell(journal->print, by);
  print_cell(journal->print, act);
  print_cell(journal->print, about);
  print_cell(journal->print, reason);
}

static bool take(uint64_t position, void *data)
{
  struct journal *journal = data;
  g_autoptr(GBytes) body = store_leaf(journal->store, position);
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;
  g_autofree char *about = NULL, *by = NULL, *reason = NULL;
  const char *act = leaf ? leaf_act(leaf, &about) : NULL;

  if (!leaf) return false; /* told at the commit */
  if (!act) return true;
  find_doer(leaf, about, &by, &reason);
  if ((journal->by && strcmp(journal->by, by) != 0) || (journal->act && strcmp(journal->act, act) != 0))
    return true;
  journal->acts++;
  journal->nameless += !*by;
  if (journal->print) print_act(journal, position, leaf, act, about, by, reason);
  return true;
}

/* --- list --- */

static int list(struct office *office, struct control_request *request, struct journal *journal,
                enum print_format format)
{
  GError *error = NULL;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  CLEANUP(print_free) struct print *print = NULL;

  if (!snapshot) return office_fail(request, error);
  journal->store = office->reader;
  journal->catalogue = snapshot->catalogue;
  journal->print = print = print_new(columns, format);
  store_each_act(office->reader, 0, take, journal);
  if (!store_commit(office->reader, &error)) return office_fail(request, error);
  print_finish(print, request->output);
  return 0;
}

int office_audit_list(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *format_text = NULL, *by = NULL, *act = NULL;
  const GOptionEntry entries[] = {
      {"by", 0, 0, G_OPTION_ARG_STRING, &by, N_("what this user did"), N_("USER")},
      {"act", 0, 0, G_OPTION_ARG_STRING, &act, N_("acts of this kind, such as revoke"), N_("ACT")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format_text, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  struct journal journal = {0};
  enum print_format format;
  int exit_code;

  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!office_read_format(request, format_text, &format)) return ERROR_USAGE;
  journal.by = by;
  journal.act = act;
  return list(office, request, &journal, format);
}

/* --- verify --- */

/* Every leaf's hash, whatever kind it is of, comes to the head; each act's bytes have the hash of its leaf.
 */
static bool comes_to_head(struct store *store, const struct tree_head *head)
{
  uint8_t hashes[256][MERKLE_HASH_SIZE], root[MERKLE_HASH_SIZE];
  struct merkle tree;

  merkle_init(&tree);
  for (uint64_t n = 0; n < head->size; n += G_N_ELEMENTS(hashes)) {
    size_t count = MIN(head->size - n, G_N_ELEMENTS(hashes));

    if (!store_nodes(store, 0, n, count, hashes)) return false;
    for (size_t i = 0; i < count; i++) merkle_append(&tree, hashes[i]);
  }
  merkle_root(&tree, root);
  return memcmp(root, head->root, sizeof root) == 0;
}

/* What `list` shows is taken from a list of which leaves are acts; this is from the leaves themselves, all of
 * which are read: not by the server. */
static int verify(struct office *office, struct control_request *request)
{
  g_autofree char *path = folder_path(office->config->data, "store.db");
  g_autofree char *key = folder_path(office->config->data, "identity.key");
  GError *error = NULL;
  CLEANUP(identity_free) struct identity *identity = identity_load(key, &error);
  CLEANUP(store_close) struct store *store = identity ? store_open(path, STORE_READ, &error) : NULL;
  struct journal journal = {.store = store}, listed = journal;
  struct tree_head head = {0};
  g_autoptr(GBytes) sealed = NULL;
  bool whole;

  if (!store) return office_fail(request, error);
  store_begin(store);
  whole = proof_head(store, &head) && comes_to_head(store, &head);
  store_each_act(store, 0, take, &listed);
  for (uint64_t n = 0; n < head.size && take(n, &journal); n++) continue;
  if (whole) sealed = proof_sign(store, identity, &head);
  if (!store_commit(store, &error)) return office_fail(request, error);
  if (!whole) {
    control_err(request->output,
                _("park-aggregator: the leaves do not come to the ledger's head; “park-aggregator "
                  "ledger verify” says more\n"));
    return ERROR_DATA;
  }
  if (listed.acts != journal.acts) {
    control_err(request->output,
                _("park-aggregator: “audit list” shows %" PRIu64 " acts, the ledger has %" PRIu64
                  ": the list of leaves was changed; “park-aggregator ledger verify” says where\n"),
                listed.acts, journal.acts);
    return ERROR_DATA;
  }
  if (journal.nameless > 0) {
    control_err(request->output,
                _("park-aggregator: of %" PRIu64 " acts %" PRIu64 " do not say who did them\n"), journal.acts,
                journal.nameless);
    return ERROR_DATA;
  }
  g_autofree char *text = head_text(g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
  control_out(request->output,
              _("%" PRIu64 " acts are as they were recorded, in a ledger of %" PRIu64 " leaves:\n%s\n"),
              journal.acts, head.size, text);
  return 0;
}

int office_audit_verify(struct office *office, struct control_request *request, int argc, char **argv)
{
  const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
  int exit_code;

  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  return verify(office, request);
}
