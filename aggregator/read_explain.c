#include "aggregator/read_explain.h"

#include "aggregator/read_explain_private.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

#define ALL_REPORTS UINT32_MAX

const struct situation read_explain_situations[SITUATIONS] = {
    {.catalogue = BEFORE, .units = BEFORE, .columns = BEFORE, .new_reports = 0},
    {.catalogue = AFTER, .units = BEFORE, .columns = BEFORE, .new_reports = 0},
    {.catalogue = AFTER, .units = AFTER, .columns = BEFORE, .new_reports = 0},
    {.catalogue = AFTER, .units = AFTER, .columns = BEFORE, .new_reports = ALL_REPORTS},
    {.catalogue = AFTER, .units = AFTER, .columns = AFTER, .new_reports = ALL_REPORTS},
};

const enum explain_cause read_explain_causes[SITUATIONS] = {
    EXPLAIN_CAUSES, EXPLAIN_CATALOGUE, EXPLAIN_REGISTER, EXPLAIN_REPORT, EXPLAIN_COLUMNS};

/* --- the two moments --- */

static void plan_side(struct side *side, const struct explained *asked)
{
  const struct indicator *indicator = &side->catalogue->indicators[side->indicator];
  bool is_count = indicator->kind == KIND_COUNT;

  if (is_count && indicator->count_indicator == CATALOGUE_NONE) return;
  reader_plan(side->reader, side->area, is_count ? indicator->count_indicator : side->indicator,
              COLUMNS_OF_THIS_YEAR, asked->period, is_count || asked->cumulative, &side->plan);
  side->plan_catalogue = side->catalogue;
}

static bool open_side(struct store *store, struct past *past, const struct explained *asked,
                      struct side *ret_side, GError **error)
{
  *ret_side = (struct side){.past = past,
                            .area = CATALOGUE_NONE,
                            .slice = CATALOGUE_NONE,
                            .indicator = CATALOGUE_NONE,
                            .plan = {.form = CATALOGUE_NONE}};
  if (!past) return true;
  ret_side->catalogue = past_snapshot(past)->catalogue;
  ret_side->units = past_snapshot(past)->units;
  ret_side->reader = reader_new_at(store, past);
  ret_side->area = catalogue_area(ret_side->catalogue, asked->area);
  ret_side->slice = catalogue_slice(ret_side->catalogue, asked->slice);
  ret_side->indicator = catalogue_indicator(ret_side->catalogue, asked->indicator);
  if (ret_side->area == CATALOGUE_NONE || ret_side->slice == CATALOGUE_NONE ||
      ret_side->indicator == CATALOGUE_NONE)
    return true; /* nothing of it was there then */
  plan_side(ret_side, asked);
  return reader_total(ret_side->reader, ret_side->area, ret_side->slice, ret_side->indicator, asked->period,
                      asked->cumulative, &ret_side->total, error);
}

/* Where nobody reported anything, any columns give nothing: those of the other moment do. */
static void lend_plan(struct side *to, const struct side *from)
{
  if (to->plan.data || !from->plan.data) return;
  to->plan = from->plan;
  to->plan_catalogue = from->plan_catalogue;
}

static void add_books(struct explaining *explaining, const struct side *side)
{
  const struct plan *plan = &side->plan;

  for (size_t n = 0; plan->form != CATALOGUE_NONE && n < plan->count; n++) {
    struct explained_book book = {.period = plan->parts[n].period};
    bool known = false;

    book.book = store_find_book(explaining->store, side->plan_catalogue->forms[plan->form].code, book.period);
    for (size_t b = 0; b < explaining->book_count; b++) known |= explaining->books[b].book == book.book;
    if (book.book && !known) explaining->books[explaining->book_count++] = book;
  }
}

static void open_lookups(struct explaining *explaining)
{
  explaining->memberships = memberships_new(NULL);
  for (int units = 0; units < SIDES; units++)
    for (int catalogue = 0; catalogue < SIDES; catalogue++) {
      struct membership_lookup *lookup = membership_lookup_new(explaining->memberships);

      membership_lookup_use(lookup, explaining->side[catalogue].catalogue);
      explaining->lookup[units][catalogue] = lookup;
    }
}

