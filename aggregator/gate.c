#include "aggregator/gate.h"

#include "aggregator/allowance.h"
#include "aggregator/document.h"
#include "aggregator/door.h"
#include "aggregator/flight.h"
#include "aggregator/folder.h"
#include "aggregator/intake.h"
#include "aggregator/questions.h"
#include "aggregator/reply.h"
#include "aggregator/rights.h"
#include "aggregator/state.h"
#include "common/channel.h"
#include "common/clock.h"
#include "common/codec.h"
#include "common/error.h"
#include "common/log.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BUSY_RETRY_MS 250
#define PAUSED_RETRY_MS 5000 /* until an operator resumes after a restore, or another day begins */
#define MESSAGES_PER_TURN 64 /* so that answers go out while much comes in */
/* Beyond these whoever comes waits in libzmq's queue. */
#define WAITING_MOST LIMIT_MIB /* bytes of messages that wait for a document */

struct gate {
  struct gate_options options;
  struct door *door;
  struct channel_server *submit, *enrol; /* the door's */
  struct documents *documents;
  GQueue waiting;       /* of struct channel_message: for a document that is being made … */
  size_t waiting_bytes; /* … and what they take */
  struct flights *flights;
  struct allowances *allowances;
  struct intake *intake;
  struct questions *questions;
  struct store *store;  /* the gate's thread's own */
  unsigned joining;     /* records with the writer; the gate's thread's own */
  GAsyncQueue *answers; /* of struct answer, from other threads */
  GMutex handing;       /* held while another thread hands an answer over: the gate does not end before */
  int wake_fd;
  int stop; /* atomic */
  GThread *thread;
};

/* An answer on its way from another thread to the peer. */
struct answer {
  enum { TO_SUBMISSION, TO_JOINER, TO_QUESTION } kind;
  char *agent; /* of the flight; a submission's alone … */
  uint8_t id[SUBMISSION_ID_SIZE];
  struct channel_message to; /* … others': what is answered, without its bytes */
  GBytes *frame;
};

static void answer_free(struct answer *answer)
{
  channel_message_clear(&answer->to);
  g_free(answer->agent);
  g_bytes_unref(answer->frame);
  g_free(answer);
}

static void wake_gate(struct gate *gate)
{
  uint64_t one = 1;

  while (write(gate->wake_fd, &one, sizeof one) < 0 && errno == EINTR) continue;
}

/* From another thread. */
static void hand_over(struct gate *gate, struct answer *answer)
{
  g_mutex_lock(&gate->handing);
  g_async_queue_push(gate->answers, answer);
  wake_gate(gate);
  g_mutex_unlock(&gate->handing);
}

/* --- answering --- */

static void send_frame(struct gate *gate, const struct channel_message *to, const struct frame *frame)
{
  g_autoptr(GBytes) bytes = frame_encode(frame);

  door_answer(gate->door, gate->submit, to, bytes);
}

static void send_fault(struct gate *gate, struct channel_server *server, const struct channel_message *to,
                       const uint8_t *id, enum finding_code code, const char *text)
{
  g_autoptr(GBytes) bytes = reply_fault(id, finding_id(code), text);

  door_answer(gate->door, server, to, bytes);
}

static void send_busy(struct gate *gate, const struct channel_message *to, const uint8_t *id,
                      uint32_t retry_ms)
{
  g_autoptr(GBytes) busy = reply_busy(id, retry_ms);

  door_answer(gate->door, gate->submit, to, busy);
}

/* In a worker's or the writer's thread. */
static void submission_answered(const struct intake_answer *given, void *data)
{
  struct gate *gate = data;
  struct answer *answer = g_new0(struct answer, 1);
  struct frame frame = {.kind = FRAME_RECEIPT};

  answer->kind = TO_SUBMISSION;
  answer->agent = g_strdup(given->agent);
  memcpy(answer->id, given->id, sizeof answer->id);
  if (given->receipt) {
    frame.receipt.sealed.data = g_bytes_get_data(given->receipt, &frame.receipt.sealed.length);
    answer->frame = frame_encode(&frame);
  } else if (given->fault) {
    log_say(LOG_LEVEL_NOTICE, "submission.refused", "%s: %s: %s", given->agent, given->fault,
            given->fault_text);
    answer->frame = reply_fault(given->id, given->fault, given->fault_text);
  } else {
    bounds_bite(gate->options.bounds, BOUND_DISK, given->agent);
    answer->frame = reply_busy(given->id, BUSY_RETRY_MS);
  }
  hand_over(gate, answer);
}

