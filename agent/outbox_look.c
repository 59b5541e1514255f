/* Looking at the outbox, and telling what was refused. */
#include "agent/outbox_private.h"

bool outbox_summary(struct outbox *outbox, int64_t batch, struct outbox_summary *ret_summary, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(
        outbox->db,
        "SELECT ifnull(sum(mine), 0), ifnull(sum(reports * mine), 0), ifnull(sum(state = 0), 0),"
        " ifnull(sum(mine AND state = 1), 0), ifnull(sum(mine AND state = 2), 0),"
        " ifnull(sum(counted * mine), 0), ifnull(sum(unchanged * mine), 0), ifnull(sum(stale * mine), 0),"
        " ifnull(sum(waiting * mine), 0), ifnull(sum(refused * mine), 0)"
        " FROM (SELECT *, form <> '' OR ?1 <> 0 AS mine FROM submission JOIN batch USING(batch)"
        " WHERE sendable AND (?1 = 0 OR batch = ?1))");
    db_bind_int(row, batch);
    if (db_step(row))
      *ret_summary = (struct outbox_summary){.submissions = (uint64_t)db_int(row, 0),
                                             .reports = (uint64_t)db_int(row, 1),
                                             .waiting_to_send = (uint64_t)db_int(row, 2),
                                             .answered = (uint64_t)db_int(row, 3),
                                             .refused_whole = (uint64_t)db_int(row, 4),
                                             .counted = (uint64_t)db_int(row, 5),
                                             .unchanged = (uint64_t)db_int(row, 6),
                                             .stale = (uint64_t)db_int(row, 7),
                                             .waiting_for_base = (uint64_t)db_int(row, 8),
                                             .refused = (uint64_t)db_int(row, 9)};
  }
  {
    CLEANUP(db_end)
    struct db_row *row =
        db_query(outbox->db, "SELECT recorded_at_ms, position FROM submission WHERE state = 1"
                             " AND (?1 = 0 OR batch = ?1) ORDER BY position DESC LIMIT 1");
    db_bind_int(row, batch);
    if (db_step(row)) {
      ret_summary->last_recorded_at_ms = db_int(row, 0);
      ret_summary->last_position = (uint64_t)db_int(row, 1);
    }
  }
  return db_take_error(outbox->db, error);
}

/* Columns from `first`: row, unit, rule, indicator, found, expected, verdict. */
static struct refusal refusal_of(struct db_row *row, int first)
{
  return (struct refusal){.row = (uint32_t)db_int(row, first),
                          .unit = db_text(row, first + 1),
                          .rule = db_text(row, first + 2),
                          .indicator = db_text(row, first + 3),
                          .found = db_text(row, first + 4),
                          .expected = db_text(row, first + 5),
                          .verdict = (enum verdict)db_int(row, first + 6)};
}

static const char *period_text(int64_t key, char ret_text[PERIOD_TEXT_SIZE])
{
  struct period period;
  return period_from_key((int32_t)key, &period) ? period_format(period, ret_text) : "";
}

bool outbox_each_refusal(struct outbox *outbox, int64_t batch, outbox_refusal_sink *sink, void *data,
                         GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(
        outbox->db,
        "SELECT s.sequence, s.form, s.period, v.row, v.unit, v.rule, v.indicator, v.found, v.expected,"
        " v.verdict FROM submission s JOIN verdict v USING(sequence) WHERE ?1 = 0 OR s.batch = ?1 "
        "UNION ALL SELECT sequence, form, period, 0, '', fault, '', '', fault_text, 5 FROM submission"
        " WHERE state = 2 AND (?1 = 0 OR batch = ?1) ORDER BY 1, 4");
    db_bind_int(row, batch);
    char period[PERIOD_TEXT_SIZE];
    while (db_step(row)) {
      struct refusal refusal = refusal_of(row, 3);
      if (!sink(db_text(row, 1), period_text(db_int(row, 2), period), &refusal, data)) break;
    }
  }
  return db_take_error(outbox->db, error);
}

/* What the sink took of a submission. */
struct told {
  int64_t sequence;
  int64_t last_row;
};

struct telling {
  int64_t batch;  /* the one that is told now */
  guint begin;    /* of its submissions in `all` */
  bool abandoned; /* the sink gave it up */
  GArray *all;    /* of struct told */
};

static void note_told(struct telling *telling, int64_t sequence, int64_t row)
{
  guint count = telling->all->len;
  struct told *last = count > telling->begin ? &g_array_index(telling->all, struct told, count - 1) : NULL;
  if (last && last->sequence == sequence) {
    last->last_row = row;
  } else {
    struct told told = {sequence, row};
    g_array_append_val(telling->all, told);
  }
}

/* In one snapshot, but in no transaction that writes: the sink may take its time. */
static void tell_all(struct outbox *outbox, bool placed, outbox_tell_sink *sink, void *data, GArray *ret_told)
{
  struct telling telling = {.all = ret_told};
  CLEANUP(db_end)
  struct db_row *row = db_query(
      outbox->db,
      "SELECT b.batch, s.sequence, s.form, s.period, b.file, b.place, v.row, v.unit, v.rule, v.indicator,"
      " v.found, v.expected, v.verdict FROM verdict v JOIN submission s USING(sequence)"
      " JOIN batch b USING(batch) WHERE NOT v.told AND v.verdict <> 2 AND (b.place IS NULL) <> ?1 "
      "UNION ALL SELECT b.batch, s.sequence, s.form, s.period, b.file, b.place, 0, '', s.fault, '', '',"
      " s.fault_text, 5 FROM submission s JOIN batch b USING(batch) WHERE NOT s.told"
      " AND (b.place IS NULL) <> ?1 ORDER BY 1, 2, 7");
  db_bind_int(row, placed);
  char period[PERIOD_TEXT_SIZE];
  while (db_step(row)) {
    struct outbox_origin origin = {db_int(row, 0), db_text(row, 4), db_text(row, 5)};
    struct refusal refusal = refusal_of(row, 6);
    if (origin.batch != telling.batch)
      telling = (struct telling){.batch = origin.batch, .begin = ret_told->len, .all = ret_told};
    if (telling.abandoned) continue;
    if (sink(&origin, db_text(row, 2), period_text(db_int(row, 3), period), &refusal, data)) {
      note_told(&telling, db_int(row, 1), refusal.row);
    } else {
      telling.abandoned = true;
      g_array_set_size(ret_told, telling.begin);
    }
  }
}

/* What the link added meanwhile stands behind the last row that was told. */
bool outbox_tell(struct outbox *outbox, bool placed, outbox_tell_sink *sink, void *data, GError **error)
{
  g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct told));
  tell_all(outbox, placed, sink, data, all);
  if (!db_take_error(outbox->db, error)) return false;
  if (all->len == 0) return true;
  db_begin(outbox->db);
  for (guint i = 0; i < all->len; i++) {
    const struct told *told = &g_array_index(all, struct told, i);
    struct db_row *row =
        db_query(outbox->db, "UPDATE verdict SET told = 1 WHERE sequence = ? AND row <= ? AND NOT told");
    db_bind_int(row, told->sequence);
    db_bind_int(row, told->last_row);
    db_run(row);
    row = db_query(outbox->db, "UPDATE submission SET told = 1 WHERE sequence = ? AND NOT told");
    db_bind_int(row, told->sequence);
    db_run(row);
  }
  return db_commit(outbox->db, error);
}
