/* park-aggregator ask, accept, consent: what an operator does about figures. None of them writes one. */
#include "aggregator/office.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

/* What the options of these commands say. */
struct about {
  char *area, *form, *period, *unit, *indicator, *rule, *reason;
};

static void about_clear(struct about *about)
{
  g_free(about->area);
  g_free(about->form);
  g_free(about->period);
  g_free(about->unit);
  g_free(about->indicator);
  g_free(about->rule);
  g_free(about->reason);
}

#define OPTION(name, field, what, value)                                                                     \
  {                                                                                                          \
    name, 0, 0, G_OPTION_ARG_STRING, &about.field, what, value                                               \
  }
#define BOOK_OPTIONS                                                                                         \
  OPTION("area", area, N_("the park"), N_("A")), OPTION("form", form, N_("the form"), N_("F")),              \
      OPTION("period", period, N_("2018-05, 2018-Q2, 2018"), N_("P"))

static const char *or_empty(const char *text)
{
  return text ? text : "";
}

/* The period in its canonical text. False, and said so, if it is none. */
static bool read_period(struct control_request *request, struct about *about)
{
  struct period period;
  char text[PERIOD_TEXT_SIZE];

  if (!about->period) return true;
  if (!office_read_period(request, about->period, &period)) return false;
  g_free(about->period);
  about->period = g_strdup(period_format(period, text));
  return true;
}

/* The numbers of inquiries; NULL, and a message, if a word is none. */
static GArray *read_numbers(struct control_request *request, int argc, char **argv)
{
  GArray *numbers = g_array_new(FALSE, FALSE, sizeof(uint64_t));

  for (int i = 1; i < argc; i++) {
    uint64_t number;

    if (!g_ascii_string_to_unsigned(argv[i], 10, 1, INT64_MAX, &number, NULL)) {
      office_misused(request, _("“%s” is no number of an inquiry: “park-aggregator inquiries” lists them"),
                     argv[i]);
      g_array_unref(numbers);
      return NULL;
    }
    g_array_append_val(numbers, number);
  }
  return numbers;
}

/* 0, or the exit code after a message. */
static int act_on(struct office *office, struct control_request *request, struct leaf *leaf,
                  const char *reason)
{
  struct act act = {.kind = leaf->kind, .leaf = leaf};
  GError *error = NULL;

  leaf->by = request->user;
  leaf->reason = or_empty(reason);
  return writer_act(office->writer, &act, NULL, &error) ? 0 : office_fail(request, error);
}

/* --- ask --- */

static int ask(struct office *office, struct control_request *request, const struct about *about,
               const GArray *numbers)
{
  struct leaf leaf = {.kind = LEAF_ASK};
  int exit_code;

  if (!about->reason || !*about->reason)
    return office_misused(request, _("say with --reason what is asked: the park reads it"));
  if (numbers->len > 0) leaf.ask.inquiry = g_array_index(numbers, uint64_t, 0);
  if (numbers->len == 0 && (!about->area || !about->form || !about->period || !about->unit))
    return office_misused(request,
                          _("name --area, --form, --period and --unit, or the number of an inquiry"));
  leaf.ask.form = or_empty(about->form);
  leaf.ask.period = or_empty(about->period);
  leaf.ask.unit = or_empty(about->unit);
  leaf.ask.area = or_empty(about->area);
  leaf.ask.indicator = or_empty(about->indicator);
  exit_code = act_on(office, request, &leaf, about->reason);
  if (exit_code == 0)
    control_out(request->output, _("Asked; “park-aggregator inquiries” shows what comes of it.\n"));
  return exit_code;
}

