/* Holds what units' reports are now. It checks nothing: verdicts.c does. */
#include "aggregator/verifier/reports.h"

#include "common/cleanup.h"

#include <string.h>

/* --- books --- */

static void current_free(void *data)
{
  for (struct current *current = data, *next; current; current = next) {
    next = current->next;
    g_free(current->park);
    g_free(current->packed);
    g_free(current);
  }
}

static void book_free(void *data)
{
  struct book *book = data;
  g_free(book->form);
  g_hash_table_unref(book->units);
  g_free(book);
}

static char *book_key(const char *form, struct period period)
{
  char text[PERIOD_TEXT_SIZE];
  return g_strdup_printf("%s %s", form, period_format(period, text));
}

struct book *reports_find_book(const struct reports *reports, const char *form, struct period period)
{
  g_autofree char *key = book_key(form, period);
  return g_hash_table_lookup(reports->books, key);
}

struct book *reports_book(struct reports *reports, const char *form, struct period period)
{
  struct book *book = reports_find_book(reports, form, period);
  if (book) return book;
  book = g_new0(struct book, 1);
  book->form = g_strdup(form);
  book->period = period;
  book->units = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, current_free);
  g_hash_table_insert(reports->books, book_key(form, period), book);
  return book;
}

struct current *book_report(const struct book *book, const char *unit, const char *park)
{
  struct current *current = g_hash_table_lookup(book->units, unit);
  while (current && strcmp(current->park, park) != 0) current = current->next;
  return current;
}

static struct current *add_report(struct book *book, const char *unit, const char *park)
{
  struct current *current = g_new0(struct current, 1), *others = g_hash_table_lookup(book->units, unit);
  current->park = g_strdup(park);
  if (!others) {
    g_hash_table_insert(book->units, g_strdup(unit), current);
    return current;
  }
  current->next = others->next;
  others->next = current;
  return current;
}

void book_put(struct reports *reports, struct book *book, const char *unit, const char *park,
              enum report_kind kind, const struct figures *figures, uint64_t position)
{
  uint8_t packed[FIGURES_PACKED_MOST];
  struct current *own = book_report(book, unit, park);
  if (!own) {
    own = add_report(book, unit, park);
    own->first = position;
  }
  g_free(own->packed);
  own->kind = kind;
  own->position = position;
  own->length = figures_pack_to(figures, packed);
  own->packed = g_memdup2(packed, own->length);
  reports->put++;
}

/* --- reports that wait --- */

static int by_place(const void *left, const void *right, void *data)
{
  const struct undecided *a = left, *b = right;
  (void)data;
  if (a->position != b->position) return a->position < b->position ? -1 : 1;
  return a->row < b->row ? -1 : a->row > b->row;
}

void undecided_free(void *data)
{
  struct undecided *waiting = data;
  if (!waiting) return;
  g_free(waiting->park);
  g_free(waiting->unit);
  g_free(waiting->packed);
  g_free(waiting);
}

struct undecided *undecided_new(const struct submission_report *report)
{
  struct undecided *waiting = g_new0(struct undecided, 1);
  uint8_t packed[FIGURES_PACKED_MOST];
  waiting->unit = g_strdup(report->unit);
  waiting->has_base = report->has_base;
  if (report->has_base) memcpy(waiting->base, report->base, sizeof waiting->base);
  waiting->kind = report->change.kind;
  waiting->asked = report->change.asked;
  waiting->withdrawn = report->change.withdrawn;
  waiting->length = figures_pack_to(&report->change.figures, packed);
  waiting->packed = g_memdup2(packed, waiting->length);
  return waiting;
}

struct report_change undecided_change(const struct undecided *waiting)
{
  struct report_change change = {
      .kind = waiting->kind, .asked = waiting->asked, .withdrawn = waiting->withdrawn};
  (void)figures_unpack(waiting->packed, waiting->length, &change.figures); /* we packed it */
  return change;
}

static unsigned base_hash(const void *key)
{
  unsigned hash;
  memcpy(&hash, key, sizeof hash);
  return hash;
}

static int base_equal(const void *a, const void *b)
{
  return memcmp(a, b, SUBMISSION_ID_SIZE) == 0;
}

static void count_base(struct reports *reports, const struct undecided *waiting, int change)
{
  if (waiting->for_unit) return;
  unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(reports->bases, waiting->base)) + (unsigned)change;
  if (count == 0)
    g_hash_table_remove(reports->bases, waiting->base);
  else
    g_hash_table_replace(reports->bases, g_memdup2(waiting->base, sizeof waiting->base),
                         GUINT_TO_POINTER(count));
}

void reports_wait(struct reports *reports, struct undecided *waiting)
{
  count_base(reports, waiting, +1);
  g_tree_replace(reports->waiting, waiting, waiting);
}

struct undecided *reports_take(struct reports *reports, uint64_t position, uint32_t row)
{
  struct undecided key = {.position = position, .row = row};
  struct undecided *waiting = g_tree_lookup(reports->waiting, &key);
  if (!waiting) return NULL;
  count_base(reports, waiting, -1);
  g_tree_steal(reports->waiting, waiting);
  return waiting;
}

bool reports_is_waiting(const struct reports *reports, uint64_t position, const char *unit)
{
  struct undecided first = {.position = position};
  for (GTreeNode *node = g_tree_lower_bound(reports->waiting, &first); node; node = g_tree_node_next(node)) {
    const struct undecided *waiting = g_tree_node_value(node);
    if (waiting->position != position) return false;
    if (strcmp(waiting->unit, unit) == 0) return true;
  }
  return false;
}

struct reports *reports_new(void)
{
  struct reports *reports = g_new0(struct reports, 1);
  reports->books = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, book_free);
  reports->waiting = g_tree_new_full(by_place, NULL, NULL, undecided_free);
  reports->bases = g_hash_table_new_full(base_hash, base_equal, g_free, NULL);
  return reports;
}

void reports_free(struct reports *reports)
{
  if (!reports) return;
  g_hash_table_unref(reports->books);
  g_tree_unref(reports->waiting);
  g_hash_table_unref(reports->bases);
  g_free(reports);
}