static void note_flights(struct gate *gate)
{
  bounds_use(gate->options.bounds, BOUND_CREDIT, flights_count(gate->flights));
  bounds_use(gate->options.bounds, BOUND_CREDIT_AGENT, flights_most(gate->flights));
}

static void send_answer(struct gate *gate, const struct answer *answer)
{
  g_autoptr(GBytes) peer = NULL;

  switch (answer->kind) {
  case TO_SUBMISSION: /* which may have come again meanwhile, by another connection */
    peer = flights_land(gate->flights, answer->agent, answer->id);
    if (peer) (void)channel_server_send(gate->submit, peer, answer->frame);
    note_flights(gate);
    break;
  case TO_JOINER:
    bounds_use(gate->options.bounds, BOUND_JOINING, --gate->joining);
    (void)channel_server_send(gate->enrol, answer->to.peer, answer->frame);
    break;
  case TO_QUESTION:
    door_answer(gate->door, gate->submit, &answer->to, answer->frame);
    break;
  }
}

static void send_answers(struct gate *gate)
{
  struct answer *answer;
  uint64_t count;

  (void)!read(gate->wake_fd, &count, sizeof count);
  while ((answer = g_async_queue_try_pop(gate->answers))) {
    send_answer(gate, answer);
    answer_free(answer);
  }
}

/* --- enrolment --- */

struct joining {
  struct gate *gate;
  bool returns;
  GBytes *peer;
  char *address;
};

/* In the writer's thread. */
static void enrolment_answered(GBytes *certificate, const GError *error, void *data)
{
  struct joining *joining = data;
  struct answer *answer = g_new0(struct answer, 1);
  struct frame frame = {.kind = FRAME_CERTIFICATE};

  answer->kind = TO_JOINER;
  answer->to.peer = joining->peer;
  if (certificate) {
    log_say(LOG_LEVEL_NOTICE, "agent.enrolled", "%s", joining->address);
    frame.certificate.sealed.data = g_bytes_get_data(certificate, &frame.certificate.sealed.length);
    answer->frame = frame_encode(&frame);
  } else {
    enum finding_code code = joining->returns ? finding_from_id(error->message) : FINDING_COUNT;

    if (code == FINDING_COUNT) code = FINDING_INVITATION_REFUSED;
    log_say(LOG_LEVEL_WARNING, finding_id(code), "%s: %s", joining->address, error->message);
    answer->frame = reply_fault(NULL, finding_id(code), error->message);
  }
  hand_over(joining->gate, answer);
  g_free(joining->address);
  g_free(joining);
}

static void note_joining(struct gate *gate)
{
  bounds_use(gate->options.bounds, BOUND_JOINING, gate->joining);
  if (gate->joining >= LIMIT_JOINING) bounds_bite(gate->options.bounds, BOUND_JOINING, NULL);
}

static struct joining *begin_joining(struct gate *gate, const struct channel_message *message, bool returns)
{
  struct joining *joining = g_new0(struct joining, 1);
  char name[DOOR_NAME_SIZE];

  door_name(gate->door, gate->enrol, message, name);
  joining->gate = gate;
  joining->returns = returns;
  joining->peer = g_bytes_ref(message->peer);
  joining->address = g_strdup(name);
  gate->joining++;
  note_joining(gate);
  return joining;
}

static void take_joiner(struct gate *gate, const struct channel_message *message)
{
  struct join_record join;
  size_t length;
  const uint8_t *data = g_bytes_get_data(message->data, &length);

  if (seal_claimed_label(data, length) == SEAL_RETURN) {
    writer_return(gate->options.writer, message->data, enrolment_answered,
                  begin_joining(gate, message, true));
    return;
  }
  if (!join_decode(data, length, &join)) {
    send_fault(gate, gate->enrol, message, NULL, FINDING_MESSAGE_MALFORMED, "the joining record is damaged");
    return;
  }
  writer_enrol(gate->options.writer, &join, enrolment_answered, begin_joining(gate, message, false));
  explicit_bzero(&join, sizeof join);
}

/* --- agents --- */

/* What a message is answered with. */
struct conversation {
  struct gate *gate;
  struct snapshot *snapshot;
  const struct agent_record *agent;
  const struct channel_message *message;
};

