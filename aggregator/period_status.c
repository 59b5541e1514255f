/* park-aggregator period status: which periods are open, due or closed, until when, and who did that. */
#include "aggregator/office.h"
#include "aggregator/periods.h"
#include "aggregator/pick.h"
#include "aggregator/print.h"
#include "common/calendar.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

static const struct print_column columns[] = {
    {"form", N_("form"), PRINT_TEXT},
    {"period", N_("period"), PRINT_TEXT},
    {"state", N_("state"), PRINT_TEXT},
    {"due", N_("due by"), PRINT_TEXT},
    {"except", N_("but for"), PRINT_TEXT},
    {"action", N_("action"), PRINT_TEXT},
    {"area", N_("area"), PRINT_TEXT},
    {"by", N_("operator"), PRINT_TEXT},
    {"recorded", N_("when"), PRINT_TEXT},
    {"reason", N_("why"), PRINT_TEXT},
    {NULL, NULL, PRINT_TEXT},
};

struct listing {
  const struct catalogue *catalogue;
  const GArray *acts;
  struct print *print;
  int64_t now_ms;
};

/* --- which periods --- */

static int by_key(const void *left, const void *right)
{
  return *(const int32_t *)left - *(const int32_t *)right;
}

static void add_key(GArray *keys, struct period period)
{
  int32_t key = period_key(period);
  for (unsigned n = 0; n < keys->len; n++)
    if (g_array_index(keys, int32_t, n) == key) return;
  g_array_append_val(keys, key);
}

/* The form's period that is to be reported on the day, and the one that runs. */
static void add_present(GArray *keys, const struct form *form, day_number day)
{
  struct period month = period_of_day(day), running;
  if (form->retired) return;
  add_key(keys, calendar_last_ended(form, day));
  for (unsigned last = month.month; last <= 12; last++) {
    if (!form_period_ending(form, month.year, last, &running)) continue;
    if (period_first_day(running) <= day) add_key(keys, running);
    return;
  }
}

/* Keys of those that somebody has reported for, or an operator has done something with, and the present ones.
 */
static GArray *periods_of(struct store *reader, const struct listing *listing, const struct form *form)
{
  GArray *keys = g_array_new(FALSE, FALSE, sizeof(int32_t));
  g_autoptr(GArray) books = store_books(reader, form->code);
  for (unsigned n = 0; n < books->len; n++) add_key(keys, g_array_index(books, struct stored_book, n).period);
  for (unsigned n = 0; n < listing->acts->len; n++) {
    const struct stored_period_act *act = &g_array_index(listing->acts, struct stored_period_act, n);
    if (strcmp(act->form, form->code) == 0) add_key(keys, act->period);
  }
  add_present(keys, form, calendar_day(listing->catalogue, listing->now_ms));
  g_array_sort(keys, by_key);
  return keys;
}

/* --- printing --- */

/* Parks for whom it is otherwise, by an act of their own. */
static char *exceptions(const struct listing *listing, int form, struct period period,
                        enum period_state state)
{
  const struct catalogue *catalogue = listing->catalogue;
  g_autoptr(GStrvBuilder) codes = g_strv_builder_new();
  bool closed = state == PERIOD_IS_CLOSED;
  for (int area = 0; area < (int)catalogue->area_count; area++) {
    enum period_state own;
    if (!catalogue->areas[area].reports) continue;
    own = periods_state(listing->acts, catalogue, form, period, area, listing->now_ms);
    if ((own == PERIOD_IS_CLOSED) != closed || (own == PERIOD_IS_FUTURE) != (state == PERIOD_IS_FUTURE))
      g_strv_builder_add(codes, catalogue->areas[area].code);
  }
  g_auto(GStrv) list = g_strv_builder_end(codes);
  return g_strjoinv(";", list);
}

/* One line for each act, one where there is none. */
static void print_period(const struct listing *listing, int form, struct period period)
{
  const struct catalogue *catalogue = listing->catalogue;
  const struct form *of = &catalogue->forms[form];
  enum period_state state =
      periods_state(listing->acts, catalogue, form, period, CATALOGUE_NONE, listing->now_ms);
  g_autofree char *due = calendar_format_due(catalogue, calendar_due(catalogue, form, period));
  g_autofree char *but_for = exceptions(listing, form, period, state);
  char text[PERIOD_TEXT_SIZE];
  size_t count;
  const struct stored_period_act *acts = periods_acts(listing->acts, of->code, period, &count);
  period_format(period, text);
  for (size_t n = 0; n == 0 || n < count; n++) {
    const struct stored_period_act *act = count > 0 ? &acts[n] : NULL;
    g_autofree char *recorded = act ? calendar_format(catalogue, act->recorded_ms) : NULL;
    print_named(listing->print, of->code, text_label(&of->name));
    print_cell(listing->print, text);
    print_named(listing->print, periods_state_code(state), periods_state_name(state));
    print_cell(listing->print, due);
    print_cell(listing->print, but_for);
    print_cell(listing->print, act ? periods_action_code(act->action) : NULL);
    print_cell(listing->print, act ? act->area : NULL);
    print_cell(listing->print, act ? act->by : NULL);
    print_cell(listing->print, recorded);
    print_cell(listing->print, act ? act->reason : NULL);
  }
}

static void print_form(struct store *reader, const struct listing *listing, int form,
                       const struct period *period)
{
  const struct form *of = &listing->catalogue->forms[form];
  if (period) {
    g_autofree char *wrong = catalogue_period_objection(listing->catalogue, form, *period);
    if (!wrong) print_period(listing, form, *period);
    return;
  }
  g_autoptr(GArray) keys = periods_of(reader, listing, of);
  for (unsigned n = 0; n < keys->len; n++) {
    struct period of_key;
    if (period_from_key(g_array_index(keys, int32_t, n), &of_key)) print_period(listing, form, of_key);
  }
}

/* --- the command --- */

static int run(struct office *office, struct control_request *request, char **form_words,
               const struct period *period, enum print_format format)
{
  GError *error = NULL;
  g_auto(GStrv) words = pick_words(form_words);
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  CLEANUP(print_free) struct print *print = print_new(columns, format);
  struct listing listing = {.catalogue = snapshot->catalogue,
                            .acts = snapshot->period_acts,
                            .print = print,
                            .now_ms = clock_wall().ms};
  g_autoptr(GArray) forms = pick_items(snapshot->catalogue, PICK_FORMS, words, &error);
  for (int form = 0; forms && !*words && form < (int)snapshot->catalogue->form_count; form++)
    g_array_append_val(forms, form);
  for (unsigned n = 0; forms && n < forms->len; n++)
    print_form(office->reader, &listing, g_array_index(forms, int, n), period);
  if (error)
    store_rollback(office->reader);
  else
    store_commit(office->reader, &error);
  if (error) return office_fail(request, error);
  print_finish(print, request->output);
  return 0;
}

int office_period_status(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_auto(GStrv) forms = NULL;
  g_autofree char *period_text = NULL, *format_text = NULL;
  const GOptionEntry entries[] = {
      {"form", 0, 0, G_OPTION_ARG_STRING_ARRAY, &forms, N_("these forms; all by default"), N_("F,…")},
      {"period", 0, 0, G_OPTION_ARG_STRING, &period_text, N_("2018-05, 2018-Q2, 2018 or 2018-01/P2M"),
       N_("P")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format_text, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  enum print_format format;
  struct period period;
  int exit_code;
  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!office_read_format(request, format_text, &format)) return ERROR_USAGE;
  if (period_text && !office_read_period(request, period_text, &period)) return ERROR_USAGE;
  return run(office, request, forms, period_text ? &period : NULL, format);
}
