#include "aggregator/read.h"

#include "aggregator/read_coverage.h"
#include "aggregator/read_private.h"
#include "aggregator/statistics/compare.h"
#include "common/calendar.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

static struct reader *make(struct store *store, struct past *past, struct snapshot *snapshot)
{
  struct reader *reader = g_new0(struct reader, 1);
  reader->store = store;
  reader->past = past;
  reader->snapshot = snapshot;
  reader->catalogue = snapshot->catalogue;
  reader->memberships = past ? past_memberships(past) : memberships_new(store);
  reader->computed =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
  reader->contributions =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
  reader->compared = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)comparing_free);
  reader->plans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  reader->surveys =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)coverage_report_free);
  return reader;
}

struct reader *reader_new(struct store *store, struct snapshot *snapshot)
{
  return make(store, NULL, snapshot);
}

struct reader *reader_new_at(struct store *store, struct past *past)
{
  return make(store, past, past_snapshot(past));
}

void reader_free(struct reader *reader)
{
  if (!reader) return;
  g_hash_table_unref(reader->computed);
  g_hash_table_unref(reader->contributions);
  g_hash_table_unref(reader->compared);
  g_hash_table_unref(reader->plans);
  g_hash_table_unref(reader->surveys);
  if (!reader->past) memberships_free(reader->memberships);
  g_free(reader);
}

bool reader_is_member(struct reader *reader, int64_t membership, const char *area, const char *slice)
{
  const struct membership *found = memberships_by_id(reader->memberships, membership);
  return found && found->areas && g_strv_contains((const char *const *)found->areas, area) &&
         g_strv_contains((const char *const *)found->slices, slice);
}

/* --- flows and stocks --- */

static void add_cell(struct reader *reader, const struct plan *plan, const struct plan_part *part,
                     const char *area, const char *slice, struct total *total)
{
  struct cell_key key = {.area = area, .slice = slice, .slot = part->slot};
  key.book = store_find_book(reader->store, reader->catalogue->forms[plan->form].code, part->period);
  int128 sum;
  int64_t units;
  if (!key.book || !reader_cell(reader, &key, &sum, &units)) return;
  total->value += sum;
  total->reported += units;
}

static void add_parts(struct reader *reader, const struct plan *plan, const char *area, const char *slice,
                      struct total *total)
{
  total->complete = true;
  for (size_t n = 0; n < plan->count; n++) {
    const struct plan_part *part = &plan->parts[n];
    int64_t before = total->reported;
    if (part->other == NO_SLOT)
      add_cell(reader, plan, part, area, slice, total);
    else
      reader_either(reader, plan, part, area, slice, total);
    if (total->reported > before)
      total->months |= part->months;
    else
      total->complete = false;
  }
}

static void add_difference(struct reader *reader, const struct plan *plan, const char *area,
                           const char *slice, struct total *total)
{
  reader_difference(reader, plan, area, slice, total);
  total->complete = total->reported > 0;
  if (total->complete) total->months = plan->parts[0].months & ~plan->parts[1].months;
}

static void total_of_plan(struct reader *reader, int area, int slice, const struct plan *plan,
                          struct total *ret_total)
{
  if (plan->form == CATALOGUE_NONE) return;
  const struct catalogue *catalogue = reader->catalogue;
  const char *area_code = catalogue->areas[area].code, *slice_code = catalogue->slices[slice].code;
  if (plan->data && plan->difference)
    add_difference(reader, plan, area_code, slice_code, ret_total);
  else if (plan->data)
    add_parts(reader, plan, area_code, slice_code, ret_total);
  ret_total->defined = ret_total->reported > 0;

  size_t owed = plan->difference ? 1 : plan->count;
  for (size_t n = 0; n < owed; n++)
    ret_total->expected += reader_expected(reader, catalogue->forms[plan->form].code, area_code, slice_code,
                                           period_last_day(plan->parts[n].period));
}

/* --- ratios --- */

/* Whichever rests on the smaller part of its units. */
static const struct total *weaker(const struct total *a, const struct total *b)
{
  return (int128)a->reported * b->expected <= (int128)b->reported * a->expected ? a : b;
}

static void read_total(struct reader *reader, int area, int slice, int indicator, struct period period,
                       bool cumulative, struct total *ret_total);

/* Figures of this world are far from not fitting. */
void reader_divide(const struct catalogue *catalogue, const struct indicator *ratio,
                   const struct total *upper, const struct total *lower, struct total *ret_total)
{
  int128 value, denominator;
  if (!upper->defined || !lower->defined || lower->value == 0) return;
  int128 upper_scale = decimal_power10(catalogue->indicators[ratio->numerator].decimals);
  int128 lower_scale = decimal_power10(catalogue->indicators[ratio->denominator].decimals);
  if (__builtin_mul_overflow(upper->value, ratio->ratio_scale * lower_scale, &value) ||
      __builtin_mul_overflow(lower->value, upper_scale, &denominator))
    return;
  if (denominator < 0) {
    value = -value;
    denominator = -denominator;
  }
  *ret_total = (struct total){.defined = true, .value = value, .denominator = denominator};
}

