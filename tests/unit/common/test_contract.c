/* proto/README.md is a contract: what it says in tables and hex is compared with the code. */
#include "common/codec.h"
#include "common/limits.h"
#include "common/submission.h"
#include "common/text.h"

#include <inttypes.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *page;

static int read_page(void **state)
{
  (void)state;
  return g_file_get_contents(SOURCE_DIR "/proto/README.md", &page, NULL, NULL) ? 0 : -1;
}

static int drop_page(void **state)
{
  (void)state;
  g_free(page);
  return 0;
}

/* The text of the block that begins with "```language name". */
static char *block(const char *heading)
{
  g_autofree char *opening = g_strdup_printf("\n```%s\n", heading);
  const char *start = strstr(page, opening);
  if (start == NULL) fail_msg("no block “%s”", heading);
  start += strlen(opening);
  const char *end = strstr(start, "\n```");
  assert_non_null(end);
  return g_strndup(start, (gsize)(end - start));
}

/* The bytes of a block of hex: what stands behind # is for people. */
static GByteArray *hex(const char *name)
{
  g_autofree char *heading = g_strconcat("hex ", name, NULL);
  g_autofree char *text = block(heading);
  g_autoptr(GString) digits = g_string_new("");
  bool remark = false;
  for (const char *c = text; *c; c++) {
    if (*c == '\n' || *c == '#')
      remark = *c == '#';
    else if (!remark && *c != ' ')
      g_string_append_c(digits, *c);
  }
  GByteArray *bytes = g_byte_array_new();
  g_byte_array_set_size(bytes, (guint)digits->len / 2);
  assert_true(text_unhex(digits->str, bytes->len, bytes->data));
  return bytes;
}

static void assert_bytes(const uint8_t *data, size_t length, const GByteArray *expected)
{
  assert_int_equal(length, expected->len);
  assert_memory_equal(data, expected->data, length);
}

static void assert_on_page(const char *line)
{
  if (strstr(page, line) == NULL) fail_msg("proto/README.md lacks this line:%s", line);
}

static size_t rows_of(const char *section)
{
  g_autofree char *heading = g_strdup_printf("\n## %s\n", section);
  const char *start = strstr(page, heading);
  assert_non_null(start);
  start += strlen(heading);
  const char *end = strstr(start, "\n## ");
  g_autofree char *text = g_strndup(start, (gsize)(end - start));
  size_t rows = 0;
  for (const char *row = strstr(text, "\n| `"); row != NULL; row = strstr(row + 1, "\n| `")) rows++;
  return rows;
}

static void every_code_is_listed_with_its_severity_and_meaning(void **state)
{
  (void)state;
  enum { NOTE, REPORT, FILE };
  static const char *const severities[] = {"note", "report", "file"};
  static const struct {
    const char *id;
    int severity;
    const char *text;
  } table[] = {
#define X(name, id, severity, text, advice) {id, severity, text},
      FINDING_TABLE(X)
#undef X
  };
  for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
    g_autofree char *line =
        g_strdup_printf("\n| `%s` | %s | %s |\n", table[i].id, severities[table[i].severity], table[i].text);
    assert_on_page(line);
  }
  assert_int_equal(rows_of("Codes"), G_N_ELEMENTS(table));
}

static void every_limit_of_the_wire_is_listed_with_its_value(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    int64_t value;
  } table[] = {
#define ROW(name) {#name, (int64_t)(name)}
      ROW(LIMIT_FIGURE),           ROW(LIMIT_DECIMALS),      ROW(LIMIT_FORM_COLUMNS),
      ROW(LIMIT_CODE_BYTES),       ROW(LIMIT_NAME_BYTES),    ROW(LIMIT_SEALED_BYTES),
      ROW(LIMIT_FRAME_BYTES),      ROW(LIMIT_CARRIED_BYTES), ROW(LIMIT_CHUNK_BYTES),
      ROW(LIMIT_DOCUMENT_BYTES),   ROW(LIMIT_DECODE_ARENA),  ROW(LIMIT_SUBMISSION_ARENA),
      ROW(LIMIT_REFUSALS_INLINE),  ROW(LIMIT_REFUSAL_TEXT),  ROW(LIMIT_REPORTS),
      ROW(LIMIT_CREDIT_GLOBAL),    ROW(LIMIT_CREDIT_AGENT),  ROW(LIMIT_INVITATION_TEXT),
      ROW(LIMIT_HANDSHAKE_MS),     ROW(LIMIT_HEARTBEAT_MS),  ROW(LIMIT_RECONNECT_MS),
      ROW(LIMIT_RECONNECT_MAX_MS), ROW(LIMIT_ANSWER_MS),     ROW(LIMIT_CLOCK_SKEW_MS),
      ROW(LIMIT_INVITATION_MS),    ROW(LIMIT_ANSWER_BYTES),  ROW(LIMIT_STATE_INLINE),
      ROW(LIMIT_AGENT_FORMS),      ROW(LIMIT_HEADS_ASKED),
#undef ROW
  };
  for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
    g_autofree char *line = g_strdup_printf("\n| `%s` | %" PRId64 " | ", table[i].name, table[i].value);
    assert_on_page(line);
  }
  assert_int_equal(rows_of("Limits"), G_N_ELEMENTS(table));
}

