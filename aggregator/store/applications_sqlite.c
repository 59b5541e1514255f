/* Applications to register units. */
#include "aggregator/store/applications.h"
#include "aggregator/store/private.h"

static void clear_application(void *data)
{
  struct stored_application *application = data;

  g_free(application->park);
  g_free(application->unit);
  g_free(application->class);
  g_free(application->name);
  g_free(application->industry);
  g_free(application->parent);
  g_free(application->from);
  g_free(application->text);
  g_free(application->applied_by);
  g_free(application->reason);
}

void store_application_add(struct store *store, struct stored_application *application)
{
  {
    CLEANUP(db_end) struct db_row *last = db_query(store->db, "SELECT max(number) FROM application");
    application->number = db_step(last) ? (uint64_t)db_int(last, 0) + 1 : 1;
  }
  struct db_row *row =
      db_query(store->db, "INSERT INTO application (number, park, unit, class, name, industry, parent,"
                          " from_day, text, applied_by, state, reason, applied, settled)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, 0)");
  db_bind_int(row, (int64_t)application->number);
  db_bind_text(row, application->park);
  db_bind_text(row, application->unit);
  db_bind_text(row, application->class);
  db_bind_text(row, application->name);
  db_bind_text(row, application->industry);
  db_bind_text(row, application->parent);
  db_bind_text(row, application->from);
  db_bind_text(row, application->text);
  db_bind_text(row, application->applied_by);
  db_bind_int(row, application->state);
  db_bind_int(row, application->applied_ms);
  db_run(row);
}

void store_application_settle(struct store *store, uint64_t number, enum application_state state,
                              const char *reason, int64_t now_ms)
{
  struct db_row *row =
      db_query(store->db, "UPDATE application SET state = ?, reason = ?, settled = ? WHERE number = ?");
  db_bind_int(row, state);
  db_bind_text(row, reason);
  db_bind_int(row, now_ms);
  db_bind_int(row, (int64_t)number);
  db_run(row);
}

bool store_is_applied_for(struct store *store, const char *park, const char *unit)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT 1 FROM application WHERE state = 1 AND park = ? AND unit = ?");
  db_bind_text(row, park);
  db_bind_text(row, unit);
  return db_step(row);
}

#define APPLICATION_COLUMNS                                                                                  \
  "SELECT number, park, unit, class, name, industry, parent, from_day, text, applied_by, state, reason,"     \
  " applied, settled FROM application "

static GArray *read_applications(struct db_row *row)
{
  GArray *applications = g_array_new(FALSE, FALSE, sizeof(struct stored_application));

  g_array_set_clear_func(applications, clear_application);
  while (db_step(row)) {
    struct stored_application application = {
        .number = (uint64_t)db_int(row, 0),
        .park = g_strdup(db_text(row, 1)),
        .unit = g_strdup(db_text(row, 2)),
        .class = g_strdup(db_text(row, 3)),
        .name = g_strdup(db_text(row, 4)),
        .industry = g_strdup(db_text(row, 5)),
        .parent = g_strdup(db_text(row, 6)),
        .from = g_strdup(db_text(row, 7)),
        .text = g_strdup(db_text(row, 8)),
        .applied_by = g_strdup(db_text(row, 9)),
        .state = (enum application_state)db_int(row, 10),
        .reason = g_strdup(db_text(row, 11)),
        .applied_ms = db_int(row, 12),
        .settled_ms = db_int(row, 13),
    };
    g_array_append_val(applications, application);
  }
  return applications;
}

GArray *store_application(struct store *store, uint64_t number)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, APPLICATION_COLUMNS "WHERE number = ?");
  db_bind_int(row, (int64_t)MIN(number, INT64_MAX));
  return read_applications(row);
}

GArray *store_applications(struct store *store, const char *park, bool pending, uint64_t behind, size_t most)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, APPLICATION_COLUMNS "WHERE (?1 IS NULL OR park = ?1) AND (NOT ?2 OR state = 1)"
                                              " AND number > ?3 ORDER BY number LIMIT ?4");
  db_bind_text(row, park);
  db_bind_int(row, pending);
  db_bind_int(row, (int64_t)MIN(behind, INT64_MAX));
  db_bind_int(row, (int64_t)MIN(most, INT64_MAX));
  return read_applications(row);
}

GArray *store_applications_page(struct store *store, const char *park, uint64_t behind, size_t most)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, APPLICATION_COLUMNS "WHERE park = ? AND number > ? ORDER BY number LIMIT ?");
  db_bind_text(row, park);
  db_bind_int(row, (int64_t)MIN(behind, INT64_MAX));
  db_bind_int(row, (int64_t)MIN(most, INT64_MAX));
  return read_applications(row);
}

size_t store_applications_pending(struct store *store, const char *park)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT count(*) FROM application WHERE park = ? AND state = 1");
  db_bind_text(row, park);
  return db_step(row) ? (size_t)db_int(row, 0) : 0;
}
