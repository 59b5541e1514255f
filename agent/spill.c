/* The block of LIMIT_SPILL_BYTES holds records from its front and their offsets from its back. When both
 * meet, the records are written as a sorted run. FAN_IN runs of one level are merged into one of the next, so
 * that a file of any size is read and written a few times at most, through buffers that are parts of the same
 * block. */
#include "agent/spill.h"

#include "agent/spill_join.h"
#include "agent/spill_record.h"
#include "agent/spill_run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FAN_IN 64
#define HUGE_PAGE (2 * LIMIT_MIB)
static_assert(LIMIT_SPILL_BYTES % HUGE_PAGE == 0, "the block is whole huge pages");

struct level_run {
  int descriptor;
  unsigned level;
};

struct spill {
  char *folder;
  char *file;
  uint8_t *block;
  size_t capacity; /* of the block */
  size_t used;     /* bytes of records */
  size_t count;    /* of records in the block */
  bool sorted;     /* they came in order */
  size_t last;     /* offset of the record added last */
  GArray *asked;   /* of struct column_set: the sets that rows ask */
  uint32_t asked_last;
  GArray *runs; /* of struct level_run, levels descending */
  struct join join;
};

/* The system gives memory when it is first touched, and to be interrupted for each 4 KiB of it costs more
 * than all that is written there: so in huge pages, where it has any. */
static uint8_t *block_new(void)
{
  void *block = aligned_alloc(HUGE_PAGE, LIMIT_SPILL_BYTES);
  if (!block) g_error("no memory for %zu bytes", LIMIT_SPILL_BYTES);
  (void)madvise(block, LIMIT_SPILL_BYTES, MADV_HUGEPAGE);
  return block;
}

struct spill *spill_new(const char *folder, const char *file, const struct catalogue *catalogue,
                        finding_sink *findings, void *data)
{
  struct spill *spill = g_new0(struct spill, 1);
  spill->folder = g_strdup(folder);
  spill->file = g_strdup(file);
  spill->capacity = LIMIT_SPILL_BYTES;
  spill->block = block_new();
  spill->sorted = true;
  spill->asked = g_array_new(FALSE, FALSE, sizeof(struct column_set));
  spill->runs = g_array_new(FALSE, FALSE, sizeof(struct level_run));
  spill->join.catalogue = catalogue;
  spill->join.file = spill->file;
  spill->join.findings = findings;
  spill->join.data = data;
  return spill;
}

void spill_free(struct spill *spill)
{
  if (!spill) return;
  for (guint i = 0; i < spill->runs->len; i++)
    close(g_array_index(spill->runs, struct level_run, i).descriptor);
  g_array_unref(spill->runs);
  g_array_unref(spill->asked);
  free(spill->block);
  g_free(spill->file);
  g_free(spill->folder);
  g_free(spill);
}

void spill_set_capacity(struct spill *spill, size_t bytes)
{
  assert(spill->count == 0 && bytes >= 256 * LIMIT_KIB && bytes <= LIMIT_SPILL_BYTES);
  spill->capacity = bytes;
}

size_t spill_memory(const struct spill *spill)
{
  return spill->capacity + sizeof *spill + spill->asked->len * sizeof(struct column_set) +
         spill->runs->len * sizeof(struct level_run);
}

/* The offsets, which grow down from the block's end: the nth record's is offsets[-n]. */
static uint32_t *offsets(const struct spill *spill)
{
  return (uint32_t *)(void *)(spill->block + spill->capacity) - 1;
}

static int compare_offsets(const void *a, const void *b, void *block)
{
  uint32_t first, second;
  memcpy(&first, a, sizeof first);
  memcpy(&second, b, sizeof second);
  return record_compare((const uint8_t *)block + first, (const uint8_t *)block + second);
}

/* Returns the offsets in ascending order of their records. */
static const uint32_t *sort_block(struct spill *spill)
{
  uint32_t *first = offsets(spill) - spill->count + 1;
  if (spill->sorted)
    for (size_t i = 0; i < spill->count / 2; i++) { /* they lie backwards */
      uint32_t swapped = first[i];
      first[i] = first[spill->count - 1 - i];
      first[spill->count - 1 - i] = swapped;
    }
  else
    g_qsort_with_data(first, (gint)spill->count, sizeof *first, compare_offsets, spill->block);
  return first;
}

