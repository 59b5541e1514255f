#include "agent/earlier.h"

#include "agent/spill_record.h"
#include "agent/spill_run.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (64 * LIMIT_KIB) /* of each run: many records */

/* What was kept of a period. */
struct kept {
  struct period period;
  int descriptor;
};

/* A run that is being looked at. */
struct look {
  struct merge *merge;   /* NULL: the file says nothing of this period */
  const uint8_t *record; /* the next one; NULL at the end */
  struct entry entry;    /* found last */
};

struct earlier {
  char *folder;
  GArray *kept;             /* of struct kept, ascending */
  struct run_writer writer; /* of the last of them */
  struct look looks[LIMIT_HISTORY_PERIODS];
  uint8_t *buffer; /* of the looks */
};

static void close_kept(void *data)
{
  close(((struct kept *)data)->descriptor);
}

struct earlier *earlier_new(const char *folder)
{
  struct earlier *earlier = g_new0(struct earlier, 1);
  earlier->folder = g_strdup(folder);
  earlier->kept = g_array_new(FALSE, FALSE, sizeof(struct kept));
  g_array_set_clear_func(earlier->kept, close_kept);
  return earlier;
}

static void end_looks(struct earlier *earlier)
{
  for (size_t i = 0; i < LIMIT_HISTORY_PERIODS; i++) {
    merge_free(earlier->looks[i].merge);
    earlier->looks[i].merge = NULL;
    earlier->looks[i].record = NULL;
  }
}

void earlier_free(struct earlier *earlier)
{
  if (!earlier) return;
  end_looks(earlier);
  g_array_unref(earlier->kept);
  g_free(earlier->writer.buffer);
  g_free(earlier->buffer);
  g_free(earlier->folder);
  g_free(earlier);
}

/* --- keeping --- */

static bool begin_period(struct earlier *earlier, struct period period, GError **error)
{
  struct run_writer *writer = &earlier->writer;
  if (writer->used > 0 && !run_flush(writer, error)) return false;
  struct kept kept = {period, run_create(earlier->folder, error)};
  if (kept.descriptor < 0) return false;
  g_array_append_val(earlier->kept, kept);
  if (!writer->buffer) writer->buffer = g_malloc(BUFFER_BYTES);
  writer->capacity = BUFFER_BYTES;
  writer->folder = earlier->folder;
  writer->descriptor = kept.descriptor;
  return true;
}

bool earlier_add(struct earlier *earlier, struct period period, const char *unit,
                 const struct figures *figures, GError **error)
{
  guint count = earlier->kept->len;
  bool goes_on =
      count > 0 && period_equal(g_array_index(earlier->kept, struct kept, count - 1).period, period);
  if (!goes_on && !begin_period(earlier, period, error)) return false;
  struct entry entry = {.period = period, .unit = unit, .change.figures.present = figures->present};
  EACH_COLUMN(column, &figures->present) entry.change.figures.value[column] = figures->value[column];
  uint8_t record[RECORD_MOST];
  return run_write(&earlier->writer, record, record_pack(&entry, 0, record), error);
}

/* --- looking --- */

/* Its place among the periods, or `count`. */
static size_t place_of(struct period period, const struct period *periods, size_t count)
{
  size_t at = 0;
  while (at < count && !period_equal(periods[at], period)) at++;
  return at;
}

static bool next_record(struct look *look, GError **error)
{
  GError *failure = NULL;
  look->record = merge_next(look->merge, &failure);
  if (!failure) return true;
  g_propagate_error(error, failure);
  return false;
}

bool earlier_turn(struct earlier *earlier, const struct period *periods, size_t count, bool *ret_any,
                  GError **error)
{
  assert(count <= LIMIT_HISTORY_PERIODS);
  end_looks(earlier);
  if (earlier->writer.used > 0 && !run_flush(&earlier->writer, error)) return false;
  for (guint i = 0; i < earlier->kept->len;) {
    const struct kept *kept = &g_array_index(earlier->kept, struct kept, i);
    size_t at = place_of(kept->period, periods, count);
    if (at == count) {
      g_array_remove_index(earlier->kept, i);
      continue;
    }
    struct look *look = &earlier->looks[at];
    if (!earlier->buffer) earlier->buffer = g_malloc(LIMIT_HISTORY_PERIODS * BUFFER_BYTES);
    look->merge = merge_new(&kept->descriptor, 1, earlier->buffer + at * BUFFER_BYTES, BUFFER_BYTES, error);
    if (!look->merge || !next_record(look, error)) return false;
    i++;
  }
  *ret_any = earlier->kept->len > 0;
  return true;
}

bool earlier_find(struct earlier *earlier, size_t n, const char *unit, const struct figures **ret_figures,
                  GError **error)
{
  struct look *look = &earlier->looks[n];
  const struct figures *found = NULL;
  int order = -1;
  while (look->record && (order = strcmp(record_unit(look->record), unit)) < 0)
    if (!next_record(look, error)) return false;
  if (look->record && order == 0) {
    uint32_t ignored;
    record_unpack(look->record, &look->entry, &ignored);
    found = &look->entry.change.figures;
  }
  *ret_figures = found;
  return true;
}
