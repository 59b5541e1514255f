/* The past against what the tables said at the time: after each step of a random history everything that a
 * reader answers is written down, and asked again at the end. PARKTALLY_SEED repeats a run, PARKTALLY_ROUNDS
 * makes it longer. */
#include "random_city.h"

#include "aggregator/folder.h"
#include "aggregator/moment.h"
#include "aggregator/past.h"
#include "aggregator/read.h"
#include "aggregator/read_coverage.h"
#include "aggregator/read_private.h"
#include "aggregator/replay.h"
#include "common/error.h"
#include "tests/sample.h"

#include <stdlib.h>

/* --- what a reader answers --- */

static void say_total(GString *text, bool found, const struct total *total)
{
  char value[DECIMAL_TEXT_SIZE], denominator[DECIMAL_TEXT_SIZE];

  if (!found) {
    g_string_append(text, "-\n");
    return;
  }
  g_string_append_printf(text, "%d %s/%s %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " %d %u\n", total->defined,
                         decimal_format(total->value, 0, value),
                         decimal_format(total->denominator, 0, denominator), total->reported, total->expected,
                         total->complete, total->months);
}

static void say_growth(GString *text, const struct growth_base *base)
{
  const struct comparison *of = &base->comparison;
  const int128 sums[] = {of->now, of->before, of->published, of->base, of->comparable};
  char value[DECIMAL_TEXT_SIZE];

  say_total(text, base->usable, &base->before);
  say_total(text, true, &base->comparable);
  say_total(text, true, &base->comparable_before);
  for (size_t n = 0; n < G_N_ELEMENTS(sums); n++)
    g_string_append_printf(text, "%s ", decimal_format(sums[n], 0, value));
  for (size_t n = 0; n < CAUSE_COUNT; n++)
    g_string_append_printf(text, "%s of %" G_GINT64_FORMAT " ", decimal_format(of->cause[n].value, 0, value),
                           of->cause[n].units);
  g_string_append_c(text, '\n');
}

static void ask_at_random(struct reader *reader, GRand *random, GString *text)
{
  const struct catalogue *catalogue = reader->catalogue;
  int area = pick(random, (int)catalogue->area_count), slice = pick(random, (int)catalogue->slice_count);
  int indicator = pick(random, (int)catalogue->indicator_count);
  bool cumulative = pick(random, 2);
  struct period period = {2018, (uint8_t)(1 + pick(random, CITY_MONTHS)), 1};
  char period_text[PERIOD_TEXT_SIZE];
  struct total total;
  bool found;

  if (pick(random, 6) == 0) period = (struct period){2018, 1, (uint8_t)(pick(random, 2) ? 12 : 3)};
  g_string_append_printf(text, "%s %s %s %s %d\n", catalogue->areas[area].code, catalogue->slices[slice].code,
                         catalogue->indicators[indicator].code, period_format(period, period_text),
                         cumulative);
  assert_true(reader_total(reader, area, slice, indicator, period, cumulative, &total, NULL));
  say_total(text, true, &total);
  assert_true(reader_last_year(reader, area, slice, indicator, period, cumulative, &total, NULL));
  say_total(text, true, &total);
  found = reader_overlap(reader, area, slice, indicator, period, cumulative, &total, NULL);
  say_total(text, found, &total);
  found = reader_last_period(reader, indicator, &period);
  g_string_append_printf(text, "%s\n", found ? period_format(period, period_text) : "-");
}

/* What reads whole books is asked more rarely. */
static void ask_about_growth(struct reader *reader, GRand *random, GString *text)
{
  const struct catalogue *catalogue = reader->catalogue;
  int area = pick(random, (int)catalogue->area_count),
      indicator = pick(random, (int)catalogue->indicator_count);
  bool previous = pick(random, 4) > 0;
  struct period period = {2018, (uint8_t)(1 + pick(random, CITY_MONTHS)), 1};
  struct growth_base base;
  struct total total;

  assert_true(reader_total(reader, area, 0, indicator, period, false, &total, NULL));
  assert_true(reader_growth(reader, area, 0, indicator, period, false, previous, &total, &base, NULL));
  g_string_append_printf(text, "%s %s %u %d\n", catalogue->areas[area].code,
                         catalogue->indicators[indicator].code, period.month, previous);
  say_growth(text, &base);
}