/* An agent may say any number; a difference beyond all numbers is the largest one. */
static int64_t ahead_of(int64_t theirs, int64_t ours)
{
  int64_t ahead;

  if (!__builtin_sub_overflow(theirs, ours, &ahead) && ahead > -INT64_MAX) return ahead;
  return theirs < ours ? -INT64_MAX : INT64_MAX;
}

/* What an agent may have unanswered: all together no more than is taken, so that nothing is sent in vain,
 * told Busy and sent again. With more agents than that the gate's own count decides. */
static uint32_t credit_of_each(const struct snapshot *snapshot)
{
  unsigned in_force = 0;

  for (unsigned n = 0; n < snapshot->agents->len; n++)
    in_force += rights_in_force(&g_array_index(snapshot->agents, struct agent_record, n).stored);
  return CLAMP(LIMIT_CREDIT_GLOBAL / MAX(in_force, 1), 1, LIMIT_CREDIT_AGENT);
}

/* Changes of our own keys after the one that the agent knows; all of them if it names none of ours. */
static size_t changes_since(const struct key_chain *keys, const struct bytes_view *known,
                            struct bytes_view ret_changes[static LIMIT_KEY_CHANGES])
{
  const struct key_link *link = keys && known->length > 0 ? key_chain_find(keys, known->data) : NULL;
  guint from = link ? (guint)(link - &g_array_index(keys->links, struct key_link, 0)) : 0;
  size_t count = 0;

  for (guint n = from; keys && n < keys->papers->len; n++, count++)
    ret_changes[count].data = g_bytes_get_data(keys->papers->pdata[n], &ret_changes[count].length);
  return count;
}

/* Each is false where a document that it needs is being made: then the message waits. */

static bool answer_hello(const struct conversation *with, const struct frame *asked)
{
  struct gate *gate = with->gate;
  const uint8_t *units = documents_register_hash(gate->documents, with->snapshot, with->agent->stored.area);
  int64_t now = clock_wall().ms, ahead = ahead_of(asked->hello.clock_ms, now);
  struct frame frame = {.kind = FRAME_WELCOME};
  struct bytes_view changes[LIMIT_KEY_CHANGES];

  if (!units) return false;
  if (ABS(ahead) > LIMIT_CLOCK_SKEW_MS)
    log_say(LOG_LEVEL_WARNING, finding_id(FINDING_CLOCK_OFF), _("%s: its clock is %+" PRId64 " s from ours"),
            with->agent->stored.id, ahead / 1000);
  frame.welcome.credit = credit_of_each(with->snapshot);
  frame.welcome.clock_ms = now;
  frame.welcome.catalogue_hash = (struct bytes_view){with->snapshot->catalogue->hash, SEAL_HASH_SIZE};
  frame.welcome.register_hash = (struct bytes_view){units, SEAL_HASH_SIZE};
  frame.welcome.state = state_of(gate->store, with->agent->stored.area);
  frame.welcome.waiting = stored_agent_waits(&with->agent->stored);
  frame.welcome.key_change_count = changes_since(with->snapshot->keys, &asked->hello.server_key, changes);
  frame.welcome.key_changes = changes;
  send_frame(gate, with->message, &frame);
  return true;
}

static const struct document *document_of(const struct conversation *with, enum document_kind kind)
{
  return documents_get(with->gate->documents, with->snapshot, kind, with->agent->stored.area);
}

static bool answer_document(const struct conversation *with, const struct frame *asked)
{
  const struct document *document = document_of(with, asked->document_request.kind);
  struct frame frame = {.kind = FRAME_DOCUMENT};

  if (!document) return false;
  frame.document.kind = document->kind;
  frame.document.manifest.data = g_bytes_get_data(document->manifest, &frame.document.manifest.length);
  send_frame(with->gate, with->message, &frame);
  return true;
}

static bool answer_chunk(const struct conversation *with, const struct frame *asked)
{
  const struct document *document = document_of(with, asked->chunk_request.kind);
  size_t size, offset = (size_t)asked->chunk_request.index * LIMIT_CHUNK_BYTES;
  struct frame frame = {.kind = FRAME_CHUNK};
  const uint8_t *data;

  if (!document) return false;
  data = g_bytes_get_data(document->data, &size);
  if (memcmp(asked->chunk_request.hash.data, document->hash, SEAL_HASH_SIZE) != 0 || offset >= size) {
    send_fault(with->gate, with->gate->submit, with->message, NULL, FINDING_REQUEST_UNKNOWN,
               "the document has changed since; ask for its manifest again");
    return true;
  }
  frame.chunk.hash = (struct bytes_view){document->hash, SEAL_HASH_SIZE};
  frame.chunk.index = asked->chunk_request.index;
  frame.chunk.data = (struct bytes_view){data + offset, MIN(LIMIT_CHUNK_BYTES, size - offset)};
  send_frame(with->gate, with->message, &frame);
  return true;
}

