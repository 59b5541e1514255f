/* Random tables as a zone has them: parks × clusters × slices of enterprises, few of them large, with all
 * margins. An enterprise may be in two clusters, so clusters have an overlap line. The same seed gives the
 * same table. For the tests and the benchmark. */
#ifndef PARKTALLY_TESTS_DISCLOSE_WORLD_H
#define PARKTALLY_TESTS_DISCLOSE_WORLD_H

#include "aggregator/statistics/disclose.h"

struct world {
  size_t parks, clusters, slices; /* without margins; clusters' overlap line stands after their sum */
  bool is_signed;
  uint64_t chance;
  struct disclose_table *table;
  struct disclose_cell *cells; /* by world_at(); shares are two each */
  struct disclose_share *shares;
  size_t count;
};

static inline uint64_t world_random(struct world *world, uint64_t below)
{
  world->chance ^= world->chance << 13;
  world->chance ^= world->chance >> 7;
  world->chance ^= world->chance << 17;
  return (world->chance >> 11) % below;
}

static inline size_t world_at(const struct world *world, size_t park, size_t cluster, size_t slice)
{
  return (park * (world->clusters + 2) + cluster) * (world->slices + 1) + slice;
}

static inline int128 world_size(int128 value)
{
  return value < 0 ? -value : value;
}

static inline void world_add(struct world *world, size_t cell, uint64_t parent, int64_t value)
{
  struct disclose_cell *own = &world->cells[cell];
  struct disclose_share share = {parent, value, false}, *largest = &world->shares[2 * cell];
  own->value += value;
  own->magnitude += world_size(value);
  own->parents++;
  if (own->share_count == 0 || world_size(value) > world_size(largest[0].value)) {
    largest[1] = largest[0];
    largest[0] = share;
  } else if (own->share_count == 1 || world_size(value) > world_size(largest[1].value))
    largest[1] = share;
  if (own->share_count < 2) own->share_count++;
}

static inline void world_add_unit(struct world *world, uint64_t parent)
{
  size_t park = world_random(world, world->parks), slice = world_random(world, world->slices);
  /* A park has few clusters that matter to it. */
  size_t cluster = (park * 7 + world_random(world, world->clusters) * world_random(world, world->clusters) /
                                   world->clusters) %
                   world->clusters;
  size_t other = world_random(world, 8) == 0 ? world_random(world, world->clusters) : cluster;
  int64_t value = (int64_t)(100 + world_random(world, 1000));
  for (unsigned i = (unsigned)world_random(world, 8); i > 0; i--)
    value = value * (int64_t)(10 + world_random(world, 20)) / 10;
  if (world->is_signed && world_random(world, 4) == 0) value = -value;
  size_t parks[] = {park, world->parks}, slices[] = {slice, world->slices};
  size_t clusters[] = {cluster, world->clusters, other, world->clusters + 1};
  for (size_t p = 0; p < 2; p++)
    for (size_t s = 0; s < 2; s++)
      for (size_t c = 0; c < (other == cluster ? 2 : 4); c++)
        world_add(world, world_at(world, parks[p], clusters[c], slices[s]), parent, value);
}

static inline void world_add_sums(struct world *world)
{
  size_t parts[256];
  for (size_t p = 0; p <= world->parks; p++)
    for (size_t s = 0; s <= world->slices; s++) {
      for (size_t c = 0; c < world->clusters; c++) parts[c] = world_at(world, p, c, s);
      disclose_table_sum(world->table, world_at(world, p, world->clusters, s), parts, world->clusters,
                         world_at(world, p, world->clusters + 1, s));
    }
  for (size_t c = 0; c < world->clusters + 2; c++) {
    for (size_t s = 0; s <= world->slices; s++) {
      for (size_t p = 0; p < world->parks; p++) parts[p] = world_at(world, p, c, s);
      disclose_table_sum(world->table, world_at(world, world->parks, c, s), parts, world->parks, SIZE_MAX);
    }
    for (size_t p = 0; p <= world->parks; p++) {
      for (size_t s = 0; s < world->slices; s++) parts[s] = world_at(world, p, c, s);
      disclose_table_sum(world->table, world_at(world, p, c, world->slices), parts, world->slices, SIZE_MAX);
    }
  }
}

/* Lost with a cell: what it comes to, by its order of magnitude, and each dimension that it sums up. */
static inline int64_t world_weight(const struct world *world, size_t cell, int margins)
{
  int64_t weight = 10;
  for (int128 size = world->cells[cell].magnitude; size > 0; size /= 10) weight += 10;
  return weight << (2 * margins);
}

static inline void world_make(struct world *world, size_t parks, size_t clusters, size_t slices, size_t units,
                              bool is_signed, uint64_t seed)
{
  *world = (struct world){.parks = parks, .clusters = clusters, .slices = slices, .is_signed = is_signed};
  world->chance = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
  world->table = disclose_table_new();
  world->count = (parks + 1) * (clusters + 2) * (slices + 1);
  world->cells = g_new0(struct disclose_cell, world->count);
  world->shares = g_new0(struct disclose_share, 2 * world->count);
  for (size_t i = 0; i < units; i++) world_add_unit(world, i + 1);
  for (size_t p = 0; p <= parks; p++)
    for (size_t c = 0; c < clusters + 2; c++)
      for (size_t s = 0; s <= slices; s++) {
        size_t at = world_at(world, p, c, s);
        struct disclose_cell *cell = &world->cells[at];
        int margins = (p == parks) + (c == clusters) + (s == slices);
        cell->kind = is_signed ? DISCLOSE_SIGNED : DISCLOSE_AMOUNT;
        cell->shares = &world->shares[2 * at];
        cell->weight = world_weight(world, at, margins);
        cell->group = c < clusters ? (unsigned)c + 1 : 0;
        cell->kept = margins == 3;
        disclose_table_cell(world->table, cell);
      }
  world_add_sums(world);
}

static inline void world_clear(struct world *world)
{
  disclose_table_free(world->table);
  g_free(world->cells);
  g_free(world->shares);
}

#endif