static void say_cells(struct reader *reader, const struct stored_book *book, GString *text)
{
  const struct catalogue *catalogue = reader->catalogue;
  char total_text[DECIMAL_TEXT_SIZE];

  for (size_t a = 0; a < catalogue->area_count; a++)
    for (size_t s = 0; s < catalogue->slice_count; s++) {
      struct cell_key key = {
          .book = book->book, .area = catalogue->areas[a].code, .slice = catalogue->slices[s].code};
      int64_t units;
      int128 total;

      for (key.slot = SLOT_REPORTED; key.slot < 4; key.slot++)
        if (reader_cell(reader, &key, &total, &units))
          g_string_append_printf(text, "%s %s %d: %s %" G_GINT64_FORMAT "\n", key.area, key.slice, key.slot,
                                 decimal_format(total, 0, total_text), units);
      g_string_append_printf(
          text, "%s %s: %" G_GINT64_FORMAT "\n", key.area, key.slice,
          reader_expected(reader, book->form, key.area, key.slice, period_last_day(book->period)));
    }
}

static void say_reports(struct reader *reader, const struct stored_book *book, GString *text)
{
  struct reader_reports *reports = reader_reports_open(reader, book->book);
  const struct stored_report *report;

  while ((report = reader_reports_next(reports))) {
    const struct membership *membership = memberships_by_id(reader->memberships, report->membership);
    g_autofree char *areas = g_strjoinv(";", membership->areas),
                    *slices = g_strjoinv(";", membership->slices);
    g_autofree char *figures =
        g_compute_checksum_for_data(G_CHECKSUM_MD5, report->figures, report->figures_length);

    g_string_append_printf(text, "%s %u %s %u %d %d %s %s @%" G_GUINT64_FORMAT " %u %s\n", report->unit,
                           report->place, report->park, report->revision, report->kind, report->counted,
                           areas, slices, report->position, report->row, figures);
  }
  reader_reports_close(reports);
}

static void ask_who_is_missing(struct reader *reader, GRand *random, GString *text)
{
  const struct catalogue *catalogue = reader->catalogue;
  const struct city_form *form = &CITY_FORMS[pick(random, G_N_ELEMENTS(CITY_FORMS))];
  struct period period = {2018, (uint8_t)(form->yearly ? 1 : 1 + pick(random, CITY_MONTHS)),
                          form->yearly ? 12 : 1};
  CLEANUP(coverage_report_free)
  struct coverage_report *report =
      reader_coverage(reader, catalogue_form(catalogue, form->code), period, NULL);

  assert_non_null(report);
  for (size_t n = 0; n < catalogue->area_count; n++) {
    const struct coverage *of = &report->covered[n].area;

    g_string_append_printf(text, "%s %d/%d %d %d %d %d %d %d\n", catalogue->areas[n].code, (int)of->reported,
                           (int)of->expected, (int)of->nil, (int)of->late, (int)of->corrected,
                           (int)of->other_park, (int)of->unknown, (int)of->unexpected);
  }
  for (unsigned n = 0; n < report->missing->len; n++) {
    const struct missing_unit *missing = &g_array_index(report->missing, struct missing_unit, n);

    g_string_append_printf(text, "%s %" G_GINT64_FORMAT "\n", missing->version->unit, missing->figure);
  }
}

/* `seed` chooses the questions. */
static char *say_all(struct reader *reader, uint32_t seed)
{
  GString *text = g_string_new(NULL);
  GRand *random = g_rand_new_with_seed(seed);

  for (size_t f = 0; f < G_N_ELEMENTS(CITY_FORMS); f++)
    for (uint8_t month = 1; month <= (CITY_FORMS[f].yearly ? 1 : CITY_MONTHS); month++) {
      struct stored_book book = {.form = (char *)CITY_FORMS[f].code,
                                 .period = {2018, month, CITY_FORMS[f].yearly ? 12 : 1}};
      char period[PERIOD_TEXT_SIZE];

      book.book = store_find_book(reader->store, book.form, book.period);
      g_string_append_printf(text, "%s %s\n", book.form, period_format(book.period, period));
      say_reports(reader, &book, text);
      say_cells(reader, &book, text);
    }
  for (int n = 0; n < 40; n++) ask_at_random(reader, random, text);
  for (int n = 0; n < 4; n++) ask_about_growth(reader, random, text);
  for (int n = 0; n < 2; n++) ask_who_is_missing(reader, random, text);
  g_rand_free(random);
  return g_string_free(text, FALSE);
}

