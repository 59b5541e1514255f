#include "aggregator/writer.h"

#include "aggregator/folder.h"
#include "aggregator/group.h"
#include "aggregator/reserve.h"
#include "common/error.h"
#include "common/log.h"
#include "common/text.h"

/* A group is closed when it has grown past these, or when nothing waits. */
static bool is_full(const GPtrArray *jobs, size_t bytes)
{
  return jobs->len >= LIMIT_GROUP_JOBS || bytes >= LIMIT_GROUP_BYTES;
}

#define QUIET_US (500 * 1000) /* without a commit: then the log is copied */

struct writer {
  struct store *store;
  struct group *group;
  struct present *present;
  GAsyncQueue *jobs;
  GThread *thread;
  int backlog; /* atomic */
  struct reserve *reserve;
  GError *disk_full; /* or NULL; the writer's thread only */
  void (*failed)(const GError *error, void *data);
  void *data;

  GMutex telling; /* over who is told */
  void (*committed)(void *data);
  void *committed_data;
  void (*changed)(void *data);
  void *changed_data;

  GMutex copying; /* the log: one thread at a time, as SQLite tells the second only that it is busy */
  struct store *checkpoint_store;
  GThread *checkpoint_thread;
  GAsyncQueue *checkpoints; /* a word per group committed; stop_word ends it */
  int log_kib;              /* atomic: of the log, after the last group */
};

static char stop_word, checkpoint_word; /* their addresses are the messages */

static void job_free(struct job *job)
{
  judged_free(job->judged);
  if (job->act.text) g_bytes_unref(job->act.text);
  if (job->result) g_bytes_unref(job->result);
  g_clear_error(&job->error);
  g_free(job);
}

static bool is_disk_full(const GError *error)
{
  return g_error_matches(error, PARKTALLY_ERROR, ERROR_TEMPORARY);
}

/* --- the thread that copies the log into the database --- */

/* On a full disk the log stays as it is until there is room; nothing of it is lost. Any other failure, of a
 * sync above all, is one of the store. */
static void checkpoint(struct writer *writer, struct store *store)
{
  const GError *error;

  g_mutex_lock(&writer->copying);
  store_checkpoint(store);
  g_mutex_unlock(&writer->copying);
  error = store_error(store);
  if (error && !is_disk_full(error)) writer->failed(error, writer->data);
  if (!error) return;
  store_begin(store); /* an error ends with a transaction */
  store_rollback(store);
}

static bool log_is_longer(const struct writer *writer, size_t bytes)
{
  return (size_t)g_atomic_int_get(&writer->log_kib) > bytes / LIMIT_KIB;
}

static void *checkpoint_main(void *data)
{
  struct writer *writer = data;
  bool due = false; /* something was committed since the last one */

  for (;;) {
    void *word = due ? g_async_queue_timeout_pop(writer->checkpoints, QUIET_US)
                     : g_async_queue_pop(writer->checkpoints);

    if (word == &stop_word) return NULL;
    due = word != NULL && !log_is_longer(writer, LIMIT_LOG_CALM_BYTES);
    if (!due) checkpoint(writer, writer->checkpoint_store);
  }
}

/* --- the writer's thread --- */

static void answer_job(struct job *job)
{
  if (job->kind == JOB_SUBMISSION)
    job->answer(job->judged, job->error ? NULL : job->result, job->error, job->data);
  else
    job->act_answer(job->error ? NULL : job->result, job->error, job->data);
}

static void put_in_force(struct writer *writer, struct snapshot *snapshot)
{
  CLEANUP(snapshot_unref) struct snapshot *before = present_get(writer->present);

  present_set(writer->present, snapshot_ref(snapshot));
  if (snapshot == before) return;
  g_mutex_lock(&writer->telling);
  if (writer->changed) writer->changed(writer->changed_data);
  g_mutex_unlock(&writer->telling);
}

/* One transaction of jobs that have no error. False and `error` if it came to nothing; each has that error
 * then. */
static bool commit_jobs(struct writer *writer, struct job *const *jobs, unsigned count, GError **error)
{
  group_begin(writer->group);
  for (unsigned n = 0; n < count; n++)
    if (!jobs[n]->error) group_add(writer->group, jobs[n]);
  if (!group_commit(writer->group, error)) return false;
  put_in_force(writer, group_snapshot(writer->group));
  return true;
}

/* The disk is full: acts have the reserve's room from now on, submissions are put off. Said once. */
static void begin_full(struct writer *writer, const GError *error)
{
  if (writer->disk_full) return;
  writer->disk_full = g_error_copy(error);
  reserve_give(writer->reserve);
  log_say(LOG_LEVEL_ERROR, "store.full", _("%s; submissions are put off, nothing is lost"), error->message);
}

/* Where the reserve can be had again, the disk is no longer full. */
static void look_for_room(struct writer *writer)
{
  if (!writer->disk_full || !reserve_take(writer->reserve)) return;
  g_clear_error(&writer->disk_full);
  log_say(LOG_LEVEL_NOTICE, "store.room", "%s", _("there is room again"));
}

