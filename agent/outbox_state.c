/* What the city asks, consented to, and did with applications, and which agents it has enrolled, as it was
 * fetched last. */
#include "agent/outbox_private.h"

static int64_t read_meta(struct outbox *outbox, const char *key)
{
  CLEANUP(db_end) struct db_row *row = db_query(outbox->db, "SELECT value FROM meta WHERE key = ?");
  db_bind_text(row, key);
  return db_step(row) ? db_int(row, 0) : 0;
}

static void put_meta(struct outbox *outbox, const char *key, int64_t value)
{
  struct db_row *row = db_query(outbox->db, "UPDATE meta SET value = ? WHERE key = ?");
  db_bind_int(row, value);
  db_bind_text(row, key);
  db_run(row);
}

uint64_t outbox_state(struct outbox *outbox, int64_t *ret_at_ms)
{
  if (ret_at_ms) *ret_at_ms = read_meta(outbox, "state_at_ms");
  return (uint64_t)read_meta(outbox, "state");
}

static void put_inquiry(struct outbox *outbox, uint64_t state, const struct inquiry_item *inquiry)
{
  struct db_row *row = db_query(
      outbox->db, "INSERT OR REPLACE INTO inquiry(state, number, form, period, unit, rule, indicator, found,"
                  " expected, question, asked_at_ms, answer, answered_by, answered_at_ms)"
                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)state);
  db_bind_int(row, (int64_t)inquiry->number);
  db_bind_text(row, inquiry->form);
  db_bind_text(row, inquiry->period);
  db_bind_text(row, inquiry->unit);
  db_bind_text(row, inquiry->rule);
  db_bind_text(row, inquiry->indicator);
  db_bind_text(row, inquiry->found);
  db_bind_text(row, inquiry->expected);
  db_bind_text(row, inquiry->question);
  db_bind_int(row, inquiry->asked_at_ms);
  db_bind_text(row, inquiry->answer);
  db_bind_text(row, inquiry->answered_by);
  db_bind_int(row, inquiry->answered_at_ms);
  db_run(row);
}

