#include "agent/spill_run.h"

#include "agent/spill_record.h"
#include "common/durable.h"
#include "common/error.h"
#include "common/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void set_disk_error(GError **error, const char *folder)
{
  int problem = errno;
  bool full = problem == ENOSPC || problem == EDQUOT;
  g_set_error(error, PARKTALLY_ERROR, full ? ERROR_TEMPORARY : ERROR_IO,
              full ? _("%s: no room for temporary files (%s); free some space and try again")
                   : _("%s: temporary files cannot be written (%s)"),
              folder, g_strerror(problem));
}

int run_create(const char *folder, GError **error)
{
  int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    g_autofree char *path = g_build_filename(folder, "parktally-XXXXXX", NULL); /* no such files here */
    descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor >= 0) (void)unlink(path);
  }
  if (descriptor < 0) set_disk_error(error, folder);
  return descriptor;
}

bool run_flush(struct run_writer *writer, GError **error)
{
  bool written = durable_write(writer->descriptor, writer->buffer, writer->used);
  if (!written) set_disk_error(error, writer->folder);
  writer->used = 0;
  return written;
}

bool run_write(struct run_writer *writer, const uint8_t *record, size_t size, GError **error)
{
  if (writer->used + size > writer->capacity && !run_flush(writer, error)) return false;
  memcpy(writer->buffer + writer->used, record, size);
  writer->used += size;
  return true;
}

/* One run that is being read. The record at hand begins at `at`. */
struct run {
  int descriptor;
  off_t offset; /* in the file, of what is read next */
  uint8_t *buffer;
  size_t at, filled;
};

struct merge {
  size_t capacity; /* of each run's buffer */
  size_t count;    /* runs that have records left */
  bool started;
  struct run *runs;
  size_t *heap; /* indexes of runs; the least record is at the top */
};

static bool is_before(const struct merge *merge, size_t a, size_t b)
{
  const struct run *first = &merge->runs[a], *second = &merge->runs[b];
  return record_compare(first->buffer + first->at, second->buffer + second->at) < 0;
}

static void sift_down(struct merge *merge, size_t at)
{
  for (;;) {
    size_t least = at, left = 2 * at + 1, right = left + 1;
    if (left < merge->count && is_before(merge, merge->heap[left], merge->heap[least])) least = left;
    if (right < merge->count && is_before(merge, merge->heap[right], merge->heap[least])) least = right;
    if (least == at) return;
    size_t swapped = merge->heap[at];
    merge->heap[at] = merge->heap[least];
    merge->heap[least] = swapped;
    at = least;
  }
}

static bool is_complete(const struct run *run)
{
  size_t left = run->filled - run->at;
  return left >= sizeof(struct record_head) && left >= record_head(run->buffer + run->at).size;
}

/* Makes sure that the record at hand is in memory. *ret_end at the end of the run. */
static bool fill(struct run *run, size_t capacity, bool *ret_end, GError **error)
{
  *ret_end = false;
  if (is_complete(run)) return true;
  memmove(run->buffer, run->buffer + run->at, run->filled - run->at);
  run->filled -= run->at;
  run->at = 0;
  while (run->filled < capacity) {
    ssize_t got = pread(run->descriptor, run->buffer + run->filled, capacity - run->filled, run->offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("a temporary file cannot be read (%s)"),
                  g_strerror(errno));
      return false;
    }
    if (got == 0) break;
    run->filled += (size_t)got;
    run->offset += got;
  }
  *ret_end = run->filled == 0;
  assert(*ret_end || is_complete(run));
  return true;
}

struct merge *merge_new(const int *descriptors, size_t count, uint8_t *buffer, size_t capacity,
                        GError **error)
{
  CLEANUP(merge_free) struct merge *merge = g_new0(struct merge, 1);
  merge->capacity = capacity / count;
  assert(merge->capacity >= RECORD_MOST);
  merge->runs = g_new0(struct run, count);
  merge->heap = g_new0(size_t, count);
  for (size_t i = 0; i < count; i++) {
    merge->runs[i] = (struct run){.descriptor = descriptors[i], .buffer = buffer + i * merge->capacity};
    bool end;
    if (!fill(&merge->runs[i], merge->capacity, &end, error)) return NULL;
    if (!end) merge->heap[merge->count++] = i;
  }
  for (size_t i = merge->count / 2; i-- > 0;) sift_down(merge, i);
  return g_steal_pointer(&merge);
}

void merge_free(struct merge *merge)
{
  if (!merge) return;
  g_free(merge->runs);
  g_free(merge->heap);
  g_free(merge);
}

const uint8_t *merge_next(struct merge *merge, GError **error)
{
  if (merge->started && merge->count > 0) { /* the record given last is done with */
    struct run *run = &merge->runs[merge->heap[0]];
    run->at += record_head(run->buffer + run->at).size;
    bool end;
    if (!fill(run, merge->capacity, &end, error)) return NULL;
    if (end) merge->heap[0] = merge->heap[--merge->count];
    sift_down(merge, 0);
  }
  merge->started = true;
  if (merge->count == 0) return NULL;
  const struct run *run = &merge->runs[merge->heap[0]];
  return run->buffer + run->at;
}