static void note_full(struct gate *gate, const char *agent)
{
  bool in_all = flights_count(gate->flights) >= LIMIT_CREDIT_GLOBAL;

  bounds_bite(gate->options.bounds, in_all ? BOUND_CREDIT : BOUND_CREDIT_AGENT, agent);
}

/* What would be written to the disk for it. */
static bool may_add(struct gate *gate, const char *agent, GBytes *sealed)
{
  struct bounds *bounds = gate->options.bounds;
  int64_t taken;
  bool may = allowances_take(gate->allowances, agent, (int64_t)g_bytes_get_size(sealed),
                             bounds_value(bounds, BOUND_DAY_AGENT), clock_mono(), &taken);

  bounds_use(bounds, BOUND_DAY_AGENT, taken);
  if (!may) bounds_bite(bounds, BOUND_DAY_AGENT, agent);
  return may;
}

static void take_submission(const struct conversation *with, const uint8_t *id, GBytes *sealed)
{
  struct gate *gate = with->gate;
  const char *agent = with->agent->stored.id;

  if (with->snapshot->paused) {
    send_busy(gate, with->message, id, PAUSED_RETRY_MS);
    return;
  }
  switch (flights_take(gate->flights, agent, id, with->message->peer)) {
  case FLIGHT_TAKEN:
    if (may_add(gate, agent, sealed)) {
      note_flights(gate);
      intake_take(gate->intake, agent, id, sealed);
    } else {
      g_bytes_unref(flights_land(gate->flights, agent, id));
      send_busy(gate, with->message, id, PAUSED_RETRY_MS);
    }
    break;
  case FLIGHT_ALREADY:
    break;
  case FLIGHT_FULL:
    note_full(gate, agent);
    send_busy(gate, with->message, id, BUSY_RETRY_MS);
    break;
  }
}

/* A submission as agents write it stays in the memory that libzmq received it in. False if it is none. */
static bool take_submission_in_place(const struct conversation *with)
{
  GBytes *message = with->message->data;
  size_t length;
  const uint8_t *data = g_bytes_get_data(message, &length);
  struct bytes_view id, view;

  if (!submit_view(data, length, &id, &view)) return false;
  g_autoptr(GBytes) sealed = g_bytes_new_from_bytes(message, (size_t)(view.data - data), view.length);
  take_submission(with, id.data, sealed);
  return true;
}

static void take_submission_decoded(const struct conversation *with, const struct frame *asked)
{
  g_autoptr(GBytes) sealed = g_bytes_new(asked->submit.sealed.data, asked->submit.sealed.length);

  take_submission(with, asked->submit.id.data, sealed);
}

/* In the questions' thread. */
static void question_answered(const struct channel_message *asked, GBytes *frame, void *data)
{
  struct gate *gate = data;
  struct answer *answer = g_new0(struct answer, 1);

  answer->kind = TO_QUESTION;
  answer->to = *asked;
  g_bytes_ref(answer->to.peer);
  answer->frame = g_bytes_ref(frame);
  bounds_use(gate->options.bounds, BOUND_QUESTIONS_AGENT, questions_most(gate->questions));
  hand_over(gate, answer);
}

/* Whoever has too many gets no answer to this one, and asks again. */
static void take_question(const struct conversation *with, const struct frame *asked)
{
  unsigned waiting = questions_take(with->gate->questions, with->message, asked);

  if (waiting > 0)
    bounds_use(with->gate->options.bounds, BOUND_QUESTIONS_AGENT, waiting);
  else
    bounds_bite(with->gate->options.bounds, BOUND_QUESTIONS_AGENT, with->agent->stored.id);
}