static void close_all(struct explaining *explaining)
{
  for (int side = 0; side < SIDES; side++) reader_free(explaining->side[side].reader);
  if (!explaining->memberships) return;
  for (int units = 0; units < SIDES; units++)
    for (int catalogue = 0; catalogue < SIDES; catalogue++)
      membership_lookup_free(explaining->lookup[units][catalogue]);
  memberships_free(explaining->memberships);
}

/* --- flows and stocks: unit by unit --- */

/* A line of what the situation changed. */
static void add_line(struct explaining *explaining, const struct unit_state *state,
                     const struct situation *situation, enum explain_cause cause, size_t book, int128 *value)
{
  struct explain_line line = {.cause = cause};
  int64_t reports;
  int128 now;

  read_explain_value(explaining, state, situation, &now, &reports);
  line.change = now - *value;
  *value = now;
  if (line.change == 0) return;
  g_strlcpy(line.unit, state->unit, sizeof line.unit);
  if (cause == EXPLAIN_REPORT) read_explain_name_report(explaining, state, book, &line);
  explain_add(explaining->explain, &line);
}

static void explain_state(struct explaining *explaining, const struct unit_state *state, void *data)
{
  struct situation situation = read_explain_situations[0];
  int128 before, value;
  int64_t reports;

  (void)data;
  read_explain_value(explaining, state, &situation, &before, &reports);
  value = before;
  if (!read_explain_is_same(explaining, state)) {
    add_line(explaining, state, &read_explain_situations[1], EXPLAIN_CATALOGUE, BOOKS_MOST, &value);
    situation = read_explain_situations[2];
    add_line(explaining, state, &situation, EXPLAIN_REGISTER, BOOKS_MOST, &value);
    for (size_t book = 0; book < explaining->book_count; book++) {
      if (read_explain_same_reports(state->at[book][BEFORE], state->at[book][AFTER])) continue;
      situation.new_reports |= (uint32_t)1 << book;
      add_line(explaining, state, &situation, EXPLAIN_REPORT, book, &value);
    }
    add_line(explaining, state, &read_explain_situations[4], EXPLAIN_COLUMNS, BOOKS_MOST, &value);
  }
  explain_unit(explaining->explain, before, value);
}

/* --- any --- */

static void explain_total(struct explaining *explaining)
{
  const struct side *side = &explaining->side[AFTER];
  const struct indicator *indicator;

  if (side->indicator == CATALOGUE_NONE) side = &explaining->side[BEFORE];
  if (side->indicator == CATALOGUE_NONE) return;
  indicator = &side->catalogue->indicators[side->indicator];
  if (indicator->kind != KIND_COUNT)
    read_explain_each_unit(explaining, explain_state, NULL);
  else if (indicator->count_indicator != CATALOGUE_NONE)
    read_explain_count_reported(explaining);
  else
    read_explain_count_registered(explaining);
}

/* What was found against what the reader gives. */
static bool check(struct explaining *explaining, GError **error)
{
  const struct explain_line *lines;
  struct explain_sums sums;
  size_t count;

  if (store_error(explaining->store)) {
    g_propagate_error(error, g_error_copy(store_error(explaining->store)));
    return false;
  }
  if (explain_finish(explaining->explain, &lines, &count, &sums) &&
      sums.before == explaining->side[BEFORE].total.value &&
      sums.after == explaining->side[AFTER].total.value)
    return true;
  g_set_error_literal(
      error, PARKTALLY_ERROR, ERROR_INTERNAL,
      _("a mistake of this program: what it found does not add up to the total; please report it"));
  return false;
}

bool read_explain_run(struct store *store, struct past *before, struct past *after,
                      const struct explained *explained, struct explain *explain, GError **error)
{
  struct explaining explaining = {.store = store, .asked = explained, .explain = explain};
  bool done = open_side(store, before, explained, &explaining.side[BEFORE], error) &&
              open_side(store, after, explained, &explaining.side[AFTER], error);

  if (done) {
    lend_plan(&explaining.side[BEFORE], &explaining.side[AFTER]);
    lend_plan(&explaining.side[AFTER], &explaining.side[BEFORE]);
    add_books(&explaining, &explaining.side[BEFORE]);
    add_books(&explaining, &explaining.side[AFTER]);
    open_lookups(&explaining);
    explain_total(&explaining);
    done = check(&explaining, error);
  }
  close_all(&explaining);
  return done;
}
