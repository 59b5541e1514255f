/* park-aggregator inquiries: what the parks are asked, and what they answered. */
#include "aggregator/inquiry.h"
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/print.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

#define PAGE 256 /* inquiries in memory */

static const struct print_column columns[] = {
    {"number", N_("number"), PRINT_COUNT},
    {"state", N_("state"), PRINT_TEXT},
    {"area", N_("area"), PRINT_TEXT},
    {"form", N_("form"), PRINT_TEXT},
    {"period", N_("period"), PRINT_TEXT},
    {"unit", N_("unit"), PRINT_TEXT},
    {"indicator", N_("indicator"), PRINT_TEXT},
    {"rule", N_("about"), PRINT_TEXT},
    {"found", N_("found"), PRINT_TEXT},
    {"expected", N_("should be"), PRINT_TEXT},
    {"question", N_("question"), PRINT_TEXT},
    {"answer", N_("answer"), PRINT_TEXT},
    {"answered_by", N_("by"), PRINT_TEXT},
    {"asked", NULL, PRINT_TEXT},
    {"answered", NULL, PRINT_TEXT},
    {"settled", NULL, PRINT_TEXT},
    {NULL, NULL, PRINT_TEXT},
};

static const struct {
  const char *code, *name;
} states[] = {
    [INQUIRY_OPEN] = {"open", N_("open")},
    [INQUIRY_ANSWERED] = {"answered", N_("answered")},
    [INQUIRY_ACCEPTED] = {"accepted", N_("accepted")},
    [INQUIRY_CORRECTED] = {"corrected", N_("corrected")},
};

static void print_time(struct print *print, int64_t ms)
{
  g_autofree char *text = ms ? clock_format((struct wall_time){ms}) : NULL;
  print_cell(print, text);
}

/* What it is about, in words: the rule's own sentence where it is one of the catalogue. */
static void print_rule(struct print *print, const struct catalogue *catalogue, const char *id)
{
  const char *code = finding_rule(id);
  int rule = code ? catalogue_rule(catalogue, code) : CATALOGUE_NONE;
  print_named(print, id,
              rule == CATALOGUE_NONE ? finding_text(finding_from_id(id))
                                     : text_label(&catalogue->rules[rule].name));
}

static const struct stored_book *book_of(const GArray *books, int64_t book)
{
  for (unsigned n = 0; n < books->len; n++)
    if (g_array_index(books, struct stored_book, n).book == book)
      return &g_array_index(books, struct stored_book, n);
  return NULL;
}

/* The unit by name, as it is known at the period. */
static void print_unit(struct print *print, const struct snapshot *snapshot, const char *unit,
                       struct period period)
{
  const struct unit_version *version = register_version(snapshot->units, unit, period);
  g_autofree char *named = version && *version->name ? g_strdup_printf("%s %s", unit, version->name) : NULL;
  print_named(print, unit, named ? named : unit);
}

static void print_inquiry(struct print *print, const struct snapshot *snapshot, const GArray *books,
                          const struct stored_inquiry *inquiry)
{
  const struct catalogue *catalogue = snapshot->catalogue;
  const struct stored_book *book = book_of(books, inquiry->book);
  int area = catalogue_area(catalogue, inquiry->park);
  char period[PERIOD_TEXT_SIZE];
  if (!book) return; /* the book is there: the inquiry was opened in it */
  int form = catalogue_form(catalogue, book->form);
  int column = catalogue_column(catalogue, form, inquiry->indicator);
  g_autofree char *heading = column == CATALOGUE_NONE ? NULL : catalogue_column_name(catalogue, form, column);
  print_count(print, (int64_t)inquiry->number);
  print_named(print, states[inquiry->state].code, _(states[inquiry->state].name));
  print_named(print, inquiry->park,
              area == CATALOGUE_NONE ? inquiry->park : text_label(&catalogue->areas[area].name));
  print_named(print, book->form, text_label(&catalogue->forms[form].name));
  print_cell(print, period_format(book->period, period));
  print_unit(print, snapshot, inquiry->unit, book->period);
  print_named(print, inquiry->indicator, heading);
  print_rule(print, catalogue, inquiry->rule);
  print_cell(print, inquiry->found);
  print_cell(print, inquiry->expected);
  print_cell(print, inquiry->question);
  print_cell(print, inquiry->answer);
  print_cell(print, inquiry->answered_by);
  print_time(print, inquiry->asked_ms);
  print_time(print, inquiry->answered_ms);
  print_time(print, inquiry->settled_ms);
}

