/* park-agent push: checks files, makes what is good durable in the outbox, and sends it. One shot, for cron.
 */
#include "agent/admit_again.h"
#include "agent/answer.h"
#include "agent/commands.h"
#include "agent/delivery.h"
#include "agent/findings_print.h"
#include "agent/prepare.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/heap.h"
#include "common/limits.h"
#include "common/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REFRESH_MS 5000  /* for catalogue and register, before a unit is called unknown */
#define WAIT_SECONDS 120 /* with --wait, unless --timeout says otherwise */
/* What a push of any file needs beside the spill's block: submissions on their way, SQLite's pages, what
 * libzmq holds. */
#define HEAP_BYTES (10 * LIMIT_MIB)

struct push_options {
  char *form, *period, *approved_by, *via, *data, *config, *format;
  int wait, timeout; /* GOption's */
};

struct push {
  struct push_options options;
  struct home *home;
  struct outbox *outbox;
  struct delivery delivery;
  struct findings_printer printer;
  struct period period;
  bool has_period;
  GArray *batches; /* int64_t, of this push */
  int exit_code;   /* the first that is not 0 */
};

static void note_exit(struct push *push, int code)
{
  if (push->exit_code == 0) push->exit_code = code;
}

/* --- preparing --- */

static bool refresh(void *data)
{
  struct push *push = data;
  if (push->delivery.link) return delivery_run(&push->delivery, LINK_WELCOMED, REFRESH_MS);
  return home_refresh(push->home, NULL); /* the process that sends keeps them fresh */
}

static void take_finding(const struct finding *finding, void *data)
{
  findings_print(finding, &((struct push *)data)->printer);
}

static void print_file(const struct push *push, const char *file, const struct prepare_result *result)
{
  const struct reading_result *reading = &result->reading;
  const char *form =
      reading->form == CATALOGUE_NONE ? NULL : push->home->catalogue->forms[reading->form].code;
  findings_print_summary(&push->printer, file, form, reading);
  if (push->printer.json) {
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:I, s:I}", "file", file, "sent", (json_int_t)result->reports,
                  "submissions", (json_int_t)result->submissions, "unchanged", (json_int_t)result->unchanged,
                  "refused_by_prior", (json_int_t)result->refused);
    json_dumpf(object, stdout, JSON_COMPACT);
    json_decref(object);
    putchar('\n');
  } else if (reading->whole) {
    printf(_("%s: %" PRIu64 " reports to be sent, %" PRIu64 " as reported before, %" PRIu64
             " refused because of what was reported before\n"),
           file, result->reports, result->unchanged, result->refused);
  }
}

static void push_file(struct push *push, const char *path)
{
  const struct prepare_options options = {
      .home = push->home,
      .outbox = push->outbox,
      .form = push->options.form,
      .period = push->has_period ? &push->period : NULL,
      .approved_by = push->options.approved_by,
      .refresh = refresh,
      .findings = take_finding,
      .data = push,
  };
  struct prepare_result result;
  g_autoptr(GError) error = NULL;
  if (!prepare_file(path, &options, &result, &error)) {
    note_exit(push, command_fail(error));
    return;
  }
  g_autofree char *name = g_filename_display_basename(path);
  print_file(push, name, &result);
  if (result.batch) g_array_append_val(push->batches, result.batch);
  note_exit(push, prepare_exit_code(&result));
}

static bool push_files(struct push *push, char **files, GError **error)
{
  int lock = home_lock_to_seal(push->home, error);
  if (lock < 0) return false;
  for (char **file = files; *file; file++) push_file(push, *file);
  close(lock);
  return true;
}

/* --- sending --- */

static void add_up(struct outbox_summary *sum, const struct outbox_summary *one)
{
  sum->submissions += one->submissions;
  sum->reports += one->reports;
  sum->waiting_to_send += one->waiting_to_send;
  sum->answered += one->answered;
  sum->refused_whole += one->refused_whole;
  sum->counted += one->counted;
  sum->unchanged += one->unchanged;
  sum->stale += one->stale;
  sum->waiting_for_base += one->waiting_for_base;
  sum->refused += one->refused;
}

static bool sum_up(struct push *push, struct outbox_summary *ret_sum, GError **error)
{
  *ret_sum = (struct outbox_summary){0};
  for (guint i = 0; i < push->batches->len; i++) {
    struct outbox_summary one;
    if (!outbox_summary(push->outbox, g_array_index(push->batches, int64_t, i), &one, error)) return false;
    add_up(ret_sum, &one);
  }
  return true;
}

