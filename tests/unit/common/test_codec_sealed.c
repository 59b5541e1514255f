#include "common/codec.h"

#include "common/limits.h"
#include "common/merkle.h"
#include "wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t hash[SEAL_HASH_SIZE] = {1, 2, 3, 0, 255};
static const struct bytes_view hash_view = {hash, sizeof hash};

static void assert_hash(struct bytes_view view)
{
  assert_int_equal(view.length, sizeof hash);
  assert_memory_equal(view.data, hash, sizeof hash);
}

/* --- manifests --- */

static GByteArray *manifest_of(uint64_t kind, uint64_t size, size_t chunks, size_t chunk_size)
{
  GByteArray *bytes = g_byte_array_new();
  put_number(bytes, 1, kind);
  put_bytes(bytes, 2, hash, sizeof hash);
  put_number(bytes, 3, size);
  for (size_t i = 0; i < chunks; i++) put_filled(bytes, 4, 9, chunk_size);
  put_text(bytes, 5, "liudong");
  return bytes;
}

static void manifests_that_do_not_add_up_are_refused(void **state)
{
  (void)state;
  static const struct {
    uint64_t kind, size;
    size_t chunks, chunk_size;
    bool good;
  } cases[] = {
      {DOCUMENT_OF_REGISTER, 2 * LIMIT_CHUNK_BYTES, 2, 32, true},
      {DOCUMENT_OF_REGISTER, 2 * LIMIT_CHUNK_BYTES + 1, 3, 32, true},
      {DOCUMENT_OF_REGISTER, 0, 0, 32, true},
      {DOCUMENT_OF_REGISTER, 2 * LIMIT_CHUNK_BYTES, 1, 32, false},
      {DOCUMENT_OF_REGISTER, 2 * LIMIT_CHUNK_BYTES, 3, 32, false},
      {DOCUMENT_OF_REGISTER, 2 * LIMIT_CHUNK_BYTES + 1, 2, 32, false},
      {DOCUMENT_OF_REGISTER, 1, 0, 32, false},
      {DOCUMENT_OF_REGISTER, 0, 1, 32, false},
      {DOCUMENT_OF_REGISTER, 1, 1, 31, false},
      {DOCUMENT_OF_REGISTER, 1, 1, 33, false},
      {DOCUMENT_OF_REGISTER, 1, 1, 0, false},
      {DOCUMENT_OF_REGISTER, LIMIT_DOCUMENT_BYTES, LIMIT_DOCUMENT_BYTES / LIMIT_CHUNK_BYTES + 1, 32, true},
      {DOCUMENT_OF_REGISTER, LIMIT_DOCUMENT_BYTES + 1, LIMIT_DOCUMENT_BYTES / LIMIT_CHUNK_BYTES + 1, 32,
       false},
      {DOCUMENT_OF_REGISTER, UINT64_MAX, 0, 32, false},
      {0, 1, 1, 32, false},
      {3, 1, 1, 32, false},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes =
        manifest_of(cases[i].kind, cases[i].size, cases[i].chunks, cases[i].chunk_size);
    CLEANUP(manifest_free) struct manifest *manifest = manifest_decode(bytes->data, bytes->len);
    assert_int_equal(manifest != NULL, cases[i].good);
  }
}

static void a_manifest_of_the_largest_document_comes_through(void **state)
{
  (void)state;
  static uint8_t chunks[LIMIT_DOCUMENT_BYTES / LIMIT_CHUNK_BYTES + 1][SEAL_HASH_SIZE];
  for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) memset(chunks[i], (int)i, SEAL_HASH_SIZE);
  const struct manifest manifest = {.kind = DOCUMENT_OF_CATALOGUE,
                                    .hash = hash_view,
                                    .size = LIMIT_DOCUMENT_BYTES,
                                    .chunks = (const uint8_t(*)[SEAL_HASH_SIZE])chunks,
                                    .chunk_count = G_N_ELEMENTS(chunks),
                                    .area = NULL};
  g_autoptr(GByteArray) bytes = manifest_encode(&manifest);
  assert_true(bytes->len + SEAL_HEADER_SIZE <= LIMIT_SEALED_BYTES);
  CLEANUP(manifest_free) struct manifest *decoded = manifest_decode(bytes->data, bytes->len);
  assert_non_null(decoded);
  assert_int_equal(decoded->kind, DOCUMENT_OF_CATALOGUE);
  assert_hash(decoded->hash);
  assert_int_equal(decoded->size, LIMIT_DOCUMENT_BYTES);
  assert_int_equal(decoded->chunk_count, G_N_ELEMENTS(chunks));
  assert_memory_equal(decoded->chunks, chunks, sizeof chunks);
  assert_string_equal(decoded->area, "");
}

