/* What operators did with periods. */
#include "aggregator/store/private.h"

void stored_period_act_clear(struct stored_period_act *act)
{
  g_clear_pointer(&act->form, g_free);
  g_clear_pointer(&act->area, g_free);
  g_clear_pointer(&act->by, g_free);
  g_clear_pointer(&act->reason, g_free);
}

void store_period_act_add(struct store *store, const struct stored_period_act *act)
{
  struct db_row *row = db_query(store->db, "INSERT INTO period_act (form, period, position, action, area, by,"
                                           " reason, recorded) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  db_bind_text(row, act->form);
  db_bind_int(row, period_key(act->period));
  db_bind_int(row, (int64_t)act->position);
  db_bind_int(row, act->action);
  db_bind_text(row, act->area);
  db_bind_text(row, act->by);
  db_bind_text(row, act->reason);
  db_bind_int(row, act->recorded_ms);
  db_run(row);
}

GArray *store_period_acts(struct store *store)
{
  GArray *acts = g_array_new(FALSE, FALSE, sizeof(struct stored_period_act));
  g_array_set_clear_func(acts, (GDestroyNotify)stored_period_act_clear);
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT form, period, position, action, area, by, reason, recorded"
                                           " FROM period_act ORDER BY form, period, position");
  while (db_step(row)) {
    struct stored_period_act act = {
        .position = (uint64_t)db_int(row, 2),
        .action = (enum period_action)db_int(row, 3),
        .recorded_ms = db_int(row, 7),
    };
    if (!period_from_key((int32_t)db_int(row, 1), &act.period)) {
      store_damaged(store, "period_act", "%s", db_text(row, 0));
      break;
    }
    act.form = g_strdup(db_text(row, 0));
    act.area = g_strdup(db_text(row, 4));
    act.by = g_strdup(db_text(row, 5));
    act.reason = g_strdup(db_text(row, 6));
    g_array_append_val(acts, act);
  }
  return acts;
}
