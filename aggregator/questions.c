#include "aggregator/questions.h"

#include "aggregator/folder.h"
#include "aggregator/proof.h"
#include "aggregator/refusals.h"
#include "aggregator/reply.h"
#include "aggregator/state.h"
#include "common/finding.h"
#include "common/limits.h"

#include <string.h>

struct question {
  struct channel_message from; /* without its bytes */
  enum frame_kind kind;
  uint8_t id[SUBMISSION_ID_SIZE]; /* refusals: of which submission */
  uint64_t at;                    /* where the page begins */
  uint64_t sizes[LIMIT_HEADS_ASKED];
  size_t size_count;
};

/* Of one agent, in the order in which they came. */
struct asker {
  char *agent;
  GQueue waiting; /* of struct question; never empty while it has a turn */
};

struct questions {
  const struct identity *identity;
  struct writer *writer;
  struct store *store; /* the thread's own */
  question_sink *sink;
  void *data;
  GMutex lock; /* of what follows */
  GCond come;
  GHashTable *askers; /* agent → struct asker, of those who wait */
  GQueue turns;       /* the same, whose turn is next first */
  bool ending;
  GThread *thread;
};

static void question_free(void *data)
{
  struct question *question = data;

  channel_message_clear(&question->from);
  g_free(question);
}

static void asker_free(void *data)
{
  struct asker *asker = data;

  g_queue_clear_full(&asker->waiting, question_free);
  g_free(asker->agent);
  g_free(asker);
}

/* --- answers --- */

static GBytes *unknown(const uint8_t *id, const char *text)
{
  return reply_fault(id, finding_id(FINDING_REQUEST_UNKNOWN), text);
}

static GBytes *answer_refusals(struct questions *questions, const struct question *question,
                               struct snapshot *snapshot, const struct stored_agent *agent)
{
  CLEANUP(refusal_page_free) struct refusal_page *page = NULL;

  if (!stored_agent_waits(agent)) /* figures of units are not for who only waits */
    page = refusal_page_read(questions->store, snapshot, agent->area, question->id, (uint32_t)question->at);
  return page ? frame_encode(refusal_page_frame(page))
              : unknown(question->id, "there is no such submission of this area");
}

static GBytes *answer_state(struct questions *questions, const struct question *question,
                            const struct stored_agent *agent)
{
  CLEANUP(state_page_free)
  struct state_page *page =
      state_page_read(questions->store, agent->area, stored_agent_waits(agent), question->at);

  return page ? frame_encode(state_page_frame(page))
              : unknown(NULL, "what this area is asked cannot be read now");
}

static GBytes *answer_head(struct questions *questions, const struct question *question)
{
  CLEANUP(head_page_free)
  struct head_page *page =
      head_page_read(questions->store, questions->identity, question->sizes, question->size_count);

  return page ? frame_encode(head_page_frame(page)) : unknown(NULL, "the ledger's head cannot be read now");
}

/* By what is in force now. NULL where the agent has no rights any more: its connection ends. */
static GBytes *answer(struct questions *questions, const struct question *question)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(questions->writer));
  const struct agent_record *agent = snapshot_agent(snapshot, question->from.user);

  if (!agent || agent->stored.revoked_ms != 0) return NULL;
  switch (question->kind) {
  case FRAME_REFUSAL_REQUEST:
    return answer_refusals(questions, question, snapshot, &agent->stored);
  case FRAME_STATE_REQUEST:
    return answer_state(questions, question, &agent->stored);
  default:
    return answer_head(questions, question);
  }
}

/* --- whose turn it is --- */

/* NULL at the end. */
static struct question *next_question(struct questions *questions)
{
  struct question *question = NULL;