/* --- the worked example --- */

static void example_keys(uint8_t ret_public[static SEAL_PUBLIC_KEY_SIZE],
                         uint8_t ret_secret[static SEAL_SECRET_KEY_SIZE])
{
  g_autoptr(GByteArray) seed = hex("sign-seed");
  assert_int_equal(seed->len, crypto_sign_SEEDBYTES);
  for (guint i = 0; i < seed->len; i++) assert_int_equal(seed->data[i], i);
  crypto_sign_seed_keypair(ret_public, ret_secret, seed->data);
}

static struct column columns[] = {{.code = "gross_output"}, {.code = "gross_output.ytd"}};
static struct form form = {.code = "output-monthly", .columns = columns, .column_count = 2};
static struct catalogue catalogue = {.references = 1, .forms = &form, .form_count = 1};

static void fill(uint8_t *bytes, size_t length, uint8_t first)
{
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(first + i);
}

static void our_encoder_makes_the_example_s_payload(void **state)
{
  (void)state;
  struct submission_head head = {.agent = "demo",
                                 .sequence = 1,
                                 .form = "output-monthly",
                                 .period = "2018-05",
                                 .approved_by = "李明",
                                 .approved_at_ms = 1528070400000,
                                 .responsible = "王芳",
                                 .created_at_ms = 1528070460000};
  uint8_t base[SUBMISSION_ID_SIZE];
  fill(head.catalogue_hash, CATALOGUE_HASH_SIZE, 0xa0);
  fill(base, sizeof base, 0xc0);
  struct report_change figures = {.kind = KIND_FIGURES}, nil = {.kind = KIND_NIL};
  column_set_add(&figures.asked, 0);
  column_set_add(&figures.asked, 1);
  struct report_change correction = figures;
  column_set_add(&correction.withdrawn, 0);
  figures_set(&correction.figures, 1, -300);
  figures_set(&figures.figures, 0, 1234567);
  figures_set(&figures.figures, 1, 6172835);

  CLEANUP(submission_writer_free) struct submission_writer *writer = submission_writer_new(&catalogue, 0);
  assert_true(submission_writer_add(writer, "9131000063159284XQ", &correction, base));
  assert_true(submission_writer_add(writer, "91350100M000100Y43", &figures, NULL));
  assert_true(submission_writer_add(writer, "914502000000000060", &nil, NULL));
  g_autoptr(GByteArray) payload = submission_writer_finish(writer, &head);
  g_autoptr(GByteArray) expected = hex("payload");
  assert_bytes(payload->data, payload->len, expected);
}

static void our_decoder_reads_the_example_s_payload(void **state)
{
  (void)state;
  g_autoptr(GByteArray) payload = hex("payload");
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload->data, payload->len);
  assert_non_null(submission);
  assert_string_equal(submission_head(submission)->approved_by, "李明");
  assert_int_equal(submission_size(submission), 3);
  assert_int_equal(submission_bind(submission, &catalogue, 0), CATALOGUE_NONE);
  struct submission_report report;
  submission_report(submission, 0, &report);
  assert_true(report.has_base && report.base[0] == 0xc0);
  assert_true(column_set_has(&report.change.withdrawn, 0));
  assert_true(report.change.figures.value[1] == -300);
  submission_report(submission, 1, &report);
  assert_false(report.has_base);
  assert_true(report.change.figures.value[0] == 1234567 && report.change.figures.value[1] == 6172835);
  submission_report(submission, 2, &report);
  assert_int_equal(report.change.kind, KIND_NIL);
}

