#include "aggregator/examiner.h"

#include "aggregator/examine.h"
#include "aggregator/folder.h"
#include "aggregator/store/inquiries.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/text.h"

#include <inttypes.h>
#include <sys/resource.h>

#define SLICE_LEAVES 64 /* looked at within one transaction, which so takes well below a second */
#define SLICE_MS 500
#define NOTED_LEAVES 1024 /* after which the ledger is told how far it came, though nothing was found */
#define RETRY_US (30 * 1000 * 1000)
#define NICE 19 /* receipts and readers go first … */
/* … and a burst has the processors for itself, but for one that does not end. */
#define QUIET_US (150 * 1000)
#define BURST_US (2 * 1000 * 1000)

struct examiner {
  struct writer *writer;
  struct store *store;
  uint64_t next;  /* leaf to be looked at */
  uint64_t noted; /* as the ledger has it */
  GThread *thread;
  GMutex mutex; /* over what follows */
  GCond cond;
  bool work, stop;
};

/* In the writer's thread, after a commit. */
static void wake(void *data)
{
  struct examiner *examiner = data;

  g_mutex_lock(&examiner->mutex);
  examiner->work = true;
  g_cond_signal(&examiner->cond);
  g_mutex_unlock(&examiner->mutex);
}

/* Until the writer has had nothing to do for a moment. The mutex is held. */
static void wait_for_quiet(struct examiner *examiner)
{
  int64_t latest = g_get_monotonic_time() + BURST_US;
  do {
    int64_t quiet = MIN(g_get_monotonic_time() + QUIET_US, latest);
    examiner->work = false;
    while (!examiner->work && !examiner->stop)
      if (!g_cond_wait_until(&examiner->cond, &examiner->mutex, quiet)) break;
  } while ((examiner->work || writer_backlog(examiner->writer) > 0) && !examiner->stop &&
           g_get_monotonic_time() < latest);
}

/* For a commit; after something failed, no longer than it takes to try again. False if it is to end. */
static bool wait_for_work(struct examiner *examiner, bool failed)
{
  int64_t end = g_get_monotonic_time() + RETRY_US;
  g_mutex_lock(&examiner->mutex);
  if (failed) examiner->work = false;
  while (!examiner->work && !examiner->stop)
    if (!failed)
      g_cond_wait(&examiner->cond, &examiner->mutex);
    else if (!g_cond_wait_until(&examiner->cond, &examiner->mutex, end))
      break;
  if (!failed && !examiner->stop) wait_for_quiet(examiner);
  examiner->work = false;
  bool stop = examiner->stop;
  g_mutex_unlock(&examiner->mutex);
  return !stop;
}

static bool is_stopping(struct examiner *examiner)
{
  g_mutex_lock(&examiner->mutex);
  bool stop = examiner->stop;
  g_mutex_unlock(&examiner->mutex);
  return stop;
}

/* A leaf that cannot be read, or a report of before that it is compared with, must not keep what comes after
 * it from being looked at. */
static void pass_over(struct examination *examination, uint64_t leaf, const GError *why)
{
  log_say(LOG_LEVEL_ERROR, "examiner.passed-over", _("leaf %" PRIu64 " of the ledger: %s"), leaf,
          why ? why->message : _("it is damaged"));
  g_array_set_size(examination->submissions, 0);
  g_ptr_array_set_size(examination->findings, 0);
}

/* Looks at some leaves as of one moment. False and `error` if the store fails. */
static bool look(struct examiner *examiner, struct examination *examination, uint64_t *ret_next,
                 GError **error)
{
  struct mono_time start = clock_mono();
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(examiner->writer), examiner->store, error);
  if (!snapshot) return false;
  uint64_t end = store_leaf_count(examiner->store), next = examiner->next;
  bool sound = true;
  for (unsigned n = 0; next < end && sound && n < SLICE_LEAVES && clock_since(start) < SLICE_MS; n++) {
    sound = examine_leaf(examiner->store, snapshot, next, examination);
    if (sound) next++;
  }
  g_autoptr(GError) failure = NULL;
  if (!store_commit(examiner->store, &failure) && !g_error_matches(failure, PARKTALLY_ERROR, ERROR_DATA)) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!sound && next == examiner->next)
    pass_over(examination, next++, failure); /* else it is the next one's turn */
  *ret_next = next;
  return true;
}

/* What was found, and how far it came, becomes a leaf. */
static bool note(struct examiner *examiner, const struct examination *examination, uint64_t next,
                 GError **error)
{
  struct leaf leaf = {
      .kind = LEAF_EXAMINATION,
      .by = "",
      .reason = "",
      .examination = {.examined = next,
                      .submissions = (const struct examined *)(const void *)examination->submissions->data,
                      .submission_count = examination->submissions->len},
  };
  struct act act = {.kind = leaf.kind, .leaf = &leaf};

  if (examination->submissions->len == 0 && next - examiner->noted < NOTED_LEAVES) return true;
  if (!writer_act(examiner->writer, &act, NULL, error)) return false;
  examiner->noted = next;
  return true;
}

/* True if there may be more. */
static bool work(struct examiner *examiner, GError **error)
{
  CLEANUP(examination_free) struct examination *examination = examination_new();
  uint64_t next;

  if (!look(examiner, examination, &next, error) || !note(examiner, examination, next, error)) return false;
  bool moved = next > examiner->next;
  examiner->next = next;
  return moved;
}

static void *run(void *data)
{
  struct examiner *examiner = data;
  bool failed = false;

  (void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread, on Linux */
  while (wait_for_work(examiner, failed)) {
    g_autoptr(GError) error = NULL;

    while (!is_stopping(examiner) && work(examiner, &error)) continue;
    failed = error != NULL;
    if (failed) log_say(LOG_LEVEL_ERROR, "examiner.failed", "%s", error->message);
  }
  return NULL;
}

struct examiner *examiner_new(const char *folder, struct writer *writer, GError **error)
{
  CLEANUP(examiner_free) struct examiner *examiner = g_new0(struct examiner, 1);
  g_autofree char *path = folder_path(folder, "store.db");

  g_mutex_init(&examiner->mutex);
  g_cond_init(&examiner->cond);
  examiner->writer = writer;
  examiner->store = store_open(path, STORE_READ, error);
  if (!examiner->store) return NULL;
  examiner->next = examiner->noted = store_examined(examiner->store);
  examiner->work = true; /* what was not looked at before the last end */
  writer_tell(writer, wake, examiner);
  examiner->thread = g_thread_new("examiner", run, examiner);
  return g_steal_pointer(&examiner);
}

void examiner_free(struct examiner *examiner)
{
  if (!examiner) return;
  if (examiner->thread) {
    writer_tell(examiner->writer, NULL, NULL);
    g_mutex_lock(&examiner->mutex);
    examiner->stop = true;
    g_cond_signal(&examiner->cond);
    g_mutex_unlock(&examiner->mutex);
    g_thread_join(examiner->thread);
  }
  store_close(examiner->store);
  g_mutex_clear(&examiner->mutex);
  g_cond_clear(&examiner->cond);
  g_free(examiner);
}