/* --- receipts --- */

static struct receipt sample_receipt(void)
{
  return (struct receipt){.submission = hash_view,
                          .agent = "liudong-1",
                          .sequence = UINT64_MAX,
                          .counted = 1,
                          .unchanged = 2,
                          .stale = 3,
                          .waiting = 4,
                          .refused = UINT32_MAX,
                          .position = 41,
                          .tree_size = 42,
                          .tree_root = hash_view,
                          .recorded_at_ms = 1528070400000,
                          .leaf_hash = hash_view};
}

static void receipts_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  static const char *const none[] = {""};
  const struct refusal refusal = {0, "u", "unit.unknown", "", "", "", VERDICT_IS_REFUSED};
  static const uint8_t long_path[MERKLE_PROOF_MOST + 1][SEAL_HASH_SIZE];
  struct receipt cases[10];
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) cases[i] = sample_receipt();
  cases[0].submission.length = 31;
  cases[1].agent = "";
  cases[2].tree_root.length = 0;
  cases[3].position = 42; /* not in the tree */
  cases[4].refusals = &refusal;
  cases[4].refusal_count = 1; /* of a total of 0 */
  cases[5].findings = none;
  cases[5].finding_count = 1;
  cases[6].agent = "a\tb";
  cases[7].tree_size = 0;
  cases[8].leaf_hash.length = 31;
  cases[9].path = (struct hashes_view){long_path, MERKLE_PROOF_MOST + 1};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = receipt_encode(&cases[i]);
    assert_null(receipt_decode(bytes->data, bytes->len));
  }
}

static void a_receipt_without_tree_head_is_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  put_bytes(bytes, 1, hash, sizeof hash);
  put_text(bytes, 2, "liudong-1");
  assert_null(receipt_decode(bytes->data, bytes->len));
}

static void a_receipt_of_more_than_500_refusals_is_refused(void **state)
{
  (void)state;
  struct receipt receipt = sample_receipt();
  receipt.refusals_total = 10000;
  g_autoptr(GByteArray) bytes = receipt_encode(&receipt);
  g_autoptr(GByteArray) refusal = g_byte_array_new();
  put_text(refusal, 3, "unit.unknown");
  put_number(refusal, 7, VERDICT_IS_REFUSED);
  for (int i = 0; i < LIMIT_REFUSALS_INLINE; i++) put_message(bytes, 12, refusal);
  CLEANUP(receipt_free) struct receipt *full = receipt_decode(bytes->data, bytes->len);
  assert_non_null(full);
  put_message(bytes, 12, refusal);
  assert_null(receipt_decode(bytes->data, bytes->len));
}

static void a_payload_larger_than_a_seal_is_refused(void **state)
{
  (void)state;
  struct receipt receipt = sample_receipt();
  g_autoptr(GByteArray) bytes = receipt_encode(&receipt);
  put_filled(bytes, 200, 'x', LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE - bytes->len - 5);
  CLEANUP(receipt_free) struct receipt *largest = receipt_decode(bytes->data, bytes->len);
  assert_non_null(largest);
  g_byte_array_append(bytes, (const uint8_t *)"\x20\x01", 2);
  assert_null(receipt_decode(bytes->data, bytes->len));
}