/* Makes the job ready for a transaction; false, and its error, if it is put off. */
static bool prepare_job(const struct writer *writer, struct job *job)
{
  bool waits = job->kind == JOB_SUBMISSION || job->act.kind == LEAF_EXAMINATION; /* nobody needs it now */

  g_clear_error(&job->error);
  if (waits && writer->disk_full) job->error = g_error_copy(writer->disk_full);
  return !job->error;
}

/* A job that meets a damaged row must not keep the others from their commit: each alone, the culprit is put
 * off. */
static bool commit_one_by_one(struct writer *writer, const GPtrArray *jobs)
{
  for (unsigned n = 0; n < jobs->len; n++) {
    g_autoptr(GError) error = NULL;
    struct job *job = jobs->pdata[n];

    if (!prepare_job(writer, job) || commit_jobs(writer, &job, 1, &error)) continue;
    if (is_disk_full(error)) {
      begin_full(writer, error);
    } else if (g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA)) {
      log_say(LOG_LEVEL_ERROR, "store.damaged", "%s", error->message);
    } else {
      writer->failed(error, writer->data);
      return false;
    }
  }
  return true;
}

/* False if the disk failed: then nothing may be acknowledged any more. */
static bool commit_group(struct writer *writer, const GPtrArray *jobs)
{
  struct job *const *all = (struct job *const *)jobs->pdata;
  g_autoptr(GError) error = NULL;
  unsigned ready = 0;

  look_for_room(writer);
  for (unsigned n = 0; n < jobs->len; n++) ready += prepare_job(writer, all[n]);
  if (ready == 0 || commit_jobs(writer, all, jobs->len, &error)) return true;
  if (is_disk_full(error) && !writer->disk_full) { /* once more, the acts alone */
    begin_full(writer, error);
    return commit_group(writer, jobs);
  }
  if (is_disk_full(error)) return true;
  if (g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA)) return commit_one_by_one(writer, jobs);
  writer->failed(error, writer->data);
  return false;
}

static void tell_committed(struct writer *writer)
{
  g_mutex_lock(&writer->telling);
  if (writer->committed) writer->committed(writer->committed_data);
  g_mutex_unlock(&writer->telling);
}

/* Takes what waits, from `first` on, into one transaction. False if the disk failed. */
static bool run_group(struct writer *writer, struct job *first, bool *ret_stop)
{
  g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func((GDestroyNotify)job_free);
  size_t bytes = 0;
  bool sound;

  for (struct job *job = first; job; job = g_async_queue_try_pop(writer->jobs)) {
    if ((void *)job == &stop_word) {
      *ret_stop = true;
      break;
    }
    g_ptr_array_add(jobs, job);
    if (job->judged) bytes += g_bytes_get_size(job->judged->sealed);
    if (is_full(jobs, bytes)) break;
  }
  sound = commit_group(writer, jobs);
  for (unsigned n = 0; n < jobs->len; n++) answer_job(jobs->pdata[n]);
  g_atomic_int_add(&writer->backlog, -(int)jobs->len);
  g_atomic_int_set(&writer->log_kib, (int)(store_log_bytes(writer->store) / LIMIT_KIB));
  if (sound && log_is_longer(writer, LIMIT_LOG_BYTES)) checkpoint(writer, writer->store);
  g_async_queue_push(writer->checkpoints, &checkpoint_word);
  if (sound && !writer->disk_full) tell_committed(writer);
  return sound;
}

static void *writer_main(void *data)
{
  struct writer *writer = data;
  bool stop = false, sound = true;

  while (!stop) {
    struct job *job = g_async_queue_pop(writer->jobs);

    if ((void *)job == &stop_word) break;
    if (sound) {
      sound = run_group(writer, job, &stop);
      continue;
    }
    /* After a failed sync nothing may be acknowledged any more; the process is about to end. */
    g_set_error_literal(&job->error, PARKTALLY_ERROR, ERROR_IO, _("the store has failed"));
    answer_job(job);
    job_free(job);
  }
  return NULL;
}

/* --- for other threads --- */

static bool open_stores(struct writer *writer, const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");

  writer->store = store_open(path, STORE_WRITE, error);
  if (!writer->store) return false;
  writer->checkpoint_store = store_open(path, STORE_WRITE, error);
  return writer->checkpoint_store != NULL;
}

struct writer *writer_new(const char *folder, const struct identity *identity,
                          void (*failed)(const GError *error, void *data), void *data, GError **error)
{
  CLEANUP(writer_free) struct writer *writer = g_new0(struct writer, 1);
  struct snapshot *snapshot;

  writer->failed = failed;
  writer->data = data;
  g_mutex_init(&writer->copying);
  g_mutex_init(&writer->telling);
  if (!open_stores(writer, folder, error)) return NULL;
  snapshot = snapshot_load(writer->store, error);
  if (!snapshot) return NULL;
  writer->reserve = reserve_new(folder);
  reserve_take(
      writer->reserve); /* where it cannot be had, a full disk is met by the first group that needs room */
  writer->group = group_new(writer->store, identity, snapshot);
  writer->present = present_new(snapshot);
  writer->jobs = g_async_queue_new();
  writer->checkpoints = g_async_queue_new();
  writer->thread = g_thread_new("writer", writer_main, writer);
  writer->checkpoint_thread = g_thread_new("checkpoint", checkpoint_main, writer);
  return g_steal_pointer(&writer);
}

