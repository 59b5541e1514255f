/* How long disclosure control takes: disclose PARKS CLUSTERS SLICES UNITS SEED [each]
 *
 * Prints one line of JSON. With "each", the audit as it is written down at once instead: two fresh linear
 * programmes for each cell that the same pattern withholds. */
#include "tests/disclose_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static size_t size_of(const char *text)
{
  return (size_t)g_ascii_strtoull(text, NULL, 10);
}

/* False where a primary cell's interval is narrower than its need. */
static bool audit_each(const struct world *world, const struct disclose_pattern *pattern)
{
  for (size_t i = 0; i < pattern->cell_count; i++) {
    const struct disclose_outcome *cell = &pattern->cells[i];
    double least, most;
    if (cell->status == DISCLOSE_PUBLISHED) continue;
    if (!disclose_interval(world->table, &DISCLOSE_RULES, pattern, i, NULL, &least, &most)) return false;
    if (cell->proof != DISCLOSE_BY_MOVE && cell->proof != DISCLOSE_BY_PROGRAMME) continue;
    double value = (double)world->cells[i].value;
    if (value - least < (double)cell->need_down * 0.9999 || most - value < (double)cell->need_up * 0.9999)
      return false;
  }
  return true;
}

int main(int argc, char **argv)
{
  if (argc < 6) return 64;
  struct world world;
  world_make(&world, size_of(argv[1]), size_of(argv[2]), size_of(argv[3]), size_of(argv[4]), false,
             size_of(argv[5]));
  g_autoptr(GError) error = NULL;
  int64_t begun = g_get_monotonic_time();
  CLEANUP(disclose_pattern_free)
  struct disclose_pattern *pattern = disclose_protect(world.table, &DISCLOSE_RULES, &error);
  if (!pattern) {
    fprintf(stderr, "%s\n", error->message);
    return 65;
  }
  if (argc > 6 && !strcmp(argv[6], "each")) {
    begun = g_get_monotonic_time();
    if (!audit_each(&world, pattern)) return 70;
  }
  double seconds = (double)(g_get_monotonic_time() - begun) / 1e6;
  printf("{\"seconds\": %.6f, \"cells\": %zu, \"primary\": %zu, \"secondary\": %zu, \"coarsened\": %zu, "
         "\"unprotected\": %zu, \"programmes\": %zu, \"lost\": %" PRId64 "}\n",
         seconds, pattern->cell_count, pattern->primary, pattern->secondary, pattern->coarsened,
         pattern->unprotected, pattern->programmes, (int64_t)pattern->lost);
  world_clear(&world);
  return 0;
}
