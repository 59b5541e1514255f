/* Side by side through both moments of all books that a total is made of. */
#include "aggregator/choice.h"
#include "aggregator/read_explain_private.h"

#include <string.h>

/* --- what a unit adds --- */

static size_t find_book(const struct explaining *explaining, struct period period, int64_t book)
{
  for (size_t n = 0; n < explaining->book_count; n++)
    if (explaining->books[n].book == book && period_equal(explaining->books[n].period, period)) return n;
  return BOOKS_MOST;
}

/* The number of the book of a part, BOOKS_MOST if nothing was ever sent for it. */
static size_t book_of_part(const struct explaining *explaining, const struct situation *situation,
                           const struct plan *plan, size_t part)
{
  const struct catalogue *catalogue = explaining->side[situation->columns].plan_catalogue;
  struct period period = plan->parts[part].period;
  int64_t book = store_find_book(explaining->store, catalogue->forms[plan->form].code, period);

  return book ? find_book(explaining, period, book) : BOOKS_MOST;
}

/* The report of a book that counts; NULL if none does. `ret_membership`: where. */
static const struct stored_report *chosen_of(const struct explaining *explaining,
                                             const struct unit_state *state,
                                             const struct situation *situation, size_t book,
                                             const struct membership **ret_membership)
{
  const struct past_unit *unit;
  const struct unit_version *version;

  if (book == BOOKS_MOST) return NULL;
  unit = state->at[book][situation->new_reports >> book & 1 ? AFTER : BEFORE];
  version = state->version[book][situation->units];
  if (!unit || !version || !explaining->side[situation->catalogue].catalogue) return NULL;
  *ret_membership = membership_lookup_of(explaining->lookup[situation->units][situation->catalogue], version);
  return choice_of(explaining->side[situation->catalogue].catalogue, version, unit->reports, unit->count);
}

static bool is_part_of(const struct explaining *explaining, const struct membership *membership)
{
  return membership->areas &&
         g_strv_contains((const char *const *)membership->areas, explaining->asked->area) &&
         g_strv_contains((const char *const *)membership->slices, explaining->asked->slice);
}

static bool figure_of(const struct stored_report *report, const struct plan_part *part, int64_t *ret_value)
{
  struct figures figures;

  return report && figures_unpack(report->figures, report->figures_length, &figures) &&
         reader_figure(&figures, part, ret_value);
}

void read_explain_value(const struct explaining *explaining, const struct unit_state *state,
                        const struct situation *situation, int128 *ret_value, int64_t *ret_reports)
{
  const struct plan *plan = &explaining->side[situation->columns].plan;
  const struct membership *membership = NULL, *other;
  int64_t value, earlier;

  *ret_value = 0;
  *ret_reports = 0;
  if (!plan->data) return; /* then the total is not defined */
  for (size_t n = 0; n < (plan->difference ? 1 : plan->count); n++) {
    size_t book = book_of_part(explaining, situation, plan, n);
    const struct stored_report *report = chosen_of(explaining, state, situation, book, &membership);

    if (!figure_of(report, &plan->parts[n], &value) || !is_part_of(explaining, membership)) continue;
    if (plan->difference) {
      book = book_of_part(explaining, situation, plan, 1);
      report = chosen_of(explaining, state, situation, book, &other);
      if (!figure_of(report, &plan->parts[1], &earlier)) continue;
      *ret_value -= earlier;
    }
    *ret_value += value;
    ++*ret_reports;
  }
}

/* --- units of both moments --- */

bool read_explain_same_reports(const struct past_unit *a, const struct past_unit *b)
{
  if (!a || !b) return a == b;
  if (a->count != b->count) return false;
  for (size_t n = 0; n < a->count; n++)
    if (a->reports[n]->place != b->reports[n]->place || a->reports[n]->revision != b->reports[n]->revision)
      return false;
  return true;
}

static bool same_version(const struct unit_version *a, const struct unit_version *b)
{
  return a == b || (a && b && unit_version_equal(a, b));
}

static bool same_plan(const struct plan *a, const struct plan *b)
{
  if (a->form != b->form || a->difference != b->difference || a->count != b->count) return false;
  for (size_t n = 0; n < a->count; n++)
    if (!period_equal(a->parts[n].period, b->parts[n].period) || a->parts[n].slot != b->parts[n].slot ||
        a->parts[n].other != b->parts[n].other)
      return false;
  return true;
}

