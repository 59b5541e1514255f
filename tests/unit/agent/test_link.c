/* The link against an aggregator that follows a script, over real sockets. */
#include "fixture_home.h"

#include "agent/link.h"
#include "common/channel.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PATIENCE_MS 300  /* in place of LIMIT_ANSWER_MS */
#define TIMEOUT_MS 20000 /* a test that takes so long has failed */

/* What the aggregator does wrong, each so many times. */
struct script {
  unsigned lose_receipts, busy, silent_hellos, forge_receipts, wrong_chunks, forge_manifests, unknown_chunks;
  const char *fault;       /* in place of receipts */
  const char *hello_fault; /* in place of Welcome */
  unsigned restarts;       /* in place of receipts: ends, and begins anew */
  bool falls_silent;       /* says nothing more to whoever submits first */
  bool cuts;               /* ends after each Welcome, and begins anew */
  unsigned unknown_pages, forge_heads;
  unsigned refuse; /* of the reports of a submission; one in the receipt, the others by page */
  int64_t clock_ahead_ms;
  bool waits, waits_untold; /* submissions get admission.waiting until `admitted`; Welcome says so, or not */
};

struct aggregator {
  struct script script;
  struct channel_context *context;
  struct channel_door *door;
  struct channel_server *server;
  pthread_t thread;
  int stop;
  GByteArray *manifests[2];
  char *texts[2];
  uint8_t hashes[2][SEAL_HASH_SIZE];
  bool must_restart; /* its thread's */
  GBytes *deaf_to;   /* likewise: a peer, or NULL */
  atomic_uint hellos, submits, documents, heads;
  atomic_bool admitted;
};

static struct fixture_home fixture;
static struct outbox *outbox;
static struct aggregator aggregator;

/* --- the aggregator --- */

static bool admit(const char *domain, const char *address, const uint8_t key[static CURVE_KEY_SIZE],
                  char ret_user[static CHANNEL_USER_SIZE], void *data)
{
  (void)domain, (void)address, (void)key, (void)data;
  g_strlcpy(ret_user, "east-1", CHANNEL_USER_SIZE);
  return true;
}

static void door_died(void *data)
{
  (void)data;
}

static bool once(unsigned *count)
{
  if (*count == 0) return false;
  (*count)--;
  return true;
}

static void answer(GBytes *peer, const struct frame *frame)
{
  g_autoptr(GBytes) data = frame_encode(frame);
  channel_server_send(aggregator.server, peer, data);
}

static void answer_fault(GBytes *peer, struct bytes_view id, const char *code)
{
  struct frame frame = {.kind = FRAME_FAULT};
  frame.fault.id = id;
  frame.fault.code = code;
  frame.fault.text = "so it is";
  answer(peer, &frame);
}

static void answer_hello(GBytes *peer)
{
  aggregator.hellos++;
  if (once(&aggregator.script.silent_hellos)) return;
  if (aggregator.script.hello_fault) {
    answer_fault(peer, (struct bytes_view){0}, aggregator.script.hello_fault);
    return;
  }
  struct frame frame = {.kind = FRAME_WELCOME};
  frame.welcome.credit = 4;
  frame.welcome.clock_ms = clock_wall().ms + aggregator.script.clock_ahead_ms;
  frame.welcome.catalogue_hash = (struct bytes_view){aggregator.hashes[0], SEAL_HASH_SIZE};
  frame.welcome.register_hash = (struct bytes_view){aggregator.hashes[1], SEAL_HASH_SIZE};
  frame.welcome.waiting = aggregator.script.waits && !aggregator.admitted;
  answer(peer, &frame);
  aggregator.must_restart = aggregator.script.cuts;
}

static void answer_document(GBytes *peer, enum document_kind kind)
{
  aggregator.documents++;
  GByteArray *manifest = aggregator.manifests[kind - 1];
  g_autofree uint8_t *copy = g_memdup2(manifest->data, manifest->len);
  if (once(&aggregator.script.forge_manifests)) copy[manifest->len - 1] ^= 1;
  struct frame frame = {.kind = FRAME_DOCUMENT};
  frame.document.kind = kind;
  frame.document.manifest = (struct bytes_view){copy, manifest->len};
  answer(peer, &frame);
}

