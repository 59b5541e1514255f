/* What `receipts verify` finds in an outbox whose rows are not what came. */
#include "agent/commands.h"
#include "fixture_home.h"

#include "common/db.h"
#include "common/merkle.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT 3

static struct fixture_home fixture;

static void put(unsigned n)
{
  struct outbox *outbox = fixture_outbox(&fixture);
  int64_t values[] = {n, n};
  struct fixture_report report = {.unit = n, .change = fixture_change(2, values)};
  uint8_t id[SUBMISSION_ID_SIZE];

  fixture_sendable(&fixture, outbox, &report, 1, id);
  fixture_answer(&fixture, outbox, id, 1, NULL, 0, 0);
  outbox_close(outbox);
}

/* As the link does when all receipts are in. */
static void tie(void)
{
  struct outbox *outbox = fixture_outbox(&fixture);
  struct outbox_head heads[LIMIT_HEADS_ASKED];
  size_t count = outbox_open_heads(outbox, heads, LIMIT_HEADS_ASKED);
  struct outbox_continuation continued[LIMIT_HEADS_ASKED];
  uint64_t sizes[LIMIT_HEADS_ASKED];
  const uint8_t *payload;
  size_t length;

  for (size_t n = 0; n < count; n++) sizes[n] = heads[n].size;
  g_autoptr(GBytes) data = fixture_head(&fixture, sizes, count);
  CLEANUP(frame_free)
  struct frame *frame = frame_decode(g_bytes_get_data(data, NULL), g_bytes_get_size(data));
  assert_non_null(frame);
  assert_int_equal(frame->head.count, count);
  assert_int_equal(seal_open(frame->head.sealed.data, frame->head.sealed.length, SEAL_HEAD,
                             identity_sign_public(fixture.server), &payload, &length, NULL),
                   SEAL_OK);
  CLEANUP(signed_head_free) struct signed_head *head = signed_head_decode(payload, length);
  for (size_t n = 0; n < count; n++)
    continued[n] = (struct outbox_continuation){heads[n], frame->head.items[n].path};
  assert_true(outbox_head(outbox, head, frame->head.sealed, continued, count, 1, NULL));
  outbox_close(outbox);
}

static int setup(void **state)
{
  (void)state;
  fixture_home_setup(&fixture, NULL);
  for (unsigned n = 0; n < COUNT; n++) put(n);
  tie();
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  fixture_home_teardown(&fixture);
  return 0;
}

/* A row that the disk, or somebody who knows SQLite, has changed so that its page fits. */
static void change(const char *sql)
{
  g_autofree char *path = g_build_filename(fixture.data, "outbox.db", NULL);
  CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 256, NULL);

  assert_non_null(db);
  if (!db_exec(db, sql)) fail_msg("%s", db_error(db)->message);
}

/* What it prints for people; its exit code. */
static char *verify(int *ret_code)
{
  g_autofree char *path = g_build_filename(fixture.folder, "said", NULL);
  char *argv[] = {(char *)"receipts verify", (char *)"--data", fixture.data, NULL};
  char *said = NULL;
  int standard;

  fflush(stdout);
  standard = dup(STDOUT_FILENO);
  assert_non_null(freopen(path, "w", stdout));
  *ret_code = command_receipts_verify(3, argv);
  fflush(stdout);
  dup2(standard, STDOUT_FILENO);
  close(standard);
  assert_true(g_file_get_contents(path, &said, NULL, NULL));
  return said;
}

static void expect(int code, const char *words)
{
  int found;
  g_autofree char *said = verify(&found);

  if (!strstr(said, words)) fail_msg("“%s” is not in:\n%s", words, said);
  assert_int_equal(found, code);
}

static void what_came_is_proved(void **state)
{
  (void)state;
  expect(0, "3 receipts: each is signed");
  expect(0, "it continues 2 earlier ones, 0 are not compared yet");
}

static void a_receipt_that_is_lost_or_another_s_or_forged_is_named(void **state)
{
  (void)state;
  change("UPDATE receipt SET sealed = (SELECT sealed FROM receipt WHERE sequence = 3) WHERE sequence = 2");
  expect(65, "submission 2 (monthly 2018-05): its receipt is that of another submission");
  change("UPDATE receipt SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB) WHERE "
         "sequence = 2");
  expect(65, "submission 2 (monthly 2018-05): its receipt is not signed by the city");
  change("DELETE FROM receipt WHERE sequence = 2");
  expect(65, "submission 2 (monthly 2018-05): its receipt is lost");
}

static void a_head_that_is_not_what_was_signed_is_named(void **state)
{
  (void)state;
  change("UPDATE head SET root = zeroblob(32) WHERE size = (SELECT max(size) FROM head)");
  expect(65, "is not what the city signed");
  expect(65, "its receipt names another ledger");
}

static void heads_that_nothing_ties_together_are_named(void **state)
{
  (void)state;
  change("UPDATE head SET path = zeroblob(length(path)) WHERE size = (SELECT min(size) FROM head)");
  expect(65, "nothing proves that the ledger of");
  change("UPDATE head SET path = NULL, continued = NULL WHERE size = (SELECT min(size) FROM head)");
  expect(0, "1 are not compared yet");
  change("DELETE FROM head WHERE size = (SELECT min(size) FROM head)");
  expect(65, "the head that its receipt names is lost");
}

static void a_restore_that_was_not_signed_is_named(void **state)
{
  (void)state;
  change("INSERT INTO epoch(number, size, root, sealed, restored_at_ms, sent_again)"
         " VALUES(1, 8, zeroblob(32), zeroblob(150), 1, 0)");
  expect(65, "what the city said of restore 1 is not what it signed");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_came_is_proved, setup, teardown),
      cmocka_unit_test_setup_teardown(a_receipt_that_is_lost_or_another_s_or_forged_is_named, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_head_that_is_not_what_was_signed_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(heads_that_nothing_ties_together_are_named, setup, teardown),
      cmocka_unit_test_setup_teardown(a_restore_that_was_not_signed_is_named, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
