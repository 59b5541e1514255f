#include "common/codec.h"

#include "common/limits.h"
#include "common/merkle.h"
#include "wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Fields of Frame. */
enum { HELLO = 2, DOCUMENT_REQUEST = 4, DOCUMENT = 5, CHUNK_REQUEST = 6, CHUNK = 7, SUBMIT = 8, RECEIPT = 9 };
enum { BUSY = 10, FAULT = 11, REFUSAL_REQUEST = 12, REFUSAL_PAGE = 13, CERTIFICATE = 14, STATE_PAGE = 16 };

static const uint8_t hash[SEAL_HASH_SIZE] = {1, 2, 3, 0, 255};
static const struct bytes_view hash_view = {hash, sizeof hash};

static GByteArray *frame_with(unsigned field, const GByteArray *body)
{
  GByteArray *bytes = g_byte_array_new();
  put_number(bytes, 1, PROTOCOL_VERSION);
  put_message(bytes, field, body);
  return bytes;
}

static void assert_refused(unsigned field, const GByteArray *body)
{
  g_autoptr(GByteArray) bytes = frame_with(field, body);
  assert_null(frame_decode(bytes->data, bytes->len));
}

static struct frame *through_the_wire(const struct frame *frame)
{
  g_autoptr(GBytes) bytes = frame_encode(frame);
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  assert_true(size <= LIMIT_FRAME_BYTES);
  g_autofree uint8_t *copy = g_memdup2(data, size); /* the record may not point into what was decoded */
  struct frame *decoded = frame_decode(copy, size);
  memset(copy, 0xee, size);
  assert_non_null(decoded);
  assert_int_equal(decoded->kind, frame->kind);
  assert_int_equal(decoded->protocol, PROTOCOL_VERSION);
  return decoded;
}

static void assert_view(struct bytes_view view, const void *expected, size_t length)
{
  assert_int_equal(view.length, length);
  assert_memory_equal(view.data, expected, length);
}

/* --- bad input --- */

static void garbage_and_nothing_are_refused(void **state)
{
  (void)state;
  static const struct {
    const char *bytes;
    size_t length;
  } cases[] = {
      {"", 0},                 /* no protocol */
      {"\x08", 1},             /* cut in the middle */
      {"\x08\x00", 2},         /* protocol 0 */
      {"\x08\x01\x42\x05", 4}, /* a length beyond the end */
      {"\x08\x01\x40\x01", 4}, /* submit as a number */
      {"\x08\x01\x43", 3},     /* a group */
      {"\x08\x01\x00\x00", 4}, /* field 0 */
      {"GET / HTTP/1.1\r\n\r\n", 18},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
    assert_null(frame_decode((const uint8_t *)cases[i].bytes, cases[i].length));
}

static void a_frame_over_the_limit_is_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  put_number(bytes, 1, PROTOCOL_VERSION);
  put_filled(bytes, 200, 'x', LIMIT_FRAME_BYTES - bytes->len - 5);
  assert_int_equal(bytes->len, LIMIT_FRAME_BYTES);
  CLEANUP(frame_free) struct frame *frame = frame_decode(bytes->data, bytes->len);
  assert_non_null(frame);
  g_byte_array_append(bytes, (const uint8_t *)"\x08\x01", 2);
  assert_null(frame_decode(bytes->data, bytes->len));
}

static void hashes_of_another_size_are_refused(void **state)
{
  (void)state;
  static const struct {
    unsigned frame, field;
    bool may_be_empty;
  } cases[] = {
      {SUBMIT, 1, false}, {BUSY, 1, false},         {CHUNK_REQUEST, 2, false},
      {CHUNK, 1, false},  {REFUSAL_PAGE, 1, false}, {REFUSAL_REQUEST, 1, false},
      {HELLO, 4, true},   {HELLO, 5, true},         {FAULT, 1, true},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
    for (size_t length = 0; length <= 64; length++) {
      g_autoptr(GByteArray) body = g_byte_array_new();
      if (cases[i].frame == HELLO) put_text(body, 1, "liudong-1");
      if (cases[i].frame == FAULT) put_text(body, 2, "seal.forged");
      if (cases[i].frame == CHUNK_REQUEST) put_number(body, 1, DOCUMENT_OF_CATALOGUE);
      put_filled(body, cases[i].field, 7, length);
      g_autoptr(GByteArray) bytes = frame_with(cases[i].frame, body);
      CLEANUP(frame_free) struct frame *frame = frame_decode(bytes->data, bytes->len);
      assert_int_equal(frame != NULL, length == 32 || (length == 0 && cases[i].may_be_empty));
    }
}

static void unclean_and_long_texts_are_refused(void **state)
{
  (void)state;
  g_autofree char *long_code = g_strnfill(LIMIT_CODE_BYTES + 1, 'a');
  const struct {
    const char *agent;
    size_t length;
  } cases[] = {
      {"", 0},
      {"a\0b", 3}, /* protobuf-c alone would read "a" */
      {"a\0", 2},
      {"\0", 1},
      {"a\nb", 3},
      {"\xff", 1},
      {"\xe6\x9f", 2},     /* half a character */
      {"\xed\xa0\x80", 3}, /* a surrogate */
      {"\xc0\xaf", 2},     /* overlong */
      {long_code, LIMIT_CODE_BYTES + 1},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) body = g_byte_array_new();
    put_bytes(body, 1, cases[i].agent, cases[i].length);
    assert_refused(HELLO, body);
  }
  g_autoptr(GByteArray) body = g_byte_array_new();
  put_bytes(body, 1, long_code, LIMIT_CODE_BYTES);
  g_autoptr(GByteArray) bytes = frame_with(HELLO, body);
  CLEANUP(frame_free) struct frame *frame = frame_decode(bytes->data, bytes->len);
  assert_non_null(frame);
}

