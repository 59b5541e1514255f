/* park-agent receipts verify: what is kept here proves, without anybody's help, that the city's ledger has
 * what the city acknowledged; or shows what it lacks. */
#include "agent/commands.h"
#include "agent/home.h"
#include "agent/outbox.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/merkle.h"
#include "common/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROOT_SHOWN 8 /* bytes; enough to compare by telephone */

struct known_head {
  uint64_t epoch, size; /* the key */
  uint8_t root[MERKLE_HASH_SIZE];
};

struct verification {
  const struct home *home;
  bool json;
  json_t *problems, *restores, *forks; /* what was told of, for programs */
  uint64_t receipts, heads, untied;
  uint64_t lost;     /* heads that a restore went back behind */
  GHashTable *roots; /* epoch and size → struct known_head; later ones come first */
  const struct known_head *newest;
  int64_t newest_ms; /* 0: it is a receipt's */
};

static void object(struct verification *verification, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void object(struct verification *verification, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  if (!verification->json) printf("%s\n", text);
  json_array_append_new(verification->problems, json_string(text));
}

static guint hash_head(const void *key)
{
  const struct known_head *head = key;

  return (guint)(head->size * 31 + head->epoch);
}

static gboolean is_same_head(const void *left, const void *right)
{
  const struct known_head *a = left, *b = right;

  return a->epoch == b->epoch && a->size == b->size;
}

static const struct known_head *find_head(const struct verification *verification, uint64_t epoch,
                                          uint64_t size)
{
  return g_hash_table_lookup(verification->roots, &(struct known_head){.epoch = epoch, .size = size});
}

/* --- heads --- */

/* The signature is that of its receipts where it was never asked for. */
static void check_seal(struct verification *verification, const struct outbox_link *link)
{
  CLEANUP(signed_head_free) struct signed_head *head = NULL;

  if (link->sealed.length == 0) return;
  head = home_open_head(verification->home, link->sealed);
  if (!head || head->size != link->size || head->epoch != link->epoch ||
      memcmp(head->root.data, link->root.data, MERKLE_HASH_SIZE) != 0)
    object(verification,
           _("the head of %" PRIu64 " entries is not what the city signed; the disk may be damaged"),
           link->size);
  else if (verification->newest->size == link->size && verification->newest->epoch == link->epoch)
    verification->newest_ms = head->recorded_at_ms;
}

static void check_continuation(struct verification *verification, const struct outbox_link *link)
{
  const struct known_head *later = find_head(verification, link->continued_epoch, link->continued);

  if (link->continued == 0) {
    verification->untied +=
        verification->newest->size != link->size || verification->newest->epoch != link->epoch;
    return;
  }
  if (!later || link->path.length % MERKLE_HASH_SIZE != 0 ||
      !merkle_is_consistent(link->size, link->root.data, later->size, later->root,
                            (const uint8_t(*)[MERKLE_HASH_SIZE])link->path.data,
                            link->path.length / MERKLE_HASH_SIZE))
    object(verification,
           _("nothing proves that the ledger of %" PRIu64 " entries begins with the %" PRIu64
             " that the city signed before"),
           link->continued, link->size);
}

static void check_head(const struct outbox_link *link, void *data)
{
  struct verification *verification = data;
  struct known_head *known;

  verification->heads++;
  if (link->root.length != MERKLE_HASH_SIZE) {
    object(verification, _("the head of %" PRIu64 " entries is damaged"), link->size);
    return;
  }
  if (link->lost) {
    verification->lost++;
    return;
  }
  known = g_new(struct known_head, 1);
  known->epoch = link->epoch;
  known->size = link->size;
  memcpy(known->root, link->root.data, sizeof known->root);
  g_hash_table_add(verification->roots, known);
  if (!verification->newest) verification->newest = known;
  check_seal(verification, link);
  check_continuation(verification, link);
}

/* --- receipts --- */

static char *name_of(const struct outbox_evidence *evidence)
{
  char period[PERIOD_TEXT_SIZE];

  if (!evidence->form[0]) return g_strdup_printf(_("act %" PRIu64), evidence->sequence);
  return g_strdup_printf(_("submission %" PRIu64 " (%s %s)"), evidence->sequence, evidence->form,
                         period_format(evidence->period, period));
}

static bool is_of(const struct verification *verification, const struct outbox_evidence *evidence,
                  const struct receipt *receipt)
{
  return evidence->id.length == SUBMISSION_ID_SIZE &&
         memcmp(receipt->submission.data, evidence->id.data, SUBMISSION_ID_SIZE) == 0 &&
         strcmp(receipt->agent, verification->home->certificate->agent) == 0;
}

/* What is wrong with it; NULL: nothing. */
static const char *objection_to(const struct verification *verification,
                                const struct outbox_evidence *evidence)
{
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  const struct known_head *head;
  enum seal_status status;

  if (evidence->receipt.length == 0)
    return _("its receipt is lost; ask the city for it with “push”, or “outbox import” what was exported");
  receipt = home_open_receipt(verification->home, evidence->receipt, &status);
  if (status != SEAL_OK) return _("its receipt is not signed by the city; the disk may be damaged");
  if (!receipt || !is_of(verification, evidence, receipt))
    return _("its receipt is that of another submission");
  if (!merkle_is_included(receipt->leaf_hash.data, receipt->position, receipt->tree_size,
                          receipt->tree_root.data, receipt->path.hash, receipt->path.count))
    return _("its receipt does not prove that it is in the ledger");
  head = find_head(verification, receipt->tree_epoch, receipt->tree_size);
  if (!head) return _("the head that its receipt names is lost");
  if (memcmp(head->root, receipt->tree_root.data, sizeof head->root) != 0)
    return _(
        "its receipt names another ledger than the one that the city showed; keep this folder as evidence");
  return NULL;
}

static void check_receipt(const struct outbox_evidence *evidence, void *data)
{
  struct verification *verification = data;
  const char *objection = objection_to(verification, evidence);
  g_autofree char *name = objection ? name_of(evidence) : NULL;

  verification->receipts++;
  if (objection) object(verification, "%s: %s", name, objection);
}

static void check_fork(const struct outbox_fork *fork, void *data)
{
  struct verification *verification = data;
  g_autofree char *at = clock_format((struct wall_time){fork->at_ms});
  g_autofree char *over = fork->over_at_ms ? clock_format((struct wall_time){fork->over_at_ms}) : NULL;

  json_array_append_new(verification->forks, json_pack("{s:s, s:s?, s:I}", "at", at, "over_at", over, "lacks",
                                                       (json_int_t)fork->size));
  if (!over) {
    object(verification,
           _("on %s the city's server showed a ledger that lacks the %" PRIu64
             " entries that the city signed before, and does so still; keep this folder as evidence [%s]"),
           at, fork->size, finding_id(FINDING_LEDGER_FORKED));
    return;
  }
  if (!verification->json)
    printf(_("on %s the city's server showed another ledger; since %s it is the right one again\n"), at,
           over);
}

/* The ledger must go on from where the city said. */
static void check_restore(const struct outbox_restore *restore, void *data)
{
  struct verification *verification = data;
  g_autofree char *at = clock_format((struct wall_time){restore->restored_at_ms});
  CLEANUP(epoch_free) struct epoch *epoch = NULL;
  struct bytes_view payload;

  json_array_append_new(verification->restores,
                        json_pack("{s:I, s:s, s:I, s:I, s:b}", "number", (json_int_t)restore->number, "at",
                                  at, "leaves", (json_int_t)restore->size, "sent_again",
                                  (json_int_t)restore->sent_again, "left", restore->left));
  if (home_open_sealed(verification->home, restore->sealed, SEAL_EPOCH, &payload, NULL) == SEAL_OK)
    epoch = epoch_decode(payload.data, payload.length);
  if (!epoch || epoch->number != restore->number || epoch->size != restore->size)
    object(verification, _("what the city said of restore %" PRIu64 " is not what it signed"),
           restore->number);
  else if (!verification->json)
    printf(_("on %s the city's server was restored from a backup of %" PRIu64 " entries; %" PRIu64
             " submissions that it had acknowledged since were sent again\n"),
           at, restore->size, restore->sent_again);
}

/* --- the command --- */

static void print_text(const struct verification *verification)
{
  g_autofree char *root = verification->newest ? text_hex(verification->newest->root, ROOT_SHOWN) : NULL;
  g_autofree char *time =
      verification->newest_ms ? clock_format((struct wall_time){verification->newest_ms}) : g_strdup("—");

  if (json_array_size(verification->problems) > 0)
    printf(_("%zu of these are wrong: show them to the city, and keep this folder as it is\n"),
           json_array_size(verification->problems));
  else if (verification->receipts == 0)
    printf(_("there is no receipt yet\n"));
  else
    printf(_("%" PRIu64
             " receipts: each is signed by the city and proves that its submission is in the ledger\n"),
           verification->receipts);
  if (verification->newest)
    printf(_("newest head of the ledger: %" PRIu64 " entries, %s, root %s…; it continues %" PRIu64
             " earlier ones, %" PRIu64 " are not compared yet\n"),
           verification->newest->size, time, root,
           verification->heads - verification->lost - verification->untied - 1, verification->untied);
}

static void print_json(struct verification *verification)
{
  g_autofree char *root =
      verification->newest ? text_hex(verification->newest->root, MERKLE_HASH_SIZE) : NULL;
  json_t *result =
      json_pack("{s:I, s:I, s:I, s:I, s:O, s:O, s:O}", "receipts", (json_int_t)verification->receipts,
                "heads", (json_int_t)verification->heads, "not_compared", (json_int_t)verification->untied,
                "lost_heads", (json_int_t)verification->lost, "restores", verification->restores, "forks",
                verification->forks, "wrong", verification->problems);

  if (verification->newest) {
    json_object_set_new(result, "size", json_integer((json_int_t)verification->newest->size));
    json_object_set_new(result, "root", json_string(root));
  }
  json_dumpf(result, stdout, JSON_COMPACT);
  putchar('\n');
  json_decref(result);
}

static bool verify(struct verification *verification, GError **error)
{
  g_autofree char *path = g_build_filename(verification->home->folder, "outbox.db", NULL);
  CLEANUP(outbox_close) struct outbox *outbox = NULL;

  if (!g_file_test(path, G_FILE_TEST_EXISTS)) return true;
  outbox = outbox_open_to_look(path, error);
  return outbox && outbox_each_head(outbox, check_head, verification, error) &&
         outbox_each_receipt(outbox, check_receipt, verification, error) &&
         outbox_each_epoch(outbox, check_restore, verification, error) &&
         outbox_each_fork(outbox, check_fork, verification, error);
}

static int run(const char *data, bool json)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = home_folder(data);
  CLEANUP(home_free) struct home *home = home_open(folder, NULL, &error);
  struct verification verification = {.home = home, .json = json};
  int exit_code;

  if (!home) return command_fail(error);
  verification.problems = json_array();
  verification.restores = json_array();
  verification.forks = json_array();
  verification.roots = g_hash_table_new_full(hash_head, is_same_head, g_free, NULL);
  if (!verify(&verification, &error)) {
    exit_code = command_fail(error);
  } else {
    if (json)
      print_json(&verification);
    else
      print_text(&verification);
    exit_code = json_array_size(verification.problems) > 0 ? ERROR_DATA : 0;
  }
  g_hash_table_unref(verification.roots);
  json_decref(verification.problems);
  json_decref(verification.restores);
  json_decref(verification.forks);
  return exit_code;
}

int command_receipts_verify(int argc, char **argv)
{
  g_autofree char *data = NULL, *format = NULL;
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("the agent's folder"), N_("DIR")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format, N_("text (default) or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;

  if (!command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (format && strcmp(format, "json") != 0 && strcmp(format, "text") != 0) {
    g_autoptr(GError) error =
        g_error_new_literal(PARKTALLY_ERROR, ERROR_USAGE, _("--format is text or json"));
    return command_fail(error);
  }
  return run(data, g_strcmp0(format, "json") == 0);
}
