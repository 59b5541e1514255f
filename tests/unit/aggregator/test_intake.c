/* Intake over a real writer: every submission is answered once, and what came first is written first. */
#include "aggregator/intake.h"

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT 0 /* column of form `monthly` in small.yaml */

/* Answers as they came. */
struct answers {
  GMutex mutex;
  GCond cond;
  GPtrArray *list; /* of struct answer */
};

struct answer {
  char *agent;
  uint8_t id[SUBMISSION_ID_SIZE];
  GBytes *receipt;
  char *fault;
};

struct world {
  struct fixture fixture;
  struct fixture_agent east, west;
  struct intake *intake;
  struct answers answers;
};

static void answer_free(void *data)
{
  struct answer *answer = data;

  g_free(answer->agent);
  g_free(answer->fault);
  if (answer->receipt) g_bytes_unref(answer->receipt);
  g_free(answer);
}

static void keep_answer(const struct intake_answer *given, void *data)
{
  struct answers *answers = data;
  struct answer *answer = g_new0(struct answer, 1);

  answer->agent = g_strdup(given->agent);
  memcpy(answer->id, given->id, sizeof answer->id);
  if (given->receipt) answer->receipt = g_bytes_ref(given->receipt);
  answer->fault = g_strdup(given->fault);
  g_mutex_lock(&answers->mutex);
  g_ptr_array_add(answers->list, answer);
  g_cond_signal(&answers->cond);
  g_mutex_unlock(&answers->mutex);
}

/* Until so many have come. */
static void await(struct answers *answers, unsigned count)
{
  g_mutex_lock(&answers->mutex);
  while (answers->list->len < count) g_cond_wait(&answers->cond, &answers->mutex);
  g_mutex_unlock(&answers->mutex);
}

static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);

  fixture_setup(&world->fixture, "unit,class,parks\na1,code,east\nc1,code,west\n");
  fixture_enrol(&world->fixture, "east", &world->east);
  fixture_enrol(&world->fixture, "west", &world->west);
  g_mutex_init(&world->answers.mutex);
  g_cond_init(&world->answers.cond);
  world->answers.list = g_ptr_array_new_with_free_func(answer_free);
  world->intake =
      intake_new(world->fixture.folder, world->fixture.writer, keep_answer, &world->answers, NULL);
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;

  intake_free(world->intake);
  g_ptr_array_unref(world->answers.list);
  g_mutex_clear(&world->answers.mutex);
  g_cond_clear(&world->answers.cond);
  fixture_agent_clear(&world->east);
  fixture_agent_clear(&world->west);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

static GBytes *make(struct world *world, const char *unit, int64_t value, const uint8_t *base,
                    uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  struct fixture_report report = {.unit = unit, .base = base, .change = fixture_value(OUTPUT, value)};

  return fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, ret_id);
}

static GBytes *with_a_bit_turned(GBytes *sealed)
{
  GByteArray *bytes = g_bytes_unref_to_array(sealed);

  bytes->data[bytes->len - 1] ^= 1;
  return g_byte_array_free_to_bytes(bytes);
}

static struct receipt *open_receipt(struct world *world, GBytes *sealed)
{
  const uint8_t *payload;
  size_t length;

  assert_int_equal(seal_open(g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed), SEAL_RECEIPT,
                             identity_sign_public(world->fixture.identity), &payload, &length, NULL),
                   SEAL_OK);
  return receipt_decode(payload, length);
}

/* --- tests --- */

static void what_cannot_be_taken_is_answered_with_the_claimed_id_and_the_carrier(void **state)
{
  struct world *world = *state;
  static const uint8_t claimed[SUBMISSION_ID_SIZE] = {9, 9};
  uint8_t id[SUBMISSION_ID_SIZE];
  g_autoptr(GBytes) garbage = g_bytes_new("garbage", 7);
  g_autoptr(GBytes) sound = make(world, "a1", 1, NULL, id);

  intake_take(world->intake, world->west.id, claimed, garbage);
  intake_take(world->intake, world->west.id, claimed, sound); /* under another id than its own */
  await(&world->answers, 2);
  for (unsigned n = 0; n < 2; n++) {
    const struct answer *answer = world->answers.list->pdata[n];

    assert_string_equal(answer->agent, world->west.id);
    assert_memory_equal(answer->id, claimed, sizeof claimed);
    assert_string_equal(answer->fault, finding_id(FINDING_MESSAGE_MALFORMED));
    assert_null(answer->receipt);
  }
}

static void a_fault_that_only_the_writer_finds_is_told_too(void **state)
{
  struct world *world = *state;
  uint8_t first_id[SUBMISSION_ID_SIZE], second_id[SUBMISSION_ID_SIZE];
  g_autoptr(GBytes) first = make(world, "a1", 1, NULL, first_id);
  world->east.sequence--;
  g_autoptr(GBytes) second = make(world, "a1", 2, NULL, second_id);

  intake_take(world->intake, world->east.id, first_id, first);
  intake_take(world->intake, world->east.id, second_id, second);
  await(&world->answers, 2);
  const struct answer *taken = world->answers.list->pdata[0], *refused = world->answers.list->pdata[1];
  assert_non_null(taken->receipt);
  assert_memory_equal(refused->id, second_id, sizeof second_id);
  assert_string_equal(refused->fault, finding_id(FINDING_SEQUENCE_REUSED));
}

