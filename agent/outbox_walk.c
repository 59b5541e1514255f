/* Reading an outbox of which some pages cannot be read any more. */
#include "agent/outbox_private.h"

#include "common/error.h"

/* Queries that may fail before a range is given up as a whole: where a damaged page stands for a great many
 * numbers, most of which were never given. */
#define FAILURES_MOST 20000
#define BEYOND 1000000 /* what is looked for beyond the greatest key, where that itself is not certain */

struct walk {
  struct db *db;
  const char *sql;
  outbox_row_sink *row;
  outbox_gap_sink *gap;
  void *data;
  unsigned failures;
  int64_t gap_first, gap_last; /* not told yet; none: first > last */
  char *why;
};

bool outbox_is_unreadable(struct db *db, char **ret_why)
{
  const GError *error = db_error(db);
  if (!error || (error->code != ERROR_DATA && error->code != ERROR_IO)) return false;
  g_autoptr(GError) taken = NULL;
  (void)db_take_error(db, &taken);
  if (ret_why) *ret_why = g_strdup(taken->message);
  return true;
}

static void tell_gap(struct walk *walk)
{
  if (walk->gap_first <= walk->gap_last) walk->gap(walk->gap_first, walk->gap_last, walk->why, walk->data);
  walk->gap_first = 1;
  walk->gap_last = 0;
}

static void add_gap(struct walk *walk, int64_t first, int64_t last, char *why)
{
  if (walk->gap_first <= walk->gap_last && walk->gap_last + 1 == first) {
    walk->gap_last = last;
    g_free(why);
    return;
  }
  tell_gap(walk);
  walk->gap_first = first;
  walk->gap_last = last;
  g_free(walk->why);
  walk->why = why;
}

/* What comes after the last row that could be read, by halves. */
static void walk_range(struct walk *walk, int64_t first, int64_t last)
{
  {
    CLEANUP(db_end) struct db_row *row = db_query(walk->db, walk->sql);
    db_bind_int(row, first);
    db_bind_int(row, last);
    while (db_step(row)) {
      first = db_int(row, 0) + 1;
      tell_gap(walk);
      walk->row(row, walk->data);
    }
  }
  char *why;
  if (!outbox_is_unreadable(walk->db, &why) || first > last) return;
  if (first == last || ++walk->failures > FAILURES_MOST) {
    add_gap(walk, first, last, why);
    return;
  }
  g_free(why);
  int64_t middle = first + (last - first) / 2;
  walk_range(walk, first, middle);
  if (!db_error(walk->db)) walk_range(walk, middle + 1, last);
}

bool outbox_walk(struct db *db, const char *sql, int64_t first, int64_t last, outbox_row_sink *row,
                 outbox_gap_sink *gap, void *data, GError **error)
{
  struct walk walk = {
      .db = db, .sql = sql, .row = row, .gap = gap, .data = data, .gap_first = 1, .gap_last = 0};
  walk_range(&walk, first, last);
  tell_gap(&walk);
  g_free(walk.why);
  return db_take_error(db, error);
}

int64_t outbox_last_key(struct db *db, bool old)
{
  static const char *const QUERIES[2][4] = {
      {"SELECT max(sequence) FROM submission", "SELECT max(sequence) FROM content",
       "SELECT max(sequence) FROM receipt", "SELECT value FROM meta WHERE key = 'sequence'"},
      {"SELECT max(sequence) FROM old.submission", "SELECT max(sequence) FROM old.content",
       "SELECT max(sequence) FROM old.receipt", "SELECT value FROM old.meta WHERE key = 'sequence'"}};
  int64_t last = 0;
  bool certain = true;
  for (size_t i = 0; i < G_N_ELEMENTS(QUERIES[old]); i++) {
    {
      CLEANUP(db_end) struct db_row *row = db_query(db, QUERIES[old][i]);
      if (db_step(row)) last = MAX(last, db_int(row, 0));
    }
    if (outbox_is_unreadable(db, NULL)) certain = false;
  }
  return certain || last > INT64_MAX - BEYOND ? last : last + BEYOND;
}