static void total_of_ratio(struct reader *reader, int area, int slice, const struct indicator *ratio,
                           struct period period, bool cumulative, struct total *ret_total)
{
  struct total upper, lower;
  read_total(reader, area, slice, ratio->numerator, period, cumulative, &upper);
  read_total(reader, area, slice, ratio->denominator, period, cumulative, &lower);
  reader_divide(reader->catalogue, ratio, &upper, &lower, ret_total);
  const struct indicator *indicators = reader->catalogue->indicators;
  bool flows =
      indicators[ratio->numerator].kind == KIND_FLOW && indicators[ratio->denominator].kind == KIND_FLOW;
  ret_total->complete = upper.complete && lower.complete && (!flows || upper.months == lower.months);
  ret_total->months = upper.months;
  const struct total *basis = weaker(&upper, &lower);
  ret_total->reported = basis->reported;
  ret_total->expected = basis->expected;
}

/* --- any --- */

static void read_total(struct reader *reader, int area, int slice, int indicator, struct period period,
                       bool cumulative, struct total *ret_total)
{
  const struct indicator *of = &reader->catalogue->indicators[indicator];
  struct plan plan;
  *ret_total = (struct total){.denominator = 1};
  switch (of->kind) {
  case KIND_FLOW:
  case KIND_STOCK:
    reader_plan(reader, area, indicator, COLUMNS_OF_THIS_YEAR, period, cumulative, &plan);
    total_of_plan(reader, area, slice, &plan, ret_total);
    break;
  case KIND_COUNT:
    reader_count(reader, area, slice, indicator, period, ret_total);
    break;
  case KIND_RATIO:
    total_of_ratio(reader, area, slice, of, period, cumulative, ret_total);
    break;
  }
}

static bool check_store(struct reader *reader, GError **error)
{
  const GError *failure = store_error(reader->store);
  if (failure) g_propagate_error(error, g_error_copy(failure));
  return !failure;
}

bool reader_total(struct reader *reader, int area, int slice, int indicator, struct period period,
                  bool cumulative, struct total *ret_total, GError **error)
{
  struct total total;
  read_total(reader, area, slice, indicator, period, cumulative, &total);
  if (!check_store(reader, error)) return false;
  *ret_total = total;
  return true;
}

bool reader_last_year(struct reader *reader, int area, int slice, int indicator, struct period period,
                      bool cumulative, struct total *ret_total, GError **error)
{
  enum indicator_kind kind = reader->catalogue->indicators[indicator].kind;
  struct total total = {.denominator = 1}, before;
  if (kind == KIND_FLOW || kind == KIND_STOCK) {
    struct plan plan;
    reader_plan(reader, area, indicator, COLUMNS_OF_LAST_YEAR, period, cumulative, &plan);
    total_of_plan(reader, area, slice, &plan, &total);
  }
  if (!total.defined || !total.complete) {
    read_total(reader, area, slice, indicator, period_last_year(period), cumulative, &before);
    if (before.complete || !total.defined) total = before;
  }
  total.defined = total.defined && total.complete;
  if (!check_store(reader, error)) return false;
  *ret_total = total;
  return true;
}

/* --- overlaps --- */

static void add_part(struct total *sum, const struct total *part)
{
  sum->defined |= part->defined;
  sum->value += part->value;
  sum->reported += part->reported;
  sum->expected += part->expected;
}

/* The parts' sum less what they are together. */
static bool subtract_whole(struct reader *reader, const struct total *parts, const struct total *whole,
                           struct total *ret_overlap, GError **error)
{
  if (!check_store(reader, error)) return false;
  if (!whole->defined && !parts->defined) return false;
  *ret_overlap = (struct total){.defined = true,
                                .value = parts->value - whole->value,
                                .denominator = 1,
                                .reported = parts->reported - whole->reported,
                                .expected = parts->expected - whole->expected};
  return true;
}

bool reader_overlap(struct reader *reader, int area, int slice, int indicator, struct period period,
                    bool cumulative, struct total *ret_overlap, GError **error)
{
  const struct catalogue *catalogue = reader->catalogue;
  if (catalogue->indicators[indicator].kind == KIND_RATIO) return false;
  bool has_children = false;
  struct total parts = {.denominator = 1}, total;
  for (int child = 0; child < (int)catalogue->area_count; child++) {
    if (catalogue->areas[child].parent != area) continue;
    read_total(reader, child, slice, indicator, period, cumulative, &total);
    has_children = true;
    add_part(&parts, &total);
  }
  if (!has_children) return false;
  read_total(reader, area, slice, indicator, period, cumulative, &total);
  return subtract_whole(reader, &parts, &total, ret_overlap, error);
}