/* False where the message has to wait for a document. */
static bool converse(const struct conversation *with, const struct frame *asked)
{
  switch (asked->kind) {
  case FRAME_HELLO:
    return answer_hello(with, asked);
  case FRAME_DOCUMENT_REQUEST:
    return answer_document(with, asked);
  case FRAME_CHUNK_REQUEST:
    return answer_chunk(with, asked);
  case FRAME_SUBMIT:
    take_submission_decoded(with, asked);
    break;
  case FRAME_REFUSAL_REQUEST:
  case FRAME_STATE_REQUEST:
  case FRAME_HEAD_REQUEST:
    take_question(with, asked);
    break;
  default:
    send_fault(with->gate, with->gate->submit, with->message, NULL, FINDING_MESSAGE_MALFORMED,
               "the aggregator does not take this kind of message");
  }
  return true;
}

static void message_free(void *data)
{
  channel_message_clear(data);
  g_free(data);
}

static void keep_waiting(struct gate *gate, const struct channel_message *message)
{
  struct channel_message *kept = g_memdup2(message, sizeof *message);

  g_bytes_ref(kept->peer);
  g_bytes_ref(kept->data);
  g_queue_push_tail(&gate->waiting, kept);
  gate->waiting_bytes += sizeof *kept + g_bytes_get_size(kept->data);
}

enum { SUCCESSORS_SHOWN = 200 }; /* bytes of their ids that fit a fault's text beside the rest */

/* The last that it hears. Also who has come in its place, for the area hears of it by no other way once its
 * agents are revoked. */
static void send_revoked(struct gate *gate, const struct snapshot *snapshot, const struct agent_record *agent,
                         const struct channel_message *message)
{
  g_autofree char *when = agent ? clock_format((struct wall_time){agent->stored.revoked_ms}) : NULL;
  g_autofree char *ids = agent ? rights_successors(snapshot, &agent->stored) : g_strdup("");
  g_autofree char *successors = text_excerpt(ids, strlen(ids), SUCCESSORS_SHOWN);
  char text[LIMIT_NAME_BYTES];

  if (!agent)
    g_strlcpy(text, "this agent has no right to connect", sizeof text);
  else
    g_snprintf(text, sizeof text, "%s was revoked on %s%s%s", agent->stored.id, when,
               *successors ? "; in its place there is " : "", successors);
  send_fault(gate, gate->submit, message, NULL, FINDING_AGENT_REVOKED, text);
  door_dismiss(gate->door, message);
}

static void take_message(struct gate *gate, const struct channel_message *message)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(gate->options.writer));
  const struct agent_record *agent = snapshot_agent(snapshot, message->user);
  CLEANUP(frame_free) struct frame *frame = NULL;
  struct conversation with = {gate, snapshot, agent, message};
  char name[DOOR_NAME_SIZE];

  if (!agent || agent->stored.revoked_ms != 0) {
    send_revoked(gate, snapshot, agent, message);
    return;
  }
  if (take_submission_in_place(&with)) return;
  frame = frame_decode(g_bytes_get_data(message->data, NULL), g_bytes_get_size(message->data));
  if (!frame) {
    door_name(gate->door, gate->submit, message, name);
    log_say(LOG_LEVEL_WARNING, finding_id(FINDING_MESSAGE_MALFORMED), _("from %s at %s"), agent->stored.id,
            name);
    send_fault(gate, gate->submit, message, NULL, FINDING_MESSAGE_MALFORMED, "the frame cannot be decoded");
    return;
  }
  if (!converse(&with, frame)) keep_waiting(gate, message);
}

/* A message that waited is taken like one that comes now: by what is in force now. */
static void take_waiting(struct gate *gate)
{
  GQueue waiting = gate->waiting;
  struct channel_message *message;

  g_queue_init(&gate->waiting);
  gate->waiting_bytes = 0;
  while ((message = g_queue_pop_head(&waiting))) {
    take_message(gate, message);
    message_free(message);
  }
}

/* --- the thread --- */

/* Whether a message from there may be taken in. */
static bool has_room(const struct gate *gate, const struct channel_server *server)
{
  return server == gate->submit ? gate->waiting_bytes < WAITING_MOST : gate->joining < LIMIT_JOINING;
}

static void take_messages(struct gate *gate, struct channel_server *server,
                          void (*take)(struct gate *gate, const struct channel_message *message))
{
  struct channel_message message;
  unsigned all_dropped = 0;

  for (int n = 0; n < MESSAGES_PER_TURN && has_room(gate, server); n++) {
    unsigned dropped = 0;
    bool taken = channel_server_receive(server, &message, &dropped);

    all_dropped += dropped; /* also where nothing good came after them */
    if (!taken) break;
    take(gate, &message);
    channel_message_clear(&message);
  }
  for (unsigned n = 0; n < all_dropped; n++) bounds_bite(gate->options.bounds, BOUND_PARTS, NULL);
  if (all_dropped > 0)
    log_say(LOG_LEVEL_WARNING, "message.dropped", _("%u messages that are not one frame"), all_dropped);
}