static void unknown_kinds_of_documents_are_refused(void **state)
{
  (void)state;
  static const uint64_t kinds[] = {0, 3, 4, 0xffffffff, UINT64_MAX};
  for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
    g_autoptr(GByteArray) request = g_byte_array_new();
    put_number(request, 1, kinds[i]);
    assert_refused(DOCUMENT_REQUEST, request);
    put_filled(request, 2, 1, 32);
    assert_refused(CHUNK_REQUEST, request);
    g_autoptr(GByteArray) document = g_byte_array_new();
    put_number(document, 1, kinds[i]);
    put_filled(document, 2, 1, SEAL_HEADER_SIZE);
    assert_refused(DOCUMENT, document);
  }
}

static GByteArray *refusal(const char *unit, const char *rule, uint64_t verdict)
{
  GByteArray *bytes = g_byte_array_new();
  put_text(bytes, 2, unit);
  put_text(bytes, 3, rule);
  put_number(bytes, 7, verdict);
  return bytes;
}

static void refusals_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  g_autofree char *long_code = g_strnfill(LIMIT_CODE_BYTES + 1, 'a');
  const struct {
    const char *unit, *rule;
    uint64_t verdict;
    bool good;
  } cases[] = {
      {"u", "unit.unknown", VERDICT_IS_REFUSED, true},
      {"u", "unit.unknown", 0, false},
      {"u", "unit.waiting", VERDICT_IS_WAITING_UNIT, true},
      {"u", "unit.unknown", 7, false},
      {"u", "unit.unknown", UINT64_MAX, false},
      {"u", "", VERDICT_IS_REFUSED, false},
      {long_code, "unit.unknown", VERDICT_IS_REFUSED, false},
      {"u", long_code, VERDICT_IS_REFUSED, false},
      {"\x01", "unit.unknown", VERDICT_IS_REFUSED, false},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) body = g_byte_array_new();
    put_bytes(body, 1, hash, sizeof hash);
    g_autoptr(GByteArray) one = refusal(cases[i].unit, cases[i].rule, cases[i].verdict);
    put_message(body, 3, one);
    g_autoptr(GByteArray) bytes = frame_with(REFUSAL_PAGE, body);
    CLEANUP(frame_free) struct frame *frame = frame_decode(bytes->data, bytes->len);
    assert_int_equal(frame != NULL, cases[i].good);
  }
}

static void a_page_of_more_than_500_refusals_is_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) body = g_byte_array_new();
  put_bytes(body, 1, hash, sizeof hash);
  g_autoptr(GByteArray) one = refusal("u", "unit.unknown", VERDICT_IS_REFUSED);
  for (int i = 0; i < LIMIT_REFUSALS_INLINE + 1; i++) put_message(body, 3, one);
  assert_refused(REFUSAL_PAGE, body);
}

/* Each of these two bytes would become a struct of protobuf-c and a pointer: eighty bytes and more. */
static void empty_sub_messages_without_number_end_at_the_arena(void **state)
{
  (void)state;
  g_autoptr(GByteArray) body = g_byte_array_new();
  put_bytes(body, 1, hash, sizeof hash);
  while (body->len < LIMIT_SEALED_BYTES) put_bytes(body, 3, "", 0);
  assert_refused(REFUSAL_PAGE, body);
}

static void empty_unknown_fields_without_number_end_at_the_arena(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  put_number(bytes, 1, PROTOCOL_VERSION);
  while (bytes->len < LIMIT_SEALED_BYTES) put_bytes(bytes, 15, "", 0);
  assert_null(frame_decode(bytes->data, bytes->len));
}

/* A body that comes twice is merged, each time with a new copy of the list: quadratic, were there no arena.
 */