static void answer_chunk(GBytes *peer, const struct frame *request)
{
  enum document_kind kind = request->chunk_request.kind;
  if (once(&aggregator.script.unknown_chunks)) {
    answer_fault(peer, (struct bytes_view){0}, "request.unknown");
    return;
  }
  const char *text = aggregator.texts[kind - 1];
  size_t start = request->chunk_request.index * LIMIT_CHUNK_BYTES;
  size_t length = MIN(strlen(text) - start, LIMIT_CHUNK_BYTES);
  g_autofree uint8_t *copy = g_memdup2(text + start, length);
  if (once(&aggregator.script.wrong_chunks)) copy[0] ^= 1;
  struct frame frame = {.kind = FRAME_CHUNK};
  frame.chunk.hash = request->chunk_request.hash;
  frame.chunk.index = request->chunk_request.index;
  frame.chunk.data = (struct bytes_view){copy, length};
  answer(peer, &frame);
}

static struct refusal refusal_of(unsigned row)
{
  return (struct refusal){.row = row,
                          .unit = fixture_unit(row),
                          .rule = "value.range",
                          .indicator = "",
                          .found = "",
                          .expected = "",
                          .verdict = VERDICT_IS_REFUSED};
}

static void answer_submit(GBytes *peer, const struct frame *request)
{
  struct script *script = &aggregator.script;
  aggregator.submits++;
  if (script->falls_silent && !aggregator.deaf_to) aggregator.deaf_to = g_bytes_ref(peer);
  if (aggregator.deaf_to && g_bytes_equal(aggregator.deaf_to, peer)) return;
  if (aggregator.must_restart || once(&script->restarts)) {
    aggregator.must_restart = true;
    return;
  }
  if (once(&script->lose_receipts)) return;
  bool waits = (script->waits || script->waits_untold) && !aggregator.admitted;
  if (script->fault || waits) {
    answer_fault(peer, request->submit.id, waits ? "admission.waiting" : script->fault);
    return;
  }
  if (once(&script->busy)) {
    struct frame frame = {.kind = FRAME_BUSY};
    frame.busy.id = request->submit.id;
    frame.busy.retry_after_ms = 1;
    answer(peer, &frame);
    return;
  }
  struct refusal first = refusal_of(0);
  g_autoptr(GByteArray) sealed =
      fixture_receipt(&fixture, request->submit.id.data, 3, &first, script->refuse > 0, script->refuse);
  if (once(&script->forge_receipts)) sealed->data[sealed->len - 1] ^= 1;
  struct frame frame = {.kind = FRAME_RECEIPT};
  frame.receipt.sealed = (struct bytes_view){sealed->data, sealed->len};
  answer(peer, &frame);
}

static void answer_page(GBytes *peer, const struct frame *request)
{
  if (once(&aggregator.script.unknown_pages)) {
    answer_fault(peer, request->refusal_request.id, "request.unknown");
    return;
  }
  struct refusal next = refusal_of(request->refusal_request.offset);
  struct frame frame = {.kind = FRAME_REFUSAL_PAGE};
  frame.refusal_page.id = request->refusal_request.id;
  frame.refusal_page.offset = request->refusal_request.offset;
  frame.refusal_page.total = aggregator.script.refuse;
  frame.refusal_page.refusals = &next;
  frame.refusal_page.count = 1;
  answer(peer, &frame);
}

static void answer_head(GBytes *peer, const struct frame *request)
{
  g_autoptr(GBytes) data = fixture_head(&fixture, request->head_request.from, request->head_request.count);
  if (once(&aggregator.script.forge_heads)) {
    gsize length;
    uint8_t *bytes = g_bytes_unref_to_data(g_steal_pointer(&data), &length);
    bytes[20] ^= 1; /* in the seal's key */
    data = g_bytes_new_take(bytes, length);
  }
  aggregator.heads++;
  channel_server_send(aggregator.server, peer, data);
}

static void serve(struct channel_message *message)
{
  gsize length;
  const uint8_t *data = g_bytes_get_data(message->data, &length);
  CLEANUP(frame_free) struct frame *frame = frame_decode(data, length);
  if (!frame) return;
  if (frame->kind == FRAME_HELLO) answer_hello(message->peer);
  if (frame->kind == FRAME_DOCUMENT_REQUEST) answer_document(message->peer, frame->document_request.kind);
  if (frame->kind == FRAME_CHUNK_REQUEST) answer_chunk(message->peer, frame);
  if (frame->kind == FRAME_SUBMIT) answer_submit(message->peer, frame);
  if (frame->kind == FRAME_REFUSAL_REQUEST) answer_page(message->peer, frame);
  if (frame->kind == FRAME_HEAD_REQUEST) answer_head(message->peer, frame);
}

