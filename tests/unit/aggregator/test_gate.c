/* The gate over real sockets: what an agent says and what it is answered, until the last answer at the end.
 */
#include "aggregator/gate.h"

#include "../common/wire_bytes.h"
#include "aggregator/folder.h"
#include "common/channel.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/limits.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE_MS 20000 /* nothing takes so long; what was waited for in vain is missing */
#define OUTPUT 0          /* column of form `monthly` in small.yaml */

static const char REGISTER[] = "unit,class,parks\n" /* what is left out is empty */
                               "a1,code,east\nc1,code,west\n";

struct world {
  struct fixture fixture;
  struct fixture_agent east, west;
  struct bounds *bounds;
  struct gate *gate;
  struct channel_context *outside;
  GPtrArray *clients; /* closed with the world, also where a test failed */
};

/* --- the world --- */

static void gate_failed(const char *why, void *data)
{
  (void)data;
  g_error("the gate ended: %s", why);
}

static void close_client(void *client)
{
  channel_client_close(client);
}

static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);
  g_autoptr(GError) error = NULL;
  struct gate_options options = {
      .listen = "tcp://127.0.0.1:*", .enrol = "tcp://127.0.0.1:*", .failed = gate_failed};

  fixture_setup(&world->fixture, REGISTER);
  fixture_enrol(&world->fixture, "east", &world->east);
  fixture_enrol(&world->fixture, "west", &world->west);
  options.folder = world->fixture.folder;
  options.identity = world->fixture.identity;
  options.writer = world->fixture.writer;
  options.bounds = world->bounds = bounds_new(NULL);
  world->gate = gate_new(&options, &error);
  if (!world->gate) fail_msg("%s", error->message);
  world->outside = channel_context_new();
  world->clients = g_ptr_array_new_with_free_func(close_client);
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;

  g_ptr_array_unref(world->clients);
  channel_context_free(world->outside);
  gate_free(world->gate);
  bounds_free(world->bounds);
  fixture_agent_clear(&world->east);
  fixture_agent_clear(&world->west);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

/* --- talking --- */

static struct channel_client *connect_to(struct world *world, const char *endpoint,
                                         const struct identity *who)
{
  g_autoptr(GError) error = NULL;
  struct channel_client *client = channel_client_open(
      world->outside, endpoint, identity_curve_public(world->fixture.identity), who, NULL, &error);

  if (!client) fail_msg("%s", error->message);
  g_ptr_array_add(world->clients, client);
  return client;
}

static struct channel_client *connect_agent(struct world *world, const struct fixture_agent *agent)
{
  return connect_to(world, gate_endpoint(world->gate), agent->identity);
}

static void say_bytes(struct channel_client *client, const void *data, size_t length)
{
  g_autoptr(GBytes) bytes = g_bytes_new(data, length);
  struct mono_time start = clock_mono();

  while (!channel_client_send(client, bytes)) {
    if (clock_since(start) > PATIENCE_MS) fail_msg("nobody takes the message");
    channel_client_wait(client, -1, PATIENCE_MS, NULL); /* until connected */
  }
}