static void a_body_repeated_without_end_ends_at_the_arena(void **state)
{
  (void)state;
  g_autoptr(GByteArray) body = g_byte_array_new();
  for (int i = 0; i < 64; i++) put_bytes(body, 3, "", 0);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  put_number(bytes, 1, PROTOCOL_VERSION);
  while (bytes->len < LIMIT_SEALED_BYTES) put_message(bytes, REFUSAL_PAGE, body);
  assert_null(frame_decode(bytes->data, bytes->len));
}

static void every_length_of_a_cut_frame_is_survived(void **state)
{
  (void)state;
  const struct refusal refusals[] = {
      {1, "91350100M000100Y43", "value.range", "revenue", "12", "0", VERDICT_IS_REFUSED},
      {2, "u", "report.stale", "", "", "", VERDICT_IS_STALE}};
  struct frame frame = {.kind = FRAME_REFUSAL_PAGE,
                        .refusal_page = {.id = hash_view, .refusals = refusals, .count = 2, .total = 2}};
  g_autoptr(GBytes) bytes = frame_encode(&frame);
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  for (gsize length = 0; length < size; length++) {
    g_autofree uint8_t *cut = g_memdup2(data, length); /* of its own, so that a read beyond it shows */
    frame_free(frame_decode(cut, length));
  }
}

/* --- what is not for us --- */

static void a_newer_protocol_is_no_frame_of_ours_but_no_garbage_either(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  put_number(bytes, 1, PROTOCOL_VERSION + 1);
  put_bytes(bytes, SUBMIT, "", 0); /* would be refused in ours */
  CLEANUP(frame_free) struct frame *frame = frame_decode(bytes->data, bytes->len);
  assert_non_null(frame);
  assert_int_equal(frame->kind, FRAME_NONE);
  assert_int_equal(frame->protocol, PROTOCOL_VERSION + 1);
}

static void an_unknown_body_is_no_frame_of_ours(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  put_number(bytes, 1, PROTOCOL_VERSION);
  put_bytes(bytes, 20, "act", 3);
  CLEANUP(frame_free) struct frame *frame = frame_decode(bytes->data, bytes->len);
  assert_non_null(frame);
  assert_int_equal(frame->kind, FRAME_NONE);
}

static void unknown_fields_beside_known_ones_are_passed_over(void **state)
{
  (void)state;
  g_autoptr(GByteArray) body = g_byte_array_new();
  put_bytes(body, 1, hash, sizeof hash);
  put_number(body, 9, 1);
  put_text(body, 77, "later");
  put_number(body, 2, 1500);
  g_autoptr(GByteArray) bytes = frame_with(BUSY, body);
  CLEANUP(frame_free) struct frame *frame = frame_decode(bytes->data, bytes->len);
  assert_int_equal(frame->kind, FRAME_BUSY);
  assert_int_equal(frame->busy.retry_after_ms, 1500);
}

/* --- what is --- */

static void hello_and_welcome_come_through(void **state)
{
  (void)state;
  CLEANUP(frame_free)
  struct frame *hello = through_the_wire(&(struct frame){.kind = FRAME_HELLO,
                                                         .hello = {.agent = "柳东-1",
                                                                   .software = "park-agent 0.1",
                                                                   .clock_ms = -5,
                                                                   .catalogue_hash = hash_view,
                                                                   .server_key = hash_view}});
  assert_view(hello->hello.server_key, hash, sizeof hash);
  assert_string_equal(hello->hello.agent, "柳东-1");
  assert_string_equal(hello->hello.software, "park-agent 0.1");
  assert_true(hello->hello.clock_ms == -5);
  assert_view(hello->hello.catalogue_hash, hash, sizeof hash);
  assert_view(hello->hello.register_hash, "", 0);

  const struct bytes_view changes[] = {{(const uint8_t *)"one", 3}, {(const uint8_t *)"others", 6}};
  CLEANUP(frame_free)
  struct frame *welcome = through_the_wire(&(struct frame){.kind = FRAME_WELCOME,
                                                           .welcome = {.credit = 4,
                                                                       .clock_ms = INT64_MAX,
                                                                       .register_hash = hash_view,
                                                                       .key_changes = changes,
                                                                       .key_change_count = 2}});
  assert_int_equal(welcome->welcome.key_change_count, 2);
  assert_view(welcome->welcome.key_changes[1], "others", 6);
  assert_int_equal(welcome->welcome.credit, 4);
  assert_true(welcome->welcome.clock_ms == INT64_MAX);
  assert_view(welcome->welcome.catalogue_hash, "", 0);
  assert_view(welcome->welcome.register_hash, hash, sizeof hash);
}

/* Bytes that a view may not read beyond. */
static bool is_viewed(const uint8_t *data, size_t length, struct bytes_view *ret_id,
                      struct bytes_view *ret_sealed)
{
  g_autofree uint8_t *copy = g_memdup2(data, length);
  struct bytes_view id, sealed;
  if (!submit_view(copy, length, &id, &sealed)) return false;
  assert_true(submit_view(data, length, ret_id, ret_sealed));
  assert_int_equal(id.data - copy, ret_id->data - data);
  assert_int_equal(sealed.data - copy, ret_sealed->data - data);
  return true;
}