/* A new server at the same place that knows nothing of who was connected. The old one's port may be taken for
 * a moment. */
static void restart(void)
{
  struct channel_server *old = aggregator.server;
  g_autofree char *endpoint = g_strdup(channel_server_endpoint(old));
  channel_server_close(old);
  do {
    aggregator.server =
        channel_server_open(aggregator.context, endpoint, "test", fixture.server, LIMIT_FRAME_BYTES, NULL);
  } while (!aggregator.server);
}

static void *serve_all(void *data)
{
  (void)data;
  for (bool stop = false; !stop;) {
    channel_wait(&aggregator.server, 1, aggregator.stop, -1, &stop);
    struct channel_message message = {0};
    while (channel_server_receive(aggregator.server, &message, NULL)) {
      serve(&message);
      channel_message_clear(&message);
    }
    if (aggregator.must_restart) restart();
    aggregator.must_restart = false;
  }
  channel_server_close(aggregator.server); /* in the thread that uses it */
  return NULL;
}

static void publish(enum document_kind kind, char *text)
{
  g_free(aggregator.texts[kind - 1]);
  aggregator.texts[kind - 1] = text;
  if (aggregator.manifests[kind - 1]) g_byte_array_unref(aggregator.manifests[kind - 1]);
  aggregator.manifests[kind - 1] = fixture_manifest(&fixture, kind, text, strlen(text));
  seal_hash((const uint8_t *)text, strlen(text), aggregator.hashes[kind - 1]);
}

/* --- each test --- */

static int setup(void **state)
{
  (void)state;
  aggregator = (struct aggregator){.context = channel_context_new(), .stop = eventfd(0, EFD_CLOEXEC)};
  return 0;
}

/* Starts the aggregator by the script. The agent has no documents unless `with_documents`. */
static void begin(const struct script *script, bool with_documents)
{
  GError *error = NULL;
  aggregator.script = *script;
  fixture_home_enrol(&fixture, "tcp://127.0.0.1:9", NULL);
  aggregator.door = channel_door_open(aggregator.context, admit, door_died, NULL, &error);
  assert_non_null(aggregator.door);
  aggregator.server = channel_server_open(aggregator.context, "tcp://127.0.0.1:*", "test", fixture.server,
                                          LIMIT_FRAME_BYTES, &error);
  assert_non_null(aggregator.server);
  g_free(fixture.home->endpoint);
  fixture.home->endpoint = g_strdup(channel_server_endpoint(aggregator.server));
  publish(DOCUMENT_OF_CATALOGUE, fixture_catalogue_text());
  publish(DOCUMENT_OF_REGISTER, fixture_register_text(FIXTURE_UNITS));
  if (with_documents) {
    fixture_home_store(&fixture, DOCUMENT_OF_CATALOGUE, aggregator.texts[0]);
    fixture_home_store(&fixture, DOCUMENT_OF_REGISTER, aggregator.texts[1]);
  }
  outbox = fixture_outbox(&fixture);
  pthread_create(&aggregator.thread, NULL, serve_all, NULL);
}

static int teardown(void **state)
{
  (void)state;
  eventfd_write(aggregator.stop, 1);
  pthread_join(aggregator.thread, NULL);
  channel_door_close(aggregator.door);
  channel_context_free(aggregator.context);
  close(aggregator.stop);
  g_clear_pointer(&aggregator.deaf_to, g_bytes_unref);
  for (int i = 0; i < 2; i++) {
    g_free(aggregator.texts[i]);
    g_byte_array_unref(aggregator.manifests[i]);
  }
  outbox_close(outbox);
  fixture_home_teardown(&fixture);
  return 0;
}

/* What the link told its owner. */
struct told {
  unsigned receipts, kept, found, faults, documents, connections;
  bool missing; /* refusals, in what was found */
  char fault[64];
  int64_t clock_ahead_ms;
};

static void on_connected(bool connected, void *data)
{
  ((struct told *)data)->connections += connected;
}

