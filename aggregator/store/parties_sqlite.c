/* What submissions are judged by: register, catalogues, agents, invitations. */
#include "aggregator/store/private.h"

/* --- register --- */

#define WHAT_VERSIONS_SAY                                                                                    \
  "to_day, class, parent, name, parks, reporter, in_boundary, industry, clusters, flags, status, succeeds"

static void bind_version(struct db_row *row, const struct unit_version *version)
{
  db_bind_int(row, version->to);
  db_bind_lent_text(row, version->class);
  db_bind_lent_text(row, version->parent);
  db_bind_lent_text(row, version->name);
  db_bind_lent_text(row, version->parks);
  db_bind_lent_text(row, version->reporter);
  db_bind_int(row, version->in_boundary);
  db_bind_lent_text(row, version->industry);
  db_bind_lent_text(row, version->clusters);
  db_bind_lent_text(row, version->flags);
  db_bind_lent_text(row, version->status);
  db_bind_lent_text(row, version->succeeds);
}

/* From the columns unit, from_day, and what versions say. */
static struct unit_version read_version(struct db_row *row)
{
  return (struct unit_version){
      .unit = db_text(row, 0),
      .from = (day_number)db_int(row, 1),
      .to = (day_number)db_int(row, 2),
      .class = db_text(row, 3),
      .parent = db_text(row, 4),
      .name = db_text(row, 5),
      .parks = db_text(row, 6),
      .reporter = db_text(row, 7),
      .in_boundary = db_int(row, 8) != 0,
      .industry = db_text(row, 9),
      .clusters = db_text(row, 10),
      .flags = db_text(row, 11),
      .status = db_text(row, 12),
      .succeeds = db_text(row, 13),
  };
}

void store_version_put(struct store *store, const struct unit_version *version)
{
  struct db_row *row =
      db_query(store->db, "INSERT OR REPLACE INTO register_version (unit, from_day, " WHAT_VERSIONS_SAY
                          ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  db_bind_lent_text(row, version->unit);
  db_bind_int(row, version->from);
  bind_version(row, version);
  db_run(row);
}

void store_version_keep(struct store *store, uint64_t position, const struct unit_version *after,
                        const struct unit_version *before)
{
  struct db_row *row =
      before ? db_query(store->db, "INSERT INTO register_change (position, unit, from_day, " WHAT_VERSIONS_SAY
                                   ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
             : db_query(store->db, "INSERT INTO register_change (position, unit, from_day) VALUES (?, ?, ?)");
  db_bind_int(row, (int64_t)position);
  db_bind_lent_text(row, after->unit);
  db_bind_int(row, after->from);
  if (before) bind_version(row, before);
  db_run(row);
}

bool store_each_version_change(struct store *store, uint64_t position, version_change_sink *sink, void *data)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT unit, from_day, " WHAT_VERSIONS_SAY ", position FROM register_change"
                          " WHERE position >= ? ORDER BY position, unit, from_day");
  db_bind_int(row, (int64_t)position);
  while (db_step(row)) {
    struct unit_version before = read_version(row);
    if (!sink((uint64_t)db_int(row, 14), before.unit, before.from, db_is_null(row, 3) ? NULL : &before, data))
      return false;
  }
  return !db_error(store->db);
}

struct unit_register *store_register(struct store *store)
{
  struct register_builder *builder = register_builder_new();
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT unit, from_day, " WHAT_VERSIONS_SAY " FROM register_version"
                          " ORDER BY unit, from_day");
  while (db_step(row)) {
    struct unit_version version = read_version(row);
    register_builder_add(builder, &version);
  }
  return register_builder_finish(builder);
}

/* --- catalogues --- */