void writer_free(struct writer *writer)
{
  if (!writer) return;
  if (writer->thread) {
    g_async_queue_push(writer->jobs, &stop_word);
    g_thread_join(writer->thread);
    g_async_queue_push(writer->checkpoints, &stop_word);
    g_thread_join(writer->checkpoint_thread);
    g_async_queue_unref(writer->jobs);
    g_async_queue_unref(writer->checkpoints);
  }
  if (writer->group) group_free(writer->group);
  reserve_free(writer->reserve);
  g_clear_error(&writer->disk_full);
  present_free(writer->present);
  store_close(writer->checkpoint_store);
  store_close(writer->store);
  g_mutex_clear(&writer->copying);
  g_mutex_clear(&writer->telling);
  g_free(writer);
}

struct present *writer_present(struct writer *writer)
{
  return writer->present;
}

void writer_watch(struct writer *writer, void (*changed)(void *data), void *data)
{
  g_mutex_lock(&writer->telling);
  writer->changed = changed;
  writer->changed_data = data;
  g_mutex_unlock(&writer->telling);
}

void writer_tell(struct writer *writer, void (*committed)(void *data), void *data)
{
  g_mutex_lock(&writer->telling);
  writer->committed = committed;
  writer->committed_data = data;
  g_mutex_unlock(&writer->telling);
}

unsigned writer_backlog(struct writer *writer)
{
  return (unsigned)g_atomic_int_get(&writer->backlog);
}

static void enqueue(struct writer *writer, struct job *job)
{
  g_atomic_int_inc(&writer->backlog);
  g_async_queue_push(writer->jobs, job);
}

void writer_submit(struct writer *writer, struct judged *judged, writer_answer *answer, void *data)
{
  struct job *job = g_new0(struct job, 1);

  job->kind = JOB_SUBMISSION;
  job->judged = judged;
  job->answer = answer;
  job->data = data;
  enqueue(writer, job);
}

void writer_enrol(struct writer *writer, const struct join_record *join, writer_act_answer *answer,
                  void *data)
{
  struct job *job = g_new0(struct job, 1);

  job->kind = JOB_ACT;
  job->act.kind = LEAF_ENROLMENT;
  job->join = *join;
  job->act_answer = answer;
  job->data = data;
  enqueue(writer, job);
}

void writer_return(struct writer *writer, GBytes *sealed, writer_act_answer *answer, void *data)
{
  struct job *job = g_new0(struct job, 1);

  job->kind = JOB_ACT;
  job->act.kind = LEAF_ENROLMENT;
  job->act.text = g_bytes_ref(sealed);
  job->act_answer = answer;
  job->data = data;
  enqueue(writer, job);
}

/* Who waits in writer_act(). */
struct waiter {
  GMutex mutex;
  GCond cond;
  bool done;
  GBytes *result;
  GError *error;
};

static void wake(GBytes *result, const GError *error, void *data)
{
  struct waiter *waiter = data;

  g_mutex_lock(&waiter->mutex);
  waiter->result = result ? g_bytes_ref(result) : NULL;
  waiter->error = error ? g_error_copy(error) : NULL;
  waiter->done = true;
  g_cond_signal(&waiter->cond);
  g_mutex_unlock(&waiter->mutex);
}

bool writer_act(struct writer *writer, const struct act *act, GBytes **ret_result, GError **error)
{
  struct job *job = g_new0(struct job, 1);
  struct waiter waiter = {.done = false};
  bool success;

  g_mutex_init(&waiter.mutex);
  g_cond_init(&waiter.cond);
  job->kind = JOB_ACT;
  job->act = *act;
  if (act->text) g_bytes_ref(act->text);
  if (act->join) job->join = *act->join;
  job->act_answer = wake;
  job->data = &waiter;
  enqueue(writer, job);

  g_mutex_lock(&waiter.mutex);
  while (!waiter.done) g_cond_wait(&waiter.cond, &waiter.mutex);
  g_mutex_unlock(&waiter.mutex);
  g_mutex_clear(&waiter.mutex);
  g_cond_clear(&waiter.cond);
  success = waiter.error == NULL;
  if (waiter.error) g_propagate_error(error, waiter.error);
  if (waiter.result && success && ret_result)
    *ret_result = waiter.result;
  else if (waiter.result)
    g_bytes_unref(waiter.result);
  return success;
}

bool writer_note(struct writer *writer, const char *by, const char *reason, const char *act,
                 const char *detail, GError **error)
{
  struct leaf leaf = {.kind = LEAF_NOTE, .by = by, .reason = reason, .note = {act, detail}};

  return writer_act(writer, &(struct act){.kind = LEAF_NOTE, .leaf = &leaf}, NULL, error);
}
