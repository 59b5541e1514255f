#include "agent/outbox_private.h"
#include "common/error.h"
bool outbox_repair(const char *path, const struct home *home, outbox_damage_sink *sink, void *data,
                   struct outbox_repair *ret_repair, GError **error)
{
  (void)path, (void)home, (void)sink, (void)data, (void)ret_repair;
  g_set_error(error, PARKTALLY_ERROR, ERROR_INTERNAL, "todo");
  return false;
}
