#include "aggregator/admission.h"

#include "aggregator/rights.h"
#include "aggregator/store/inquiries.h"

#include <inttypes.h>
#include <string.h>

static bool refuse(struct refusal *ret_refusal, const struct park_act *act, enum finding_code code,
                   const char *found)
{
  *ret_refusal = (struct refusal){.unit = act->admission.agent,
                                  .rule = finding_id(code),
                                  .indicator = "",
                                  .found = found,
                                  .expected = "",
                                  .verdict = VERDICT_IS_REFUSED};
  return false;
}

bool admission_admit(struct store *store, struct snapshot **snapshot, const struct park_act *act,
                     const struct stored_agent *by, int64_t now_ms, uint64_t position,
                     struct refusal *ret_refusal)
{
  const struct agent_record *newcomer = snapshot_agent(*snapshot, act->admission.agent);
  const char *form;

  /* One of another area is as good as none: who is enrolled elsewhere is not this area's business. */
  if (!newcomer || strcmp(newcomer->stored.area, by->area) != 0 ||
      memcmp(newcomer->key_id, act->admission.key_id.data, sizeof newcomer->key_id) != 0)
    return refuse(ret_refusal, act, FINDING_ADMISSION_UNKNOWN, "");
  if (newcomer->stored.revoked_ms != 0 || !stored_agent_waits(&newcomer->stored))
    return refuse(ret_refusal, act, FINDING_ADMISSION_SETTLED, "");
  if (!rights_to_admit(*snapshot, by, &newcomer->stored, &form))
    return refuse(ret_refusal, act, FINDING_ADMISSION_RIGHT, form ? form : "");
  return admission_apply(store, snapshot, act, now_ms, position);
}

bool admission_apply(struct store *store, struct snapshot **snapshot, const struct park_act *act,
                     int64_t now_ms, uint64_t position)
{
  const struct agent_record *newcomer = snapshot_agent(*snapshot, act->admission.agent);
  struct stored_agent admitted;

  if (!newcomer) return false;
  admitted = newcomer->stored;
  admitted.admission = (struct stored_admission){
      .position = position,
      .by = (char *)act->agent,
      .approved_by = (char *)act->admission.approved_by,
      .reason = (char *)act->admission.reason,
      .recorded_ms = now_ms,
  };
  store_agent_put(store, &admitted);
  store_area_state_put(store, admitted.area, position + 1);
  snapshot_replace(snapshot, position, snapshot_change(*snapshot, NULL, NULL, &admitted));
  return true;
}

/* --- for comparing two stores --- */

GPtrArray *admission_lines(struct store *store)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GArray) agents = store_agents(store);

  for (unsigned n = 0; n < agents->len; n++) {
    const struct stored_agent *agent = &g_array_index(agents, struct stored_agent, n);
    const struct stored_admission *admission = &agent->admission;
    g_autofree char *forms = g_strjoinv(";", agent->forms);

    g_ptr_array_add(lines,
                    g_strdup_printf("agent %s %s %d %s %" PRId64 " %" PRId64 " %d %" PRIu64
                                    " %s “%s” “%s” %" PRId64,
                                    agent->id, agent->area, (int)agent->role, forms, agent->enrolled_ms,
                                    agent->revoked_ms, (int)agent->entry, admission->position, admission->by,
                                    admission->approved_by, admission->reason, admission->recorded_ms));
  }
  return lines;
}
