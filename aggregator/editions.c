/* park-aggregator editions: what was published, when, by whom and on what it rests. */
#include "aggregator/store/editions.h"
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/print.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

static const struct print_column columns[] = {
    {"edition", N_("edition"), PRINT_COUNT},
    {"form", N_("form"), PRINT_TEXT},
    {"period", N_("period"), PRINT_TEXT},
    {"vintage", N_("vintage"), PRINT_TEXT},
    {"as_of", N_("as of"), PRINT_TEXT},
    {"leaves", NULL, PRINT_COUNT},
    {"recorded", N_("published"), PRINT_TEXT},
    {"by", N_("by whom"), PRINT_TEXT},
    {"position", N_("leaf"), PRINT_COUNT},
    {"printed", N_("cells printed"), PRINT_COUNT},
    {"withheld", N_("withheld"), PRINT_COUNT},
    {"reason", N_("reason"), PRINT_TEXT},
    {NULL, NULL, PRINT_TEXT},
};

struct listing {
  const struct catalogue *catalogue;
  struct store *store;
  struct print *print;
};

static void print_edition(const struct listing *listing, const struct stored_edition *edition)
{
  const struct catalogue *catalogue = listing->catalogue;
  int form = catalogue_form(catalogue, edition->form);
  g_autofree char *as_of = moment_format(catalogue, store_leaf_recorded(listing->store, edition->leaves - 1));
  g_autofree char *recorded = moment_format(catalogue, edition->recorded_ms);
  char period[PERIOD_TEXT_SIZE], vintage[] = {edition->vintage, '\0'};
  print_count(listing->print, (int64_t)edition->number);
  print_named(listing->print, edition->form,
              form == CATALOGUE_NONE ? edition->form : text_label(&catalogue->forms[form].name));
  print_cell(listing->print, period_format(edition->period, period));
  print_cell(listing->print, vintage);
  print_cell(listing->print, as_of);
  print_count(listing->print, (int64_t)edition->leaves);
  print_cell(listing->print, recorded);
  print_cell(listing->print, edition->by);
  print_count(listing->print, (int64_t)edition->position);
  print_count(listing->print, (int64_t)edition->published);
  print_count(listing->print, (int64_t)edition->withheld);
  print_cell(listing->print, edition->reason);
}

static int run(struct office *office, struct control_request *request, const char *form_code,
               const struct period *period, enum print_format format)
{
  GError *error = NULL;
  int form;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  CLEANUP(print_free) struct print *print = print_new(columns, format);
  struct listing listing = {snapshot->catalogue, office->reader, print};
  bool fits = !form_code || pick_one(snapshot->catalogue, PICK_FORMS, form_code, &form, &error);
  g_autoptr(GArray) editions = store_editions(office->reader, form_code);
  for (unsigned n = 0; fits && n < editions->len; n++) {
    const struct stored_edition *edition = &g_array_index(editions, struct stored_edition, n);
    if (!period || period_key(*period) == period_key(edition->period)) print_edition(&listing, edition);
  }
  if (fits)
    store_commit(office->reader, &error);
  else
    store_rollback(office->reader);
  if (error) return office_fail(request, error);
  print_note(print, _("P provisional: the period took reports still. F final. R revised after a final one."));
  print_finish(print, request->output);
  return 0;
}

int office_editions(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *form = NULL, *period_text = NULL, *format_text = NULL;
  const GOptionEntry entries[] = {
      {"form", 0, 0, G_OPTION_ARG_STRING, &form, N_("of this form"), N_("F")},
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
  return run(office, request, form, period_text ? &period : NULL, format);
}