static void on_receipt(const struct receipt *receipt, void *data)
{
  (void)receipt;
  ((struct told *)data)->receipts++;
}

static void on_fault(const char *code, const char *text, void *data)
{
  struct told *told = data;
  assert_non_null(text);
  told->faults++;
  g_strlcpy(told->fault, code, sizeof told->fault);
}

static void on_document(enum document_kind kind, void *data)
{
  (void)kind;
  ((struct told *)data)->documents++;
}

static void on_clocks(int64_t ahead_ms, void *data)
{
  ((struct told *)data)->clock_ahead_ms = ahead_ms;
}

/* What somebody else finds in the outbox then. */
static void on_kept(void *data)
{
  struct told *told = data;
  g_autofree char *path = g_build_filename(fixture.data, "outbox.db", NULL);
  CLEANUP(outbox_close) struct outbox *other = outbox_open_to_look(path, NULL);
  struct outbox_summary found;
  assert_true(outbox_summary(other, 0, &found, NULL));
  uint8_t id[SUBMISSION_ID_SIZE];
  uint32_t some;
  told->missing = outbox_missing_refusals(other, id, &some, NULL);
  told->found = (unsigned)(found.answered + found.refused_whole);
  told->kept++;
}

static struct link *open_link(struct told *told)
{
  static const struct link_events EVENTS = {on_connected, on_receipt, on_fault, on_document,
                                            on_clocks,    on_kept,    NULL};
  *told = (struct told){0};
  struct link *link = link_new(fixture.home, outbox, &EVENTS, told, NULL);
  assert_non_null(link);
  return link;
}

static void put_submissions(unsigned count)
{
  uint8_t id[SUBMISSION_ID_SIZE];
  for (unsigned i = 0; i < count; i++) {
    struct fixture_report reports[3];
    for (unsigned n = 0; n < 3; n++)
      reports[n] = (struct fixture_report){n, fixture_change(1, (const int64_t[]){i * 10 + n}), NULL};
    fixture_sendable(&fixture, outbox, reports, 3, id);
  }
}

static struct outbox_summary summary(void)
{
  struct outbox_summary result;
  assert_true(outbox_summary(outbox, 0, &result, NULL));
  return result;
}

static void run_to(struct link *link, enum link_until until)
{
  g_autoptr(GError) error = NULL;
  bool held = link_run(link, until, TIMEOUT_MS, -1, &error);
  if (error) fail_msg("%s", error->message);
  assert_true(held);
}

static void a_lost_receipt_is_asked_for_by_sending_again(void **state)
{
  (void)state;
  begin(&(struct script){.lose_receipts = 2}, true);
  put_submissions(3);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  link_set_patience(link, PATIENCE_MS);
  run_to(link, LINK_IDLE);
  assert_int_equal(summary().answered, 3);
  assert_true(told.receipts >= 3);
  assert_true(aggregator.submits >= 5);
}

static void a_silent_aggregator_makes_the_socket_be_opened_anew(void **state)
{
  (void)state;
  begin(&(struct script){.silent_hellos = 2}, true);
  put_submissions(1);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  link_set_patience(link, PATIENCE_MS);
  run_to(link, LINK_IDLE);
  assert_true(aggregator.hellos >= 3); /* more on a slow machine */
  assert_int_equal(told.connections, 1);
  assert_int_equal(summary().answered, 1);
}

/* The connection stays, and so does the next Hello for 30 s: it is the submission that has no answer. */
static void an_aggregator_that_falls_silent_is_left_for_a_new_connection(void **state)
{
  (void)state;
  begin(&(struct script){.falls_silent = true}, true);
  put_submissions(2);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  link_set_patience(link, PATIENCE_MS);
  run_to(link, LINK_IDLE);
  assert_true(told.connections >= 2); /* more on a slow machine */
  assert_int_equal(summary().answered, 2);
}

/* With the patience of 30 s that agents have, longer than the test's: it is the end of the connection that is
 * noticed. */
static void a_restarted_aggregator_is_greeted_and_sent_to_at_once(void **state)
{
  (void)state;
  begin(&(struct script){.restarts = 2}, true);
  put_submissions(6);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  assert_int_equal(summary().answered, 6);
  assert_int_equal(told.connections, 3);
  assert_int_equal(told.receipts, 6);
}

