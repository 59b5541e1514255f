/* park-agent inquiries, answer: what the city asks about this park's figures, and the park's explanations. */
#include "agent/answer.h"
#include "agent/commands.h"
#include "agent/desk.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/explanation.h"
#include "common/limits.h"
#include "common/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* --- inquiries --- */

struct listing {
  struct desk *desk;
  bool all;
  size_t open, answered;
};

/* What it is about, as a finding that people know from `check`. Newly allocated. */
static char *describe(const struct home *home, const struct inquiry_item *inquiry)
{
  struct refusal as_refusal = {.unit = inquiry->unit,
                               .rule = inquiry->rule,
                               .indicator = inquiry->indicator,
                               .found = inquiry->found,
                               .expected = inquiry->expected,
                               .verdict = finding_from_id(inquiry->rule) == FINDING_REPORT_STALE
                                              ? VERDICT_IS_STALE
                                              : VERDICT_IS_REFUSED};
  return answer_format(home, inquiry->form, inquiry->period, &as_refusal);
}

static void print_text(const struct home *home, const struct inquiry_item *inquiry)
{
  g_autofree char *about = describe(home, inquiry);
  printf("%" PRIu64 "  %s\n", inquiry->number, about);
  if (inquiry->question[0]) printf(_("    the city asks: %s\n"), inquiry->question);
  if (inquiry->answer[0])
    printf(_("    answered by %s: %s (not accepted yet)\n"), inquiry->answered_by, inquiry->answer);
}

static void print_json(const struct inquiry_item *inquiry)
{
  g_autofree char *asked = clock_format((struct wall_time){inquiry->asked_at_ms});
  json_t *object = json_pack(
      "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "number", (json_int_t)inquiry->number,
      "form", inquiry->form, "period", inquiry->period, "unit", inquiry->unit, "rule", inquiry->rule,
      "indicator", inquiry->indicator, "found", inquiry->found, "expected", inquiry->expected, "question",
      inquiry->question, "asked", asked, "answer", inquiry->answer, "answered_by", inquiry->answered_by);
  json_dumpf(object, stdout, JSON_COMPACT);
  json_decref(object);
  putchar('\n');
}

static bool list(const struct inquiry_item *inquiry, void *data)
{
  struct listing *listing = data;
  bool answered = inquiry->answer[0] != '\0';
  if (answered)
    listing->answered++;
  else
    listing->open++;
  if (answered && !listing->all && !listing->desk->json) return true;
  if (listing->desk->json)
    print_json(inquiry);
  else
    print_text(listing->desk->home, inquiry);
  return true;
}

static bool list_all(struct desk *desk, bool all, GError **error)
{
  struct listing listing = {.desk = desk, .all = all};
  if (!desk_open(desk, error)) return false;
  desk_refresh(desk);
  if (!outbox_each_inquiry(desk->outbox, list, &listing, error)) return false;
  if (desk->json) return true;
  if (listing.open > 0)
    printf(
        _("Correct the figure and send it again, or explain it: park-agent answer NUMBER --text … --by …\n"));
  printf(_("%zu inquiries are open; %zu are answered and wait to be accepted.\n"), listing.open,
         listing.answered);
  return true;
}

int command_inquiries(int argc, char **argv)
{
  struct desk desk = {0};
  gboolean all = FALSE;
  const GOptionEntry entries[] = {
      {"all", 0, 0, G_OPTION_ARG_NONE, &all, N_("answered ones too"), NULL},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &desk.data, N_("the agent's folder"), N_("DIR")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &desk.format, N_("text (default) or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) {
    g_autoptr(GError) error = NULL;
    exit_code = list_all(&desk, all, &error) ? 0 : command_fail(error);
  }
  desk_close(&desk);
  return exit_code;
}

/* --- answer --- */

struct answering {
  struct desk desk;
  char *text, *by;
  int timeout; /* GOption's */
  int64_t batch;
  int exit_code;
};

static bool check_words(struct answering *answering, GError **error)
{
  if (!desk_check_answerable(&answering->desk, answering->timeout, &answering->by,
                             _("name with --by the person who answers for the explanation"), error))
    return false;
  if (!desk_text_fits(answering->text, LIMIT_ANSWER_BYTES))
    return desk_misused(error, _("write the explanation with --text: one line of at most 600 characters"));
  if (!answering->desk.home->catalogue ||
      explanation_is_real(answering->desk.home->catalogue, answering->text))
    return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA, _("“%s”: %s; %s [%s]"), answering->text,
              finding_text(FINDING_ANSWER_EMPTY), finding_advice(FINDING_ANSWER_EMPTY),
              finding_id(FINDING_ANSWER_EMPTY));
  return false;
}