static void put_consent(struct outbox *outbox, uint64_t state, const struct consent_item *consent)
{
  struct db_row *row = db_query(outbox->db, "INSERT OR REPLACE INTO consent(state, form, period, unit, rule)"
                                            " VALUES(?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)state);
  db_bind_text(row, consent->form);
  db_bind_text(row, consent->period);
  db_bind_text(row, consent->unit);
  db_bind_text(row, consent->rule);
  db_run(row);
}

static void put_application(struct outbox *outbox, uint64_t state, const struct application_item *item)
{
  struct db_row *row =
      db_query(outbox->db, "INSERT OR REPLACE INTO application(state, number, unit, name, status, reason,"
                           " applied_at_ms, settled_at_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)state);
  db_bind_int(row, (int64_t)item->number);
  db_bind_text(row, item->unit);
  db_bind_text(row, item->name);
  db_bind_int(row, item->state);
  db_bind_text(row, item->reason);
  db_bind_int(row, item->applied_at_ms);
  db_bind_int(row, item->settled_at_ms);
  db_run(row);
}

static void put_agent(struct outbox *outbox, uint64_t state, const struct agent_item *item)
{
  g_autofree char *forms = NULL;
  g_autoptr(GPtrArray) codes = g_ptr_array_new();
  for (size_t i = 0; i < item->form_count; i++) g_ptr_array_add(codes, (char *)item->forms[i]);
  g_ptr_array_add(codes, NULL);
  forms = g_strjoinv(";", (char **)codes->pdata);
  struct db_row *row =
      db_query(outbox->db, "INSERT OR REPLACE INTO agent(state, id, role, forms, key_id, status, entry,"
                           " enrolled_at_ms, revoked_at_ms, admitted_by, approved_by, reason, admitted_at_ms)"
                           " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)state);
  db_bind_text(row, item->agent);
  db_bind_int(row, item->role);
  db_bind_text(row, forms);
  db_bind_blob(row, item->key_id.data, item->key_id.length);
  db_bind_int(row, item->state);
  db_bind_int(row, item->entry);
  db_bind_int(row, item->enrolled_at_ms);
  db_bind_int(row, item->revoked_at_ms);
  db_bind_text(row, item->admitted_by);
  db_bind_text(row, item->approved_by);
  db_bind_text(row, item->reason);
  db_bind_int(row, item->admitted_at_ms);
  db_run(row);
}

/* All rows but those of this state. */
static void keep_only(struct outbox *outbox, int64_t state)
{
  static const char *const STATEMENTS[] = {
      "DELETE FROM inquiry WHERE state <> ?", "DELETE FROM consent WHERE state <> ?",
      "DELETE FROM application WHERE state <> ?", "DELETE FROM agent WHERE state <> ?"};
  for (size_t i = 0; i < G_N_ELEMENTS(STATEMENTS); i++) {
    struct db_row *row = db_query(outbox->db, STATEMENTS[i]);
    db_bind_int(row, state);
    db_run(row);
  }
}

/* What the city decided of reports that waited changes the state too. */
static void ask_again(struct outbox *outbox)
{
  db_run(db_query(outbox->db,
                  "UPDATE submission SET again = 1 WHERE refusals <= refusals_kept AND sequence IN"
                  " (SELECT sequence FROM verdict WHERE verdict IN (4, 6))"));
}

bool outbox_state_page(struct outbox *outbox, const struct frame *page, bool first, bool last, int64_t now_ms,
                       GError **error)
{
  uint64_t state = page->state_page.state;
  outbox_answer_begin(outbox);
  if (first) keep_only(outbox, read_meta(outbox, "state"));
  for (size_t i = 0; i < page->state_page.inquiry_count; i++)
    put_inquiry(outbox, state, &page->state_page.inquiries[i]);
  for (size_t i = 0; i < page->state_page.consent_count; i++)
    put_consent(outbox, state, &page->state_page.consents[i]);
  for (size_t i = 0; i < page->state_page.application_count; i++)
    put_application(outbox, state, &page->state_page.applications[i]);
  for (size_t i = 0; i < page->state_page.agent_count; i++)
    put_agent(outbox, state, &page->state_page.agents[i]);
  if (last) {
    keep_only(outbox, (int64_t)state);
    put_meta(outbox, "state", (int64_t)state);
    put_meta(outbox, "state_at_ms", now_ms);
    ask_again(outbox);
  }
  return outbox_answer_end(outbox, error);
}

bool outbox_each_inquiry(struct outbox *outbox, outbox_inquiry_sink *sink, void *data, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row =
        db_query(outbox->db, "SELECT number, form, period, unit, rule, indicator, found, expected, question,"
                             " asked_at_ms, answer, answered_by, answered_at_ms FROM inquiry"
                             " WHERE state = (SELECT value FROM meta WHERE key = 'state') ORDER BY number");
    while (db_step(row)) {
      struct inquiry_item inquiry = {
          .number = (uint64_t)db_int(row, 0),
          .form = db_text(row, 1),
          .period = db_text(row, 2),
          .unit = db_text(row, 3),
          .rule = db_text(row, 4),
          .indicator = db_text(row, 5),
          .found = db_text(row, 6),
          .expected = db_text(row, 7),
          .question = db_text(row, 8),
          .asked_at_ms = db_int(row, 9),
          .answer = db_text(row, 10),
          .answered_by = db_text(row, 11),
          .answered_at_ms = db_int(row, 12),
      };
      if (!sink(&inquiry, data)) break;
    }
  }
  return db_take_error(outbox->db, error);
}

size_t outbox_open_inquiries(struct outbox *outbox)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT count(*) FROM inquiry WHERE answer = ''"
                                            " AND state = (SELECT value FROM meta WHERE key = 'state')");
  return db_step(row) ? (size_t)db_int(row, 0) : 0;
}

bool outbox_has_consent(struct outbox *outbox, const char *form, struct period period, const char *unit,
                        const char *rule)
{
  char text[PERIOD_TEXT_SIZE];
  CLEANUP(db_end)
  struct db_row *row =
      db_query(outbox->db, "SELECT 1 FROM consent WHERE state = (SELECT value FROM meta WHERE key = 'state')"
                           " AND form = ? AND period = ? AND unit = ? AND rule = ?");
  db_bind_text(row, form);
  db_bind_text(row, period_format(period, text));
  db_bind_text(row, unit);
  db_bind_text(row, rule);
  return db_step(row);
}