/* By the back-off alone it is 5 at most: at 0, 100, 300, 700 and 1500 ms. */
static void an_aggregator_that_hangs_up_is_greeted_ever_less_often(void **state)
{
  (void)state;
  begin(&(struct script){.cuts = true}, true);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  assert_false(link_run(link, LINK_STOPPED, 2000, -1, NULL));
  assert_in_range(aggregator.hellos, 2, 5);
}

static void what_is_made_while_the_link_rests_is_sent(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  put_submissions(1);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  assert_false(link_run(link, LINK_STOPPED, 1, -1, NULL)); /* nothing to do: it gives memory back */
  put_submissions(2);
  run_to(link, LINK_IDLE);
  assert_int_equal(summary().answered, 3);
}

static void busy_puts_one_submission_back(void **state)
{
  (void)state;
  begin(&(struct script){.busy = 3}, true);
  put_submissions(6);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  assert_int_equal(summary().answered, 6);
  assert_int_equal(aggregator.submits, 9);
  assert_in_range(told.kept, 1, 6);
  assert_int_equal(told.found, 6);
}

static void a_forged_receipt_is_ignored_and_named(void **state)
{
  (void)state;
  begin(&(struct script){.forge_receipts = 1}, true);
  put_submissions(1);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  link_set_patience(link, PATIENCE_MS);
  run_to(link, LINK_IDLE);
  assert_string_equal(told.fault, "seal.forged");
  assert_int_equal(told.faults, 1);
  assert_true(told.receipts >= 1);
  assert_true(aggregator.submits >= 2);
}

static void a_faulty_submission_is_not_sent_again(void **state)
{
  (void)state;
  begin(&(struct script){.fault = "form.no-right"}, true);
  put_submissions(2);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  run_to(link, LINK_IDLE);
  assert_int_equal(summary().refused_whole, 2);
  assert_int_equal(told.found, 2);
  assert_int_equal(aggregator.submits, 2);
  assert_string_equal(told.fault, "form.no-right");
}

/* Both sides of the admission, of an agent that is told so by Welcome or only by a fault. */
static void keeps_all_until_it_is_admitted(const struct script *script, unsigned sent_in_vain)
{
  begin(script, true);
  put_submissions(3);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE); /* there is nothing to wait for */
  assert_int_equal(summary().waiting_to_send, 3);
  assert_int_equal(summary().refused_whole, 0);
  assert_true(aggregator.submits <= sent_in_vain);
  assert_int_equal(told.faults, 1);
  assert_string_equal(told.fault, "admission.waiting");
  run_to(link, LINK_IDLE);
  assert_int_equal(summary().waiting_to_send, 3);
  aggregator.admitted = true;
  run_to(link, LINK_WELCOMED);
  run_to(link, LINK_IDLE);
  assert_int_equal(summary().answered, 3);
  assert_int_equal(told.receipts, 3);
}

static void who_waits_for_admission_sends_nothing_and_keeps_all(void **state)
{
  (void)state;
  keeps_all_until_it_is_admitted(&(struct script){.waits = true}, 0);
}

static void who_learns_by_a_fault_that_it_waits_keeps_all(void **state)
{
  (void)state;
  keeps_all_until_it_is_admitted(&(struct script){.waits_untold = true}, 3);
}

static void a_revoked_agent_stops_and_keeps_its_outbox(void **state)
{
  (void)state;
  begin(&(struct script){.fault = "agent.revoked"}, true);
  put_submissions(1);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  g_autoptr(GError) error = NULL;
  assert_false(link_run(link, LINK_IDLE, TIMEOUT_MS, -1, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_PERMISSION));
  assert_non_null(strstr(error->message, "agent.revoked"));
  assert_int_equal(summary().waiting_to_send, 1);
  assert_int_equal(summary().refused_whole, 0);
}

static void an_agent_refused_at_its_greeting_is_told_so(void **state)
{
  (void)state;
  begin(&(struct script){.hello_fault = "agent.revoked"}, true);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  g_autoptr(GError) error = NULL;
  assert_false(link_run(link, LINK_WELCOMED, TIMEOUT_MS, -1, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_PERMISSION));
}

static void refusals_beyond_the_receipt_are_fetched(void **state)
{
  (void)state;
  begin(&(struct script){.refuse = 3}, true);
  put_submissions(2);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  uint8_t id[SUBMISSION_ID_SIZE];
  uint32_t kept;
  assert_false(outbox_missing_refusals(outbox, id, &kept, NULL));
  assert_false(told.missing);
  assert_int_equal(summary().refused, 6);
}

