#include "common/register.h"

#include "common/seal.h"

#include <assert.h>
#include <string.h>

/* A register of a hundred thousand units is written for each area after every start, while agents wait: hence
 * cells go straight into memory that has room for them. */

static_assert(CATALOGUE_HASH_SIZE == SEAL_HASH_SIZE, "documents have one hash");

/* Of a document that is only hashed: small enough to stay in the processor's cache. */
#define PIECE_BYTES (32 * LIMIT_KIB)

/* How much of a text could stand without quotes; of most all. */
static size_t plain_length(const char *text)
{
  return *text != '\0' ? strcspn(text, ",\"\r\n") : 0;
}

/* What a cell takes at most: every character doubled, quotes around it, and what ends it. */
static size_t cell_most(const char *text, size_t plain)
{
  return (text[plain] != '\0' ? 2 * strlen(text) : plain) + 3;
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

/* With a comma. Returns where the next cell goes. */
static char *put_cell(char *at, const char *text, size_t plain)
{
  bool trims = plain > 0 && (text[0] == ' ' || text[plain - 1] == ' ');
  if (text[plain] != '\0' || trims)
    at = put_quoted(at, text);
  else if (plain > 0)
    at = (char *)memcpy(at, text, plain) + plain;
  *at++ = ',';
  return at;
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
  size_t plain[G_N_ELEMENTS(cells)], most = 0;
  for (size_t i = 0; i < count; i++) {
    plain[i] = plain_length(cells[i]);
    most += cell_most(cells[i], plain[i]);
  }
  if (length + most >= csv->allocated_len) g_string_set_size(csv, length + most); /* doubles */
  char *at = csv->str + length;
  for (size_t i = 0; i < count; i++) at = put_cell(at, cells[i], plain[i]);
  at[-1] = '\n';
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

/* Appends to `csv`; with `hash`, what is written goes there piece by piece instead of staying. */
static void write_versions(const struct unit_register *reg, const struct catalogue *catalogue, int area,
                           GString *csv, struct seal_hasher *hash)
{
  struct within within = {.catalogue = catalogue, .area = area};
  size_t count = register_size(reg), end;
  const struct unit_version *versions = count > 0 ? register_nth(reg, 0) : NULL;
  for (size_t n = 0; n < count; n = end) {
    end = n + 1;
    if (!is_within(&within, &versions[n])) continue;
    /* All versions of the unit, those before this one too. */
    while (n > 0 && strcmp(versions[n - 1].unit, versions[n].unit) == 0) n--;
    while (end < count && strcmp(versions[end].unit, versions[n].unit) == 0) end++;
    for (; n < end; n++) append_version(csv, &versions[n]);
    if (!hash || csv->len < PIECE_BYTES) continue;
    seal_hash_add(hash, csv->str, csv->len);
    g_string_truncate(csv, 0);
  }
}

static const char HEADER[] =
    "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n";

GBytes *register_write_csv(const struct unit_register *reg, const struct catalogue *catalogue, int area)
{
  GString *csv = g_string_new(HEADER);
  write_versions(reg, catalogue, area, csv, NULL);
  /* A document is kept for as long as it is in force: without the room that is left. */
  size_t length = csv->len;
  return g_bytes_new_take(g_realloc(g_string_free(csv, FALSE), length), length);
}

void register_hash_csv(const struct unit_register *reg, const struct catalogue *catalogue, int area,
                       uint8_t ret_hash[static CATALOGUE_HASH_SIZE])
{
  g_autoptr(GString) csv = g_string_new(HEADER);
  struct seal_hasher *hash = seal_hash_begin();
  write_versions(reg, catalogue, area, csv, hash);
  seal_hash_add(hash, csv->str, csv->len);
  seal_hash_end(hash, ret_hash);
}
