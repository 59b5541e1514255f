#include "agent/admit_again.h"

#include "agent/desk.h"

/* Asked again now that nobody else seals, who may have done the same. */
static bool add_all(struct desk *desk, int64_t batch, void *data, GError **error)
{
  GPtrArray **admissions = data;
  g_ptr_array_unref(*admissions);
  *admissions = outbox_refused_admissions(desk->outbox, error);
  for (guint i = 0; *admissions && i < (*admissions)->len; i++)
    if (!desk_add_act(desk, batch, (*admissions)->pdata[i], desk_today(), "", error)) return false;
  return *admissions != NULL;
}

bool admit_again(struct home *home, struct outbox *outbox, GPtrArray **ret_admissions, GError **error)
{
  g_autoptr(GPtrArray) admissions = outbox_refused_admissions(outbox, error);
  if (!admissions) return false;
  if (outbox_agent_waits(outbox, home->certificate->agent)) g_ptr_array_set_size(admissions, 0);
  struct desk desk = {.home = home, .outbox = outbox};
  int64_t batch;
  if (admissions->len > 0 && !desk_make_acts(&desk, _("admission"), add_all, &admissions, &batch, error))
    return false;
  *ret_admissions = g_steal_pointer(&admissions);
  return true;
}