void store_catalogue_put(struct store *store, const uint8_t hash[CATALOGUE_HASH_SIZE], uint64_t position,
                         const char *text, size_t length)
{
  struct db_row *row = db_query(store->db, "INSERT INTO catalogue (position, hash, text) VALUES (?, ?, ?)"
                                           " ON CONFLICT (hash) DO UPDATE SET position = excluded.position");
  db_bind_int(row, (int64_t)position);
  db_bind_blob(row, hash, CATALOGUE_HASH_SIZE);
  db_bind_blob(row, text, length);
  db_run(row);
}

GPtrArray *store_catalogues(struct store *store)
{
  GPtrArray *texts = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT text FROM catalogue ORDER BY position");
  while (db_step(row)) {
    size_t length;
    const uint8_t *text = db_blob(row, 0, &length);
    g_ptr_array_add(texts, g_bytes_new(text, length));
  }
  return texts;
}

/* --- agents --- */

static void bind_forms(struct db_row *row, GStrv forms)
{
  g_autofree char *joined = forms ? g_strjoinv(";", forms) : g_strdup("");
  db_bind_text(row, joined);
}

static GStrv read_forms(struct db_row *row, int column)
{
  return g_strsplit(db_text(row, column), ";", -1); /* of "": an empty list */
}

void stored_agent_clear(struct stored_agent *agent)
{
  g_clear_pointer(&agent->id, g_free);
  g_clear_pointer(&agent->area, g_free);
  g_clear_pointer(&agent->forms, g_strfreev);
  g_clear_pointer(&agent->certificate, g_bytes_unref);
  g_clear_pointer(&agent->admission.by, g_free);
  g_clear_pointer(&agent->admission.approved_by, g_free);
  g_clear_pointer(&agent->admission.reason, g_free);
}

bool stored_agent_waits(const struct stored_agent *agent)
{
  return agent->entry == ENTRY_IS_WAITING && agent->admission.position == 0;
}

static void put_admission(struct store *store, const struct stored_agent *agent)
{
  struct db_row *row = db_query(store->db, "INSERT OR REPLACE INTO admission (agent, entry, position,"
                                           " admitted_by, approved_by, reason, recorded)"
                                           " VALUES (?, ?, ?, ?, ?, ?, ?)");
  const struct stored_admission *admission = &agent->admission;
  db_bind_text(row, agent->id);
  db_bind_int(row, agent->entry);
  db_bind_int(row, (int64_t)admission->position);
  db_bind_text(row, admission->by ? admission->by : "");
  db_bind_text(row, admission->approved_by ? admission->approved_by : "");
  db_bind_text(row, admission->reason ? admission->reason : "");
  db_bind_int(row, admission->recorded_ms);
  db_run(row);
}