  g_mutex_lock(&questions->lock);
  while (!questions->ending && questions->turns.length == 0) g_cond_wait(&questions->come, &questions->lock);
  if (!questions->ending) {
    struct asker *asker = g_queue_pop_head(&questions->turns);
    question = g_queue_pop_head(&asker->waiting);
    if (asker->waiting.length > 0)
      g_queue_push_tail(&questions->turns, asker);
    else
      g_hash_table_remove(questions->askers, asker->agent);
  }
  g_mutex_unlock(&questions->lock);
  return question;
}

static void *work(void *data)
{
  struct questions *questions = data;
  struct question *question;

  while ((question = next_question(questions))) {
    g_autoptr(GBytes) frame = answer(questions, question);

    if (frame) questions->sink(&question->from, frame, questions->data);
    question_free(question);
  }
  return NULL;
}

/* No more of what was said than is needed: a message may be large and say little. */
static struct question *question_of(const struct channel_message *message, const struct frame *asked)
{
  struct question *question = g_new0(struct question, 1);

  question->from = *message;
  g_bytes_ref(question->from.peer);
  question->from.data = NULL;
  question->kind = asked->kind;
  if (asked->kind == FRAME_REFUSAL_REQUEST) {
    memcpy(question->id, asked->refusal_request.id.data, sizeof question->id);
    question->at = asked->refusal_request.offset;
  } else if (asked->kind == FRAME_STATE_REQUEST) {
    question->at = asked->state_request.from;
  } else {
    question->size_count = asked->head_request.count;
    for (size_t n = 0; n < question->size_count; n++) question->sizes[n] = asked->head_request.from[n];
  }
  return question;
}

/* With a turn from now on, if it has none. */
static struct asker *asker_of(struct questions *questions, const char *agent)
{
  struct asker *asker = g_hash_table_lookup(questions->askers, agent);

  if (asker) return asker;
  asker = g_new0(struct asker, 1);
  asker->agent = g_strdup(agent);
  g_hash_table_insert(questions->askers, asker->agent, asker);
  g_queue_push_tail(&questions->turns, asker);
  return asker;
}

unsigned questions_take(struct questions *questions, const struct channel_message *message,
                        const struct frame *asked)
{
  struct asker *asker;
  unsigned waiting = 0;

  g_mutex_lock(&questions->lock);
  asker = asker_of(questions, message->user);
  if (asker->waiting.length < LIMIT_QUESTIONS_AGENT) {
    g_queue_push_tail(&asker->waiting, question_of(message, asked));
    waiting = asker->waiting.length;
  }
  g_cond_signal(&questions->come);
  g_mutex_unlock(&questions->lock);
  return waiting;
}

unsigned questions_most(struct questions *questions)
{
  unsigned most = 0;

  g_mutex_lock(&questions->lock);
  for (GList *turn = questions->turns.head; turn; turn = turn->next)
    most = MAX(most, ((const struct asker *)turn->data)->waiting.length);
  g_mutex_unlock(&questions->lock);
  return most;
}

struct questions *questions_new(const char *folder, const struct identity *identity, struct writer *writer,
                                question_sink *sink, void *data, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  struct store *store = store_open(path, STORE_READ, error);
  struct questions *questions;

  if (!store) return NULL;
  questions = g_new0(struct questions, 1);
  questions->identity = identity;
  questions->writer = writer;
  questions->store = store;
  questions->sink = sink;
  questions->data = data;
  g_mutex_init(&questions->lock);
  g_cond_init(&questions->come);
  questions->askers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, asker_free);
  questions->thread = g_thread_new("questions", work, questions);
  return questions;
}

void questions_free(struct questions *questions)
{
  if (!questions) return;
  g_mutex_lock(&questions->lock);
  questions->ending = true;
  g_cond_signal(&questions->come);
  g_mutex_unlock(&questions->lock);
  g_thread_join(questions->thread);
  g_queue_clear(&questions->turns);
  g_hash_table_unref(questions->askers);
  g_cond_clear(&questions->come);
  g_mutex_clear(&questions->lock);
  store_close(questions->store);
  g_free(questions);
}