bool outbox_each_application(struct outbox *outbox, outbox_application_sink *sink, void *data, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row =
        db_query(outbox->db, "SELECT number, unit, name, status, reason, applied_at_ms, settled_at_ms"
                             " FROM application WHERE state = (SELECT value FROM meta WHERE key = 'state')"
                             " ORDER BY number");
    while (db_step(row)) {
      struct application_item application = {
          .number = (uint64_t)db_int(row, 0),
          .unit = db_text(row, 1),
          .name = db_text(row, 2),
          .state = (enum application_state)db_int(row, 3),
          .reason = db_text(row, 4),
          .applied_at_ms = db_int(row, 5),
          .settled_at_ms = db_int(row, 6),
      };
      if (!sink(&application, data)) break;
    }
  }
  return db_take_error(outbox->db, error);
}

bool outbox_each_agent(struct outbox *outbox, outbox_agent_sink *sink, void *data, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row =
        db_query(outbox->db, "SELECT id, role, forms, key_id, status, entry, enrolled_at_ms, revoked_at_ms,"
                             " admitted_by, approved_by, reason, admitted_at_ms FROM agent"
                             " WHERE state = (SELECT value FROM meta WHERE key = 'state')"
                             " ORDER BY enrolled_at_ms, id");
    while (db_step(row)) {
      g_auto(GStrv) forms = g_strsplit(db_text(row, 2), ";", -1);
      struct agent_item agent = {
          .agent = db_text(row, 0),
          .role = (enum agent_role)db_int(row, 1),
          .forms = (const char *const *)forms,
          .form_count = g_strv_length(forms),
          .state = (enum agent_state)db_int(row, 4),
          .entry = (enum agent_entry)db_int(row, 5),
          .enrolled_at_ms = db_int(row, 6),
          .revoked_at_ms = db_int(row, 7),
          .admitted_by = db_text(row, 8),
          .approved_by = db_text(row, 9),
          .reason = db_text(row, 10),
          .admitted_at_ms = db_int(row, 11),
      };
      agent.key_id.data = db_blob(row, 3, &agent.key_id.length);
      if (agent.key_id.length == SEAL_HASH_SIZE && !sink(&agent, data)) break;
    }
  }
  return db_take_error(outbox->db, error);
}

size_t outbox_waiting_agents(struct outbox *outbox, const char *but)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT count(*) FROM agent WHERE status = ? AND id <> ?"
                                            " AND state = (SELECT value FROM meta WHERE key = 'state')");
  db_bind_int(row, AGENT_IS_WAITING);
  db_bind_text(row, but);
  return db_step(row) ? (size_t)db_int(row, 0) : 0;
}

bool outbox_agent_waits(struct outbox *outbox, const char *agent)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT 1 FROM agent WHERE status = ? AND id = ?"
                                            " AND state = (SELECT value FROM meta WHERE key = 'state')");
  db_bind_int(row, AGENT_IS_WAITING);
  db_bind_text(row, agent);
  return db_step(row);
}

/* An act is kept like a submission to no form, an application with its unit. One whose leaf came after the
 * list was fetched is not in it yet. */
bool outbox_is_applied_for(struct outbox *outbox, const char *unit)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(
      outbox->db, "SELECT 1 FROM application WHERE unit = ?1 AND status = 1"
                  " AND state = (SELECT value FROM meta WHERE key = 'state')"
                  " UNION ALL SELECT 1 FROM submission JOIN batch USING(batch) WHERE form = ''"
                  " AND first_unit = ?1 AND sendable AND (submission.state = 0 OR (submission.state = 1"
                  " AND counted = 1 AND position >= (SELECT value FROM meta WHERE key = 'state')))");
  db_bind_text(row, unit);
  return db_step(row);
}

unsigned outbox_keys_known(struct outbox *outbox)
{
  return (unsigned)read_meta(outbox, "keys");
}

void outbox_note_keys(struct outbox *outbox, unsigned known)
{
  if (outbox_keys_known(outbox) == known) return;
  struct db_row *row = db_query(outbox->db, "INSERT INTO meta(key, value) VALUES('keys', ?)"
                                            " ON CONFLICT DO UPDATE SET value = excluded.value");
  db_bind_int(row, known);
  db_run(row);
}