static void the_longest_receipt_fits_a_seal(void **state)
{
  (void)state;
  g_autofree char *code = g_strnfill(LIMIT_CODE_BYTES, 'c');
  g_autofree char *column = g_strconcat(code, ".ytd_ly", NULL);
  struct refusal refusals[LIMIT_REFUSALS_INLINE + 100];
  const char *findings[FINDING_COUNT];
  for (uint32_t i = 0; i < G_N_ELEMENTS(refusals); i++)
    refusals[i] = (struct refusal){UINT32_MAX, code, code, column, code, code, VERDICT_IS_STALE};
  for (size_t i = 0; i < G_N_ELEMENTS(findings); i++) findings[i] = code;

  struct receipt receipt = sample_receipt();
  receipt.agent = code;
  receipt.position = UINT64_MAX - 1;
  receipt.tree_size = UINT64_MAX;
  receipt.recorded_at_ms = INT64_MIN;
  receipt.refusals = refusals;
  receipt.refusal_count = G_N_ELEMENTS(refusals); /* the encoder leaves those beyond 500 to the pages */
  receipt.refusals_total = UINT32_MAX;
  receipt.findings = findings;
  receipt.finding_count = G_N_ELEMENTS(findings);
  static const uint8_t path[MERKLE_PROOF_MOST][SEAL_HASH_SIZE] = {{1}, {2}};
  receipt.path = (struct hashes_view){path, MERKLE_PROOF_MOST};

  g_autoptr(GByteArray) bytes = receipt_encode(&receipt);
  assert_true(bytes->len + SEAL_HEADER_SIZE <= LIMIT_SEALED_BYTES);
  CLEANUP(receipt_free) struct receipt *decoded = receipt_decode(bytes->data, bytes->len);
  assert_non_null(decoded);
  assert_hash(decoded->submission);
  assert_hash(decoded->leaf_hash);
  assert_int_equal(decoded->path.count, MERKLE_PROOF_MOST);
  assert_memory_equal(decoded->path.hash, path, sizeof path);
  assert_string_equal(decoded->agent, code);
  assert_true(decoded->sequence == UINT64_MAX && decoded->recorded_at_ms == INT64_MIN);
  assert_true(decoded->position == UINT64_MAX - 1 && decoded->tree_size == UINT64_MAX);
  assert_int_equal(decoded->counted, 1);
  assert_int_equal(decoded->unchanged, 2);
  assert_int_equal(decoded->stale, 3);
  assert_int_equal(decoded->waiting, 4);
  assert_int_equal(decoded->refused, UINT32_MAX);
  assert_hash(decoded->tree_root);
  assert_int_equal(decoded->refusal_count, LIMIT_REFUSALS_INLINE);
  assert_int_equal(decoded->refusals_total, UINT32_MAX);
  assert_string_equal(decoded->refusals[LIMIT_REFUSALS_INLINE - 1].indicator, column);
  assert_int_equal(decoded->finding_count, FINDING_COUNT);
  assert_string_equal(decoded->findings[FINDING_COUNT - 1], code);
}

/* --- certificates --- */

static struct certificate sample_certificate(void)
{
  return (struct certificate){.agent = "liudong-1",
                              .area = "liudong",
                              .role = AGENT_OF_BUREAU,
                              .curve_key = hash_view,
                              .sign_key = hash_view,
                              .issued_at_ms = 1};
}

static void certificates_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  static const char *const unclean[] = {"rd-yearly", "x\x7f"};
  struct certificate cases[6];
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) cases[i] = sample_certificate();
  cases[0].agent = "";
  cases[1].area = "";
  cases[2].curve_key.length = 0;
  cases[3].sign_key.length = 31;
  cases[4].role = (enum agent_role)2;
  cases[5].forms = unclean;
  cases[5].form_count = 2;
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = certificate_encode(&cases[i]);
    assert_null(certificate_decode(bytes->data, bytes->len));
  }
}

static void a_certificate_comes_through(void **state)
{
  (void)state;
  static const char *const forms[] = {"city-yearly", "city-monthly"};
  struct certificate certificate = sample_certificate();
  certificate.forms = forms;
  certificate.form_count = 2;
  g_autoptr(GByteArray) bytes = certificate_encode(&certificate);
  CLEANUP(certificate_free) struct certificate *decoded = certificate_decode(bytes->data, bytes->len);
  assert_non_null(decoded);
  assert_string_equal(decoded->agent, "liudong-1");
  assert_string_equal(decoded->area, "liudong");
  assert_int_equal(decoded->role, AGENT_OF_BUREAU);
  assert_int_equal(decoded->form_count, 2);
  assert_string_equal(decoded->forms[1], "city-monthly");
  assert_hash(decoded->curve_key);
  assert_hash(decoded->sign_key);
  assert_int_equal(decoded->issued_at_ms, 1);
}