static void say(struct channel_client *client, const struct frame *frame)
{
  g_autoptr(GBytes) bytes = frame_encode(frame);

  say_bytes(client, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* The next frame, which must be of this kind. */
static struct frame *hear(struct channel_client *client, enum frame_kind kind)
{
  struct mono_time start = clock_mono();
  g_autoptr(GBytes) bytes = NULL;
  struct frame *frame;

  while (!(bytes = channel_client_receive(client))) {
    if (clock_since(start) > PATIENCE_MS) fail_msg("no answer");
    channel_client_wait(client, -1, PATIENCE_MS, NULL);
  }
  frame = frame_decode(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  assert_non_null(frame);
  if (frame->kind != kind)
    fail_msg("found a frame of kind %d (%s), expected %d", frame->kind,
             frame->kind == FRAME_FAULT ? frame->fault.text : "", kind);
  return frame;
}

static struct frame *ask(struct channel_client *client, const struct frame *asked, enum frame_kind kind)
{
  say(client, asked);
  return hear(client, kind);
}

static struct frame *ask_hello(struct channel_client *client)
{
  return ask(client,
             &(struct frame){.kind = FRAME_HELLO,
                             .hello = {.agent = "any", .software = "test", .clock_ms = clock_wall().ms}},
             FRAME_WELCOME);
}

/* What was said before has been taken, for messages of one peer are taken in order. */
static void until_taken(struct channel_client *client)
{
  CLEANUP(frame_free) struct frame *welcome = ask_hello(client);
}

static void hear_fault(struct channel_client *client, enum finding_code code)
{
  CLEANUP(frame_free) struct frame *frame = hear(client, FRAME_FAULT);

  assert_string_equal(frame->fault.code, finding_id(code));
}

static void ask_in_vain(struct channel_client *client, const struct frame *asked, enum finding_code code)
{
  say(client, asked);
  hear_fault(client, code);
}

/* --- submissions --- */

struct sent {
  uint8_t id[SUBMISSION_ID_SIZE];
  GBytes *sealed;
};

static struct sent make(struct world *world, struct fixture_agent *agent, const char *unit, int64_t value)
{
  struct fixture_report report = {.unit = unit, .change = fixture_value(OUTPUT, value)};
  struct sent sent;

  sent.sealed = fixture_seal(&world->fixture, agent, "monthly", "2018-05", &report, 1, sent.id);
  return sent;
}

static void submit(struct channel_client *client, const struct sent *sent)
{
  struct frame frame = {.kind = FRAME_SUBMIT};

  frame.submit.id = (struct bytes_view){sent->id, sizeof sent->id};
  frame.submit.sealed.data = g_bytes_get_data(sent->sealed, &frame.submit.sealed.length);
  say(client, &frame);
}

/* The payload of what the aggregator has sealed. */
static const uint8_t *open_ours(struct world *world, enum seal_label label, struct bytes_view sealed,
                                size_t *ret_length)
{
  const uint8_t *payload;

  assert_int_equal(seal_open(sealed.data, sealed.length, label, identity_sign_public(world->fixture.identity),
                             &payload, ret_length, NULL),
                   SEAL_OK);
  return payload;
}

static struct receipt *receipt_of(struct world *world, const struct frame *frame)
{
  size_t length;
  const uint8_t *payload = open_ours(world, SEAL_RECEIPT, frame->receipt.sealed, &length);
  struct receipt *receipt = receipt_decode(payload, length);

  assert_non_null(receipt);
  return receipt;
}

static void hear_receipt(struct world *world, struct channel_client *client, const struct sent *sent)
{
  CLEANUP(frame_free) struct frame *frame = hear(client, FRAME_RECEIPT);
  CLEANUP(receipt_free) struct receipt *receipt = receipt_of(world, frame);

  assert_memory_equal(receipt->submission.data, sent->id, sizeof sent->id);
}

/* While it is held, the writer takes jobs and finishes none. */
static struct store *hold_writer(struct world *world)
{
  g_autofree char *path = folder_path(world->fixture.folder, "store.db");
  struct store *store = store_open(path, STORE_WRITE, NULL);

  assert_non_null(store);
  store_begin(store);
  assert_null(store_error(store));
  return store;
}

static void release_writer(struct store *store)
{
  store_rollback(store);
  store_close(store);
}

/* --- messages that are none --- */

static void what_cannot_be_read_is_answered_and_does_not_end_the_conversation(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  uint8_t garbage[300];

  memset(garbage, 0xA5, sizeof garbage);
  say_bytes(client, garbage, sizeof garbage);
  hear_fault(client, FINDING_MESSAGE_MALFORMED);
  say_bytes(client, "", 0); /* a frame of a kind that is not known yet looks the same */
  hear_fault(client, FINDING_MESSAGE_MALFORMED);
  ask_in_vain(client, &(struct frame){.kind = FRAME_WELCOME},
              FINDING_MESSAGE_MALFORMED); /* not ours to hear */
  until_taken(client);
}

static void a_submission_that_cannot_be_taken_is_refused_with_its_id(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  struct sent sent = make(world, &world->east, "a1", 1);
  g_autoptr(GByteArray) forged = g_bytes_unref_to_array(sent.sealed);

  forged->data[forged->len - 1] ^= 1;
  sent.sealed = g_byte_array_free_to_bytes(g_steal_pointer(&forged));
  submit(client, &sent);
  CLEANUP(frame_free) struct frame *frame = hear(client, FRAME_FAULT);
  assert_string_equal(frame->fault.code, finding_id(FINDING_SEAL_FORGED));
  assert_int_equal(frame->fault.id.length, sizeof sent.id);
  assert_memory_equal(frame->fault.id.data, sent.id, sizeof sent.id);
  g_bytes_unref(sent.sealed);
}

static void a_clock_at_either_end_of_time_is_welcome(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  static const int64_t clocks[] = {INT64_MIN, INT64_MAX, 0};

  for (size_t i = 0; i < G_N_ELEMENTS(clocks); i++) {
    const struct frame hello = {.kind = FRAME_HELLO,
                                .hello = {.agent = "east-1", .software = "test", .clock_ms = clocks[i]}};
    CLEANUP(frame_free) struct frame *welcome = ask(client, &hello, FRAME_WELCOME);

    assert_true(welcome->welcome.credit > 0);
  }
}

static uint32_t hear_credit(struct channel_client *client)
{
  CLEANUP(frame_free) struct frame *welcome = ask_hello(client);
  return welcome->welcome.credit;
}

static void credit_is_shared_among_the_agents_in_force(void **state)
{
  enum { AGENTS = 10 };
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east); /* beside west */
  struct fixture_agent others[AGENTS - 2];

  assert_int_equal(hear_credit(client), LIMIT_CREDIT_AGENT);
  for (size_t n = 0; n < G_N_ELEMENTS(others); n++) fixture_enrol(&world->fixture, "east", &others[n]);
  assert_int_equal(hear_credit(client), LIMIT_CREDIT_AGENT); /* they wait */
  for (size_t n = 0; n < G_N_ELEMENTS(others); n++) fixture_admit(&world->fixture, &world->east, &others[n]);
  assert_int_equal(hear_credit(client), LIMIT_CREDIT_GLOBAL / AGENTS);
  for (size_t n = 0; n < G_N_ELEMENTS(others); n++) {
    const struct act revocation = {.kind = LEAF_REVOCATION, .by = "test", .agent = others[n].id};

    assert_true(writer_act(world->fixture.writer, &revocation, NULL, NULL));
    fixture_agent_clear(&others[n]);
  }
  assert_int_equal(hear_credit(client), LIMIT_CREDIT_AGENT);
}

static void who_is_revoked_is_cut_off_and_told_so_when_it_comes_again(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  struct channel_client *other = connect_agent(world, &world->west);
  struct act act = {.kind = LEAF_REVOCATION, .by = "test", .agent = world->east.id};
  struct mono_time start = clock_mono();

  until_taken(client);
  until_taken(other);
  assert_true(writer_act(world->fixture.writer, &act, NULL, NULL));
  while (!channel_client_is_lost(client) && clock_since(start) < PATIENCE_MS)
    channel_client_wait(client, -1, PATIENCE_MS, NULL);
  assert_true(channel_client_is_lost(client));
  /* whoever comes again with its key is told, and cut off again */
  struct channel_client *again = connect_agent(world, &world->east);
  ask_in_vain(
      again,
      &(struct frame){.kind = FRAME_HELLO, .hello = {.agent = "any", .software = "test", .clock_ms = 0}},
      FINDING_AGENT_REVOKED);
  while (!channel_client_is_lost(again) && clock_since(start) < PATIENCE_MS)
    channel_client_wait(again, -1, PATIENCE_MS, NULL);
  assert_true(channel_client_is_lost(again));
  /* others are not concerned */
  assert_false(channel_client_is_lost(other));
  until_taken(other);
}

/* --- submissions --- */

static void a_submission_gets_its_receipt_and_the_same_one_again(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  struct sent sent = make(world, &world->east, "a1", 5);

  submit(client, &sent);
  CLEANUP(frame_free) struct frame *first = hear(client, FRAME_RECEIPT);
  submit(client, &sent);
  CLEANUP(frame_free) struct frame *second = hear(client, FRAME_RECEIPT);
  CLEANUP(receipt_free) struct receipt *receipt = receipt_of(world, first);
  assert_int_equal(receipt->counted, 1);
  assert_int_equal(first->receipt.sealed.length, second->receipt.sealed.length);
  assert_memory_equal(first->receipt.sealed.data, second->receipt.sealed.data, first->receipt.sealed.length);
  g_bytes_unref(sent.sealed);
}

/* As no encoder of ours puts it: the fields of Submit the other way round. */
static void a_submission_in_another_writing_is_taken_as_well(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  struct sent sent = make(world, &world->east, "a1", 5);
  g_autoptr(GByteArray) body = g_byte_array_new(), message = g_byte_array_new();

  put_bytes(body, 2, g_bytes_get_data(sent.sealed, NULL), g_bytes_get_size(sent.sealed));
  put_bytes(body, 1, sent.id, sizeof sent.id);
  put_number(message, 1, PROTOCOL_VERSION);
  put_message(message, 8, body);
  say_bytes(client, message->data, message->len);
  hear_receipt(world, client, &sent);
  g_bytes_unref(sent.sealed);
}

static void one_that_is_under_way_and_comes_again_is_answered_once_where_it_was_asked_last(void **state)
{
  struct world *world = *state;
  struct channel_client *first = connect_agent(world, &world->east);
  struct channel_client *second = connect_agent(world, &world->east);
  struct sent sent = make(world, &world->east, "a1", 5);
  struct store *held = hold_writer(world);

  submit(first, &sent);
  until_taken(first);
  submit(second, &sent);
  until_taken(second);
  release_writer(held);
  hear_receipt(world, second, &sent);
  /* had there been another answer, it would come before these */
  until_taken(first);
  until_taken(second);
  g_bytes_unref(sent.sealed);
}

static void an_agent_without_credit_is_told_busy_and_succeeds_later(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  struct sent sent[LIMIT_CREDIT_AGENT + 1];
  struct store *held = hold_writer(world);

  for (size_t n = 0; n < G_N_ELEMENTS(sent); n++) {
    sent[n] = make(world, &world->east, "a1", (int64_t)n);
    submit(client, &sent[n]);
  }
  CLEANUP(frame_free) struct frame *busy = hear(client, FRAME_BUSY);
  assert_memory_equal(busy->busy.id.data, sent[LIMIT_CREDIT_AGENT].id, SUBMISSION_ID_SIZE);
  assert_true(busy->busy.retry_after_ms > 0);
  /* another agent has its own */
  struct channel_client *west = connect_agent(world, &world->west);
  struct sent other = make(world, &world->west, "c1", 1);
  submit(west, &other);
  until_taken(west);
  release_writer(held);
  for (size_t n = 0; n < LIMIT_CREDIT_AGENT; n++) hear_receipt(world, client, &sent[n]);
  hear_receipt(world, west, &other);
  submit(client, &sent[LIMIT_CREDIT_AGENT]);
  hear_receipt(world, client, &sent[LIMIT_CREDIT_AGENT]);
  for (size_t n = 0; n < G_N_ELEMENTS(sent); n++) g_bytes_unref(sent[n].sealed);
  g_bytes_unref(other.sealed);
}

/* --- refusals --- */

static void expect_page(struct channel_client *client, const struct sent *sent, uint32_t offset,
                        uint32_t from, size_t count, uint32_t total)
{
  struct frame asked = {.kind = FRAME_REFUSAL_REQUEST};

  asked.refusal_request.id = (struct bytes_view){sent->id, sizeof sent->id};
  asked.refusal_request.offset = offset;
  CLEANUP(frame_free) struct frame *page = ask(client, &asked, FRAME_REFUSAL_PAGE);
  assert_memory_equal(page->refusal_page.id.data, sent->id, sizeof sent->id);
  assert_int_equal(page->refusal_page.offset, from);
  assert_int_equal(page->refusal_page.total, total);
  assert_int_equal(page->refusal_page.count, count);
  for (size_t n = 0; n < count; n++) assert_int_equal(page->refusal_page.refusals[n].row, from + n);
}

static void refusals_beyond_a_receipt_come_in_pages(void **state)
{
  enum { UNITS = 2 * LIMIT_REFUSALS_INLINE + 100 };
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  struct fixture_report *reports = g_new0(struct fixture_report, UNITS);
  char(*units)[8] = g_malloc(UNITS * sizeof *units);
  struct sent sent;

  for (int n = 0; n < UNITS; n++) {
    g_snprintf(units[n], sizeof units[n], "x%05d", n);
    reports[n] = (struct fixture_report){.unit = units[n], .change = fixture_value(OUTPUT, n)};
  }
  sent.sealed = fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", reports, UNITS, sent.id);
  submit(client, &sent);
  CLEANUP(frame_free) struct frame *frame = hear(client, FRAME_RECEIPT);
  CLEANUP(receipt_free) struct receipt *receipt = receipt_of(world, frame);
  assert_int_equal(receipt->refused, UNITS);
  assert_int_equal(receipt->refusals_total, UNITS);
  assert_int_equal(receipt->refusal_count, LIMIT_REFUSALS_INLINE);
  expect_page(client, &sent, 0, 0, LIMIT_REFUSALS_INLINE, UNITS);
  expect_page(client, &sent, LIMIT_REFUSALS_INLINE, LIMIT_REFUSALS_INLINE, LIMIT_REFUSALS_INLINE, UNITS);
  expect_page(client, &sent, 2 * LIMIT_REFUSALS_INLINE, 2 * LIMIT_REFUSALS_INLINE, 100, UNITS);
  expect_page(client, &sent, UNITS - 1, UNITS - 1, 1, UNITS);
  expect_page(client, &sent, UNITS, UNITS, 0, UNITS);
  expect_page(client, &sent, UINT32_MAX, UNITS, 0, UNITS);
  g_bytes_unref(sent.sealed);
  g_free(reports);
  g_free(units);
}

static void refusals_are_told_to_the_area_that_reported_and_to_nobody_else(void **state)
{
  struct world *world = *state;
  struct channel_client *east = connect_agent(world, &world->east);
  struct channel_client *west = connect_agent(world, &world->west);
  struct fixture_agent east_too;
  struct sent sent = make(world, &world->east, "c1", 5); /* of the west */
  struct frame asked = {.kind = FRAME_REFUSAL_REQUEST};

  asked.refusal_request.id = (struct bytes_view){sent.id, sizeof sent.id};
  ask_in_vain(east, &asked, FINDING_REQUEST_UNKNOWN); /* not yet */
  submit(east, &sent);
  hear_receipt(world, east, &sent);
  ask_in_vain(west, &asked, FINDING_REQUEST_UNKNOWN);
  expect_page(east, &sent, 0, 0, 1, 1);
  fixture_enrol(&world->fixture, "east", &east_too);
  ask_in_vain(connect_agent(world, &east_too), &asked, FINDING_REQUEST_UNKNOWN); /* it waits */
  fixture_admit(&world->fixture, &world->east, &east_too);
  expect_page(connect_agent(world, &east_too), &sent, 0, 0, 1, 1);
  fixture_agent_clear(&east_too);
  g_bytes_unref(sent.sealed);
}

/* --- documents --- */

static struct frame *ask_chunk(struct channel_client *client, enum document_kind kind, struct bytes_view hash,
                               uint32_t index, enum frame_kind expected)
{
  struct frame asked = {.kind = FRAME_CHUNK_REQUEST};

  asked.chunk_request.kind = kind;
  asked.chunk_request.hash = hash;
  asked.chunk_request.index = index;
  return ask(client, &asked, expected);
}

/* As an agent fetches it: manifest, chunks, each against its hash. How many there were. */
static size_t fetch(struct world *world, struct channel_client *client, enum document_kind kind,
                    struct bytes_view hash)
{
  struct frame asked = {.kind = FRAME_DOCUMENT_REQUEST};
  g_autoptr(GByteArray) whole = g_byte_array_new();
  uint8_t found[SEAL_HASH_SIZE];
  size_t length;

  asked.document_request.kind = kind;
  CLEANUP(frame_free) struct frame *document = ask(client, &asked, FRAME_DOCUMENT);
  const uint8_t *payload = open_ours(world, SEAL_MANIFEST, document->document.manifest, &length);
  CLEANUP(manifest_free) struct manifest *manifest = manifest_decode(payload, length);
  assert_non_null(manifest);
  assert_memory_equal(manifest->hash.data, hash.data, SEAL_HASH_SIZE);
  for (uint32_t n = 0; n < manifest->chunk_count; n++) {
    CLEANUP(frame_free) struct frame *chunk = ask_chunk(client, kind, manifest->hash, n, FRAME_CHUNK);

    assert_int_equal(chunk->chunk.index, n);
    seal_hash(chunk->chunk.data.data, chunk->chunk.data.length, found);
    assert_memory_equal(found, manifest->chunks[n], sizeof found);
    g_byte_array_append(whole, chunk->chunk.data.data, (unsigned)chunk->chunk.data.length);
  }
  seal_hash(whole->data, whole->len, found);
  assert_memory_equal(found, hash.data, sizeof found);
  return manifest->chunk_count;
}

static void catalogue_and_register_come_in_chunks_that_fit_their_hashes(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  g_autoptr(GString) csv = g_string_new("unit,class,name,parks\n");

  for (int n = 0; csv->len < 2 * LIMIT_CHUNK_BYTES; n++)
    g_string_append_printf(csv, "unit-%07d,code,%0400d,east\n", n, n);
  fixture_import(&world->fixture, csv->str);
  CLEANUP(frame_free) struct frame *welcome = ask_hello(client);
  assert_int_equal(fetch(world, client, DOCUMENT_OF_CATALOGUE, welcome->welcome.catalogue_hash), 1);
  assert_true(fetch(world, client, DOCUMENT_OF_REGISTER, welcome->welcome.register_hash) >= 3);
}

static void no_chunk(struct channel_client *client, enum document_kind kind, struct bytes_view hash,
                     uint32_t index, enum finding_code code)
{
  CLEANUP(frame_free) struct frame *fault = ask_chunk(client, kind, hash, index, FRAME_FAULT);

  assert_string_equal(fault->fault.code, finding_id(code));
}

static void a_chunk_that_is_not_there_or_not_any_more_is_named(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  CLEANUP(frame_free) struct frame *welcome = ask_hello(client);
  const struct bytes_view hash = welcome->welcome.register_hash;

  no_chunk(client, DOCUMENT_OF_REGISTER, hash, 1, FINDING_REQUEST_UNKNOWN); /* beyond the end */
  no_chunk(client, DOCUMENT_OF_REGISTER, hash, UINT32_MAX, FINDING_MESSAGE_MALFORMED);
  no_chunk(client, DOCUMENT_OF_CATALOGUE, hash, 0, FINDING_REQUEST_UNKNOWN); /* the hash of the other */
  CLEANUP(frame_free) struct frame *chunk = ask_chunk(client, DOCUMENT_OF_REGISTER, hash, 0, FRAME_CHUNK);
  fixture_import(&world->fixture, "unit,class,parks\na2,code,east\n");
  no_chunk(client, DOCUMENT_OF_REGISTER, hash, 0, FINDING_REQUEST_UNKNOWN); /* changed meanwhile */
}

/* A greeting with what a newer protocol may add to it. */
static void greet_at_length(struct channel_client *client)
{
  static const uint8_t ADDED[] = {0xA2, 0x06, 0x80, 0x80, 0x0C}; /* field 100, of 192 KiB */
  struct frame hello = {.kind = FRAME_HELLO, .hello = {.agent = "any", .software = "test"}};
  g_autoptr(GBytes) frame = frame_encode(&hello);
  g_autoptr(GByteArray) message = g_byte_array_new();

  g_byte_array_append(message, g_bytes_get_data(frame, NULL), (unsigned)g_bytes_get_size(frame));
  g_byte_array_append(message, ADDED, sizeof ADDED);
  g_byte_array_set_size(message, message->len + 192 * LIMIT_KIB);
  memset(message->data + message->len - 192 * LIMIT_KIB, 'x', 192 * LIMIT_KIB);
  say_bytes(client, message->data, message->len);
}

static void all_who_ask_while_documents_are_made_are_answered_also_more_than_may_wait(void **state)
{
  enum { GREETINGS = 12 };
  struct world *world = *state;
  struct channel_client *east = connect_agent(world, &world->east);
  struct channel_client *west = connect_agent(world, &world->west);
  const struct frame request = {.kind = FRAME_DOCUMENT_REQUEST,
                                .document_request = {.kind = DOCUMENT_OF_REGISTER}};
  g_autoptr(GString) csv = g_string_new("unit,class,name,parks\n");

  until_taken(east);
  until_taken(west);
  for (int n = 0; csv->len < 4 * LIMIT_MIB; n++)
    g_string_append_printf(csv, "unit-%07d,code,%0400d,east;west\n", n, n);
  fixture_import(&world->fixture, csv->str);
  for (int n = 0; n < GREETINGS; n++) {
    greet_at_length(east);
    greet_at_length(west);
  }
  say(east, &request);
  for (int n = 0; n < GREETINGS; n++) {
    CLEANUP(frame_free) struct frame *of_east = hear(east, FRAME_WELCOME);
    CLEANUP(frame_free) struct frame *of_west = hear(west, FRAME_WELCOME);
    assert_int_equal(of_east->welcome.register_hash.length, SEAL_HASH_SIZE);
    assert_int_equal(of_west->welcome.register_hash.length, SEAL_HASH_SIZE);
  }
  CLEANUP(frame_free) struct frame *document = hear(east, FRAME_DOCUMENT);
  assert_int_equal(document->document.kind, DOCUMENT_OF_REGISTER);
}

/* --- enrolment --- */

struct joiner {
  struct identity *identity;
  uint8_t record[JOIN_SIZE];
};

static void joiner_init(struct world *world, struct joiner *joiner, uint8_t secret)
{
  g_autofree char *name = g_strdup_printf("joiner-%p.key", (void *)joiner);
  g_autofree char *path = folder_path(world->fixture.folder, name);
  struct join_record join = {.secret = {secret}};

  joiner->identity = identity_create(path, NULL);
  assert_non_null(joiner->identity);
  memcpy(join.curve_key, identity_curve_public(joiner->identity), sizeof join.curve_key);
  memcpy(join.sign_key, identity_sign_public(joiner->identity), sizeof join.sign_key);
  join_encode(&join, identity_sign_secret(joiner->identity), joiner->record);
}

static void invite(struct world *world, uint8_t secret, int64_t expires_ms)
{
  struct act act = {.kind = LEAF_INVITATION, .by = "test"};
  uint8_t bytes[32] = {secret};

  seal_hash(bytes, sizeof bytes, act.invitation.secret_hash);
  act.invitation.area = "east";
  act.invitation.expires_ms = expires_ms;
  assert_true(writer_act(world->fixture.writer, &act, NULL, NULL));
}

static struct channel_client *connect_joiner(struct world *world, const struct joiner *joiner)
{
  return connect_to(world, gate_enrol_endpoint(world->gate), joiner->identity);
}

static void join_in_vain(struct channel_client *client, const uint8_t *record, size_t length,
                         enum finding_code code)
{
  say_bytes(client, record, length);
  hear_fault(client, code);
}

static void an_invitation_lets_one_agent_in_once(void **state)
{
  struct world *world = *state;
  struct joiner first, second;

  joiner_init(world, &first, 77);
  joiner_init(world, &second, 77);
  struct channel_client *client = connect_joiner(world, &first);
  struct channel_client *other = connect_joiner(world, &second);
  join_in_vain(client, first.record, JOIN_SIZE, FINDING_INVITATION_REFUSED); /* of nobody yet */
  invite(world, 77, INT64_MAX);
  say_bytes(client, first.record, JOIN_SIZE);
  CLEANUP(frame_free) struct frame *answer = hear(client, FRAME_CERTIFICATE);
  join_in_vain(other, second.record, JOIN_SIZE, FINDING_INVITATION_REFUSED);
  say_bytes(client, first.record, JOIN_SIZE); /* the answer may have been lost */
  CLEANUP(frame_free) struct frame *again = hear(client, FRAME_CERTIFICATE);
  assert_memory_equal(answer->certificate.sealed.data, again->certificate.sealed.data,
                      answer->certificate.sealed.length);
  /* the keys are an agent's now */
  until_taken(connect_to(world, gate_endpoint(world->gate), first.identity));
  identity_free(first.identity);
  identity_free(second.identity);
}

static void an_invitation_that_has_expired_lets_nobody_in(void **state)
{
  struct world *world = *state;
  struct joiner joiner;

  joiner_init(world, &joiner, 78);
  invite(world, 78, clock_wall().ms - 1);
  join_in_vain(connect_joiner(world, &joiner), joiner.record, JOIN_SIZE, FINDING_INVITATION_REFUSED);
  identity_free(joiner.identity);
}

static void a_joining_record_that_is_none_is_answered_and_uses_nothing_up(void **state)
{
  struct world *world = *state;
  struct joiner joiner;
  uint8_t garbage[JOIN_SIZE + 1] = {0};

  joiner_init(world, &joiner, 79);
  invite(world, 79, INT64_MAX);
  struct channel_client *client = connect_joiner(world, &joiner);
  join_in_vain(client, garbage, 0, FINDING_MESSAGE_MALFORMED);
  join_in_vain(client, garbage, JOIN_SIZE, FINDING_MESSAGE_MALFORMED);
  join_in_vain(client, garbage, sizeof garbage, FINDING_MESSAGE_MALFORMED);
  join_in_vain(client, joiner.record, JOIN_SIZE - 1, FINDING_MESSAGE_MALFORMED);
  memcpy(garbage, joiner.record, JOIN_SIZE);
  garbage[40] ^= 1; /* another CURVE key than the one signed */
  join_in_vain(client, garbage, JOIN_SIZE, FINDING_MESSAGE_MALFORMED);
  say_bytes(client, joiner.record, JOIN_SIZE);
  CLEANUP(frame_free) struct frame *answer = hear(client, FRAME_CERTIFICATE);
  identity_free(joiner.identity);
}

static void nobody_enrols_with_the_keys_of_another_agent(void **state)
{
  struct world *world = *state;
  struct joiner thief;
  struct join_record join = {.secret = {80}};

  joiner_init(world, &thief, 80);
  invite(world, 80, INT64_MAX);
  memcpy(join.curve_key, identity_curve_public(world->west.identity), sizeof join.curve_key);
  memcpy(join.sign_key, identity_sign_public(thief.identity), sizeof join.sign_key);
  join_encode(&join, identity_sign_secret(thief.identity), thief.record);
  /* else the door would take one for the other */
  join_in_vain(connect_joiner(world, &thief), thief.record, JOIN_SIZE, FINDING_INVITATION_REFUSED);
  identity_free(thief.identity);
}

static void more_joiners_than_are_taken_at_once_keep_no_agent_waiting(void **state)
{
  enum {
    JOINERS = 4,
    RECORDS = 30
  }; /* more than libzmq or the gate takes in; fewer than one peer's queue holds */
  struct world *world = *state;
  struct channel_client *agent = connect_agent(world, &world->east), *clients[JOINERS];
  struct joiner joiners[JOINERS];
  struct store *held = hold_writer(world);

  for (int n = 0; n < JOINERS; n++) {
    joiner_init(world, &joiners[n], (uint8_t)(100 + n));
    clients[n] = connect_joiner(world, &joiners[n]);
    for (int m = 0; m < RECORDS; m++) say_bytes(clients[n], joiners[n].record, JOIN_SIZE);
  }
  until_taken(agent);
  release_writer(held);
  for (int n = 0; n < JOINERS; n++) {
    for (int m = 0; m < RECORDS; m++) hear_fault(clients[n], FINDING_INVITATION_REFUSED);
    identity_free(joiners[n].identity);
  }
}

/* --- the end --- */

static void *free_gate(void *gate)
{
  gate_free(gate);
  return NULL;
}

static void what_was_taken_is_answered_before_the_end(void **state)
{
  struct world *world = *state;
  struct channel_client *client = connect_agent(world, &world->east);
  struct joiner joiner;
  struct sent sent[3];
  uint8_t garbage[1] = {0};

  joiner_init(world, &joiner, 81);
  invite(world, 81, INT64_MAX);
  struct channel_client *joining = connect_joiner(world, &joiner);
  struct store *held = hold_writer(world);
  for (size_t n = 0; n < G_N_ELEMENTS(sent); n++) {
    sent[n] = make(world, &world->east, "a1", (int64_t)n);
    submit(client, &sent[n]);
  }
  until_taken(client);
  say_bytes(joining, joiner.record, JOIN_SIZE);
  join_in_vain(joining, garbage, sizeof garbage, FINDING_MESSAGE_MALFORMED); /* so the record was taken */
  GThread *end = g_thread_new("end", free_gate, g_steal_pointer(&world->gate));
  release_writer(held);
  g_thread_join(end);
  for (size_t n = 0; n < G_N_ELEMENTS(sent); n++) {
    hear_receipt(world, client, &sent[n]);
    g_bytes_unref(sent[n].sealed);
  }
  CLEANUP(frame_free) struct frame *answer = hear(joining, FRAME_CERTIFICATE);
  identity_free(joiner.identity);
}

static void an_address_that_cannot_be_used_is_an_error_and_leaves_nothing_open(void **state)
{
  struct world *world = *state;
  struct gate_options options = {.listen = "tcp://127.0.0.1:*",
                                 .enrol = gate_endpoint(world->gate), /* in use */
                                 .folder = world->fixture.folder,
                                 .identity = world->fixture.identity,
                                 .writer = world->fixture.writer,
                                 .bounds = world->bounds,
                                 .failed = gate_failed};
  g_autoptr(GError) error = NULL;

  assert_null(gate_new(&options, &error));
  assert_int_equal(error->code, ERROR_UNAVAILABLE);
  until_taken(connect_agent(world, &world->east)); /* the first one goes on */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(an_address_that_cannot_be_used_is_an_error_and_leaves_nothing_open),
      TEST(what_cannot_be_read_is_answered_and_does_not_end_the_conversation),
      TEST(a_submission_that_cannot_be_taken_is_refused_with_its_id),
      TEST(a_clock_at_either_end_of_time_is_welcome),
      TEST(credit_is_shared_among_the_agents_in_force),
      TEST(who_is_revoked_is_cut_off_and_told_so_when_it_comes_again),
      TEST(an_agent_without_credit_is_told_busy_and_succeeds_later),
      TEST(a_submission_gets_its_receipt_and_the_same_one_again),
      TEST(a_submission_in_another_writing_is_taken_as_well),
      TEST(one_that_is_under_way_and_comes_again_is_answered_once_where_it_was_asked_last),
      TEST(refusals_beyond_a_receipt_come_in_pages),
      TEST(refusals_are_told_to_the_area_that_reported_and_to_nobody_else),
      TEST(a_chunk_that_is_not_there_or_not_any_more_is_named),
      TEST(all_who_ask_while_documents_are_made_are_answered_also_more_than_may_wait),
      TEST(catalogue_and_register_come_in_chunks_that_fit_their_hashes),
      TEST(a_joining_record_that_is_none_is_answered_and_uses_nothing_up),
      TEST(an_invitation_that_has_expired_lets_nobody_in),
      TEST(nobody_enrols_with_the_keys_of_another_agent),
      TEST(an_invitation_lets_one_agent_in_once),
      TEST(more_joiners_than_are_taken_at_once_keep_no_agent_waiting),
      TEST(what_was_taken_is_answered_before_the_end),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
