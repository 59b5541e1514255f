/* The list of what is wrong. It is bounded, since one damage may be seen at every leaf behind it. */
#include "aggregator/verifier/faults.h"

#include "common/limits.h"
#include "common/text.h"

#include <inttypes.h>
#include <stdarg.h>

struct faults *faults_new(void)
{
  struct faults *faults = g_new0(struct faults, 1);
  faults->lines = g_ptr_array_new_with_free_func(g_free);
  return faults;
}

void faults_free(struct faults *faults)
{
  if (!faults) return;
  g_ptr_array_unref(faults->lines);
  g_free(faults);
}

void faults_add(struct faults *faults, uint64_t leaf, const char *format, ...)
{
  if (faults->count++ >= LIMIT_MISTAKES) return;
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_ptr_array_add(faults->lines, leaf == NO_LEAF ? g_steal_pointer(&text)
                                                 : g_strdup_printf(_("leaf %" PRIu64 ": %s"), leaf, text));
}