bool read_explain_is_same(const struct explaining *explaining, const struct unit_state *state)
{
  const struct side *side = explaining->side;

  if (side[BEFORE].catalogue != side[AFTER].catalogue || !same_plan(&side[BEFORE].plan, &side[AFTER].plan))
    return false;
  for (size_t n = 0; n < explaining->book_count; n++)
    if (!read_explain_same_reports(state->at[n][BEFORE], state->at[n][AFTER]) ||
        !same_version(state->version[n][BEFORE], state->version[n][AFTER]))
      return false;
  return true;
}

struct walk {
  struct past_units *units[BOOKS_MOST][SIDES]; /* NULL: nothing to read */
  const struct past_unit *next[BOOKS_MOST][SIDES];
};

static void walk_begin(const struct explaining *explaining, struct walk *walk)
{
  memset(walk, 0, sizeof *walk);
  for (size_t n = 0; n < explaining->book_count; n++)
    for (int side = 0; side < SIDES; side++) {
      if (!explaining->side[side].past) continue;
      walk->units[n][side] = past_units_open(explaining->side[side].past, explaining->books[n].book);
      walk->next[n][side] = past_units_next(walk->units[n][side]);
    }
}

static void walk_end(const struct explaining *explaining, struct walk *walk)
{
  for (size_t n = 0; n < explaining->book_count; n++)
    for (int side = 0; side < SIDES; side++) past_units_close(walk->units[n][side]);
}

static const char *least_unit(const struct explaining *explaining, const struct walk *walk)
{
  const char *least = NULL;

  for (size_t n = 0; n < explaining->book_count; n++)
    for (int side = 0; side < SIDES; side++) {
      const struct past_unit *next = walk->next[n][side];

      if (next && (!least || strcmp(next->unit, least) < 0)) least = next->unit;
    }
  return least;
}

static void meet_unit(const struct explaining *explaining, const struct walk *walk, const char *unit,
                      struct unit_state *ret_state)
{
  ret_state->unit = unit;
  for (size_t n = 0; n < explaining->book_count; n++)
    for (int side = 0; side < SIDES; side++) {
      const struct past_unit *next = walk->next[n][side];
      const struct unit_register *units = explaining->side[side].units;

      ret_state->at[n][side] = next && strcmp(next->unit, unit) == 0 ? next : NULL;
      ret_state->version[n][side] = units ? register_version(units, unit, explaining->books[n].period) : NULL;
    }
}

void read_explain_each_unit(struct explaining *explaining, unit_state_sink *sink, void *data)
{
  struct unit_state state;
  struct walk walk;
  const char *unit;

  walk_begin(explaining, &walk);
  while ((unit = least_unit(explaining, &walk))) {
    meet_unit(explaining, &walk, unit, &state);
    sink(explaining, &state, data);
    for (size_t n = 0; n < explaining->book_count; n++)
      for (int side = 0; side < SIDES; side++)
        if (state.at[n][side]) walk.next[n][side] = past_units_next(walk.units[n][side]);
  }
  walk_end(explaining, &walk);
}

/* --- the report that a line is about --- */

/* Of this book the report that counts, else the one that changed last. */
static const struct stored_report *newest(const struct explaining *explaining, const struct past_unit *unit)
{
  uint64_t leaves = explaining->side[BEFORE].past ? past_leaves(explaining->side[BEFORE].past) : 0;
  const struct stored_report *found = unit ? unit->chosen : NULL;

  if (found && found->since >= leaves) return found;
  for (size_t n = 0; unit && n < unit->count; n++)
    if (!found || unit->reports[n]->since > found->since) found = unit->reports[n];
  return found;
}

void read_explain_name_report(const struct explaining *explaining, const struct unit_state *state,
                              size_t book, struct explain_line *line)
{
  const struct stored_report *found = NULL;

  for (size_t n = 0; n < explaining->book_count; n++) {
    const struct stored_report *report = newest(explaining, state->at[n][AFTER]);

    if (!report || (book != BOOKS_MOST && n != book) || (found && report->since <= found->since)) continue;
    found = report;
    line->period = explaining->books[n].period;
  }
  if (!found) return;
  g_strlcpy(line->park, found->park, sizeof line->park);
  line->revision = found->revision;
  line->position = found->position;
  line->since = found->since;
}