static void refusals_that_are_not_to_be_had_are_missed_no_more(void **state)
{
  (void)state;
  begin(&(struct script){.refuse = 3, .unknown_pages = 1}, true);
  put_submissions(1);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  assert_string_equal(told.fault, "request.unknown");
  assert_false(told.missing);
  assert_int_equal(summary().refused, 3);
}

static void answers_that_cannot_be_kept_end_the_link_and_are_not_told(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  put_submissions(2);
  g_autofree char *path = g_build_filename(fixture.data, "outbox.db", NULL);
  sqlite3 *other;
  assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other,
                                "CREATE TRIGGER broken BEFORE INSERT ON receipt BEGIN SELECT"
                                " RAISE(ABORT, 'broken'); END",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  sqlite3_close(other);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  g_autoptr(GError) error = NULL;
  assert_false(link_run(link, LINK_IDLE, TIMEOUT_MS, -1, &error));
  assert_non_null(error);
  assert_int_equal(told.kept, 0);
  assert_int_equal(summary().waiting_to_send, 2);
}

/* --- the ledger's head --- */

static size_t open_heads(struct outbox_head *ret_heads)
{
  return outbox_open_heads(outbox, ret_heads, LIMIT_HEADS_ASKED);
}

/* One connection, until all is answered. */
static void deliver(unsigned submissions)
{
  struct told told;
  put_submissions(submissions);
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
}

/* Nothing may be sent. */
static void expect_refusal(void)
{
  struct told told;
  unsigned submits = aggregator.submits;
  g_autoptr(GError) error = NULL;
  put_submissions(1);
  CLEANUP(link_free) struct link *link = open_link(&told);
  assert_false(link_run(link, LINK_IDLE, TIMEOUT_MS, -1, &error));
  assert_non_null(error);
  assert_int_equal(error->code, ERROR_DATA);
  assert_non_null(strstr(error->message, "ledger.forked"));
  assert_int_equal(aggregator.submits, submits);
  assert_true(outbox_forked(outbox) > 0);
  assert_true(summary().waiting_to_send > 0);
}

static void heads_of_all_receipts_are_tied_to_the_newest(void **state)
{
  struct outbox_head heads[LIMIT_HEADS_ASKED];
  (void)state;
  begin(&(struct script){0}, true);
  deliver(40); /* heads beyond what one request asks about */
  assert_int_equal(open_heads(heads), 1);
  assert_int_equal(heads[0].size, FIXTURE_FIRST + 40);
  assert_int_equal(outbox_forked(outbox), 0);
}

static void an_aggregator_that_was_set_back_is_refused(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  deliver(3);
  fixture_ledger_set_back(FIXTURE_FIRST + 2);
  expect_refusal();
  expect_refusal(); /* it stays so */
}

static void an_aggregator_that_changed_what_it_signed_is_refused(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  deliver(3);
  fixture_ledger_alter(FIXTURE_FIRST);
  expect_refusal();
}

static void a_ledger_of_the_same_size_with_another_end_is_refused(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  deliver(3);
  fixture_ledger_alter(FIXTURE_FIRST + 2);
  expect_refusal();
}

static void a_ledger_that_was_set_back_and_grew_on_is_refused(void **state)
{
  uint8_t other[SUBMISSION_ID_SIZE] = {1};
  (void)state;
  begin(&(struct script){0}, true);
  deliver(3);
  fixture_ledger_set_back(FIXTURE_FIRST + 1);
  for (int n = 0; n < 5; n++) { /* of other agents */
    other[1] = (uint8_t)n;
    g_autoptr(GByteArray) sealed = fixture_receipt(&fixture, other, 1, NULL, 0, 0);
    assert_non_null(sealed);
  }
  expect_refusal();
}

static void once_the_ledger_is_the_right_one_again_all_is_sent(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  deliver(3);
  fixture_ledger_alter(FIXTURE_FIRST + 1);
  expect_refusal();
  fixture_ledger_alter(FIXTURE_FIRST + 1);
  deliver(1);
  assert_int_equal(summary().waiting_to_send, 0);
  assert_int_equal(outbox_forked(outbox), 0);
}

