/* Looking at the outbox, and telling what was refused. */
#include "agent/outbox_private.h"

bool outbox_summary(struct outbox *outbox, int64_t batch, struct outbox_summary *ret_summary, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(
        outbox->db,
        "SELECT count(*), ifnull(sum(reports), 0), ifnull(sum(state = 0), 0), ifnull(sum(state = 1), 0),"
        " ifnull(sum(state = 2), 0), ifnull(sum(counted), 0), ifnull(sum(unchanged), 0), ifnull(sum(stale), "
        "0),"
        " ifnull(sum(waiting), 0), ifnull(sum(refused), 0)"
        " FROM submission JOIN batch b USING(batch) WHERE sendable AND (?1 = 0 OR b.batch = ?1)");
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

static bool any_untold(struct outbox *outbox)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT EXISTS(SELECT 1 FROM verdict WHERE NOT told)"
                                            " OR EXISTS(SELECT 1 FROM submission WHERE NOT told)");
  return db_step(row) && db_int(row, 0) != 0;
}

/* Under the write lock, so that what the link adds meanwhile is not marked with it. */
bool outbox_tell(struct outbox *outbox, outbox_tell_sink *sink, void *data, GError **error)
{
  bool taken = true;
  if (!any_untold(outbox)) return db_take_error(outbox->db, error);
  db_begin(outbox->db);
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(
        outbox->db,
        "SELECT s.sequence, s.form, s.period, b.place, v.row, v.unit, v.rule, v.indicator, v.found,"
        " v.expected, v.verdict FROM verdict v JOIN submission s USING(sequence) JOIN batch b USING(batch)"
        " WHERE NOT v.told AND v.verdict IN (3, 5) "
        "UNION ALL SELECT s.sequence, s.form, s.period, b.place, 0, '', s.fault, '', '', s.fault_text, 5"
        " FROM submission s JOIN batch b USING(batch) WHERE NOT s.told ORDER BY 1, 5");
    char period[PERIOD_TEXT_SIZE];
    while (taken && db_step(row)) {
      struct refusal refusal = refusal_of(row, 4);
      taken = sink(db_text(row, 3), db_text(row, 1), period_text(db_int(row, 2), period), &refusal, data);
    }
  }
  if (!taken) {
    db_rollback(outbox->db);
    return true;
  }
  db_exec(outbox->db, "UPDATE verdict SET told = 1 WHERE NOT told;"
                      "UPDATE submission SET told = 1 WHERE NOT told");
  return db_commit(outbox->db, error);
}