static void a_submission_is_viewed_where_it_stands(void **state)
{
  (void)state;
  static const uint8_t payload[300] = {1, 2, 3};
  struct frame submit = {.kind = FRAME_SUBMIT};
  submit.submit.id = hash_view;
  submit.submit.sealed = (struct bytes_view){payload, sizeof payload};
  g_autoptr(GBytes) bytes = frame_encode(&submit);
  gsize length;
  const uint8_t *data = g_bytes_get_data(bytes, &length);
  struct bytes_view id, sealed;
  assert_true(is_viewed(data, length, &id, &sealed));
  assert_view(id, hash, sizeof hash);
  assert_view(sealed, payload, sizeof payload);
  assert_true(sealed.data > data && sealed.data + sealed.length == data + length);
  for (size_t cut = 0; cut < length; cut++) assert_false(is_viewed(data, cut, &id, &sealed));
}

/* A view of every one of these would be a guess. */
static void a_submission_in_another_writing_is_left_to_the_decoder(void **state)
{
  (void)state;
  static const uint8_t payload[] = {1, 2, 3};
  struct bytes_view id, sealed;
  g_autoptr(GByteArray) body = g_byte_array_new(), turned = g_byte_array_new(), short_id = g_byte_array_new(),
                        twice = g_byte_array_new(), more = g_byte_array_new();
  put_bytes(body, 1, hash, sizeof hash);
  put_bytes(body, 2, payload, sizeof payload);
  put_bytes(turned, 2, payload, sizeof payload);
  put_bytes(turned, 1, hash, sizeof hash);
  put_bytes(short_id, 1, hash, sizeof hash - 1);
  put_bytes(short_id, 2, payload, sizeof payload);
  put_bytes(twice, 1, hash, sizeof hash);
  put_bytes(twice, 2, payload, 1);
  put_bytes(twice, 2, payload, sizeof payload);
  put_bytes(more, 1, hash, sizeof hash);
  put_bytes(more, 2, payload, sizeof payload);
  put_number(more, 3, 1);
  g_autoptr(GByteArray) plain = frame_with(8, body);
  assert_true(is_viewed(plain->data, plain->len, &id, &sealed));
  GByteArray *const bodies[] = {turned, short_id, twice, more};
  for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
    g_autoptr(GByteArray) other = frame_with(8, bodies[i]);
    assert_false(is_viewed(other->data, other->len, &id, &sealed));
  }
  g_autoptr(GByteArray) other_kind = frame_with(7, body), newer = g_byte_array_new();
  assert_false(is_viewed(other_kind->data, other_kind->len, &id, &sealed));
  put_number(newer, 1, PROTOCOL_VERSION + 1);
  put_message(newer, 8, body);
  assert_false(is_viewed(newer->data, newer->len, &id, &sealed));
  put_message(plain, 8, body); /* the last one counts */
  assert_false(is_viewed(plain->data, plain->len, &id, &sealed));
}

static void documents_come_through(void **state)
{
  (void)state;
  g_autofree uint8_t *data = g_malloc(LIMIT_CHUNK_BYTES);
  memset(data, 'y', LIMIT_CHUNK_BYTES);
  CLEANUP(frame_free)
  struct frame *request = through_the_wire(
      &(struct frame){.kind = FRAME_DOCUMENT_REQUEST, .document_request = {DOCUMENT_OF_REGISTER}});
  assert_int_equal(request->document_request.kind, DOCUMENT_OF_REGISTER);

  CLEANUP(frame_free)
  struct frame *document = through_the_wire(&(struct frame){
      .kind = FRAME_DOCUMENT, .document = {DOCUMENT_OF_CATALOGUE, {data, SEAL_HEADER_SIZE + 9}}});
  assert_view(document->document.manifest, data, SEAL_HEADER_SIZE + 9);

  CLEANUP(frame_free)
  struct frame *chunk_request = through_the_wire(
      &(struct frame){.kind = FRAME_CHUNK_REQUEST, .chunk_request = {DOCUMENT_OF_CATALOGUE, hash_view, 3}});
  assert_int_equal(chunk_request->chunk_request.kind, DOCUMENT_OF_CATALOGUE);
  assert_view(chunk_request->chunk_request.hash, hash, sizeof hash);
  assert_int_equal(chunk_request->chunk_request.index, 3);

  CLEANUP(frame_free)
  struct frame *chunk = through_the_wire(
      &(struct frame){.kind = FRAME_CHUNK, .chunk = {hash_view, 3, {data, LIMIT_CHUNK_BYTES}}});
  assert_view(chunk->chunk.data, data, LIMIT_CHUNK_BYTES);
  assert_int_equal(chunk->chunk.index, 3);
}

