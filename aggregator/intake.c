#include "aggregator/intake.h"

#include "aggregator/hindsight.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/heap.h"

#include <assert.h>
#include <string.h>

struct intake {
  struct writer *writer;
  intake_sink *sink;
  void *data;
  GThreadPool *workers;
  struct quota *memory; /* of what is decoded */
  struct hindsight *hindsight;
  int pending; /* atomic: taken, and not yet judged */

  /* Workers end in any order, but what an agent sent first is the base of what it sent next: the writer gets
   * submissions in the order in which they came. */
  uint64_t taken;      /* submissions so far; the taker's thread only */
  GMutex lock;         /* of what follows */
  uint64_t passed;     /* how many were settled */
  GHashTable *waiting; /* turn → struct task: judged before those that came earlier */
};

struct task {
  struct intake *intake;
  uint64_t turn;
  struct judged *judged;
  char *agent;
  uint8_t id[SUBMISSION_ID_SIZE];
  GBytes *sealed;
};

static void task_free(struct task *task)
{
  g_bytes_unref(task->sealed);
  g_free(task->agent);
  g_free(task);
}

static void answer_fault(const struct task *task, const struct judged *judged)
{
  struct intake_answer answer = {.agent = task->agent,
                                 .id = task->id,
                                 .fault = finding_id(judged->fault),
                                 .fault_text = judged->fault_text};

  task->intake->sink(&answer, task->intake->data);
}

static void written(const struct judged *judged, GBytes *receipt, const GError *error, void *data)
{
  struct task *task = data;
  struct intake_answer answer = {.agent = task->agent, .id = task->id, .receipt = receipt};

  /* Where the whole group came to nothing, a fault that was found in it did too. */
  if (g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA) && judged->fault != FINDING_COUNT)
    answer_fault(task, judged);
  else
    task->intake->sink(&answer, task->intake->data);
  task_free(task);
}

/* Answers a fault, or hands a submission that is sound, or may have a receipt, over to the writer. */
static void settle(struct task *task)
{
  struct judged *judged = task->judged;

  if (judged->fault == FINDING_COUNT || judged_may_be_known(judged)) {
    writer_submit(task->intake->writer, judged, written, task);
    return;
  }
  answer_fault(task, judged);
  judged_free(judged);
  task_free(task);
}

static void settle_in_turn(struct intake *intake, struct task *task)
{
  g_mutex_lock(&intake->lock);
  g_hash_table_insert(intake->waiting, &task->turn, task);
  while ((task = g_hash_table_lookup(intake->waiting, &intake->passed))) {
    g_hash_table_remove(intake->waiting, &intake->passed);
    intake->passed++;
    settle(task);
  }
  g_mutex_unlock(&intake->lock);
}

static_assert(JUDGED_MOST <= LIMIT_DECODED_BYTES, "each can be decoded");
static_assert(JUDGED_MOST < HEAP_BLOCK_MOST && LIMIT_FRAME_BYTES < HEAP_BLOCK_MOST,
              "submissions are received and decoded in memory that was used before");

/* A worker may wait here for the writer, never for another worker's submission that came later: memory is
 * given out in the order in which they came, so all that came before have theirs and go on to the writer. */
static void judge(struct intake *intake, struct task *task)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = NULL;
  struct judged *judged;

  quota_take(intake->memory, task->turn, JUDGED_MOST);
  snapshot = present_get(writer_present(intake->writer));
  judged = judge_submission(snapshot, task->sealed, task->id, clock_wall().ms);
  hindsight_ask(intake->hindsight, judged);
  judged->quota = quota_ref(intake->memory);
  judged->share = judged_memory(judged);
  assert(judged->share <= JUDGED_MOST);
  quota_give(intake->memory, JUDGED_MOST - judged->share);
  task->judged = judged;
}

static void work(void *data, void *user_data)
{
  struct task *task = data;
  struct intake *intake = user_data;

  judge(intake, task);
  settle_in_turn(intake, task);
  if (g_atomic_int_dec_and_test(&intake->pending)) hindsight_rest(intake->hindsight);
}

struct intake *intake_new(const char *folder, struct writer *writer, intake_sink *sink, void *data,
                          GError **error)
{
  CLEANUP(hindsight_free) struct hindsight *hindsight = hindsight_new(folder, error);
  struct intake *intake;

  if (!hindsight) return NULL;
  intake = g_new0(struct intake, 1);
  intake->hindsight = g_steal_pointer(&hindsight);

  intake->writer = writer;
  intake->sink = sink;
  intake->data = data;
  g_mutex_init(&intake->lock);
  intake->waiting = g_hash_table_new(g_int64_hash, g_int64_equal);
  intake->memory = quota_new(LIMIT_DECODED_BYTES);
  intake->workers = g_thread_pool_new(work, intake, (int)MAX(g_get_num_processors(), 1), FALSE, NULL);
  return intake;
}

void intake_free(struct intake *intake)
{
  if (!intake) return;
  g_thread_pool_free(intake->workers, FALSE, TRUE);
  hindsight_free(intake->hindsight);
  g_hash_table_unref(intake->waiting);
  quota_unref(intake->memory); /* the writer may still be about to free what it answered */
  g_mutex_clear(&intake->lock);
  g_free(intake);
}

void intake_take(struct intake *intake, const char *agent, const uint8_t id[SUBMISSION_ID_SIZE],
                 GBytes *sealed)
{
  struct task *task = g_new0(struct task, 1);

  task->intake = intake;
  task->agent = g_strdup(agent);
  memcpy(task->id, id, sizeof task->id);
  task->sealed = g_bytes_ref(sealed);
  task->turn = intake->taken++;
  g_atomic_int_inc(&intake->pending);
  g_thread_pool_push(intake->workers, task, NULL);
}
