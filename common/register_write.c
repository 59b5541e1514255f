#include "common/register.h"

#include <string.h>

static void append_cell(GString *csv, const char *text, char end)
{
  size_t length = strlen(text);
  bool trims = length && (text[0] == ' ' || text[length - 1] == ' ');
  if (!trims && !strpbrk(text, ",\"\r\n")) {
    g_string_append_len(csv, text, (gssize)length);
  } else {
    g_string_append_c(csv, '"');
    for (const char *p = text; *p; p++) {
      if (*p == '"') g_string_append_c(csv, '"');
      g_string_append_c(csv, *p);
    }
    g_string_append_c(csv, '"');
  }
  g_string_append_c(csv, end);
}

static void append_version(GString *csv, const struct unit_version *version)
{
  char from[PERIOD_TEXT_SIZE], to[PERIOD_TEXT_SIZE];
  append_cell(csv, version->unit, ',');
  append_cell(csv, version->class, ',');
  append_cell(csv, strcmp(version->parent, version->unit) ? version->parent : "", ',');
  append_cell(csv, version->name, ',');
  append_cell(csv, version->parks, ',');
  append_cell(csv, version->reporter, ',');
  append_cell(csv, version->in_boundary ? "1" : "0", ',');
  append_cell(csv, version->industry, ',');
  append_cell(csv, version->clusters, ',');
  append_cell(csv, version->flags, ',');
  append_cell(csv, version->status, ',');
  append_cell(csv, version->succeeds, ',');
  append_cell(csv, day_format(version->from, from), ',');
  append_cell(csv, day_format(version->to, to), '\n');
}

static bool ever_within(const struct unit_version *versions, size_t count, const struct catalogue *catalogue,
                        int area)
{
  for (size_t i = 0; i < count; i++)
    if (unit_version_within(&versions[i], catalogue, area)) return true;
  return false;
}

GBytes *register_write_csv(const struct unit_register *reg, const struct catalogue *catalogue, int area)
{
  GString *csv =
      g_string_new("unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,"
                   "succeeds,from,to\n");
  for (size_t n = 0, count; n < register_size(reg); n += count) {
    const struct unit_version *versions = register_nth(reg, n);
    for (count = 1; n + count < register_size(reg); count++)
      if (strcmp(versions[count].unit, versions->unit)) break;
    if (!ever_within(versions, count, catalogue, area)) continue;
    for (size_t i = 0; i < count; i++) append_version(csv, &versions[i]);
  }
  return g_string_free_to_bytes(csv);
}