struct search {
  uint64_t number;
  bool found;
  struct period period;
  int64_t asked_at_ms;
};

static bool match(const struct inquiry_item *inquiry, void *data)
{
  struct search *search = data;
  if (inquiry->number != search->number) return true;
  search->found = period_parse(inquiry->period, &search->period);
  search->asked_at_ms = inquiry->asked_at_ms;
  return false;
}

/* The inquiry of that number on the list. */
static bool find_inquiry(struct desk *desk, const char *word, struct search *ret_search, GError **error)
{
  struct search search = {0};
  if (!g_ascii_string_to_unsigned(word, 10, 1, INT64_MAX, &search.number, NULL)) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("“%s” is no number of an inquiry: “park-agent inquiries” lists them"), word);
    return false;
  }
  if (!outbox_each_inquiry(desk->outbox, match, &search, error)) return false;
  if (!search.found) {
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_DATA,
        _("this park is asked nothing under number %" PRIu64 "; “park-agent inquiries” lists what is open"),
        search.number);
    return false;
  }
  *ret_search = search;
  return true;
}

struct answers {
  const struct answering *of;
  char **words; /* numbers of inquiries */
};

static bool add_answers(struct desk *desk, int64_t batch, void *data, GError **error)
{
  const struct answers *answers = data;
  for (char **word = answers->words; *word; word++) {
    struct search inquiry;
    if (!find_inquiry(desk, *word, &inquiry, error)) return false;
    struct park_act act = {
        .kind = PARK_ANSWERS,
        .answer = {inquiry.number, answers->of->text, answers->of->by, inquiry.asked_at_ms}};
    if (!desk_add_act(desk, batch, &act, inquiry.period, "", error)) return false;
  }
  return true;
}

static bool print_refusal(const char *form, const char *period, const struct refusal *refusal, void *data)
{
  g_autofree char *line = answer_format(((const struct desk *)data)->home, form, period, refusal);
  printf("%s\n", line);
  return true;
}

static bool report(struct answering *answering, GError **error)
{
  struct desk *desk = &answering->desk;
  struct outbox_summary sum;
  if (!outbox_summary(desk->outbox, answering->batch, &sum, error) ||
      !outbox_each_refusal(desk->outbox, answering->batch, print_refusal, desk, error))
    return false;
  printf(_("%" PRIu64 " explanations arrived, %" PRIu64 " were refused, %" PRIu64
           " wait in the outbox to be sent\n"),
         sum.counted, sum.refused + sum.refused_whole, sum.waiting_to_send);
  answering->exit_code = sum.refused + sum.refused_whole > 0 ? ERROR_DATA
                         : sum.waiting_to_send > 0           ? ERROR_TEMPORARY
                                                             : 0;
  return true;
}

static bool answer(struct answering *answering, char **words, GError **error)
{
  struct desk *desk = &answering->desk;
  if (!desk_open(desk, error) || !check_words(answering, error)) return false;
  desk_refresh(desk);
  return desk_make_acts(desk, _("answers"), add_answers, &(struct answers){answering, words},
                        &answering->batch, error) &&
         delivery_finish(&desk->delivery, answering->timeout, error) && report(answering, error);
}

int command_answer(int argc, char **argv)
{
  struct answering answering = {.timeout = DESK_WAIT_SECONDS};
  const GOptionEntry entries[] = {
      {"text", 0, 0, G_OPTION_ARG_STRING, &answering.text, N_("why the figure is as it is"),
       N_("EXPLANATION")},
      {"by", 0, 0, G_OPTION_ARG_STRING, &answering.by, N_("who answers for the explanation"), N_("NAME")},
      {"timeout", 0, 0, G_OPTION_ARG_INT, &answering.timeout, N_("how long to wait (default 120)"),
       N_("SECONDS")},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &answering.desk.data, N_("the agent's folder"), N_("DIR")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (command_options(NULL, entries, 1, -1, &argc, &argv, &exit_code)) {
    g_autoptr(GError) error = NULL;
    exit_code = answer(&answering, argv + 1, &error) ? answering.exit_code : command_fail(error);
  }
  desk_close(&answering.desk);
  g_free(answering.text);
  g_free(answering.by);
  return exit_code;
}
