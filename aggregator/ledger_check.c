/* park-aggregator ledger check: what of the store is damaged, by name; with --repair a whole store out of
 * what is good, and out of backups and exports (mend.h). */
#include "aggregator/damage.h"
#include "aggregator/mend.h"
#include "aggregator/office.h"
#include "aggregator/swap.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <unistd.h>

#include <jansson.h>

#define LISTED_MOST 1000 /* damages that are listed; the rest is counted */

struct check {
  struct control_request *request;
  const char *folder;
  const struct identity *identity;
  bool json, shows_progress, repairs;
  uint64_t listed;
  json_t *damages, *lines; /* NULL: not for programs */
};

/* Only where a person looks at it. */
static void show_progress(uint64_t done, uint64_t all, void *data)
{
  struct check *check = data;

  if (!check->shows_progress) return;
  g_autofree char *progress = g_strdup_printf(_("%" PRIu64 " of %" PRIu64 " leaves"), done, all);
  control_err(check->request->output, "\r%s", progress);
  if (done >= all) control_err(check->request->output, "\n");
}

/* --- looking --- */

static void list_damage(const struct damage *damage, void *data)
{
  struct check *check = data;
  g_autofree char *text = NULL;

  if (check->listed++ >= LISTED_MOST) return;
  text = damage_text(damage);
  if (check->json)
    json_array_append_new(check->damages,
                          json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "kind", damage_kind_id(damage->kind),
                                    "number", (json_int_t)damage->number, "subject", damage->subject, "found",
                                    damage->found, "expected", damage->expected, "text", text));
  else
    control_out(check->request->output, "%s\n", text);
}

static void print_sum(struct check *check, const struct damage_count *count)
{
  struct control_output *output = check->request->output;

  if (count->all > LISTED_MOST) control_out(output, _("… and %" PRIu64 " more\n"), count->all - LISTED_MOST);
  if (count->all == 0)
    control_out(output, _("%" PRIu64 " leaves: nothing is damaged\n"), count->leaves);
  else if (!check->repairs)
    control_err(
        output,
        _("park-aggregator: %" PRIu64
          " damages in %s/store.db. Keep the folder as it is and do not start the "
          "server; “park-aggregator ledger check --repair --from BACKUP” makes a whole store, and says "
          "beforehand what it cannot mend. Check the disk as well\n"),
        count->all, check->folder);
}

/* --- mending --- */

static void tell_line(const char *line, void *data)
{
  struct check *check = data;

  if (check->json)
    json_array_append_new(check->lines, json_string(line));
  else
    control_out(check->request->output, "%s\n", line);
}

static void print_given_up(struct check *check, const struct mend_result *result)
{
  struct control_output *output = check->request->output;

  control_out(
      output,
      _("%" PRIu64 " leaves are lost. The ledger goes on after leaf %" PRIu64 ", in a new epoch; what was "
        "printed above about what is behind it stands in %s too.\n"
        "Start the server; agents send by themselves what they still have. It takes nothing until you have "
        "given “park-aggregator resume”, which says what to look after first.\n"),
      result->lost, result->leaves - 2, result->notes);
  if (result->satchel)
    control_out(output,
                _("%" PRIu64
                  " submissions and acts of parks from behind it are set aside: give “park-aggregator "
                  "import %s” after that. They count once, also where an agent sends them itself.\n"),
                result->set_aside, result->satchel);
}

static void print_result(struct check *check, const struct mend_result *result)
{
  struct control_output *output = check->request->output;

  control_out(output,
              _("A whole store of %" PRIu64 " leaves is in place, %" PRIu64
                " of them out of the pages and %" PRIu64 " from the files that were named; %" PRIu64
                " receipts were signed anew. The damaged store is kept as "
                "%s.\n"),
              result->leaves, result->carved, result->fetched, result->signed_anew, result->aside);
  if (result->notes)
    print_given_up(check, result);
  else
    control_out(output, _("Nothing was lost: it is the same ledger as before.\n"));
}

static json_t *json_of(const struct mend_result *result)
{
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s*, s:s*}", "leaves", (json_int_t)result->leaves,
                   "carved", (json_int_t)result->carved, "fetched", (json_int_t)result->fetched,
                   "signed_anew", (json_int_t)result->signed_anew, "lost", (json_int_t)result->lost,
                   "set_aside", (json_int_t)result->set_aside, "aside", result->aside, "satchel",
                   result->satchel, "notes", result->notes);
}