/* --- heads and epochs --- */

static void heads_and_epochs_come_back_as_they_were_made(void **state)
{
  (void)state;
  const struct signed_head head = {
      .size = UINT64_MAX, .epoch = 7, .root = hash_view, .recorded_at_ms = INT64_MIN};
  g_autoptr(GByteArray) head_bytes = signed_head_encode(&head);
  assert_true(head_bytes->len <= LIMIT_HEAD_BYTES);
  CLEANUP(signed_head_free) struct signed_head *read = signed_head_decode(head_bytes->data, head_bytes->len);
  assert_non_null(read);
  assert_true(read->size == UINT64_MAX && read->epoch == 7 && read->recorded_at_ms == INT64_MIN);
  assert_hash(read->root);

  const struct epoch epoch = {
      .number = INT64_MAX, .before = 7, .size = UINT64_MAX, .root = hash_view, .restored_at_ms = INT64_MIN};
  g_autoptr(GByteArray) epoch_bytes = epoch_encode(&epoch);
  assert_true(epoch_bytes->len <= LIMIT_HEAD_BYTES);
  CLEANUP(epoch_free) struct epoch *again = epoch_decode(epoch_bytes->data, epoch_bytes->len);
  assert_non_null(again);
  assert_true(again->number == INT64_MAX && again->before == 7);
  assert_true(again->size == UINT64_MAX && again->restored_at_ms == INT64_MIN);
  assert_hash(again->root);
}

static void heads_and_epochs_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  struct signed_head head = {.size = 1, .root = hash_view};
  head.root.length = 31;
  g_autoptr(GByteArray) short_root = signed_head_encode(&head);
  assert_null(signed_head_decode(short_root->data, short_root->len));
  assert_null(signed_head_decode(short_root->data, 0));
  struct epoch epochs[] = {{.number = 0, .size = 1, .root = hash_view},
                           {.number = 7, .before = 7, .size = 1, .root = hash_view},
                           {.number = (uint64_t)INT64_MAX + 1, .size = 1, .root = hash_view},
                           {.number = 1, .size = 1, .root = {hash, 31}}};
  for (size_t i = 0; i < G_N_ELEMENTS(epochs); i++) {
    g_autoptr(GByteArray) bytes = epoch_encode(&epochs[i]);
    assert_null(epoch_decode(bytes->data, bytes->len));
  }
}

static void a_head_is_passed_on_as_a_line_of_text(void **state)
{
  (void)state;
  uint8_t sealed[SEAL_HEADER_SIZE + LIMIT_HEAD_BYTES];
  for (size_t i = 0; i < sizeof sealed; i++) sealed[i] = (uint8_t)i;
  g_autofree char *text = head_text(sealed, sizeof sealed);
  g_autofree char *spaced = g_strdup_printf(" \n%s\n", text);
  g_autoptr(GBytes) read = head_from_text(spaced);
  assert_non_null(read);
  assert_int_equal(g_bytes_get_size(read), sizeof sealed);
  assert_memory_equal(g_bytes_get_data(read, NULL), sealed, sizeof sealed);
  g_autofree char *longer = g_strconcat(text, "AAAA", NULL);
  static const char *const cases[] = {"", "parktally-head:2:AAAA", "parktally-head:1:A?", "AAAA"};
  assert_null(head_from_text(longer));
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) assert_null(head_from_text(cases[i]));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(manifests_that_do_not_add_up_are_refused),
      cmocka_unit_test(a_manifest_of_the_largest_document_comes_through),
      cmocka_unit_test(receipts_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(a_receipt_without_tree_head_is_refused),
      cmocka_unit_test(a_receipt_of_more_than_500_refusals_is_refused),
      cmocka_unit_test(a_payload_larger_than_a_seal_is_refused),
      cmocka_unit_test(the_longest_receipt_fits_a_seal),
      cmocka_unit_test(certificates_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(a_certificate_comes_through),
      cmocka_unit_test(heads_and_epochs_come_back_as_they_were_made),
      cmocka_unit_test(heads_and_epochs_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(a_head_is_passed_on_as_a_line_of_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