static void *gate_main(void *data)
{
  struct gate *gate = data;

  while (!g_atomic_int_get(&gate->stop) || flights_count(gate->flights) > 0 || gate->joining > 0) {
    bool stopping = g_atomic_int_get(&gate->stop);
    bool takes_agents = !stopping && has_room(gate, gate->submit);
    bool takes_joiners = !stopping && has_room(gate, gate->enrol);
    struct channel_server *servers[2];
    size_t count = 0;

    /* While it ends, only answers matter: nothing more is taken in. */
    if (takes_agents) servers[count++] = gate->submit;
    if (takes_joiners) servers[count++] = gate->enrol;
    (void)channel_wait(servers, count, gate->wake_fd, -1, NULL);
    door_look(gate->door);
    send_answers(gate);
    if (documents_update(gate->documents) && !stopping) take_waiting(gate);
    if (takes_agents) take_messages(gate, gate->submit, take_message);
    if (takes_joiners) take_messages(gate, gate->enrol, take_joiner);
  }
  return NULL;
}

/* In a thread of the documents', or the writer's: what is in force has changed. */
static void wake_for_news(void *data)
{
  wake_gate(data);
}

static bool open_door(struct gate *gate, GError **error)
{
  const struct gate_options *options = &gate->options;
  struct door_options door = {
      .listen = options->listen,
      .enrol = options->enrol,
      .identity = options->identity,
      .writer = options->writer,
      .bounds = options->bounds,
      .failed = options->failed,
      .data = options->data,
  };

  gate->door = door_open(&door, error);
  if (!gate->door) return false;
  gate->submit = door_agents(gate->door);
  gate->enrol = door_joiners(gate->door);
  return true;
}

/* Beside what else there is to do before the first greeting. */
static void prepare_documents(struct gate *gate)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(gate->options.writer));

  documents_prepare(gate->documents, snapshot);
}

struct gate *gate_new(const struct gate_options *options, GError **error)
{
  CLEANUP(gate_free) struct gate *gate = g_new0(struct gate, 1);
  g_autofree char *path = folder_path(options->folder, "store.db");

  gate->options = *options;
  gate->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  gate->answers = g_async_queue_new();
  g_mutex_init(&gate->handing);
  gate->flights = flights_new();
  gate->allowances = allowances_new();
  gate->documents = documents_new(options->identity, wake_for_news, gate);
  prepare_documents(gate);
  gate->store = store_open(path, STORE_READ, error);
  if (!gate->store || !open_door(gate, error)) return NULL;
  gate->intake = intake_new(options->folder, options->writer, submission_answered, gate, error);
  if (!gate->intake) return NULL;
  gate->questions =
      questions_new(options->folder, options->identity, options->writer, question_answered, gate, error);
  if (!gate->questions) return NULL;
  gate->thread = g_thread_new("gate", gate_main, gate);
  writer_watch(options->writer, wake_for_news, gate);
  return g_steal_pointer(&gate);
}

void gate_free(struct gate *gate)
{
  struct answer *answer;

  if (!gate) return;
  if (gate->thread) {
    writer_watch(gate->options.writer, NULL, NULL);
    g_atomic_int_set(&gate->stop, 1);
    wake_gate(gate);
    g_thread_join(gate->thread);
  }
  questions_free(gate->questions);
  g_mutex_lock(&gate->handing); /* whoever handed over the last answer may still be at it */
  g_mutex_unlock(&gate->handing);
  documents_free(gate->documents);
  g_queue_clear_full(&gate->waiting, message_free);
  intake_free(gate->intake);
  door_close(gate->door);
  while ((answer = g_async_queue_try_pop(gate->answers))) answer_free(answer);
  g_async_queue_unref(gate->answers);
  g_mutex_clear(&gate->handing);
  flights_free(gate->flights);
  allowances_free(gate->allowances);
  store_close(gate->store);
  close(gate->wake_fd);
  g_free(gate);
}

const char *gate_endpoint(const struct gate *gate)
{
  return door_endpoint(gate->door);
}

const char *gate_enrol_endpoint(const struct gate *gate)
{
  return door_enrol_endpoint(gate->door);
}