struct asked {
  char *area, *form, *period, *format;
  gboolean all;
};

static void print_all(struct store *store, const struct snapshot *snapshot, const struct asked *asked,
                      int64_t book, struct print *print)
{
  g_autoptr(GArray) books = store_books(store, NULL);
  uint64_t behind = 0;
  for (;;) {
    g_autoptr(GArray) page = asked->all ? store_inquiries_all(store, asked->area, book, behind, PAGE)
                                        : store_inquiries_unsettled(store, asked->area, book, behind, PAGE);
    for (unsigned n = 0; n < page->len; n++)
      print_inquiry(print, snapshot, books, &g_array_index(page, struct stored_inquiry, n));
    if (page->len < PAGE) return;
    behind = g_array_index(page, struct stored_inquiry, page->len - 1).number;
  }
}

/* 0: of all books. False if what is asked for is not there. */
static bool find_book(struct store *store, const struct snapshot *snapshot, const struct asked *asked,
                      int64_t *ret_book, GError **error)
{
  const struct catalogue *catalogue = snapshot->catalogue;
  char *const areas[] = {asked->area, NULL}, *const forms[] = {asked->form, NULL};
  g_autoptr(GArray) area = pick_items(catalogue, PICK_AREAS, areas, error);
  g_autoptr(GArray) form = area ? pick_items(catalogue, PICK_FORMS, forms, error) : NULL;
  struct period period;
  *ret_book = 0;
  if (!form) return false;
  if (!asked->form != !asked->period) {
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, _("--form and --period belong together"));
    return false;
  }
  if (!asked->form) return true;
  if (!period_read(asked->period, 0, &period)) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("“%s” is no period; write 2018-05, 2018-Q2, 2018 or 2018-01/P2M"), asked->period);
    return false;
  }
  *ret_book = store_find_book(store, asked->form, period);
  if (*ret_book == 0) *ret_book = -1; /* there is nothing, and nothing about it */
  return true;
}

static int run(struct office *office, struct control_request *request, const struct asked *asked)
{
  enum print_format format;
  if (!office_read_format(request, asked->format, &format)) return ERROR_USAGE;
  GError *error = NULL;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  CLEANUP(print_free) struct print *print = print_new(columns, format);
  int64_t book;
  if (!find_book(office->reader, snapshot, asked, &book, &error)) {
    store_rollback(office->reader);
    return office_fail(request, error);
  }
  print_all(office->reader, snapshot, asked, book, print);
  if (!store_commit(office->reader, &error)) return office_fail(request, error);
  print_finish(print, request->output);
  return 0;
}

int office_inquiries(struct office *office, struct control_request *request, int argc, char **argv)
{
  struct asked asked = {0};
  const GOptionEntry entries[] = {
      {"area", 0, 0, G_OPTION_ARG_STRING, &asked.area, N_("of this park; of all by default"), N_("A")},
      {"form", 0, 0, G_OPTION_ARG_STRING, &asked.form, N_("about this form and period"), N_("F")},
      {"period", 0, 0, G_OPTION_ARG_STRING, &asked.period, N_("2018-05, 2018-Q2, 2018"), N_("P")},
      {"all", 0, 0, G_OPTION_ARG_NONE, &asked.all, N_("settled ones too"), NULL},
      {"format", 0, 0, G_OPTION_ARG_STRING, &asked.format, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (office_options(request, entries, 0, 0, &argc, &argv, &exit_code))
    exit_code = run(office, request, &asked);
  g_free(asked.area);
  g_free(asked.form);
  g_free(asked.period);
  g_free(asked.format);
  return exit_code;
}