/* While connected: the ledger was shown to be the right one before. */
static void a_receipt_that_contradicts_a_head_is_refused(void **state)
{
  struct told told;
  g_autoptr(GError) error = NULL;
  (void)state;
  begin(&(struct script){0}, true);
  put_submissions(3);
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  fixture_ledger_set_back(FIXTURE_FIRST + 2);
  put_submissions(1);
  assert_false(link_run(link, LINK_IDLE, TIMEOUT_MS, -1, &error));
  assert_non_null(error);
  assert_non_null(strstr(error->message, "ledger.forked"));
  assert_true(outbox_forked(outbox) > 0);
  assert_int_equal(summary().answered, 3);
}

static void a_receipt_that_proves_nothing_is_none(void **state)
{
  struct told told;
  (void)state;
  begin(&(struct script){0}, true);
  fixture_ledger_lies(true);
  put_submissions(2);
  CLEANUP(link_free) struct link *link = open_link(&told);
  link_set_patience(link, PATIENCE_MS);
  assert_false(link_run(link, LINK_IDLE, 2 * PATIENCE_MS, -1, NULL));
  assert_true(told.faults > 0);
  assert_int_equal(summary().answered, 0);
  fixture_ledger_lies(false);
  run_to(link, LINK_IDLE);
  assert_int_equal(summary().answered, 2);
}

static void a_forged_head_is_no_head(void **state)
{
  (void)state;
  begin(&(struct script){.forge_heads = 2}, true);
  deliver(2);
  assert_true(aggregator.heads >= 3);
  assert_int_equal(summary().waiting_to_send, 0);
}

static void documents_in_force_are_fetched_and_stored(void **state)
{
  (void)state;
  begin(&(struct script){0}, false);
  publish(DOCUMENT_OF_REGISTER, fixture_register_text(900));
  struct told told;
  {
    CLEANUP(link_free) struct link *link = open_link(&told);
    run_to(link, LINK_WELCOMED);
  }
  assert_int_equal(told.documents, 2);
  fixture_home_reopen(&fixture);
  assert_non_null(fixture.home->catalogue);
  assert_int_equal(register_size(fixture.home->units), 900);
}

static void a_document_of_many_chunks_comes_whole(void **state)
{
  (void)state;
  begin(&(struct script){0}, false);
  GString *text = g_string_new(NULL);
  g_autofree char *catalogue = fixture_catalogue_text();
  while (text->len < 3 * LIMIT_CHUNK_BYTES)
    g_string_append(text, "# a catalogue may have many words of explanation\n");
  g_string_append(text, catalogue);
  publish(DOCUMENT_OF_CATALOGUE, g_string_free(text, FALSE));
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_WELCOMED);
  assert_int_equal(fixture.home->catalogue->text_length, strlen(aggregator.texts[0]));
}

static void a_newer_register_is_noticed_when_asked_anew(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_WELCOMED);
  assert_int_equal(told.documents, 0);
  publish(DOCUMENT_OF_REGISTER, fixture_register_text(3));
  run_to(link, LINK_WELCOMED);
  assert_int_equal(told.documents, 1);
  assert_int_equal(register_size(fixture.home->units), 3);
}

/* What came wrong, and what goes on with the old documents. */
static void refuses_document(const struct script *script, const char *fault)
{
  begin(script, true);
  publish(DOCUMENT_OF_REGISTER, fixture_register_text(3));
  put_submissions(1);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  assert_string_equal(told.fault, fault);
  assert_int_equal(told.documents, 0);
  assert_int_equal(register_size(fixture.home->units), FIXTURE_UNITS);
  assert_int_equal(summary().answered, 1);
  assert_false(link_run(link, LINK_WELCOMED, PATIENCE_MS, -1, NULL));
  assert_int_equal(aggregator.documents, 1); /* not again and again */
}

static void a_chunk_with_another_hash_is_refused(void **state)
{
  (void)state;
  refuses_document(&(struct script){.wrong_chunks = 1}, "seal.forged");
}

static void a_forged_manifest_is_refused(void **state)
{
  (void)state;
  refuses_document(&(struct script){.forge_manifests = 1}, "seal.forged");
}

static void a_document_replaced_while_it_came_is_begun_again(void **state)
{
  (void)state;
  begin(&(struct script){.unknown_chunks = 1}, false);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_WELCOMED);
  assert_int_equal(told.documents, 2);
  assert_int_equal(told.faults, 0);
  assert_int_equal(aggregator.documents, 3);
}