/* Merges the last `count` runs into one. The block holds no records then. */
static bool merge_last(struct spill *spill, size_t count, GError **error)
{
  assert(spill->count == 0);
  struct level_run merged = {.descriptor = run_create(spill->folder, error)};
  if (merged.descriptor < 0) return false;
  int descriptors[FAN_IN];
  size_t first = spill->runs->len - count;
  for (size_t i = 0; i < count; i++) {
    const struct level_run *run = &g_array_index(spill->runs, struct level_run, first + i);
    descriptors[i] = run->descriptor;
    merged.level = MAX(merged.level, run->level + 1);
  }
  size_t part = spill->capacity / (FAN_IN + 1);
  struct run_writer writer = {
      .descriptor = merged.descriptor, .buffer = spill->block, .capacity = part, .folder = spill->folder};
  g_autoptr(GError) failure = NULL;
  CLEANUP(merge_free)
  struct merge *merge = merge_new(descriptors, count, spill->block + part, spill->capacity - part, &failure);
  const uint8_t *record;
  while (merge && !failure && (record = merge_next(merge, &failure)))
    (void)run_write(&writer, record, record_head(record).size, &failure);
  if (!failure) (void)run_flush(&writer, &failure);
  if (failure) {
    close(merged.descriptor);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  for (size_t i = 0; i < count; i++) close(descriptors[i]);
  g_array_set_size(spill->runs, (guint)first);
  g_array_append_val(spill->runs, merged);
  return true;
}

/* Runs of equal level at the end of the list. */
static size_t count_last_level(const struct spill *spill)
{
  const struct level_run *runs = (const struct level_run *)(void *)spill->runs->data;
  size_t count = 0, length = spill->runs->len;
  while (count < length && runs[length - 1 - count].level == runs[length - 1].level) count++;
  return count;
}

/* Writes the records of the block as a run. */
static bool write_run(struct spill *spill, GError **error)
{
  struct level_run run = {.descriptor = run_create(spill->folder, error)};
  if (run.descriptor < 0) return false;
  g_array_append_val(spill->runs, run); /* it is the spill's from now on, also if writing fails */
  const uint32_t *order = sort_block(spill);
  uint8_t buffer[64 * LIMIT_KIB];
  struct run_writer writer = {
      .descriptor = run.descriptor, .buffer = buffer, .capacity = sizeof buffer, .folder = spill->folder};
  for (size_t i = 0; i < spill->count; i++) {
    const uint8_t *record = spill->block + order[i];
    if (!run_write(&writer, record, record_head(record).size, error)) return false;
  }
  if (!run_flush(&writer, error)) return false;
  spill->used = spill->count = 0;
  spill->sorted = true;
  while (count_last_level(spill) == FAN_IN)
    if (!merge_last(spill, FAN_IN, error)) return false;
  return true;
}

/* Number of the set among those that rows ask: one for a wide table, one for each column of a long one, where
 * they mostly come in turn. */
static uint32_t intern_asked(struct spill *spill, const struct column_set *asked)
{
  const struct column_set *sets = (const struct column_set *)(void *)spill->asked->data;
  uint32_t count = spill->asked->len;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t n = (spill->asked_last + i) % count;
    if (memcmp(&sets[n], asked, sizeof *asked) == 0) return spill->asked_last = n;
  }
  g_array_append_vals(spill->asked, asked, 1);
  return spill->asked_last = count;
}

bool spill_add(struct spill *spill, const struct entry *entry, GError **error)
{
  size_t index = (spill->count + 1) * sizeof(uint32_t);
  if (spill->used + RECORD_MOST + index > spill->capacity && !write_run(spill, error)) return false;
  uint8_t *record = spill->block + spill->used;
  size_t size = record_pack(entry, intern_asked(spill, &entry->change.asked), record);
  if (spill->count > 0 && record_compare(spill->block + spill->last, record) > 0) spill->sorted = false;
  offsets(spill)[-(ptrdiff_t)spill->count] = (uint32_t)spill->used;
  spill->last = spill->used;
  spill->used += size;
  spill->count++;
  return true;
}

/* One record goes to the group at hand, or ends it and begins the next. False: the taker ended it. */
static bool take_record(struct spill *spill, const uint8_t *record, entry_sink *entries, void *data)
{
  struct join *join = &spill->join;
  if (join->begun && !join_fits(join, record_head(record).period, record_unit(record))) {
    const struct entry *joined = join_end(join);
    if (joined && !entries(joined, data)) return false;
  }
  struct entry *entry = join_slot(join);
  uint32_t asked;
  record_unpack(record, entry, &asked);
  entry->change.asked = g_array_index(spill->asked, struct column_set, asked);
  join_add(join, entry);
  return true;
}

static bool take_block(struct spill *spill, entry_sink *entries, void *data)
{
  const uint32_t *order = sort_block(spill);
  for (size_t i = 0; i < spill->count; i++)
    if (!take_record(spill, spill->block + order[i], entries, data)) return false;
  return true;
}

static bool take_runs(struct spill *spill, entry_sink *entries, void *data, GError **error)
{
  if (spill->count > 0 && !write_run(spill, error)) return false;
  while (spill->runs->len > FAN_IN)
    if (!merge_last(spill, MIN(FAN_IN, spill->runs->len - FAN_IN + 1), error)) return false;
  int descriptors[FAN_IN];
  for (guint i = 0; i < spill->runs->len; i++)
    descriptors[i] = g_array_index(spill->runs, struct level_run, i).descriptor;
  g_autoptr(GError) failure = NULL;
  CLEANUP(merge_free)
  struct merge *merge = merge_new(descriptors, spill->runs->len, spill->block, spill->capacity, &failure);
  const uint8_t *record;
  bool going = merge != NULL;
  while (going && (record = merge_next(merge, &failure))) going = take_record(spill, record, entries, data);
  if (!failure) return going;
  g_propagate_error(error, g_steal_pointer(&failure));
  return false;
}

bool spill_each(struct spill *spill, int form, entry_sink *entries, void *data, GError **error)
{
  spill->join.form = form;
  bool going =
      spill->runs->len == 0 ? take_block(spill, entries, data) : take_runs(spill, entries, data, error);
  if (!going || !spill->join.begun) return going;
  const struct entry *joined = join_end(&spill->join);
  return !joined || entries(joined, data);
}