int office_ask(struct office *office, struct control_request *request, int argc, char **argv)
{
  struct about about = {0};
  const GOptionEntry entries[] = {
      BOOK_OPTIONS,
      OPTION("unit", unit, N_("whose report"), N_("U")),
      OPTION("indicator", indicator, N_("which figure; the report as a whole by default"), N_("I")),
      OPTION("reason", reason, N_("the question"), N_("QUESTION")),
      G_OPTION_ENTRY_NULL,
  };
  g_autoptr(GArray) numbers = NULL;
  int exit_code;

  if (office_options(request, entries, 0, 1, &argc, &argv, &exit_code)) {
    numbers = read_numbers(request, argc, argv);
    exit_code = numbers && read_period(request, &about) ? ask(office, request, &about, numbers) : ERROR_USAGE;
  }
  about_clear(&about);
  return exit_code;
}

/* --- accept --- */

static int accept(struct office *office, struct control_request *request, const struct about *about,
                  const GArray *numbers)
{
  struct leaf leaf = {.kind = LEAF_ACCEPT};
  bool book = about->area || about->form || about->period;
  int exit_code;

  if (book == (numbers->len > 0) || (book && (!about->area || !about->form || !about->period)))
    return office_misused(request, _("name the numbers of inquiries, or --area, --form and --period"));
  leaf.accept.inquiries = (const uint64_t *)(const void *)numbers->data;
  leaf.accept.inquiry_count = numbers->len;
  leaf.accept.form = or_empty(about->form);
  leaf.accept.period = or_empty(about->period);
  leaf.accept.area = or_empty(about->area);
  exit_code = act_on(office, request, &leaf, about->reason);
  if (exit_code != 0) return exit_code;
  if (book)
    control_out(request->output, _("The reports of %s to %s for %s are accepted.\n"), about->area,
                about->form, about->period);
  else
    control_out(request->output, _("Accepted: explanations of %u inquiries.\n"), numbers->len);
  return 0;
}

int office_accept(struct office *office, struct control_request *request, int argc, char **argv)
{
  struct about about = {0};
  const GOptionEntry entries[] = {
      BOOK_OPTIONS,
      OPTION("reason", reason, N_("why; kept in the ledger"), N_("R")),
      G_OPTION_ENTRY_NULL,
  };
  g_autoptr(GArray) numbers = NULL;
  int exit_code;

  if (office_options(request, entries, 0, G_MAXINT, &argc, &argv, &exit_code)) {
    numbers = read_numbers(request, argc, argv);
    exit_code =
        numbers && read_period(request, &about) ? accept(office, request, &about, numbers) : ERROR_USAGE;
  }
  about_clear(&about);
  return exit_code;
}

/* --- consent --- */

static int consent(struct office *office, struct control_request *request, const struct about *about)
{
  struct leaf leaf = {.kind = LEAF_CONSENT};
  int exit_code;

  if (!about->area || !about->form || !about->period || !about->unit || !about->rule)
    return office_misused(request, _("name --area, --form, --period, --unit and --rule"));
  if (!about->reason || !*about->reason)
    return office_misused(request, _("say with --reason why: the ledger keeps it"));
  leaf.consent.form = about->form;
  leaf.consent.period = about->period;
  leaf.consent.unit = about->unit;
  leaf.consent.area = about->area;
  leaf.consent.rule = about->rule;
  exit_code = act_on(office, request, &leaf, about->reason);
  if (exit_code == 0)
    control_out(request->output, _("Recorded; the park's program learns of it within a minute, and can send "
                                   "the report again.\n"));
  return exit_code;
}

int office_consent(struct office *office, struct control_request *request, int argc, char **argv)
{
  struct about about = {0};
  const GOptionEntry entries[] = {
      BOOK_OPTIONS,
      OPTION("unit", unit, N_("whose report"), N_("U")),
      OPTION("rule", rule, N_("the rule, by its code in the catalogue"), N_("CODE")),
      OPTION("reason", reason, N_("why; kept in the ledger"), N_("R")),
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;

  if (office_options(request, entries, 0, 0, &argc, &argv, &exit_code))
    exit_code = read_period(request, &about) ? consent(office, request, &about) : ERROR_USAGE;
  about_clear(&about);
  return exit_code;
}