static void who_carries_a_submission_does_not_matter_to_it(void **state)
{
  struct world *world = *state;
  uint8_t id[SUBMISSION_ID_SIZE];
  g_autoptr(GBytes) sealed = make(world, "a1", 1, NULL, id);

  intake_take(world->intake, world->west.id, id, sealed);
  await(&world->answers, 1);
  const struct answer *answer = world->answers.list->pdata[0];
  assert_string_equal(answer->agent, world->west.id); /* it is answered */
  assert_non_null(answer->receipt);
  CLEANUP(receipt_free) struct receipt *receipt = open_receipt(world, answer->receipt);
  assert_string_equal(receipt->agent, world->east.id); /* and the other one's */
  assert_int_equal(receipt->counted, 1);
}

static void what_came_first_is_written_first_however_long_judging_took(void **state)
{
  enum { CHAIN = 60, UNITS = 1500 };
  struct world *world = *state;
  struct fixture_report *reports = g_new0(struct fixture_report, UNITS);
  char(*units)[8] = g_malloc(UNITS * sizeof *units);
  uint8_t ids[CHAIN][SUBMISSION_ID_SIZE];
  GBytes *sealed[CHAIN];

  reports[0] = (struct fixture_report){.unit = "a1", .change = fixture_value(OUTPUT, 0)};
  for (int n = 1; n < UNITS; n++) {
    g_snprintf(units[n], sizeof units[n], "x%05d", n);
    reports[n] = (struct fixture_report){.unit = units[n], .change = fixture_value(OUTPUT, n)};
  }
  /* each corrects the one before; every fourth is large, and a forged one stands between */
  for (int n = 0; n < CHAIN; n++) {
    reports[0].base = n > 0 ? ids[n - 1] : NULL;
    reports[0].change = fixture_value(OUTPUT, n + 1);
    sealed[n] = fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", reports,
                             n % 4 == 0 ? UNITS : 1, ids[n]);
  }
  for (int n = 0; n < CHAIN; n++) {
    g_autoptr(GBytes) forged =
        with_a_bit_turned(g_bytes_new(g_bytes_get_data(sealed[n], NULL), g_bytes_get_size(sealed[n])));

    intake_take(world->intake, world->east.id, ids[n], sealed[n]);
    intake_take(world->intake, world->west.id, ids[n], forged);
  }
  await(&world->answers, 2 * CHAIN);
  unsigned receipts = 0;
  for (unsigned n = 0; n < world->answers.list->len; n++) {
    const struct answer *answer = world->answers.list->pdata[n];

    if (!answer->receipt) {
      assert_string_equal(answer->fault, finding_id(FINDING_SEAL_FORGED));
      continue;
    }
    assert_memory_equal(answer->id, ids[receipts], SUBMISSION_ID_SIZE);
    CLEANUP(receipt_free) struct receipt *receipt = open_receipt(world, answer->receipt);
    assert_int_equal(receipt->counted, 1); /* had it come before its base, it would wait */
    receipts++;
  }
  assert_int_equal(receipts, CHAIN);
  for (int n = 0; n < CHAIN; n++) g_bytes_unref(sealed[n]);
  g_free(reports);
  g_free(units);
}

/* Together they take far more, decoded, than may be decoded at any time. */
static void more_than_memory_holds_is_taken_in_turn(void **state)
{
  enum { MANY = 64, UNITS = 7000 };
  struct world *world = *state;
  struct fixture_report *reports = g_new0(struct fixture_report, UNITS);
  char(*units)[8] = g_malloc(UNITS * sizeof *units);
  uint8_t ids[MANY][SUBMISSION_ID_SIZE];
  size_t memory = 0;

  for (int n = 0; n < UNITS; n++) {
    g_snprintf(units[n], sizeof units[n], "x%05d", n);
    reports[n] = (struct fixture_report){.unit = units[n], .change = fixture_value(OUTPUT, n)};
  }
  for (int n = 0; n < MANY; n++) {
    g_autoptr(GBytes) sealed =
        fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", reports, UNITS, ids[n]);

    if (n == 0) {
      CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(world->fixture.writer));
      CLEANUP(judged_free) struct judged *judged = judge_submission(snapshot, sealed, NULL, 0);

      memory = judged_memory(judged);
    }
    intake_take(world->intake, world->east.id, ids[n], sealed);
  }
  assert_in_range(MANY * memory, LIMIT_DECODED_BYTES + 2 * JUDGED_MOST, SIZE_MAX);
  await(&world->answers, MANY);
  for (unsigned n = 0; n < MANY; n++) {
    const struct answer *answer = world->answers.list->pdata[n];

    assert_non_null(answer->receipt);
    assert_memory_equal(answer->id, ids[n], SUBMISSION_ID_SIZE);
  }
  g_free(reports);
  g_free(units);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(what_cannot_be_taken_is_answered_with_the_claimed_id_and_the_carrier),
      TEST(a_fault_that_only_the_writer_finds_is_told_too),
      TEST(who_carries_a_submission_does_not_matter_to_it),
      TEST(what_came_first_is_written_first_however_long_judging_took),
      TEST(more_than_memory_holds_is_taken_in_turn),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
