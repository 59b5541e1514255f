#include "agent/source/source.h"

#include "common/error.h"
#include "common/text.h"

#include <string.h>

static const struct source *const sources[] = {&source_csv};

/* True if `list`, such as ".csv;.txt", has the end of `name`. */
static bool has_extension(const char *list, const char *name)
{
  g_auto(GStrv) extensions = g_strsplit(list, ";", -1);
  for (GStrv extension = extensions; *extension; extension++) {
    size_t length = strlen(name), end = strlen(*extension);
    if (length > end && g_ascii_strcasecmp(name + length - end, *extension) == 0) return true;
  }
  return false;
}

const struct source *source_for(const char *path, GError **error)
{
  g_autoptr(GString) known = g_string_new(NULL);
  for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
    if (has_extension(sources[i]->extensions, path)) return sources[i];
    g_string_append_printf(known, "%s%s", i ? ";" : "", sources[i]->extensions);
  }
  g_autofree char *name = g_path_get_basename(path);
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_DATA,
      _("%s: files of this kind cannot be read; expected a name that ends in one of %s: save it as CSV"),
      name, known->str);
  return NULL;
}