static void print_answers(const struct push *push, const struct outbox_summary *sum)
{
  if (!push->printer.json) {
    g_autofree char *line = answer_summary(sum);
    printf("%s\n", line);
    return;
  }
  json_t *object = json_pack(
      "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "submissions", (json_int_t)sum->submissions,
      "reports", (json_int_t)sum->reports, "waiting_to_send", (json_int_t)sum->waiting_to_send, "answered",
      (json_int_t)sum->answered, "refused_whole", (json_int_t)sum->refused_whole, "counted",
      (json_int_t)sum->counted, "unchanged", (json_int_t)sum->unchanged, "stale", (json_int_t)sum->stale,
      "waiting_for_base", (json_int_t)sum->waiting_for_base, "refused", (json_int_t)sum->refused);
  json_dumpf(object, stdout, JSON_COMPACT);
  json_decref(object);
  putchar('\n');
}

static bool print_refusal(const char *form, const char *period, const struct refusal *refusal, void *data)
{
  const struct push *push = data;
  if (refusal->verdict == VERDICT_IS_UNCHANGED) return true; /* as wished */
  if (!push->printer.json) {
    g_autofree char *line = answer_format(push->home, form, period, refusal);
    printf("%s\n", line);
    return true;
  }
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "code", refusal->rule, "form", form,
                             "period", period, "unit", refusal->unit, "indicator", refusal->indicator,
                             "found", refusal->found, "expected", refusal->expected);
  json_dumpf(object, stdout, JSON_COMPACT);
  json_decref(object);
  putchar('\n');
  return true;
}

static bool is_own(const struct push *push, int64_t batch)
{
  for (guint i = 0; i < push->batches->len; i++)
    if (g_array_index(push->batches, int64_t, i) == batch) return true;
  return false;
}

/* What was answered after an earlier push had ended. */
static bool tell_earlier(const struct outbox_origin *origin, const char *form, const char *period,
                         const struct refusal *refusal, void *data)
{
  struct push *push = data;
  if (is_own(push, origin->batch)) return true;
  bool waits = refusal->verdict == VERDICT_IS_WAITING || refusal->verdict == VERDICT_IS_WAITING_UNIT;
  note_exit(push, waits ? 0 : ERROR_DATA);
  if (!push->printer.json) printf(_("%s, sent earlier: "), origin->file);
  return print_refusal(form, period, refusal, data);
}

static bool report_answers(struct push *push, GError **error)
{
  struct outbox_summary sum, all;
  if (!sum_up(push, &sum, error) || !outbox_summary(push->outbox, 0, &all, error)) return false;
  for (guint i = 0; i < push->batches->len; i++)
    if (!outbox_each_refusal(push->outbox, g_array_index(push->batches, int64_t, i), print_refusal, push,
                             error))
      return false;
  if (!outbox_tell(push->outbox, false, tell_earlier, push, error)) return false;
  if (push->batches->len > 0) print_answers(push, &sum);
  if (sum.refused + sum.stale + sum.refused_whole > 0) note_exit(push, ERROR_DATA);
  if (push->options.wait && (all.waiting_to_send > 0 || sum.waiting_for_base > 0))
    note_exit(push, ERROR_TEMPORARY);
  return true;
}

/* Whom the city lists as waiting is known once something was sent. */
static bool admit(struct push *push, int64_t seconds, GError **error)
{
  g_autoptr(GPtrArray) admissions = NULL;
  if (!admit_again(push->home, push->outbox, &admissions, error)) return false;
  for (guint i = 0; i < admissions->len; i++) {
    const struct park_act *act = admissions->pdata[i];
    const char *agent = act->admission.agent, *by = act->admission.approved_by;
    if (push->printer.json) {
      json_t *object = json_pack("{s:s, s:s}", "admitted_again", agent, "approved_by", by);
      json_dumpf(object, stdout, JSON_COMPACT);
      json_decref(object);
    } else {
      printf(ADMITTED_AGAIN, agent, by);
    }
    putchar('\n');
  }
  return admissions->len == 0 || delivery_finish(&push->delivery, seconds, error);
}

/* --- the command --- */

static bool usage(GError **error, const char *message)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, message);
  return false;
}