/* --- a history, and looks back --- */

struct look {
  uint64_t leaves;
  int64_t moment_ms;
  char *said;
};

static void look_clear(void *look)
{
  g_free(((struct look *)look)->said);
}

static void look_now(struct city *city, GArray *looks)
{
  g_autoptr(GError) error = NULL;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(city->fixture.writer), city->reader, &error);
  CLEANUP(reader_free) struct reader *reader = snapshot ? reader_new(city->reader, snapshot) : NULL;
  struct look look = {.leaves = store_leaf_count(city->reader), .moment_ms = city_now_ms};

  if (!reader) fail_msg("%s", error->message);
  look.said = say_all(reader, (uint32_t)look.leaves);
  store_rollback(city->reader);
  g_array_append_val(looks, look);
}

static void expect_same(const struct look *look, const char *found)
{
  g_auto(GStrv) then = g_strsplit(look->said, "\n", -1), now = g_strsplit(found, "\n", -1);
  size_t n = 0;

  if (strcmp(look->said, found) == 0) return;
  while (then[n] && now[n] && strcmp(then[n], now[n]) == 0) n++;
  fail_msg("after %" G_GUINT64_FORMAT " leaves, line %zu: said then “%s”, says now “%s”", look->leaves, n,
           then[n], now[n]);
}

static void look_back(struct city *city, const GArray *looks)
{
  for (unsigned n = 0; n < looks->len; n++) {
    const struct look *look = &g_array_index(looks, struct look, n);
    g_autoptr(GError) error = NULL;
    CLEANUP(snapshot_unref)
    struct snapshot *snapshot = present_begin(writer_present(city->fixture.writer), city->reader, &error);
    CLEANUP(past_free)
    struct past *past =
        snapshot ? past_new(city->reader, snapshot, look->leaves, look->moment_ms, &error) : NULL;
    CLEANUP(reader_free) struct reader *reader = past ? reader_new_at(city->reader, past) : NULL;

    if (!past) fail_msg("%s", error->message);
    g_autofree char *said = say_all(reader, (uint32_t)look->leaves);
    store_rollback(city->reader);
    expect_same(look, said);
  }
}

static void expect_no_difference(const char *what, const char *stored, const char *replayed, void *data)
{
  (void)data;
  fail_msg("%s: stored %s, replayed %s", what, stored, replayed);
}

static void every_moment_reads_as_it_was_read_then(void **state)
{
  int rounds = sample_rounds(250);
  struct city *city = city_new(city_seed());
  g_autoptr(GArray) looks = g_array_new(FALSE, FALSE, sizeof(struct look));
  g_autoptr(GError) error = NULL;
  uint64_t differences, leaves;

  (void)state;
  g_array_set_clear_func(looks, look_clear);
  look_now(city, looks);
  for (int n = 0; n < rounds; n++) {
    city_step(city);
    look_now(city, looks);
  }
  look_back(city, looks);

  /* The same of tables that were made anew from the ledger. */
  if (!replay_check(city->fixture.folder, expect_no_difference, NULL, NULL, &differences, &leaves, &error))
    fail_msg("%s", error->message);
  assert_int_equal(differences, 0);
  writer_free(city->fixture.writer);
  store_close(city->reader);
  city->fixture.writer = NULL;
  if (!replay_rebuild(city->fixture.folder, NULL, NULL, &error)) fail_msg("%s", error->message);
  fixture_restart(&city->fixture);
  city_open_reader(city);
  look_back(city, looks);
  city_free(city);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_moment_reads_as_it_was_read_then),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
