#include "common/register.h"

#include <string.h>

/* A register of a hundred thousand units is written for each area after every start, while agents wait: hence
 * cells go straight into memory that has room for them. */

/* What a cell takes at most: every character doubled, quotes around it, and what ends it. */
static size_t cell_most(const char *text)
{
  return 2 * strlen(text) + 3;
}

static bool is_special(char c)
{
  return c == ',' || c == '"' || c == '\r' || c == '\n';
}

static char *put_quoted(char *at, const char *text)
{
  *at++ = '"';
  for (const char *p = text; *p; p++) {
    if (*p == '"') *at++ = '"';
    *at++ = *p;
  }
  *at++ = '"';
  return at;
}

/* Returns where the next cell goes. */
static char *put_cell(char *at, const char *text, char end)
{
  char *next = at;
  const char *p = text;
  for (; *p && !is_special(*p); p++) *next++ = *p;
  bool trims = p > text && (text[0] == ' ' || p[-1] == ' ');
  if (*p || trims) next = put_quoted(at, text);
  *next++ = end;
  return next;
}

static void append_version(GString *csv, const struct unit_version *version)
{
  char from[PERIOD_TEXT_SIZE], to[PERIOD_TEXT_SIZE];
  const char *const cells[] = {
      version->unit,
      version->class,
      strcmp(version->parent, version->unit) != 0 ? version->parent : "",
      version->name,
      version->parks,
      version->reporter,
      version->in_boundary ? "1" : "0",
      version->industry,
      version->clusters,
      version->flags,
      version->status,
      version->succeeds,
      day_format(version->from, from),
      day_format(version->to, to),
  };
  const size_t count = G_N_ELEMENTS(cells), length = csv->len;
  size_t most = 0;
  for (size_t i = 0; i < count; i++) most += cell_most(cells[i]);
  if (length + most >= csv->allocated_len) g_string_set_size(csv, length + most); /* doubles */
  char *at = csv->str + length;
  for (size_t i = 0; i < count; i++) at = put_cell(at, cells[i], i + 1 < count ? ',' : '\n');
  g_string_set_size(csv, (size_t)(at - csv->str));
}

/* Units of one park share the text of their parks, so that its address tells the answer. */
#define KNOWN_PARKS 64

struct within {
  const struct catalogue *catalogue;
  int area;
  struct {
    const char *parks;
    bool answer;
  } known[KNOWN_PARKS];
};

static bool is_within(struct within *within, const struct unit_version *version)
{
  size_t slot = ((uintptr_t)version->parks >> 3 ^ (uintptr_t)version->parks >> 9) % KNOWN_PARKS;
  if (within->known[slot].parks != version->parks) {
    within->known[slot].parks = version->parks;
    within->known[slot].answer = unit_version_within(version, within->catalogue, within->area);
  }
  return within->known[slot].answer;
}

static bool ever_within(struct within *within, const struct unit_version *versions, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (is_within(within, &versions[i])) return true;
  return false;
}

GBytes *register_write_csv(const struct unit_register *reg, const struct catalogue *catalogue, int area)
{
  GString *csv =
      g_string_new("unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,"
                   "succeeds,from,to\n");
  struct within within = {.catalogue = catalogue, .area = area};
  for (size_t n = 0, count; n < register_size(reg); n += count) {
    const struct unit_version *versions = register_nth(reg, n);
    for (count = 1; n + count < register_size(reg); count++)
      if (strcmp(versions[count].unit, versions->unit)) break;
    if (!ever_within(&within, versions, count)) continue;
    for (size_t i = 0; i < count; i++) append_version(csv, &versions[i]);
  }
  return g_string_free_to_bytes(csv);
}