static void the_example_s_keys_seal_and_frame_are_ours(void **state)
{
  (void)state;
  uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], secret_key[SEAL_SECRET_KEY_SIZE], hash[SEAL_HASH_SIZE];
  example_keys(public_key, secret_key);
  g_autoptr(GByteArray) payload = hex("payload");
  g_autoptr(GByteArray) id = hex("id");
  g_autoptr(GByteArray) header = hex("seal-header");
  g_autoptr(GByteArray) start = hex("frame-start");
  g_autoptr(GByteArray) sign_public = hex("sign-public");
  g_autoptr(GByteArray) key_id = hex("key-id");
  assert_bytes(public_key, sizeof public_key, sign_public);
  seal_key_id(public_key, hash);
  assert_bytes(hash, sizeof hash, key_id);
  seal_hash(payload->data, payload->len, hash);
  assert_bytes(hash, sizeof hash, id);

  g_autoptr(GByteArray) sealed =
      seal_make(SEAL_SUBMISSION, public_key, secret_key, payload->data, payload->len, NULL);
  assert_bytes(sealed->data, SEAL_HEADER_SIZE, header);
  g_byte_array_append(header, payload->data, payload->len);
  const uint8_t *opened;
  size_t length;
  assert_int_equal(seal_open(header->data, header->len, SEAL_SUBMISSION, public_key, &opened, &length, hash),
                   SEAL_OK);
  assert_bytes(hash, sizeof hash, id);

  g_autoptr(GBytes) frame = frame_encode(
      &(struct frame){.kind = FRAME_SUBMIT, .submit = {{id->data, id->len}, {sealed->data, sealed->len}}});
  gsize size;
  const uint8_t *data = g_bytes_get_data(frame, &size);
  g_byte_array_append(start, sealed->data, sealed->len);
  assert_bytes(data, size, start);
  CLEANUP(frame_free) struct frame *decoded = frame_decode(start->data, start->len);
  assert_int_equal(decoded->kind, FRAME_SUBMIT);
}

static void the_example_s_joining_record_is_ours(void **state)
{
  (void)state;
  struct join_record join, decoded;
  uint8_t curve_secret[32], sign_secret[SEAL_SECRET_KEY_SIZE], bytes[JOIN_SIZE];
  fill(join.secret, sizeof join.secret, 0x40);
  fill(curve_secret, sizeof curve_secret, 0x20);
  crypto_scalarmult_base(join.curve_key, curve_secret);
  example_keys(join.sign_key, sign_secret);
  join_encode(&join, sign_secret, bytes);
  g_autoptr(GByteArray) expected = hex("join");
  assert_bytes(bytes, sizeof bytes, expected);
  assert_true(join_decode(expected->data, expected->len, &decoded));
  assert_memory_equal(&decoded, &join, sizeof join);
}

static void the_example_s_invitation_is_ours(void **state)
{
  (void)state;
  uint8_t secret[32], curve_secret[32], curve_key[32], seed[32], sign_key[32], sign_secret[64];
  fill(secret, sizeof secret, 0x40);
  fill(curve_secret, sizeof curve_secret, 0x60);
  crypto_scalarmult_base(curve_key, curve_secret);
  fill(seed, sizeof seed, 0x80);
  crypto_sign_seed_keypair(sign_key, sign_secret, seed);
  g_autofree char *text = block("text invitation");
  g_autofree char *ours = invitation_encode(&(struct invitation){.endpoint = "tcp://127.0.0.1:7650",
                                                                 .enrol_endpoint = "tcp://127.0.0.1:7651",
                                                                 .curve_key = {curve_key, 32},
                                                                 .sign_key = {sign_key, 32},
                                                                 .secret = {secret, 32},
                                                                 .expires_at_ms = 1528243200000});
  assert_string_equal(ours, text);
  CLEANUP(invitation_free) struct invitation *decoded = invitation_decode(text);
  assert_non_null(decoded);
  assert_memory_equal(decoded->secret.data, secret, sizeof secret);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_is_listed_with_its_severity_and_meaning),
      cmocka_unit_test(every_limit_of_the_wire_is_listed_with_its_value),
      cmocka_unit_test(our_encoder_makes_the_example_s_payload),
      cmocka_unit_test(our_decoder_reads_the_example_s_payload),
      cmocka_unit_test(the_example_s_keys_seal_and_frame_are_ours),
      cmocka_unit_test(the_example_s_joining_record_is_ours),
      cmocka_unit_test(the_example_s_invitation_is_ours),
  };
  return cmocka_run_group_tests(tests, read_page, drop_page);
}
