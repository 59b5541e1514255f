#include "aggregator/rights.h"

#include <string.h>

bool rights_in_force(const struct stored_agent *agent)
{
  return agent->revoked_ms == 0 && !stored_agent_waits(agent);
}

bool rights_to_form(const struct stored_agent *agent, const struct form *form)
{
  enum agent_role role = form && form->role == ROLE_OF_BUREAU ? AGENT_OF_BUREAU : AGENT_OF_PARK;

  if (!form) return false;
  if (agent->forms && agent->forms[0]) return g_strv_contains((const char *const *)agent->forms, form->code);
  return agent->role == role;
}

static bool share_a_form(const struct catalogue *catalogue, const struct stored_agent *one,
                         const struct stored_agent *other)
{
  for (size_t n = 0; n < catalogue->form_count; n++)
    if (rights_to_form(one, &catalogue->forms[n]) && rights_to_form(other, &catalogue->forms[n])) return true;
  return false;
}

bool rights_overlap(const struct catalogue *catalogue, const struct stored_agent *one,
                    const struct stored_agent *other)
{
  if (strcmp(one->area, other->area) != 0) return false;
  return one->role == AGENT_OF_PARK || other->role == AGENT_OF_PARK || share_a_form(catalogue, one, other);
}

static const struct stored_agent *nth(const struct snapshot *snapshot, unsigned n)
{
  return &g_array_index(snapshot->agents, struct agent_record, n).stored;
}

enum agent_entry rights_entry(const struct snapshot *snapshot, const struct stored_agent *newcomer)
{
  enum agent_entry entry = ENTRY_IS_FIRST;

  for (unsigned n = 0; n < snapshot->agents->len; n++) {
    const struct stored_agent *agent = nth(snapshot, n);

    /* One that nobody admitted never had rights. */
    if (stored_agent_waits(agent) || !rights_overlap(snapshot->catalogue, agent, newcomer)) continue;
    if (agent->revoked_ms == 0) return ENTRY_IS_WAITING;
    entry = ENTRY_IS_SUCCESSION;
  }
  return entry;
}

/* Whether anybody in the area has rights to the form. */
static bool is_held(const struct snapshot *snapshot, const char *area, const struct form *form)
{
  for (unsigned n = 0; n < snapshot->agents->len; n++) {
    const struct stored_agent *agent = nth(snapshot, n);

    if (rights_in_force(agent) && strcmp(agent->area, area) == 0 && rights_to_form(agent, form)) return true;
  }
  return false;
}

bool rights_to_admit(const struct snapshot *snapshot, const struct stored_agent *by,
                     const struct stored_agent *newcomer, const char **ret_form)
{
  const struct catalogue *catalogue = snapshot->catalogue;

  *ret_form = NULL;
  if (!rights_overlap(catalogue, by, newcomer)) return false;
  for (size_t n = 0; n < catalogue->form_count; n++) {
    const struct form *form = &catalogue->forms[n];

    if (!rights_to_form(newcomer, form) || rights_to_form(by, form) ||
        !is_held(snapshot, newcomer->area, form))
      continue;
    *ret_form = form->code;
    return false;
  }
  return true;
}

char *rights_successors(const struct snapshot *snapshot, const struct stored_agent *revoked)
{
  GString *ids = g_string_new(NULL);

  for (unsigned n = 0; n < snapshot->agents->len; n++) {
    const struct stored_agent *agent = nth(snapshot, n);

    if (!rights_in_force(agent) || agent->enrolled_ms <= revoked->enrolled_ms ||
        !rights_overlap(snapshot->catalogue, agent, revoked))
      continue;
    g_string_append_printf(ids, "%s%s", ids->len > 0 ? ", " : "", agent->id);
  }
  return g_string_free(ids, FALSE);
}