/* So that the judge can say that it is too large, and of which submission. */
static void a_submission_too_large_to_be_sealed_is_still_read(void **state)
{
  (void)state;
  g_autofree uint8_t *sealed = g_malloc0(LIMIT_SEALED_BYTES + 1);
  const struct bytes_view view = {sealed, LIMIT_SEALED_BYTES + 1};
  CLEANUP(frame_free)
  struct frame *submit = through_the_wire(&(struct frame){.kind = FRAME_SUBMIT, .submit = {hash_view, view}});
  assert_view(submit->submit.id, hash, sizeof hash);
  assert_view(submit->submit.sealed, sealed, LIMIT_SEALED_BYTES + 1);
}

static void submissions_and_their_answers_come_through(void **state)
{
  (void)state;
  g_autofree uint8_t *sealed = g_malloc(LIMIT_SEALED_BYTES);
  memset(sealed, 's', LIMIT_SEALED_BYTES);
  const struct bytes_view view = {sealed, LIMIT_SEALED_BYTES};

  CLEANUP(frame_free)
  struct frame *submit = through_the_wire(&(struct frame){.kind = FRAME_SUBMIT, .submit = {hash_view, view}});
  assert_view(submit->submit.id, hash, sizeof hash);
  assert_view(submit->submit.sealed, sealed, LIMIT_SEALED_BYTES);
  CLEANUP(frame_free)
  struct frame *receipt = through_the_wire(&(struct frame){.kind = FRAME_RECEIPT, .receipt = {view}});
  assert_view(receipt->receipt.sealed, sealed, LIMIT_SEALED_BYTES);
  CLEANUP(frame_free)
  struct frame *certificate =
      through_the_wire(&(struct frame){.kind = FRAME_CERTIFICATE, .certificate = {view}});
  assert_view(certificate->certificate.sealed, sealed, LIMIT_SEALED_BYTES);
  CLEANUP(frame_free)
  struct frame *fault = through_the_wire(&(struct frame){
      .kind = FRAME_FAULT, .fault = {{NULL, 0}, "seal.forged", "the signature does not hold"}});
  assert_view(fault->fault.id, "", 0);
  assert_string_equal(fault->fault.code, "seal.forged");
  assert_string_equal(fault->fault.text, "the signature does not hold");
  CLEANUP(frame_free)
  struct frame *request =
      through_the_wire(&(struct frame){.kind = FRAME_REFUSAL_REQUEST, .refusal_request = {hash_view, 500}});
  assert_int_equal(request->refusal_request.offset, 500);
}

static void a_page_of_the_longest_refusals_fits_a_frame(void **state)
{
  (void)state;
  g_autofree char *code = g_strnfill(LIMIT_CODE_BYTES, 'c');
  g_autofree char *column = g_strconcat(code, ".ytd_ly", NULL);
  struct refusal refusals[LIMIT_REFUSALS_INLINE];
  for (uint32_t i = 0; i < LIMIT_REFUSALS_INLINE; i++)
    refusals[i] = (struct refusal){UINT32_MAX - i, code, code, column, code, code, VERDICT_IS_REFUSED};
  CLEANUP(frame_free)
  struct frame *page = through_the_wire(&(struct frame){
      .kind = FRAME_REFUSAL_PAGE,
      .refusal_page = {
          .id = hash_view, .offset = 1, .total = UINT32_MAX, .refusals = refusals, .count = 500}});
  assert_int_equal(page->refusal_page.count, 500);
  assert_int_equal(page->refusal_page.total, UINT32_MAX);
  const struct refusal *last = &page->refusal_page.refusals[499];
  assert_int_equal(last->row, UINT32_MAX - 499);
  assert_string_equal(last->unit, code);
  assert_string_equal(last->rule, code);
  assert_string_equal(last->indicator, column);
  assert_string_equal(last->found, code);
  assert_string_equal(last->expected, code);
  assert_int_equal(last->verdict, VERDICT_IS_REFUSED);
}

static struct inquiry_item an_inquiry(void)
{
  return (struct inquiry_item){
      .number = 7,
      .form = "monthly",
      .period = "2018-05",
      .unit = "A1",
      .rule = "rule.verify:small",
      .indicator = "output",
      .found = "9",
      .expected = "≤ 8",
      .question = "为何？",
      .asked_at_ms = 1528070400000,
      .answer = "新增生产线",
      .answered_by = "李四",
      .answered_at_ms = -1,
  };
}