static bool read_options(struct push *push, GError **error)
{
  struct push_options *options = &push->options;
  push->printer.stream = stdout;
  push->printer.json = g_strcmp0(options->format, "json") == 0;
  if (options->format && !push->printer.json && strcmp(options->format, "text") != 0)
    return usage(error, _("--format is text or json"));
  if (options->via && strcmp(options->via, "auto") != 0 && strcmp(options->via, "zmq") != 0)
    return usage(error, _("--via is auto or zmq"));
  if (options->timeout <= 0) return usage(error, _("--timeout is a number of seconds above 0"));
  if (options->period) {
    g_autofree char *folded = text_fold(g_strdup(options->period));
    if (!period_read(folded, 0, &push->period))
      return usage(error, _("--period is no period; write it as 2018-05"));
    push->has_period = true;
  }
  return true;
}

static bool check_approval(struct push *push, GError **error)
{
  struct push_options *options = &push->options;
  if (!options->approved_by) options->approved_by = g_strdup(push->home->config.approved_by);
  text_fold(options->approved_by);
  size_t length = strlen(options->approved_by);
  if (length > LIMIT_NAME_BYTES || !text_is_clean(options->approved_by, length))
    return usage(error, _("--approved-by is no name of a person"));
  if (length > 0) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, "%s; %s [%s]", finding_text(FINDING_APPROVAL_MISSING),
              finding_advice(FINDING_APPROVAL_MISSING), finding_id(FINDING_APPROVAL_MISSING));
  return false;
}

static bool open_home(struct push *push, GError **error)
{
  g_autofree char *folder = home_folder(push->options.data);
  push->home = home_open(folder, push->options.config, error);
  if (!push->home) return false;
  if (push->home->trouble) fprintf(stderr, "%s\n", push->home->trouble);
  g_autofree char *path = g_build_filename(folder, "outbox.db", NULL);
  push->outbox = outbox_open(path, error);
  return push->outbox != NULL;
}

static bool run_push(struct push *push, char **files, GError **error)
{
  if (!read_options(push, error) || !open_home(push, error) || !check_approval(push, error)) return false;
  struct delivery *delivery = &push->delivery;
  delivery_init(delivery, push->home, push->outbox);
  if (delivery->link) {
    outbox_keep(push->outbox);
    delivery_run(delivery, LINK_WELCOMED, 0); /* begins to connect, which goes on while files are read */
  }
  int64_t seconds = push->options.wait ? push->options.timeout : 0;
  bool delivered = push_files(push, files, error) && delivery_finish(delivery, seconds, error) &&
                   admit(push, seconds, error);
  note_exit(push, delivery->exit_code); /* before what is missing because of it */
  return delivered && report_answers(push, error);
}

static void push_clear(struct push *push)
{
  delivery_clear(&push->delivery);
  outbox_close(push->outbox);
  home_free(push->home);
  g_array_unref(push->batches);
  g_free(push->options.form);
  g_free(push->options.period);
  g_free(push->options.approved_by);
  g_free(push->options.via);
  g_free(push->options.data);
  g_free(push->options.config);
  g_free(push->options.format);
}

int command_push(int argc, char **argv)
{
  heap_hold(HEAP_BYTES);
  struct push push = {.options.timeout = WAIT_SECONDS, .batches = g_array_new(FALSE, FALSE, sizeof(int64_t))};
  struct push_options *options = &push.options;
  const GOptionEntry entries[] = {
      {"form", 0, 0, G_OPTION_ARG_STRING, &options->form, N_("the form, where the columns fit several"),
       N_("F")},
      {"period", 0, 0, G_OPTION_ARG_STRING, &options->period,
       N_("the period, where the file does not say it"), N_("P")},
      {"approved-by", 0, 0, G_OPTION_ARG_STRING, &options->approved_by, N_("who answers for the figures"),
       N_("NAME")},
      {"wait", 0, 0, G_OPTION_ARG_NONE, &options->wait, N_("wait until all is answered"), NULL},
      {"timeout", 0, 0, G_OPTION_ARG_INT, &options->timeout, N_("how long to wait (default 120)"),
       N_("SECONDS")},
      {"via", 0, 0, G_OPTION_ARG_STRING, &options->via, N_("the route: auto (default) or zmq"), N_("ROUTE")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &options->format, N_("text (default) or json"), N_("FORMAT")},
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config, N_("configuration"), N_("FILE")},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &options->data, N_("the agent's folder"), N_("DIR")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (command_options(NULL, entries, 1, -1, &argc, &argv, &exit_code)) {
    g_autoptr(GError) error = NULL;
    if (!run_push(&push, argv + 1, &error)) note_exit(&push, command_fail(error));
    exit_code = push.exit_code;
  }
  push_clear(&push);
  return exit_code;
}