static bool repair(struct check *check, const struct mend_options *options, json_t **ret_json, GError **error)
{
  struct mend_result result = {0};

  if (!mend(check->folder, check->identity, options, tell_line, show_progress, check, &result, error))
    return false;
  if (check->json)
    *ret_json = json_of(&result);
  else
    print_result(check, &result);
  mend_result_clear(&result);
  return true;
}

/* Of a run that was interrupted when the new store was in its place. */
static void finish(struct check *check)
{
  if (!mend_clear(check->folder)) return;
  control_err(check->request->output,
              _("A repair that was interrupted is finished. If it gave leaves up, set-aside-….txt in %s "
                "says what is "
                "to be done, and “park-aggregator import” takes set-aside-….outbox after “resume”\n"),
              check->folder);
}

/* --- the command --- */

static void print_json(struct check *check, const struct damage_count *count, json_t *repaired)
{
  json_t *object = json_pack("{s:I, s:I, s:O, s:O, s:o*}", "leaves", (json_int_t)count->leaves, "damaged",
                             (json_int_t)count->all, "damages", check->damages, "said", check->lines,
                             "repaired", repaired);
  char *line = json_dumps(object, JSON_COMPACT);

  control_out(check->request->output, "%s\n", line);
  free(line);
  json_decref(object);
}

static int run(struct check *check, const struct mend_options *options)
{
  struct damage_count count;
  json_t *repaired = NULL;
  GError *error = NULL;
  bool mended = false;
  CLEANUP(key_chain_unref) struct key_chain *keys = key_chain_of(check->identity, "", &error);

  if (!keys) return office_fail(check->request, error);
  if (check->repairs && !swap_undo(check->folder, &error)) return office_fail(check->request, error);
  if (!damage_find(check->folder, keys, list_damage, show_progress, check, &count, &error))
    return office_fail(check->request, error);
  if (!check->json) print_sum(check, &count);
  if (check->repairs && count.all == 0) finish(check);
  if (check->repairs && count.all > 0) mended = repair(check, options, &repaired, &error);
  if (check->json) print_json(check, &count, repaired);
  if (error) return office_fail(check->request, error);
  return count.all == 0 || mended ? 0 : ERROR_DATA;
}

static int open_and_run(struct check *check, const struct mend_options *options)
{
  g_autofree char *key = folder_path(check->folder, "identity.key");
  GError *error = NULL;
  CLEANUP(identity_free) struct identity *identity = identity_load(key, &error);
  int code;

  if (!identity) return office_fail(check->request, error);
  check->identity = identity;
  check->damages = json_array();
  check->lines = json_array();
  code = run(check, options);
  json_decref(check->damages);
  json_decref(check->lines);
  return code;
}

int office_ledger_check(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_auto(GStrv) files = NULL;
  g_autofree char *format = NULL, *reason = NULL;
  gboolean repairs = FALSE, gives_up = FALSE;
  const GOptionEntry entries[] = {
      {"repair", 0, 0, G_OPTION_ARG_NONE, &repairs, N_("make a whole store of what is good (server stopped)"),
       NULL},
      {"from", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files,
       N_("a backup or export that has damaged leaves; may be given again"), N_("FILE")},
      {"give-up", 0, 0, G_OPTION_ARG_NONE, &gives_up,
       N_("where leaves cannot be had, go on before them as after a restore"), NULL},
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; kept in the ledger with what was given up"),
       N_("R")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format, N_("text (default) or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  struct check check = {.request = request, .shows_progress = isatty(STDERR_FILENO)};
  int exit_code;

  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!office_read_text_or_json(request, format, &check.json)) return ERROR_USAGE;
  if (!repairs && (files || gives_up || reason))
    return office_misused(request, "%s", _("--from, --give-up and --reason go with --repair"));
  if (!office->locked) {
    control_err(
        request->output,
        _("park-aggregator: the server is running; stop it first. Beside it “park-aggregator ledger verify” "
          "checks the ledger and the tables\n"));
    return ERROR_UNAVAILABLE;
  }
  check.folder = office->config->data;
  check.repairs = repairs;
  const struct mend_options options = {.files = (const char *const *)files,
                                       .give_up = gives_up,
                                       .by = request->user,
                                       .reason = reason ? reason : ""};
  return open_and_run(&check, &options);
}