static void what_an_area_is_asked_comes_through(void **state)
{
  (void)state;
  const struct inquiry_item inquiry = an_inquiry();
  const struct consent_item consent = {"monthly", "2018-05", "A1", "staff"};
  CLEANUP(frame_free)
  struct frame *page = through_the_wire(&(struct frame){.kind = FRAME_STATE_PAGE,
                                                        .state_page = {.state = UINT64_MAX,
                                                                       .from = 3,
                                                                       .next = UINT64_MAX,
                                                                       .inquiries = &inquiry,
                                                                       .inquiry_count = 1,
                                                                       .consents = &consent,
                                                                       .consent_count = 1}});
  assert_true(page->state_page.state == UINT64_MAX);
  assert_true(page->state_page.from == 3);
  assert_true(page->state_page.next == UINT64_MAX);
  assert_int_equal(page->state_page.inquiry_count, 1);
  const struct inquiry_item *found = page->state_page.inquiries;
  assert_int_equal(found->number, 7);
  assert_string_equal(found->form, "monthly");
  assert_string_equal(found->period, "2018-05");
  assert_string_equal(found->unit, "A1");
  assert_string_equal(found->rule, "rule.verify:small");
  assert_string_equal(found->indicator, "output");
  assert_string_equal(found->found, "9");
  assert_string_equal(found->expected, "≤ 8");
  assert_string_equal(found->question, "为何？");
  assert_true(found->asked_at_ms == 1528070400000);
  assert_string_equal(found->answer, "新增生产线");
  assert_string_equal(found->answered_by, "李四");
  assert_true(found->answered_at_ms == -1);
  assert_int_equal(page->state_page.consent_count, 1);
  assert_string_equal(page->state_page.consents[0].form, "monthly");
  assert_string_equal(page->state_page.consents[0].period, "2018-05");
  assert_string_equal(page->state_page.consents[0].unit, "A1");
  assert_string_equal(page->state_page.consents[0].rule, "staff");

  CLEANUP(frame_free)
  struct frame *request =
      through_the_wire(&(struct frame){.kind = FRAME_STATE_REQUEST, .state_request = {UINT64_MAX}});
  assert_true(request->state_request.from == UINT64_MAX);
  CLEANUP(frame_free)
  struct frame *welcome = through_the_wire(
      &(struct frame){.kind = FRAME_WELCOME, .welcome = {.credit = 1, .state = UINT64_MAX, .waiting = true}});
  assert_true(welcome->welcome.state == UINT64_MAX);
  assert_true(welcome->welcome.waiting);
}

static struct agent_item an_agent(void)
{
  static const char *const forms[] = {"monthly", "yearly"};
  return (struct agent_item){.agent = "liudong-2",
                             .role = AGENT_OF_BUREAU,
                             .forms = forms,
                             .form_count = 2,
                             .key_id = hash_view,
                             .state = AGENT_IS_REVOKED,
                             .entry = ENTRY_IS_SUCCESSION,
                             .enrolled_at_ms = 1,
                             .revoked_at_ms = 2,
                             .admitted_by = "liudong-1",
                             .approved_by = "李四",
                             .reason = "新办公室",
                             .admitted_at_ms = -1};
}

static void agents_of_an_area_come_through(void **state)
{
  (void)state;
  const struct agent_item agent = an_agent();
  CLEANUP(frame_free)
  struct frame *page = through_the_wire(
      &(struct frame){.kind = FRAME_STATE_PAGE, .state_page = {.agents = &agent, .agent_count = 1}});
  assert_int_equal(page->state_page.agent_count, 1);
  const struct agent_item *found = page->state_page.agents;
  assert_string_equal(found->agent, "liudong-2");
  assert_int_equal(found->role, AGENT_OF_BUREAU);
  assert_int_equal(found->form_count, 2);
  assert_string_equal(found->forms[1], "yearly");
  assert_view(found->key_id, hash, sizeof hash);
  assert_int_equal(found->state, AGENT_IS_REVOKED);
  assert_int_equal(found->entry, ENTRY_IS_SUCCESSION);
  assert_true(found->enrolled_at_ms == 1 && found->revoked_at_ms == 2 && found->admitted_at_ms == -1);
  assert_string_equal(found->admitted_by, "liudong-1");
  assert_string_equal(found->approved_by, "李四");
  assert_string_equal(found->reason, "新办公室");
}

static void agents_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  g_autofree char *endless = g_strnfill(LIMIT_NAME_BYTES + 1, 'x');
  static const char *const nameless[] = {""};
  struct agent_item cases[9];
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) cases[i] = an_agent();
  cases[0].agent = "";
  cases[1].role = (enum agent_role)2;
  cases[2].forms = nameless;
  cases[2].form_count = 1;
  cases[3].key_id.length--;
  cases[4].state = (enum agent_state)0;
  cases[5].state = (enum agent_state)4;
  cases[6].entry = (enum agent_entry)3;
  cases[7].admitted_by = endless;
  cases[8].reason = endless;
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GBytes) bytes = frame_encode(
        &(struct frame){.kind = FRAME_STATE_PAGE, .state_page = {.agents = &cases[i], .agent_count = 1}});
    gsize size;
    const uint8_t *data = g_bytes_get_data(bytes, &size);
    assert_null(frame_decode(data, size));
  }
}

