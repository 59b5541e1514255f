/* Admissions that the city refused because it did not know the agent yet. */
#include "agent/outbox_private.h"

#include "common/finding.h"

#include <string.h>

/* An agent that waits, and what this outbox said of it last. */
struct waiting {
  char *agent;
  uint8_t key_id[SEAL_HASH_SIZE];
  struct park_act *admission; /* NULL: nothing, or not to be said again */
};

static void waiting_clear(gpointer data)
{
  struct waiting *waiting = data;
  g_free(waiting->agent);
  park_act_free(waiting->admission);
}

static bool keep_waiting(const struct agent_item *agent, void *data)
{
  if (agent->state != AGENT_IS_WAITING) return true;
  struct waiting waiting = {.agent = g_strdup(agent->agent)};
  memcpy(waiting.key_id, agent->key_id.data, sizeof waiting.key_id);
  g_array_append_val((GArray *)data, waiting);
  return true;
}

/* The admission, and none but the last one of each agent. */
static void note_admission(GArray *all, struct park_act *act, bool unknown)
{
  CLEANUP(park_act_free) struct park_act *owned = act;
  if (act->kind != PARK_ADMITS) return;
  for (guint i = 0; i < all->len; i++) {
    struct waiting *waiting = &g_array_index(all, struct waiting, i);
    if (strcmp(act->admission.agent, waiting->agent) != 0 ||
        memcmp(act->admission.key_id.data, waiting->key_id, sizeof waiting->key_id) != 0)
      continue;
    park_act_free(waiting->admission);
    waiting->admission = unknown ? g_steal_pointer(&owned) : NULL;
    return;
  }
}

static void note_acts(struct outbox *outbox, GArray *all)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(
      outbox->db, "SELECT s.sequence, s.id, c.sealed, EXISTS (SELECT 1 FROM verdict v WHERE v.sequence ="
                  " s.sequence AND v.rule = ?) FROM submission s JOIN batch USING(batch) JOIN content c"
                  " ON c.sequence = s.sequence WHERE s.form = '' AND sendable ORDER BY s.sequence");
  db_bind_text(row, finding_id(FINDING_ADMISSION_UNKNOWN));
  while (db_step(row)) {
    size_t id_length, length;
    const uint8_t *id = db_blob(row, 1, &id_length), *sealed = db_blob(row, 2, &length);
    struct bytes_view payload;
    if (!outbox_check_content(outbox, (uint64_t)db_int(row, 0), id, id_length, sealed, length, &payload,
                              NULL))
      continue; /* whoever sends it says so */
    struct park_act *act = park_act_decode(payload.data, payload.length);
    if (act) note_admission(all, act, db_int(row, 3) != 0);
  }
}

GPtrArray *outbox_refused_admissions(struct outbox *outbox, GError **error)
{
  g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)park_act_free);
  g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct waiting));
  g_array_set_clear_func(all, waiting_clear);
  if (!outbox_each_agent(outbox, keep_waiting, all, error)) return NULL;
  if (all->len > 0) note_acts(outbox, all);
  for (guint i = 0; i < all->len; i++) {
    struct waiting *waiting = &g_array_index(all, struct waiting, i);
    if (waiting->admission) g_ptr_array_add(found, g_steal_pointer(&waiting->admission));
  }
  return db_take_error(outbox->db, error) ? g_steal_pointer(&found) : NULL;
}