bool reader_set_overlap(struct reader *reader, int area, int set, int indicator, struct period period,
                        bool cumulative, struct total *ret_overlap, GError **error)
{
  const struct catalogue *catalogue = reader->catalogue;
  const struct slice *of = &catalogue->slices[set];
  if (catalogue->indicators[indicator].kind == KIND_RATIO || of->member_count == 0) return false;
  struct total parts = {.denominator = 1}, total;
  for (size_t n = 0; n < of->member_count; n++) {
    read_total(reader, area, of->members[n], indicator, period, cumulative, &total);
    add_part(&parts, &total);
  }
  read_total(reader, area, set, indicator, period, cumulative, &total);
  return subtract_whole(reader, &parts, &total, ret_overlap, error);
}

/* --- annual figures against those of the months --- */

bool reader_annual_adjustment(struct reader *reader, int area, int slice, int indicator, struct period year,
                              struct total *ret_adjustment, GError **error)
{
  enum indicator_kind kind = reader->catalogue->indicators[indicator].kind;
  struct plan annual, monthly;
  if (year.months != 12 || (kind != KIND_FLOW && kind != KIND_STOCK)) return false;
  reader_plan(reader, area, indicator, COLUMNS_OF_THIS_YEAR, year, true, &annual);
  reader_plan_of_months(reader, area, indicator, year, &monthly);
  if (!annual.data || !monthly.data || reader->catalogue->forms[annual.form].months != 12) return false;
  struct total of_year = {.denominator = 1}, of_months = {.denominator = 1};
  total_of_plan(reader, area, slice, &annual, &of_year);
  total_of_plan(reader, area, slice, &monthly, &of_months);
  if (!check_store(reader, error)) return false;
  if (!of_year.defined || !of_months.defined) return false;
  *ret_adjustment = (struct total){.defined = true,
                                   .value = of_year.value - of_months.value,
                                   .denominator = 1,
                                   .reported = of_year.reported,
                                   .expected = of_year.expected,
                                   .complete = of_months.complete,
                                   .months = of_months.months};
  return true;
}

/* --- the last period --- */

day_number reader_today(const struct reader *reader)
{
  return calendar_day(reader->catalogue, reader->past ? past_moment_ms(reader->past) : clock_wall().ms);
}

bool reader_has_ended(const struct reader *reader, struct period period)
{
  return reader_today(reader) > period_last_day(period);
}

/* A book is there as soon as anything was sent for it, refused or not. */
static bool has_counted(struct reader *reader, int64_t book)
{
  const struct catalogue *catalogue = reader->catalogue;
  for (size_t area = 0; area < catalogue->area_count; area++) {
    struct cell_key key = {.book = book,
                           .area = catalogue->areas[area].code,
                           .slice = catalogue->slices[0].code,
                           .slot = SLOT_REPORTED};
    int128 nil;
    int64_t units;
    if (reader_cell(reader, &key, &nil, &units) && units > 0) return true;
  }
  return false;
}

bool reader_last_of_form(struct reader *reader, const char *form, struct period *ret_period)
{
  g_autoptr(GArray) books = store_books(reader->store, form);
  day_number now = reader_today(reader);
  bool found = false;
  struct period last = {0};
  for (unsigned n = books->len; n-- > 0;) { /* of a form mostly the later before the earlier */
    const struct stored_book *book = &g_array_index(books, struct stored_book, n);
    if (period_first_day(book->period) > now || (found && !period_is_later(book->period, last))) continue;
    if (!has_counted(reader, book->book)) continue;
    last = book->period;
    found = true;
  }
  if (found) *ret_period = last;
  return found;
}

static bool last_of_forms(struct reader *reader, int indicator, struct period *ret_period)
{
  static const unsigned frequencies[] = {12, 3, 1};
  bool found = false;
  struct period last = {0};
  for (size_t n = 0; n < G_N_ELEMENTS(frequencies); n++) {
    struct column_ref column;
    struct period period;
    if (!catalogue_find_column(reader->catalogue, indicator, VARIANT_PERIOD, frequencies[n], &column) &&
        !catalogue_find_column(reader->catalogue, indicator, VARIANT_YTD, frequencies[n], &column))
      continue;
    if (!reader_last_of_form(reader, reader->catalogue->forms[column.form].code, &period)) continue;
    if (!found || period_is_later(period, last)) last = period;
    found = true;
  }
  if (found) *ret_period = last;
  return found;
}

bool reader_last_period(struct reader *reader, int indicator, struct period *ret_period)
{
  const struct indicator *of = &reader->catalogue->indicators[indicator];
  struct period upper, lower;
  switch (of->kind) {
  case KIND_FLOW:
  case KIND_STOCK:
    return last_of_forms(reader, indicator, ret_period);
  case KIND_COUNT:
    if (of->count_indicator != CATALOGUE_NONE)
      return reader_last_period(reader, of->count_indicator, ret_period);
    return reader_last_of_form(reader, NULL, ret_period);
  case KIND_RATIO: /* both are needed */
    if (!reader_last_period(reader, of->numerator, &upper) ||
        !reader_last_period(reader, of->denominator, &lower))
      return false;
    *ret_period = period_is_later(upper, lower) ? lower : upper;
    return true;
  }
  return false;
}
