/* park-aggregator audit list, verify: the journal of what operators did, each act with who and why, as the
 * ledger has it. */
#include "aggregator/edition.h"
#include "aggregator/key_change.h"
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/print.h"
#include "aggregator/proof.h"
#include "common/clock.h"
#include "common/error.h"
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
  uint64_t acts, nameless, damaged;
};

/* --- what an act was --- */

static char *join(const char *first, const char *second, const char *third)
{
  GString *text = g_string_new(first);

  if (*second) g_string_append_printf(text, " %s", second);
  if (*third) g_string_append_printf(text, " %s", third);
  return g_string_free(text, FALSE);
}

static char *describe_certificate(const struct bytes_view *sealed)
{
  CLEANUP(certificate_free) struct certificate *certificate = NULL;
  const uint8_t *payload;
  size_t length;

  if (seal_peek(sealed->data, sealed->length, SEAL_CERTIFICATE, &payload, &length))
    certificate = certificate_decode(payload, length);
  return g_strdup(certificate ? certificate->agent : "");
}

static char *describe_edition(const struct leaf *leaf)
{
  CLEANUP(edition_free) struct edition *edition = edition_of_leaf(leaf, NULL);

  return edition ? g_strdup_printf("%" PRIu64 " %s %s %c", edition->number, edition->form, edition->period,
                                   (char)edition->vintage)
                 : g_strdup("");
}

static char *describe_inquiries(const struct leaf *leaf)
{
  GString *text = g_string_new(NULL);

  if (leaf->accept.inquiry_count == 0) {
    g_string_free(text, TRUE);
    return join(leaf->accept.form, leaf->accept.period, leaf->accept.area);
  }
  for (size_t n = 0; n < leaf->accept.inquiry_count; n++)
    g_string_append_printf(text, "%s%" PRIu64, n > 0 ? ", " : "", leaf->accept.inquiries[n]);
  return g_string_free(text, FALSE);
}

static char *describe_question(const struct leaf *leaf)
{
  g_autofree char *report = join(leaf->ask.form, leaf->ask.period, leaf->ask.unit);

  return leaf->ask.inquiry > 0 ? g_strdup_printf("%" PRIu64, leaf->ask.inquiry) : g_steal_pointer(&report);
}

static char *describe_consent(const struct leaf *leaf)
{
  g_autofree char *report = join(leaf->consent.form, leaf->consent.period, leaf->consent.unit);

  return join(report, leaf->consent.rule, "");
}

/* In UTC, as no catalogue is at hand that would know the zone's clock. */
static char *describe_revocation(const struct leaf *leaf)
{
  g_autofree char *since = leaf->revocation.doubtful_since_ms
                               ? clock_format((struct wall_time){leaf->revocation.doubtful_since_ms})
                               : g_strdup("");

  return join(leaf->revocation.agent, since, "");
}

/* Whose, and its new signing key; "" before it: the city's. */
static char *describe_keys(const struct bytes_view *sealed)
{
  CLEANUP(key_change_free) struct key_change *change = key_change_peek(sealed);
  uint8_t id[SEAL_HASH_SIZE];

  if (!change) return g_strdup("");
  seal_key_id(change->sign_key.data, id);
  g_autofree char *shown = text_hex(id, sizeof id);
  return join(change->agent, shown, "");
}