static void a_page_of_the_longest_inquiries_fits_a_frame(void **state)
{
  (void)state;
  g_autofree char *code = g_strnfill(LIMIT_CODE_BYTES, 'c');
  g_autofree char *name = g_strnfill(LIMIT_NAME_BYTES, 'n');
  g_autofree char *answer = g_strnfill(LIMIT_ANSWER_BYTES, 'a');
  struct inquiry_item inquiries[LIMIT_STATE_INLINE];
  for (size_t i = 0; i < LIMIT_STATE_INLINE; i++)
    inquiries[i] = (struct inquiry_item){UINT64_MAX, code, code, code,   code, code, code,
                                         code,       name, -1,   answer, name, -1};
  CLEANUP(frame_free)
  struct frame *page = through_the_wire(&(struct frame){
      .kind = FRAME_STATE_PAGE, .state_page = {.inquiries = inquiries, .inquiry_count = LIMIT_STATE_INLINE}});
  assert_string_equal(page->state_page.inquiries[LIMIT_STATE_INLINE - 1].answer, answer);
}

static void inquiries_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  g_autofree char *endless = g_strnfill(LIMIT_ANSWER_BYTES + 1, 'x');
  struct inquiry_item cases[8];
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) cases[i] = an_inquiry();
  cases[0].number = 0;
  cases[1].form = "";
  cases[2].period = "";
  cases[3].unit = endless;
  cases[4].rule = "";
  cases[5].found = endless;
  cases[6].question = "x\n";
  cases[7].answer = endless;
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GBytes) bytes = frame_encode(&(struct frame){
        .kind = FRAME_STATE_PAGE, .state_page = {.inquiries = &cases[i], .inquiry_count = 1}});
    gsize size;
    const uint8_t *data = g_bytes_get_data(bytes, &size);
    assert_null(frame_decode(data, size));
  }
  const struct consent_item consents[] = {{"", "2018-05", "A1", "r"},
                                          {"f", "", "A1", "r"},
                                          {"f", "2018-05", "", "r"},
                                          {"f", "2018-05", "A1", ""}};
  for (size_t i = 0; i < G_N_ELEMENTS(consents); i++) {
    g_autoptr(GBytes) bytes = frame_encode(&(struct frame){
        .kind = FRAME_STATE_PAGE, .state_page = {.consents = &consents[i], .consent_count = 1}});
    gsize size;
    const uint8_t *data = g_bytes_get_data(bytes, &size);
    assert_null(frame_decode(data, size));
  }
}

static void a_page_of_too_many_inquiries_is_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) consent = g_byte_array_new(), page = g_byte_array_new();
  for (unsigned field = 1; field <= 4; field++) put_bytes(consent, field, "x", 1);
  for (size_t i = 0; i <= LIMIT_STATE_INLINE; i++) put_message(page, 5, consent);
  assert_refused(STATE_PAGE, page);
}

/* Found comes from cells of any kind; a reader would refuse the whole page for one of them. */
static void long_and_unclean_words_are_cut_before_they_are_sent(void **state)
{
  (void)state;
  g_autofree char *long_text = g_strnfill(100000, 'x');
  const struct refusal refusals[] = {
      {0, "u", "value.text", "", long_text, "digits\nonly", VERDICT_IS_REFUSED},
      {1, "u", "value.text", "", "\xff\xfe", NULL, VERDICT_IS_REFUSED}};
  CLEANUP(frame_free)
  struct frame *page = through_the_wire(
      &(struct frame){.kind = FRAME_REFUSAL_PAGE,
                      .refusal_page = {.id = hash_view, .refusals = refusals, .count = 2, .total = 2}});
  assert_true(strlen(page->refusal_page.refusals[0].found) <= LIMIT_REFUSAL_TEXT);
  assert_memory_equal(page->refusal_page.refusals[0].found, "xxxxxxxxxxxxxxx", 15);
  assert_string_equal(page->refusal_page.refusals[0].expected, "digits?only");
  assert_string_equal(page->refusal_page.refusals[1].found, "??");
  assert_string_equal(page->refusal_page.refusals[1].expected, "");

  CLEANUP(frame_free)
  struct frame *fault = through_the_wire(
      &(struct frame){.kind = FRAME_FAULT, .fault = {hash_view, "message.malformed", long_text}});
  assert_true(strlen(fault->fault.text) <= LIMIT_NAME_BYTES);
}