void store_agent_put(struct store *store, const struct stored_agent *agent)
{
  struct db_row *row = db_query(
      store->db, "INSERT OR REPLACE INTO agent (id, area, role, forms, curve_key, sign_key, enrolled,"
                 " revoked, certificate) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  size_t length = 0;
  const void *certificate = agent->certificate ? g_bytes_get_data(agent->certificate, &length) : NULL;
  db_bind_text(row, agent->id);
  db_bind_text(row, agent->area);
  db_bind_int(row, agent->role);
  bind_forms(row, agent->forms);
  db_bind_blob(row, agent->curve_key, sizeof agent->curve_key);
  db_bind_blob(row, agent->sign_key, sizeof agent->sign_key);
  db_bind_int(row, agent->enrolled_ms);
  db_bind_int(row, agent->revoked_ms);
  db_bind_blob(row, certificate ? certificate : "", length);
  db_run(row);
  if (agent->entry != ENTRY_IS_FIRST) put_admission(store, agent);
}

static bool read_key(struct store *store, struct db_row *row, int column, uint8_t ret_key[static 32])
{
  size_t length;
  const uint8_t *key = db_blob(row, column, &length);
  if (length != 32) return store_damaged(store, "agent", "%s", db_text(row, 0));
  memcpy(ret_key, key, 32);
  return true;
}

#define SELECT_AGENTS                                                                                        \
  "SELECT id, area, role, forms, curve_key, sign_key, enrolled, revoked, certificate, entry, position,"      \
  " admitted_by, approved_by, reason, recorded FROM agent LEFT JOIN admission ON agent = id "

/* What is not there reads as 0 and "". */
static GArray *read_agents(struct store *store, struct db_row *row)
{
  GArray *agents = g_array_new(FALSE, FALSE, sizeof(struct stored_agent));
  g_array_set_clear_func(agents, (GDestroyNotify)stored_agent_clear);
  struct stored_agent agent = {0};
  while (db_step(row) && read_key(store, row, 4, agent.curve_key) &&
         read_key(store, row, 5, agent.sign_key)) {
    size_t length;
    const uint8_t *certificate = db_blob(row, 8, &length);
    agent.id = g_strdup(db_text(row, 0));
    agent.area = g_strdup(db_text(row, 1));
    agent.role = (enum agent_role)db_int(row, 2);
    agent.forms = read_forms(row, 3);
    agent.enrolled_ms = db_int(row, 6);
    agent.revoked_ms = db_int(row, 7);
    agent.certificate = g_bytes_new(certificate, length);
    agent.entry = (enum agent_entry)db_int(row, 9);
    agent.admission = (struct stored_admission){
        .position = (uint64_t)db_int(row, 10),
        .by = g_strdup(db_text(row, 11)),
        .approved_by = g_strdup(db_text(row, 12)),
        .reason = g_strdup(db_text(row, 13)),
        .recorded_ms = db_int(row, 14),
    };
    g_array_append_val(agents, agent);
  }
  return agents;
}

GArray *store_agents(struct store *store)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, SELECT_AGENTS "ORDER BY id");
  return read_agents(store, row);
}

GArray *store_agents_page(struct store *store, const char *area, uint64_t behind, size_t most)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, SELECT_AGENTS "WHERE area = ? AND enrolled > ? ORDER BY enrolled LIMIT ?");
  db_bind_text(row, area);
  db_bind_int(row, (int64_t)MIN(behind, INT64_MAX));
  db_bind_int(row, (int64_t)MIN(most, INT64_MAX));
  return read_agents(store, row);
}

/* --- invitations --- */

void stored_invitation_clear(struct stored_invitation *invitation)
{
  g_clear_pointer(&invitation->area, g_free);
  g_clear_pointer(&invitation->forms, g_strfreev);
  g_clear_pointer(&invitation->used_by, g_free);
}

void store_invitation_put(struct store *store, const uint8_t secret_hash[SEAL_HASH_SIZE],
                          const struct stored_invitation *invitation)
{
  struct db_row *row = db_query(
      store->db, "INSERT OR REPLACE INTO invitation (secret_hash, area, role, forms, expires, used_by)"
                 " VALUES (?, ?, ?, ?, ?, ?)");
  db_bind_blob(row, secret_hash, SEAL_HASH_SIZE);
  db_bind_text(row, invitation->area);
  db_bind_int(row, invitation->role);
  bind_forms(row, invitation->forms);
  db_bind_int(row, invitation->expires_ms);
  db_bind_text(row, invitation->used_by);
  db_run(row);
}

bool store_invitation(struct store *store, const uint8_t secret_hash[SEAL_HASH_SIZE],
                      struct stored_invitation *ret_invitation)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT area, role, forms, expires, used_by FROM invitation WHERE secret_hash = ?");
  db_bind_blob(row, secret_hash, SEAL_HASH_SIZE);
  if (!db_step(row)) return false;
  *ret_invitation = (struct stored_invitation){
      .area = g_strdup(db_text(row, 0)),
      .role = (enum agent_role)db_int(row, 1),
      .forms = read_forms(row, 2),
      .expires_ms = db_int(row, 3),
      .used_by = db_is_null(row, 4) ? NULL : g_strdup(db_text(row, 4)),
  };
  return true;
}