/* The code of the act, as commands are called, and what it was about; NULL of what nobody did. */
static const char *describe(const struct leaf *leaf, char **ret_about)
{
  static const char *const PERIODS[] = {[PERIOD_TO_OPEN] = "period open",
                                        [PERIOD_TO_CLOSE] = "period close",
                                        [PERIOD_TO_REOPEN] = "period reopen"};

  switch (leaf->kind) {
  case LEAF_GENESIS:
    *ret_about = g_strdup("");
    return "init";
  case LEAF_CATALOGUE:
    *ret_about = g_strdup_printf("catalogue.yaml, %zu", leaf->catalogue.text.length);
    return "catalogue";
  case LEAF_REGISTER:
    *ret_about = g_strdup_printf("CSV, %zu", leaf->register_.text.length);
    return "register import";
  case LEAF_INVITATION:
    *ret_about = g_strdup(leaf->invitation.area);
    return "invite";
  case LEAF_ENROLMENT:
    *ret_about = describe_certificate(&leaf->enrolment.certificate);
    return leaf->enrolment.secret_hash.length > 0 ? "join" : "return";
  case LEAF_REVOCATION:
    *ret_about = describe_revocation(leaf);
    return "revoke";
  case LEAF_PERIOD:
    *ret_about = join(leaf->period.form, leaf->period.period, leaf->period.area);
    return PERIODS[leaf->period.action];
  case LEAF_ASK:
    *ret_about = describe_question(leaf);
    return "ask";
  case LEAF_ACCEPT:
    *ret_about = describe_inquiries(leaf);
    return "accept";
  case LEAF_CONSENT:
    *ret_about = describe_consent(leaf);
    return "consent";
  case LEAF_DECLINE:
    *ret_about = g_strdup_printf("%" PRIu64, leaf->decline.application);
    return "decline";
  case LEAF_EDITION:
    *ret_about = describe_edition(leaf);
    return "period publish";
  case LEAF_EPOCH:
    *ret_about = g_strdup("");
    return "restore";
  case LEAF_RESUME:
    *ret_about = g_strdup_printf("%" PRIu64, leaf->resume.epoch);
    return "resume";
  case LEAF_KEY:
    *ret_about = describe_keys(&leaf->key.sealed);
    return "key rotate";
  case LEAF_NOTE:
    *ret_about = g_strdup(leaf->note.detail);
    return leaf->note.act;
  case LEAF_SUBMISSION: /* what parks and the examiner did is told elsewhere */
  case LEAF_PARK_ACT:
  case LEAF_EXAMINATION:
    break;
  }
  return NULL;
}

/* --- walking --- */

static bool is_agents_own(const struct leaf *leaf)
{
  CLEANUP(key_change_free)
  struct key_change *change = leaf->kind == LEAF_KEY ? key_change_peek(&leaf->key.sealed) : NULL;

  return leaf->kind == LEAF_ENROLMENT || (change && *change->agent);
}

static void print_act(struct journal *journal, uint64_t position, const struct leaf *leaf, const char *act,
                      const char *about)
{
  g_autofree char *recorded = moment_format(journal->catalogue, leaf->recorded_at_ms);

  print_count(journal->print, (int64_t)position);
  print_cell(journal->print, recorded);
  print_cell(journal->print, is_agents_own(leaf) ? about : leaf->by);
  print_cell(journal->print, act);
  print_cell(journal->print, about);
  print_cell(journal->print, leaf->reason);
}

static bool take(uint64_t position, void *data)
{
  struct journal *journal = data;
  g_autoptr(GBytes) body = store_leaf(journal->store, position);
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;
  g_autofree char *about = NULL;
  const char *act = leaf ? describe(leaf, &about) : NULL;

  if (!leaf) return false; /* told at the commit */
  if (!act || (journal->by && strcmp(journal->by, leaf->by) != 0) ||
      (journal->act && strcmp(journal->act, act) != 0))
    return true;
  journal->acts++;
  journal->nameless += !*leaf->by && !is_agents_own(leaf);
  if (journal->print) print_act(journal, position, leaf, act, about);
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

static int verify(struct office *office, struct control_request *request)
{
  struct journal journal = {.store = office->reader};
  struct tree_head head = {0};
  GError *error = NULL;
  g_autoptr(GBytes) sealed = NULL;
  bool whole;

  store_begin(office->reader);
  whole = proof_head(office->reader, &head) && comes_to_head(office->reader, &head);
  store_each_act(office->reader, 0, take, &journal);
  if (whole) sealed = proof_sign(office->reader, office->identity, &head);
  if (!store_commit(office->reader, &error)) return office_fail(request, error);
  if (!whole) {
    control_err(request->output,
                _("park-aggregator: the leaves do not come to the ledger's head; “park-aggregator "
                  "ledger verify” says more\n"));
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