static void a_register_that_cannot_be_read_is_refused(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  publish(DOCUMENT_OF_REGISTER, g_strdup("unit,class\nx,y\n"));
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  assert_string_equal(told.fault, "message.malformed");
  assert_int_equal(register_size(fixture.home->units), FIXTURE_UNITS);
}

static void clocks_that_differ_are_told(void **state)
{
  (void)state;
  begin(&(struct script){.clock_ahead_ms = INT64_C(3) * 366 * 86400 * 1000}, true);
  put_submissions(1);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  run_to(link, LINK_IDLE);
  assert_true(told.clock_ahead_ms < -LIMIT_CLOCK_SKEW_MS);
  assert_int_equal(summary().answered, 1);
}

static void nobody_there_is_a_time_out_and_no_error(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  g_free(fixture.home->endpoint);
  fixture.home->endpoint = g_strdup("tcp://127.0.0.1:9");
  put_submissions(1);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  g_autoptr(GError) error = NULL;
  assert_false(link_run(link, LINK_IDLE, 2 * PATIENCE_MS, -1, &error));
  assert_null(error);
  assert_int_equal(summary().waiting_to_send, 1);
}

static void a_wake_up_ends_the_run(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  int wake = eventfd(1, EFD_CLOEXEC);
  g_autoptr(GError) error = NULL;
  assert_false(link_run(link, LINK_STOPPED, -1, wake, &error));
  assert_null(error);
  close(wake);
}

static void one_process_sends_at_a_time(void **state)
{
  (void)state;
  begin(&(struct script){0}, true);
  struct told told;
  CLEANUP(link_free) struct link *link = open_link(&told);
  g_autoptr(GError) error = NULL;
  assert_null(link_new(fixture.home, outbox, NULL, NULL, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_TEMPORARY));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_lost_receipt_is_asked_for_by_sending_again),
      TEST(a_silent_aggregator_makes_the_socket_be_opened_anew),
      TEST(an_aggregator_that_falls_silent_is_left_for_a_new_connection),
      TEST(a_restarted_aggregator_is_greeted_and_sent_to_at_once),
      TEST(an_aggregator_that_hangs_up_is_greeted_ever_less_often),
      TEST(what_is_made_while_the_link_rests_is_sent),
      TEST(busy_puts_one_submission_back),
      TEST(a_forged_receipt_is_ignored_and_named),
      TEST(a_faulty_submission_is_not_sent_again),
      TEST(who_waits_for_admission_sends_nothing_and_keeps_all),
      TEST(who_learns_by_a_fault_that_it_waits_keeps_all),
      TEST(a_revoked_agent_stops_and_keeps_its_outbox),
      TEST(an_agent_refused_at_its_greeting_is_told_so),
      TEST(refusals_beyond_the_receipt_are_fetched),
      TEST(refusals_that_are_not_to_be_had_are_missed_no_more),
      TEST(answers_that_cannot_be_kept_end_the_link_and_are_not_told),
      TEST(heads_of_all_receipts_are_tied_to_the_newest),
      TEST(an_aggregator_that_was_set_back_is_refused),
      TEST(an_aggregator_that_changed_what_it_signed_is_refused),
      TEST(a_ledger_of_the_same_size_with_another_end_is_refused),
      TEST(a_ledger_that_was_set_back_and_grew_on_is_refused),
      TEST(once_the_ledger_is_the_right_one_again_all_is_sent),
      TEST(a_receipt_that_contradicts_a_head_is_refused),
      TEST(a_receipt_that_proves_nothing_is_none),
      TEST(a_forged_head_is_no_head),
      TEST(documents_in_force_are_fetched_and_stored),
      TEST(a_document_of_many_chunks_comes_whole),
      TEST(a_newer_register_is_noticed_when_asked_anew),
      TEST(a_chunk_with_another_hash_is_refused),
      TEST(a_forged_manifest_is_refused),
      TEST(a_document_replaced_while_it_came_is_begun_again),
      TEST(a_register_that_cannot_be_read_is_refused),
      TEST(clocks_that_differ_are_told),
      TEST(nobody_there_is_a_time_out_and_no_error),
      TEST(a_wake_up_ends_the_run),
      TEST(one_process_sends_at_a_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