static void heads_come_through(void **state)
{
  (void)state;
  static uint8_t path[MERKLE_PROOF_MOST + 1][SEAL_HASH_SIZE] = {{1}, {2}};
  uint8_t sealed[SEAL_HEADER_SIZE + LIMIT_HEAD_BYTES + 1] = {3};
  struct consistency_item items[LIMIT_HEADS_ASKED + 1];
  uint64_t from[LIMIT_HEADS_ASKED + 1];
  for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
    from[i] = UINT64_MAX - i;
    items[i] = (struct consistency_item){from[i], {(const uint8_t(*)[SEAL_HASH_SIZE])path, i % 3}};
  }
  items[0].path.count = MERKLE_PROOF_MOST;
  struct frame request = {.kind = FRAME_HEAD_REQUEST, .head_request = {from, LIMIT_HEADS_ASKED}};
  struct frame *asked = through_the_wire(&request);
  assert_int_equal(asked->head_request.count, LIMIT_HEADS_ASKED);
  assert_memory_equal(asked->head_request.from, from, LIMIT_HEADS_ASKED * sizeof *from);
  frame_free(asked);
  request.head_request.count++;
  g_autoptr(GBytes) many = frame_encode(&request);
  assert_null(frame_decode(g_bytes_get_data(many, NULL), g_bytes_get_size(many)));

  const struct bytes_view epochs[] = {{sealed, SEAL_HEADER_SIZE},
                                      {sealed, SEAL_HEADER_SIZE + LIMIT_HEAD_BYTES}};
  const struct bytes_view short_seal = {sealed, SEAL_HEADER_SIZE - 1};
  struct frame head = {.kind = FRAME_HEAD,
                       .head = {{sealed, SEAL_HEADER_SIZE + 9}, items, LIMIT_HEADS_ASKED, epochs, 2}};
  struct frame *told = through_the_wire(&head);
  assert_int_equal(told->head.sealed.length, SEAL_HEADER_SIZE + 9);
  assert_int_equal(told->head.count, LIMIT_HEADS_ASKED);
  assert_int_equal(told->head.items[1].from, from[1]);
  assert_int_equal(told->head.epoch_count, 2);
  assert_int_equal(told->head.epochs[1].length, SEAL_HEADER_SIZE + LIMIT_HEAD_BYTES);
  assert_int_equal(told->head.items[0].path.count, MERKLE_PROOF_MOST);
  assert_memory_equal(told->head.items[2].path.hash, path, 2 * SEAL_HASH_SIZE);
  frame_free(told);

  const struct frame bad[] = {
      {.kind = FRAME_HEAD, .head = {{sealed, SEAL_HEADER_SIZE - 1}, NULL, 0, NULL, 0}},
      {.kind = FRAME_HEAD, .head = {{sealed, sizeof sealed}, NULL, 0, NULL, 0}},
      {.kind = FRAME_HEAD, .head = {{sealed, SEAL_HEADER_SIZE + 9}, NULL, 0, &short_seal, 1}},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(GBytes) bytes = frame_encode(&bad[i]);
    assert_null(frame_decode(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)));
  }
  items[0].path.count++;
  g_autoptr(GBytes) longer = frame_encode(&head);
  assert_null(frame_decode(g_bytes_get_data(longer, NULL), g_bytes_get_size(longer)));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(garbage_and_nothing_are_refused),
      cmocka_unit_test(inquiries_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(a_page_of_too_many_inquiries_is_refused),
      cmocka_unit_test(what_an_area_is_asked_comes_through),
      cmocka_unit_test(a_page_of_the_longest_inquiries_fits_a_frame),
      cmocka_unit_test(a_frame_over_the_limit_is_refused),
      cmocka_unit_test(hashes_of_another_size_are_refused),
      cmocka_unit_test(unclean_and_long_texts_are_refused),
      cmocka_unit_test(unknown_kinds_of_documents_are_refused),
      cmocka_unit_test(refusals_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(a_page_of_more_than_500_refusals_is_refused),
      cmocka_unit_test(empty_sub_messages_without_number_end_at_the_arena),
      cmocka_unit_test(empty_unknown_fields_without_number_end_at_the_arena),
      cmocka_unit_test(a_body_repeated_without_end_ends_at_the_arena),
      cmocka_unit_test(every_length_of_a_cut_frame_is_survived),
      cmocka_unit_test(a_newer_protocol_is_no_frame_of_ours_but_no_garbage_either),
      cmocka_unit_test(an_unknown_body_is_no_frame_of_ours),
      cmocka_unit_test(unknown_fields_beside_known_ones_are_passed_over),
      cmocka_unit_test(agents_of_an_area_come_through),
      cmocka_unit_test(agents_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(hello_and_welcome_come_through),
      cmocka_unit_test(a_submission_is_viewed_where_it_stands),
      cmocka_unit_test(a_submission_in_another_writing_is_left_to_the_decoder),
      cmocka_unit_test(documents_come_through),
      cmocka_unit_test(a_submission_too_large_to_be_sealed_is_still_read),
      cmocka_unit_test(submissions_and_their_answers_come_through),
      cmocka_unit_test(a_page_of_the_longest_refusals_fits_a_frame),
      cmocka_unit_test(long_and_unclean_words_are_cut_before_they_are_sent),
      cmocka_unit_test(heads_come_through),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
