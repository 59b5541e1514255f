#include "agent/spill_join.h"

#include "common/decimal.h"
#include "common/text.h"

#include <string.h>

static void say(struct join *join, enum finding_code code, size_t row, int column, const char *found,
                const char *expected)
{
  struct finding finding = {
      .code = code, .file = join->file, .row = row, .unit = join->unit, .found = found, .expected = expected};
  if (column != CATALOGUE_NONE) finding.indicator = join->catalogue->forms[join->form].columns[column].code;
  join->findings(&finding, join->data);
}

/* "the same as row 7" */
static void say_against(struct join *join, enum finding_code code, size_t row, int column, size_t other)
{
  g_autofree char *expected = g_strdup_printf(_("the same as in row %zu"), other);
  say(join, code, row, column, NULL, code == FINDING_ROW_CONFLICT ? expected : NULL);
}

bool join_fits(const struct join *join, int32_t period, const char *unit)
{
  return join->period == period && strcmp(join->unit, unit) == 0;
}

struct entry *join_slot(struct join *join)
{
  return !join->begun || join->members == 0 ? &join->entry : &join->next;
}

static bool sets_equal(const struct column_set *a, const struct column_set *b)
{
  return memcmp(a, b, sizeof *a) == 0;
}

static bool says_the_same(const struct report_change *a, const struct report_change *b)
{
  return a->kind == b->kind && sets_equal(&a->asked, &b->asked) && sets_equal(&a->withdrawn, &b->withdrawn) &&
         figures_equal(&a->figures, &b->figures);
}

static void add_whole(struct join *join, const struct entry *entry)
{
  if (!says_the_same(&join->entry.change, &entry->change)) join->differs = true;
  if (join->members < JOIN_ROWS_KEPT)
    join->rows[join->members] = entry->row;
  else
    say_against(join, join->differs ? FINDING_ROW_CONFLICT : FINDING_ROW_TWICE, entry->row, CATALOGUE_NONE,
                join->entry.row);
}

static bool cells_equal(const struct report_change *a, const struct report_change *b, unsigned column)
{
  bool present = column_set_has(&a->figures.present, column);
  if (present != column_set_has(&b->figures.present, column)) return false;
  if (column_set_has(&a->withdrawn, column) != column_set_has(&b->withdrawn, column)) return false;
  return !present || a->figures.value[column] == b->figures.value[column];
}

/* One figure of a long table joins the others of its report. */
static void add_figure(struct join *join, const struct entry *entry)
{
  struct report_change *whole = &join->entry.change;
  const struct report_change *one = &entry->change;
  unsigned column = column_set_next(&one->asked, 0);
  if (whole->kind != one->kind || column == LIMIT_FORM_COLUMNS) {
    bool same = whole->kind == one->kind;
    if (!same) join->differs = true;
    say_against(join, same ? FINDING_ROW_TWICE : FINDING_ROW_CONFLICT, entry->row, CATALOGUE_NONE,
                join->entry.row);
    return;
  }
  if (!column_set_has(&whole->asked, column)) {
    column_set_add(&whole->asked, column);
    join->first_row[column] = entry->row;
    if (column_set_has(&one->withdrawn, column)) column_set_add(&whole->withdrawn, column);
    if (column_set_has(&one->figures.present, column))
      figures_set(&whole->figures, column, one->figures.value[column]);
    return;
  }
  if (cells_equal(whole, one, column)) {
    say_against(join, FINDING_ROW_TWICE, entry->row, (int)column, join->first_row[column]);
    return;
  }
  join->differs = true;
  if (!column_set_has(&join->conflicts, column))
    say_against(join, FINDING_ROW_CONFLICT, join->first_row[column], (int)column, entry->row);
  column_set_add(&join->conflicts, column);
  say_against(join, FINDING_ROW_CONFLICT, entry->row, (int)column, join->first_row[column]);
}

static void begin(struct join *join, const struct entry *entry)
{
  join->begun = true;
  join->period = period_key(entry->period);
  join->differs = join->refused = false;
  join->members = 0;
  join->good_row = 0;
  memset(&join->conflicts, 0, sizeof join->conflicts);
  g_strlcpy(join->unit, entry->unit, sizeof join->unit);
}

void join_add(struct join *join, const struct entry *entry)
{
  if (!join->begun) begin(join, entry);
  if (entry->refused) {
    join->refused = true; /* it was named already */
    return;
  }
  if (join->members == 0) {
    join->entry.unit = join->unit; /* the record's own does not last */
    join->good_row = join->rows[0] = entry->row;
    unsigned column = column_set_next(&entry->change.asked, 0);
    if (!entry->whole && column < LIMIT_FORM_COLUMNS) join->first_row[column] = entry->row;
  } else if (entry->whole) {
    add_whole(join, entry);
  } else {
    add_figure(join, entry);
  }
  join->members++;
}

const struct entry *join_end(struct join *join)
{
  join->begun = false;
  if (join->members == 0) return NULL;
  if (join->entry.whole && join->members > 1) {
    size_t kept = MIN(join->members, JOIN_ROWS_KEPT);
    if (join->differs) say_against(join, FINDING_ROW_CONFLICT, join->rows[0], CATALOGUE_NONE, join->rows[1]);
    for (size_t i = 1; i < kept; i++)
      say_against(join, join->differs ? FINDING_ROW_CONFLICT : FINDING_ROW_TWICE, join->rows[i],
                  CATALOGUE_NONE, join->rows[0]);
  }
  if (join->refused && !join->differs)
    say(join, FINDING_ROW_WITH_REFUSED, join->good_row, CATALOGUE_NONE, NULL, NULL);
  return join->differs || join->refused ? NULL : &join->entry;
}
