#include "fixture_home.h"

#include "common/db.h"
#include "common/error.h"
#include "common/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct fixture_home fixture;
static struct outbox *outbox;

static const struct period MAY = {2018, 5, 1};

static int setup(void **state)
{
  (void)state;
  fixture_home_setup(&fixture, NULL);
  outbox = fixture_outbox(&fixture);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  outbox_close(outbox);
  fixture_home_teardown(&fixture);
  return 0;
}

static void reopen(void)
{
  outbox_close(outbox);
  outbox = fixture_outbox(&fixture);
}

static size_t count_pending(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 100, &error);
  assert_null(error);
  return items->len;
}

/* output, sales of fixture_unit(unit). */
static struct fixture_report report(unsigned unit, int64_t output, int64_t sales, const uint8_t *base)
{
  return (struct fixture_report){unit, fixture_change(2, (const int64_t[]){output, sales}), base};
}

/* A prior with its figures unpacked. */
struct seen {
  bool exists, known;
  uint8_t base[SUBMISSION_ID_SIZE];
  enum report_kind kind;
  struct figures figures;
};

static struct seen seen_of(const struct prior *prior)
{
  struct seen seen = {.exists = prior->exists, .known = prior->known, .kind = prior->kind};
  memcpy(seen.base, prior->base, sizeof seen.base);
  prior_figures(prior, &seen.figures);
  return seen;
}

/* The priors of units, ascending. */
static bool look_up(struct period period, const char *const *units, size_t count, struct seen *ret_seen,
                    GError **error)
{
  const struct catalogue *catalogue = fixture.home->catalogue;
  struct prior *priors = priors_new(count);
  bool found = outbox_priors(outbox, catalogue, catalogue_form(catalogue, "monthly"), period, units, count,
                             priors, error);
  for (size_t i = 0; found && i < count; i++) ret_seen[i] = seen_of(&priors[i]);
  priors_free(priors, count);
  return found;
}

/* One prior of May, of fixture_unit(unit). */
static struct seen prior_of(unsigned unit)
{
  g_autoptr(GError) error = NULL;
  struct seen seen;
  const char *code = fixture_unit(unit);
  assert_true(look_up(MAY, &code, 1, &seen, &error));
  return seen;
}

static struct refusal refusal(uint32_t row, unsigned unit, enum verdict verdict, const char *expected)
{
  return (struct refusal){.row = row,
                          .unit = fixture_unit(unit),
                          .rule = verdict == VERDICT_IS_STALE ? "report.stale" : "value.range",
                          .indicator = "",
                          .found = "",
                          .expected = expected,
                          .verdict = verdict};
}

/* Adds so many drafts of one report each, of the largest size that is. */
static uint64_t add_large_drafts(int64_t batch, unsigned count)
{
  static const struct period may = {2018, 5, 1};
  g_autoptr(GError) error = NULL;
  uint64_t sequence = 0;
  for (unsigned i = 0; i < count; i++) {
    sequence = outbox_sequence(outbox);
    g_autoptr(GByteArray) sealed = g_byte_array_new();
    g_byte_array_set_size(sealed, LIMIT_SEALED_BYTES);
    memset(sealed->data, 0, sealed->len);
    uint8_t id[SUBMISSION_ID_SIZE] = {0};
    memcpy(id, &sequence, sizeof sequence);
    assert_true(outbox_batch_add(outbox, batch, sequence, id, "monthly", may, fixture_unit(1),
                                 fixture_unit(1), 1, sealed, &error));
  }
  return sequence;
}

static int64_t count_rows(const char *table)
{
  g_autofree char *path = g_build_filename(fixture.data, "outbox.db", NULL);
  g_autoptr(GError) error = NULL;
  CLEANUP(db_close) struct db *db = db_open(path, DB_READ_ONLY, 1024, &error);
  assert_non_null(db);
  CLEANUP(db_end)
  struct db_row *row = db_query(db, strcmp(table, "content") == 0 ? "SELECT count(*) FROM content"
                                                                  : "SELECT count(*) FROM submission");
  assert_true(db_step(row));
  return db_int(row, 0);
}

static void drafts_of_a_crash_vanish_and_their_numbers_are_not_given_again(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  int64_t first, second;
  assert_true(outbox_batch_begin(outbox, "may.csv", 1, &first, &error));
  (void)add_large_drafts(first, 5); /* four of them fill a transaction */
  reopen();
  assert_int_equal(count_rows("content"), 4);
  assert_int_equal(count_pending(), 0);
  assert_false(prior_of(1).exists);
  assert_true(outbox_sequence(outbox) > 4);

  assert_true(outbox_batch_begin(outbox, "may.csv", 1, &second, &error));
  assert_true(second > first);
  assert_true(outbox_batch_commit(outbox, second, &error));
  assert_int_equal(count_rows("content"), 0);
  assert_int_equal(count_rows("submission"), 0);
  assert_true(outbox_sequence(outbox) > 4);
}

static void a_draft_whose_number_could_not_be_read_is_none(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_build_filename(fixture.data, "outbox.db", NULL);
  int64_t batch;
  assert_true(outbox_batch_begin(outbox, "may.csv", 1, &batch, &error));
  {
    CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 1024, &error);
    assert_true(db && db_exec(db, "DROP TABLE meta"));
  }
  uint64_t sequence = outbox_sequence(outbox);
  assert_int_equal(sequence, 0);
  g_autoptr(GByteArray) sealed = g_byte_array_new();
  assert_false(outbox_batch_add(outbox, batch, sequence, (const uint8_t[SUBMISSION_ID_SIZE]){0}, "monthly",
                                MAY, fixture_unit(1), fixture_unit(1), 1, sealed, &error));
  assert_non_null(error);
}

static void drafts_that_were_dropped_vanish_and_their_numbers_are_not_given_again(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  int64_t batch;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report one = report(1, 10, 20, NULL);
  assert_true(outbox_batch_begin(outbox, "may.csv", 1, &batch, &error));
  uint64_t given = add_large_drafts(batch, 6);
  outbox_batch_drop(outbox);
  fixture_sendable(&fixture, outbox, &one, 1, id);
  assert_int_equal(count_rows("content"), 1);
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 100, &error);
  assert_int_equal(items->len, 1);
  assert_true(((struct outbox_item *)items->pdata[0])->sequence > given);
}

/* A push prepares while the service sends: neither waits for the other. */
static void another_process_works_between_the_drafts(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  int64_t batch;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report one = report(1, 10, 20, NULL);
  fixture_sendable(&fixture, outbox, &one, 1, id);
  CLEANUP(outbox_close) struct outbox *other = fixture_outbox(&fixture);
  assert_true(outbox_batch_begin(outbox, "june.csv", 1, &batch, &error));
  (void)add_large_drafts(batch, 5);
  assert_true(
      outbox_fault(other, id, "sequence.reused", "another one", &error)); /* skips a million numbers */
  uint64_t last = add_large_drafts(batch, 1);
  assert_true(last > 1000000);
  assert_true(outbox_batch_commit(outbox, batch, &error));
  struct outbox_summary summary;
  assert_true(outbox_summary(outbox, batch, &summary, &error));
  assert_int_equal(summary.waiting_to_send, 6);
  reopen();
  assert_true(outbox_sequence(outbox) > last);
}

static void a_batch_is_sendable_as_a_whole_or_not_at_all(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  int64_t batch;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report first = report(1, 10, 20, NULL), second = report(2, 10, 20, NULL);
  assert_true(outbox_batch_begin(outbox, "may.csv", 1, &batch, &error));
  fixture_submission(&fixture, outbox, batch, &first, 1, id);
  fixture_submission(&fixture, outbox, batch, &second, 1, id);
  assert_int_equal(count_pending(), 0);
  assert_true(outbox_batch_commit(outbox, batch, &error));
  assert_int_equal(count_pending(), 2);
}

static void another_connection_is_noticed_by_the_version(void **state)
{
  (void)state;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report one = report(1, 10, 20, NULL);
  int64_t before = outbox_version(outbox);
  CLEANUP(outbox_close) struct outbox *other = fixture_outbox(&fixture);
  fixture_sendable(&fixture, other, &one, 1, id);
  assert_int_not_equal(outbox_version(outbox), before);
}

static void later_submissions_fold_over_earlier_ones(void **state)
{
  (void)state;
  uint8_t first[SUBMISSION_ID_SIZE], second[SUBMISSION_ID_SIZE];
  struct fixture_report both[] = {report(1, 10, 20, NULL), report(2, 30, 40, NULL)};
  fixture_sendable(&fixture, outbox, both, 2, first);
  struct fixture_report change = {2, fixture_change(1, (const int64_t[]){31}), first};
  fixture_sendable(&fixture, outbox, &change, 1, second);
  struct seen prior = prior_of(2);
  assert_true(prior.exists && prior.known);
  assert_memory_equal(prior.base, second, sizeof second);
  assert_int_equal(prior.figures.value[0], 31);
  assert_int_equal(prior.figures.value[1], 40);
  prior = prior_of(1);
  assert_memory_equal(prior.base, first, sizeof first);
  assert_int_equal(prior.figures.value[0], 10);
  assert_false(prior_of(3).exists);
}

static void many_units_are_answered_at_once(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report some[] = {report(1, 10, 20, NULL), report(3, 30, 40, NULL), report(5, 50, 60, NULL)};
  fixture_sendable(&fixture, outbox, some, 3, id);
  const char *units[] = {fixture_unit(0), fixture_unit(1), fixture_unit(2), fixture_unit(5), fixture_unit(6)};
  const bool exist[] = {false, true, false, true, false};
  struct seen priors[5];
  assert_true(look_up(MAY, units, 5, priors, &error));
  for (size_t i = 0; i < 5; i++) assert_int_equal(priors[i].exists, exist[i]);
  assert_int_equal(priors[3].figures.value[0], 50);
  assert_true(look_up((struct period){2018, 6, 1}, units, 5, priors, &error));
  for (size_t i = 0; i < 5; i++) assert_false(priors[i].exists);
}

static void a_withdrawal_leaves_no_figures_but_a_base(void **state)
{
  (void)state;
  uint8_t first[SUBMISSION_ID_SIZE], second[SUBMISSION_ID_SIZE];
  struct fixture_report one = report(1, 10, 20, NULL);
  fixture_sendable(&fixture, outbox, &one, 1, first);
  struct fixture_report taken_back = {1, {.kind = KIND_WITHDRAWAL}, first};
  fixture_sendable(&fixture, outbox, &taken_back, 1, second);
  struct seen prior = prior_of(1);
  assert_true(prior.exists && prior.known);
  assert_int_equal(prior.kind, KIND_WITHDRAWAL);
  assert_true(column_set_is_empty(&prior.figures.present));
  assert_memory_equal(prior.base, second, sizeof second);
}

static void what_the_aggregator_did_not_count_is_not_prior(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t first[SUBMISSION_ID_SIZE], second[SUBMISSION_ID_SIZE], third[SUBMISSION_ID_SIZE];
  struct fixture_report one[] = {report(1, 10, 20, NULL), report(2, 30, 40, NULL)};
  fixture_sendable(&fixture, outbox, one, 2, first);
  struct fixture_report two[] = {report(1, 11, 21, first), report(2, 31, 41, first)};
  fixture_sendable(&fixture, outbox, two, 2, second);
  struct fixture_report three = report(1, 12, 22, second);
  fixture_sendable(&fixture, outbox, &three, 1, third);
  struct refusal refused = refusal(0, 1, VERDICT_IS_REFUSED, "");
  fixture_answer(&fixture, outbox, second, 2, &refused, 1, 1);
  assert_true(outbox_fault(outbox, third, "sequence.reused", "another one", &error));
  assert_memory_equal(prior_of(1).base, first, sizeof first);
  assert_int_equal(prior_of(1).figures.value[0], 10);
  assert_memory_equal(prior_of(2).base, second, sizeof second);
}

static void a_stale_report_is_rebased_on_what_holds_it_now(void **state)
{
  (void)state;
  uint8_t first[SUBMISSION_ID_SIZE], second[SUBMISSION_ID_SIZE], other[SUBMISSION_ID_SIZE] = {0xab};
  struct fixture_report one = report(1, 9, 19, NULL);
  fixture_sendable(&fixture, outbox, &one, 1, second);
  one = report(1, 10, 20, second);
  fixture_sendable(&fixture, outbox, &one, 1, first);
  g_autofree char *hex = text_hex(other, sizeof other);
  struct refusal stale = refusal(0, 1, VERDICT_IS_STALE, hex);
  fixture_answer(&fixture, outbox, first, 1, &stale, 1, 1);
  struct seen prior = prior_of(1);
  assert_true(prior.exists);
  assert_false(prior.known);
  assert_memory_equal(prior.base, other, sizeof other);

  struct fixture_report part = report(1, 11, 21, other);
  fixture_sendable(&fixture, outbox, &part, 1, second);
  prior = prior_of(1);
  assert_memory_equal(prior.base, second, sizeof second);
  assert_false(prior.known); /* columns that it did not ask are still the other's */

  struct fixture_report all = {1, fixture_change(4, (const int64_t[]){1, 2, 3, -1}), second};
  fixture_sendable(&fixture, outbox, &all, 1, first);
  prior = prior_of(1);
  assert_true(prior.known);
  assert_int_equal(prior.figures.value[2], 3);
  assert_false(column_set_has(&prior.figures.present, 3));
}

static void an_unchanged_report_stands_on_the_revision_that_holds_it(void **state)
{
  (void)state;
  uint8_t first[SUBMISSION_ID_SIZE], second[SUBMISSION_ID_SIZE], holder[SUBMISSION_ID_SIZE] = {0xcd};
  struct fixture_report one[] = {{1, fixture_change(4, (const int64_t[]){10, 20, 30, 40}), NULL},
                                 report(2, 30, 40, NULL)};
  fixture_sendable(&fixture, outbox, one, 1, first);
  fixture_sendable(&fixture, outbox, one + 1, 1, second);
  g_autofree char *hex = text_hex(holder, sizeof holder);
  struct refusal unchanged = refusal(0, 1, VERDICT_IS_UNCHANGED, hex);
  fixture_answer(&fixture, outbox, first, 1, &unchanged, 1, 1);
  struct seen prior = prior_of(1);
  assert_true(prior.exists && prior.known);
  assert_memory_equal(prior.base, holder, sizeof holder);
  assert_int_equal(prior.figures.value[0], 10);
  assert_memory_equal(prior_of(2).base, second, sizeof second);
}

/* Another submission holds the report: what it says of the columns that were not asked is not known here. */
static void an_unchanged_part_of_a_foreign_report_is_not_all_of_it(void **state)
{
  (void)state;
  uint8_t first[SUBMISSION_ID_SIZE], second[SUBMISSION_ID_SIZE], holder[SUBMISSION_ID_SIZE] = {0xcd};
  struct fixture_report all[] = {{1, fixture_change(4, (const int64_t[]){1, 2, 3, 4}), NULL},
                                 {2, fixture_change(4, (const int64_t[]){1, 2, 3, 4}), NULL}};
  fixture_sendable(&fixture, outbox, all, 2, first);
  struct fixture_report parts[] = {report(1, 10, 20, first), report(2, 10, 20, first), report(3, 1, 1, NULL)};
  fixture_sendable(&fixture, outbox, parts, 3, second);
  g_autofree char *foreign = text_hex(holder, sizeof holder), *ours = text_hex(first, sizeof first);
  struct refusal unchanged[] = {refusal(0, 1, VERDICT_IS_UNCHANGED, foreign),
                                refusal(1, 2, VERDICT_IS_UNCHANGED, ours),
                                refusal(2, 3, VERDICT_IS_UNCHANGED, foreign)};
  fixture_answer(&fixture, outbox, second, 3, unchanged, 3, 3);
  assert_true(prior_of(1).exists);
  assert_false(prior_of(1).known);
  assert_memory_equal(prior_of(1).base, holder, sizeof holder);
  assert_true(prior_of(2).known);
  assert_true(prior_of(3).exists);
  assert_false(prior_of(3).known);
}

/* What waits for a base that was refused is never counted: it is no prior, and can be sent again. */
static void a_report_that_waits_in_vain_is_not_prior(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t whole[SUBMISSION_ID_SIZE], part[SUBMISSION_ID_SIZE], late[SUBMISSION_ID_SIZE],
      last[SUBMISSION_ID_SIZE], on_last[SUBMISSION_ID_SIZE], foreign[SUBMISSION_ID_SIZE] = {7};
  struct fixture_report one = report(1, 1, 1, NULL), two = report(2, 1, 1, NULL),
                        three = report(3, 1, 1, NULL);
  fixture_sendable(&fixture, outbox, &one, 1, whole);
  fixture_sendable(&fixture, outbox, &two, 1, part);
  fixture_sendable(&fixture, outbox, &three, 1, late); /* not answered yet */
  struct fixture_report corrections[] = {report(1, 2, 2, whole), report(2, 2, 2, part), report(3, 2, 2, late),
                                         report(4, 2, 2, foreign)};
  fixture_sendable(&fixture, outbox, corrections, 4, last);
  struct fixture_report again = report(2, 3, 3, last);
  fixture_sendable(&fixture, outbox, &again, 1, on_last);
  assert_true(outbox_fault(outbox, whole, "sequence.reused", "", &error));
  struct refusal refused = refusal(0, 2, VERDICT_IS_REFUSED, "");
  fixture_answer(&fixture, outbox, part, 1, &refused, 1, 1);
  char *hex[] = {text_hex(whole, sizeof whole), text_hex(part, sizeof part), text_hex(late, sizeof late),
                 text_hex(foreign, sizeof foreign), text_hex(last, sizeof last)};
  struct refusal waiting[4];
  for (unsigned i = 0; i < 4; i++) waiting[i] = refusal(i, i + 1, VERDICT_IS_WAITING, hex[i]);
  fixture_answer(&fixture, outbox, last, 4, waiting, 4, 4);
  struct refusal behind = refusal(0, 2, VERDICT_IS_WAITING, hex[4]);
  fixture_answer(&fixture, outbox, on_last, 1, &behind, 1, 1);
  for (unsigned i = 0; i < 5; i++) g_free(hex[i]);
  assert_false(prior_of(1).exists);
  assert_false(prior_of(2).exists);
  assert_memory_equal(prior_of(3).base, last, sizeof last);
  assert_memory_equal(prior_of(4).base, last, sizeof last);
}

static void an_earlier_stale_receipt_does_not_undo_a_later_one(void **state)
{
  (void)state;
  uint8_t first[SUBMISSION_ID_SIZE], second[SUBMISSION_ID_SIZE];
  uint8_t early[SUBMISSION_ID_SIZE] = {1}, late[SUBMISSION_ID_SIZE] = {2};
  struct fixture_report one = report(1, 10, 20, NULL);
  fixture_sendable(&fixture, outbox, &one, 1, first);
  one.base = first;
  one.change.figures.value[0] = 11;
  fixture_sendable(&fixture, outbox, &one, 1, second);
  g_autofree char *early_hex = text_hex(early, sizeof early), *late_hex = text_hex(late, sizeof late);
  struct refusal stale = refusal(0, 1, VERDICT_IS_STALE, late_hex);
  fixture_answer(&fixture, outbox, second, 1, &stale, 1, 1);
  stale.expected = early_hex;
  fixture_answer(&fixture, outbox, first, 1, &stale, 1, 1);
  assert_memory_equal(prior_of(1).base, late, sizeof late);
}

static void the_same_receipt_twice_changes_nothing(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report both[] = {report(1, 10, 20, NULL), report(2, 30, 40, NULL)};
  fixture_sendable(&fixture, outbox, both, 2, id);
  struct refusal refused = refusal(1, 2, VERDICT_IS_REFUSED, "");
  for (int i = 0; i < 2; i++) {
    fixture_answer(&fixture, outbox, id, 2, &refused, 1, 1);
    struct outbox_summary summary;
    assert_true(outbox_summary(outbox, 0, &summary, &error));
    assert_int_equal(summary.submissions, 1);
    assert_int_equal(summary.answered, 1);
    assert_int_equal(summary.waiting_to_send, 0);
    assert_int_equal(summary.counted, 1);
    assert_int_equal(summary.refused, 1);
    assert_int_equal(summary.last_position, FIXTURE_FIRST);
  }
  assert_int_equal(count_pending(), 0);
  assert_true(outbox_fault(outbox, id, "seal.forged", "late", &error));
  struct outbox_summary summary;
  assert_true(outbox_summary(outbox, 0, &summary, &error));
  assert_int_equal(summary.refused_whole, 0);
}

static unsigned answered_for_others(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_build_filename(fixture.data, "outbox.db", NULL);
  CLEANUP(outbox_close) struct outbox *other = outbox_open_to_look(path, &error);
  struct outbox_summary summary;
  assert_true(other && outbox_summary(other, 0, &summary, &error));
  return (unsigned)(summary.answered + summary.refused_whole);
}

static void answers_that_came_together_are_kept_together(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t id[3][SUBMISSION_ID_SIZE];
  for (unsigned i = 0; i < 3; i++) {
    struct fixture_report one = report(i, 10, 20, NULL);
    fixture_sendable(&fixture, outbox, &one, 1, id[i]);
  }
  outbox_answers_begin(outbox);
  fixture_answer(&fixture, outbox, id[0], 1, NULL, 0, 0);
  fixture_answer(&fixture, outbox, id[1], 1, NULL, 0, 0);
  assert_true(outbox_fault(outbox, id[2], "form.no-right", "", &error));
  assert_int_equal(answered_for_others(), 0);
  assert_true(outbox_answers_end(outbox, &error));
  assert_int_equal(answered_for_others(), 3);
  outbox_answers_begin(outbox);
  assert_true(outbox_answers_end(outbox, &error)); /* where none came */
}

static void a_sequence_that_the_aggregator_knew_makes_us_go_on_far_above(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report one = report(1, 10, 20, NULL);
  fixture_sendable(&fixture, outbox, &one, 1, id); /* sequence 1 */
  assert_true(outbox_fault(outbox, id, "sequence.reused", "the outbox was restored", &error));
  assert_true(outbox_sequence(outbox) > 1000000);
}

static void a_receipt_for_what_we_never_made_is_passed_over(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  fixture_answer(&fixture, outbox, (const uint8_t[SUBMISSION_ID_SIZE]){9}, 1, NULL, 0, 0);
  struct outbox_summary summary;
  assert_true(outbox_summary(outbox, 0, &summary, &error));
  assert_int_equal(summary.answered, 0);
}

static void refusals_beyond_the_receipt_are_missed_until_the_last_page(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t id[SUBMISSION_ID_SIZE], missed[SUBMISSION_ID_SIZE];
  uint32_t kept = 99;
  struct fixture_report three[] = {report(1, 1, 1, NULL), report(2, 1, 1, NULL), report(3, 1, 1, NULL)};
  fixture_sendable(&fixture, outbox, three, 3, id);
  struct refusal refused = refusal(0, 1, VERDICT_IS_REFUSED, "");
  fixture_answer(&fixture, outbox, id, 3, &refused, 1, 3);
  reopen(); /* also after a kill */
  assert_false(prior_of(1).exists);
  assert_true(prior_of(2).exists && prior_of(3).exists);
  assert_false(prior_of(2).known || prior_of(3).known); /* they may have been refused */
  assert_true(outbox_missing_refusals(outbox, missed, &kept, &error));
  assert_memory_equal(missed, id, sizeof id);
  assert_int_equal(kept, 1);
  struct refusal second = refusal(1, 2, VERDICT_IS_REFUSED, "");
  assert_true(outbox_refusals(outbox, id, &second, 1, &error));
  assert_true(outbox_missing_refusals(outbox, missed, &kept, &error));
  assert_int_equal(kept, 2);
  assert_false(prior_of(2).exists);
  assert_true(outbox_refusals(outbox, id, NULL, 0, &error)); /* there are no more */
  assert_false(outbox_missing_refusals(outbox, missed, &kept, &error));
  assert_null(error);
  assert_true(prior_of(3).known);
}

static void take_state(uint64_t state)
{
  g_autoptr(GError) error = NULL;
  const struct frame page = {.kind = FRAME_STATE_PAGE, .state_page = {.state = state}};
  assert_true(outbox_state_page(outbox, &page, true, true, 1, &error));
}

/* The submission that is to be asked about again, and from where; −1: there is none. */
static int asked_again(const uint8_t id[SUBMISSION_ID_SIZE])
{
  g_autoptr(GError) error = NULL;
  uint8_t missed[SUBMISSION_ID_SIZE];
  uint32_t offset = 0;
  bool found = outbox_missing_refusals(outbox, missed, &offset, &error);
  assert_null(error);
  if (found) assert_memory_equal(missed, id, sizeof missed);
  return found ? (int)offset : -1;
}

static void what_waited_is_asked_about_again_whenever_the_state_changed(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t id[SUBMISSION_ID_SIZE], other[SUBMISSION_ID_SIZE] = {0xab};
  g_autofree char *hex = text_hex(other, sizeof other);
  struct outbox_summary summary;
  struct fixture_report four[] = {report(1, 1, 1, NULL), report(2, 1, 1, NULL), report(3, 1, 1, NULL),
                                  report(4, 1, 1, NULL)};
  struct refusal waiting[] = {refusal(0, 1, VERDICT_IS_WAITING_UNIT, ""),
                              refusal(1, 2, VERDICT_IS_WAITING, ""),
                              refusal(2, 3, VERDICT_IS_WAITING_UNIT, "")};
  struct refusal decided[] = {refusal(0, 1, VERDICT_IS_COUNTED, ""), refusal(1, 2, VERDICT_IS_STALE, hex)};
  fixture_sendable(&fixture, outbox, four, 4, id);
  fixture_answer(&fixture, outbox, id, 4, waiting, 3, 3);
  assert_int_equal(asked_again(id), -1);
  take_state(5);
  assert_int_equal(asked_again(id), 0);
  assert_true(outbox_refusals(outbox, id, decided, 2, &error));
  reopen(); /* also after a kill */
  assert_int_equal(asked_again(id), 2);
  assert_true(outbox_refusals(outbox, id, &waiting[2], 1, &error));
  assert_int_equal(asked_again(id), -1);
  assert_true(outbox_summary(outbox, 0, &summary, &error));
  assert_int_equal(summary.counted, 2);
  assert_int_equal(summary.stale, 1);
  assert_int_equal(summary.waiting_for_base, 1);
  assert_memory_equal(prior_of(2).base, other, sizeof other);
  assert_memory_equal(prior_of(1).base, id, sizeof id);

  take_state(6);
  assert_int_equal(asked_again(id), 0);
  struct refusal refused = refusal(0, 1, VERDICT_IS_REFUSED, ""); /* what was decided stands */
  assert_true(outbox_refusals(outbox, id, &refused, 1, &error));
  assert_true(outbox_refusals(outbox, id, NULL, 0, &error)); /* no more is to be had */
  assert_int_equal(asked_again(id), -1);
  assert_true(outbox_summary(outbox, 0, &summary, &error));
  assert_int_equal(summary.counted, 2);
  struct refusal last = refusal(2, 3, VERDICT_IS_REFUSED, "");
  take_state(7);
  assert_true(outbox_refusals(outbox, id, (struct refusal[]){decided[0], decided[1], last}, 3, &error));
  take_state(8);
  assert_int_equal(asked_again(id), -1); /* nothing waits any more */
  assert_true(outbox_summary(outbox, 0, &summary, &error));
  assert_int_equal(summary.refused, 1);
  assert_int_equal(summary.waiting_for_base, 0);
}

static bool note_refusal(const char *form, const char *period, const struct refusal *entry, void *data)
{
  g_string_append_printf(data, "%s %s %u %s %s %s;", form, period, entry->row,
                         entry->unit[0] ? "unit" : "whole", entry->rule, entry->expected);
  return true;
}

static bool note_told(const struct outbox_origin *origin, const char *form, const char *period,
                      const struct refusal *entry, void *data)
{
  g_string_append_printf(data, "%s: ", origin->place[0] ? origin->place : origin->file);
  return note_refusal(form, period, entry, data);
}

static void damage_all(void)
{
  g_autofree char *path = g_build_filename(fixture.data, "outbox.db", NULL);
  CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 1024, NULL);
  assert_non_null(db);
  assert_true(
      db_exec(db, "UPDATE content SET sealed = CAST(substr(sealed, 1, 150) || zeroblob(length(sealed) - 150)"
                  " AS BLOB)"));
}

/* It shows by damage that only reading would find. */
static void what_is_kept_is_given_once_without_reading_it_back(void **state)
{
  (void)state;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report one = report(1, 10, 20, NULL), two = report(2, 10, 20, NULL);
  int64_t batch;
  outbox_keep(outbox);
  fixture_sendable(&fixture, outbox, &one, 1, id);
  assert_true(outbox_batch_begin(outbox, "may.csv", 0, &batch, NULL));
  fixture_submission(&fixture, outbox, batch, &two, 1, id);
  assert_int_equal(count_pending(), 1);
  assert_int_equal(count_pending(), 1); /* from the disk */
  assert_true(outbox_batch_commit(outbox, batch, NULL));
  damage_all();
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 100, NULL);
  assert_int_equal(items->len, 1);
  const struct outbox_item *item = items->pdata[0];
  assert_memory_equal(item->id, id, sizeof id);
  const uint8_t *payload;
  size_t length;
  assert_int_equal(seal_open(g_bytes_get_data(item->sealed, NULL), g_bytes_get_size(item->sealed),
                             SEAL_SUBMISSION, identity_sign_public(fixture.home->identity), &payload, &length,
                             NULL),
                   SEAL_OK);
  assert_int_equal(count_pending(), 0); /* both were set aside */
}

/* What is written before the end of the file, as much as may be kept, and a little more. */
static void no_more_is_kept_than_its_limit(void **state)
{
  (void)state;
  enum { SIZE = LIMIT_SEALED_BYTES, COUNT = LIMIT_KEPT_BYTES / SIZE + 3 };
  int64_t batch;
  outbox_keep(outbox);
  assert_true(outbox_batch_begin(outbox, "large.csv", 0, &batch, NULL));
  g_autofree uint8_t *payload = g_malloc(SIZE - SEAL_HEADER_SIZE);
  memset(payload, 1, SIZE - SEAL_HEADER_SIZE);
  for (unsigned i = 0; i < COUNT; i++) {
    uint8_t id[SUBMISSION_ID_SIZE];
    memcpy(payload, &i, sizeof i);
    g_autoptr(GByteArray) sealed =
        identity_seal(fixture.home->identity, SEAL_SUBMISSION, payload, SIZE - SEAL_HEADER_SIZE, id);
    uint64_t sequence = outbox_sequence(outbox);
    assert_true(outbox_batch_add(outbox, batch, sequence, id, "monthly", MAY, "a", "b", 1, sealed, NULL));
  }
  assert_true(outbox_batch_commit(outbox, batch, NULL));
  damage_all();
  assert_int_equal(count_pending(), COUNT - 3);
  assert_int_equal(count_pending(), 0);
}

static void a_damaged_submission_is_named_and_holds_up_no_other(void **state)
{
  (void)state;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report one = report(1, 10, 20, NULL);
  fixture_sendable(&fixture, outbox, &one, 1, id);
  outbox_close(outbox);
  g_autoptr(GError) error = NULL;
  damage_all();
  outbox = fixture_outbox(&fixture);
  struct seen prior;
  const char *unit = fixture_unit(1);
  assert_false(look_up(MAY, &unit, 1, &prior, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA));
  assert_non_null(strstr(error->message, "submission 1 "));
  g_clear_error(&error);

  struct fixture_report two = report(2, 10, 20, NULL);
  fixture_sendable(&fixture, outbox, &two, 1, id);
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 1, &error);
  assert_non_null(items);
  assert_int_equal(items->len, 1);
  assert_memory_equal(((struct outbox_item *)items->pdata[0])->id, id, sizeof id);
  struct outbox_summary summary;
  assert_true(outbox_summary(outbox, 0, &summary, &error));
  assert_int_equal(summary.refused_whole, 1);
  assert_false(prior_of(1).exists); /* its file can be sent again */
  g_autoptr(GString) text = g_string_new(NULL);
  assert_true(outbox_tell(outbox, false, note_told, text, &error));
  assert_string_equal(text->str, "may.csv: monthly 2018-05 0 whole " OUTBOX_DAMAGED " ;");
}

static bool note_none(const struct outbox_origin *origin, const char *form, const char *period,
                      const struct refusal *entry, void *data)
{
  (void)origin, (void)form, (void)period, (void)entry, (void)data;
  return false;
}

/* Takes all but those of one place. */
static bool note_not_gone(const struct outbox_origin *origin, const char *form, const char *period,
                          const struct refusal *entry, void *data)
{
  return strcmp(origin->place, "/gone/a.csv") != 0 && note_told(origin, form, period, entry, data);
}

static void refusals_are_listed_by_submission_and_row(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t first[SUBMISSION_ID_SIZE], second[SUBMISSION_ID_SIZE];
  struct fixture_report both[] = {report(1, 10, 20, NULL), report(2, 30, 40, NULL)};
  fixture_sendable(&fixture, outbox, both, 2, first);
  both[0].base = both[1].base = first;
  fixture_sendable(&fixture, outbox, both, 2, second);
  assert_true(outbox_fault(outbox, second, "form.no-right", "no right", &error));
  struct refusal refused[] = {refusal(0, 1, VERDICT_IS_REFUSED, "a"), refusal(1, 2, VERDICT_IS_REFUSED, "b")};
  fixture_answer(&fixture, outbox, first, 2, refused, 2, 2);
  g_autoptr(GString) text = g_string_new(NULL);
  assert_true(outbox_each_refusal(outbox, 0, note_refusal, text, &error));
  assert_string_equal(text->str, "monthly 2018-05 0 unit value.range a;monthly 2018-05 1 unit value.range b;"
                                 "monthly 2018-05 0 whole form.no-right no right;");
}

static void a_refusal_is_told_once_where_its_file_stands(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t placed[SUBMISSION_ID_SIZE], other[SUBMISSION_ID_SIZE];
  int64_t batch;
  struct fixture_report one = report(1, 10, 20, NULL), two = report(2, 10, 20, NULL);
  assert_true(outbox_batch_begin(outbox, "may.csv", 1, &batch, &error));
  outbox_batch_place(outbox, batch, "/in/may.csv");
  fixture_submission(&fixture, outbox, batch, &one, 1, placed);
  assert_true(outbox_batch_commit(outbox, batch, &error));
  fixture_sendable(&fixture, outbox, &two, 1, other);
  assert_true(outbox_moved(outbox, "/in/may.csv", "/in/done/may.csv", &error));
  struct refusal refused = refusal(0, 1, VERDICT_IS_REFUSED, "a");
  fixture_answer(&fixture, outbox, placed, 1, &refused, 1, 1);
  refused = refusal(0, 2, VERDICT_IS_REFUSED, "b");
  fixture_answer(&fixture, outbox, other, 1, &refused, 1, 1); /* for the next push */

  g_autoptr(GString) text = g_string_new(NULL);
  assert_true(outbox_tell(outbox, true, note_none, NULL, &error)); /* could not be written: stays untold */
  assert_true(outbox_tell(outbox, true, note_told, text, &error));
  assert_true(outbox_tell(outbox, true, note_told, text, &error));
  assert_string_equal(text->str, "/in/done/may.csv: monthly 2018-05 0 unit value.range a;");
}

static void what_stands_in_no_folder_is_told_once_by_its_file_name(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  uint8_t first[SUBMISSION_ID_SIZE], whole[SUBMISSION_ID_SIZE];
  struct fixture_report three[] = {report(1, 1, 1, NULL), report(2, 1, 1, NULL), report(3, 1, 1, NULL)};
  fixture_sendable(&fixture, outbox, three, 3, first);
  struct fixture_report one = report(4, 1, 1, NULL);
  fixture_sendable(&fixture, outbox, &one, 1, whole);
  struct refusal answers[] = {refusal(0, 1, VERDICT_IS_REFUSED, "a"), refusal(1, 2, VERDICT_IS_UNCHANGED, ""),
                              refusal(2, 3, VERDICT_IS_WAITING, "")};
  fixture_answer(&fixture, outbox, first, 3, answers, 3, 3);
  assert_true(outbox_fault(outbox, whole, "form.no-right", "no right", &error));
  g_autoptr(GString) text = g_string_new(NULL);
  assert_true(outbox_tell(outbox, true, note_told, text, &error));
  assert_string_equal(text->str, "");
  assert_true(outbox_tell(outbox, false, note_told, text, &error));
  assert_string_equal(text->str, "may.csv: monthly 2018-05 0 unit value.range a;"
                                 "may.csv: monthly 2018-05 2 unit value.range ;"
                                 "may.csv: monthly 2018-05 0 whole form.no-right no right;");
  g_string_truncate(text, 0);
  assert_true(outbox_tell(outbox, false, note_told, text, &error));
  assert_string_equal(text->str, "");
}

static void a_place_that_cannot_be_written_hinders_no_other(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  const char *const places[] = {"/in/1.csv", "/gone/a.csv", "/in/2.csv"};
  for (unsigned i = 0; i < 3; i++) {
    uint8_t id[SUBMISSION_ID_SIZE];
    int64_t batch;
    struct fixture_report one = report(i, 1, 1, NULL);
    assert_true(outbox_batch_begin(outbox, "may.csv", 1, &batch, &error));
    outbox_batch_place(outbox, batch, places[i]);
    fixture_submission(&fixture, outbox, batch, &one, 1, id);
    assert_true(outbox_batch_commit(outbox, batch, &error));
    struct refusal refused = refusal(0, i, VERDICT_IS_REFUSED, "");
    fixture_answer(&fixture, outbox, id, 1, &refused, 1, 1);
  }
  g_autoptr(GString) text = g_string_new(NULL);
  assert_true(outbox_tell(outbox, true, note_not_gone, text, &error));
  assert_string_equal(text->str, "/in/1.csv: monthly 2018-05 0 unit value.range ;"
                                 "/in/2.csv: monthly 2018-05 0 unit value.range ;");
  g_string_truncate(text, 0);
  assert_true(outbox_tell(outbox, true, note_told, text, &error));
  assert_string_equal(text->str, "/gone/a.csv: monthly 2018-05 0 unit value.range ;");
}

static void looking_makes_no_outbox(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_build_filename(fixture.folder, "none.db", NULL);
  assert_null(outbox_open_to_look(path, &error));
  assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
  g_clear_error(&error);
  reopen();
  g_autofree char *real = g_build_filename(fixture.data, "outbox.db", NULL);
  CLEANUP(outbox_close) struct outbox *seen = outbox_open_to_look(real, &error);
  assert_non_null(seen);
  struct outbox_summary summary;
  assert_true(outbox_summary(seen, 0, &summary, &error));
  assert_int_equal(summary.submissions, 0);
}

/* "east-2 monthly;yearly 2 east-1", a line for each agent. */
static bool describe_agent(const struct agent_item *agent, void *data)
{
  g_autofree char *forms = g_strjoinv(";", (char **)agent->forms);
  assert_int_equal(agent->key_id.length, SEAL_HASH_SIZE);
  assert_int_equal(agent->key_id.data[0], 7);
  g_string_append_printf(data, "%s %s %d %s\n", agent->agent, forms, (int)agent->state, agent->admitted_by);
  return true;
}

static void assert_agents(const char *expected)
{
  GString *found = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  assert_true(outbox_each_agent(outbox, describe_agent, found, &error));
  assert_string_equal(found->str, expected);
  g_string_free(found, TRUE);
}

static void put_agents(uint64_t state, const struct agent_item *agents, size_t count, bool first, bool last)
{
  struct frame page = {.kind = FRAME_STATE_PAGE,
                       .state_page = {.state = state, .agents = agents, .agent_count = count}};
  assert_true(outbox_state_page(outbox, &page, first, last, 1, NULL));
}

static void agents_of_the_area_are_those_of_the_last_whole_list(void **state)
{
  (void)state;
  static const char *const forms[] = {"monthly", "yearly"};
  static const uint8_t key[SEAL_HASH_SIZE] = {7};
  struct agent_item first = {.agent = "east-1",
                             .key_id = {key, sizeof key},
                             .state = AGENT_IS_IN_FORCE,
                             .enrolled_at_ms = 1,
                             .admitted_by = "",
                             .approved_by = "",
                             .reason = ""};
  struct agent_item second = first;
  second.agent = "east-2";
  second.forms = forms;
  second.form_count = 2;
  second.state = AGENT_IS_WAITING;
  second.enrolled_at_ms = 2;
  put_agents(5, &second, 1, true, false);
  assert_agents(""); /* not before it is whole */
  put_agents(5, &first, 1, false, true);
  assert_agents("east-1  1 \neast-2 monthly;yearly 2 \n");
  assert_int_equal(outbox_waiting_agents(outbox, "east-1"), 1);
  assert_int_equal(outbox_waiting_agents(outbox, "east-2"), 0); /* itself is not one to be admitted */
  assert_true(outbox_agent_waits(outbox, "east-2"));
  assert_false(outbox_agent_waits(outbox, "east-1"));
  second.state = AGENT_IS_IN_FORCE;
  second.admitted_by = "east-1";
  put_agents(6, &second, 1, true, false);
  reopen();
  assert_true(outbox_agent_waits(outbox, "east-2")); /* the new list is not whole yet */
  put_agents(6, &first, 1, true, false);
  put_agents(6, &second, 1, false, true);
  assert_agents("east-1  1 \neast-2 monthly;yearly 1 east-1\n");
  assert_int_equal(outbox_waiting_agents(outbox, "east-1"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(drafts_of_a_crash_vanish_and_their_numbers_are_not_given_again),
      TEST(a_draft_whose_number_could_not_be_read_is_none),
      TEST(drafts_that_were_dropped_vanish_and_their_numbers_are_not_given_again),
      TEST(another_process_works_between_the_drafts),
      TEST(a_batch_is_sendable_as_a_whole_or_not_at_all),
      TEST(another_connection_is_noticed_by_the_version),
      TEST(later_submissions_fold_over_earlier_ones),
      TEST(many_units_are_answered_at_once),
      TEST(a_withdrawal_leaves_no_figures_but_a_base),
      TEST(what_the_aggregator_did_not_count_is_not_prior),
      TEST(a_stale_report_is_rebased_on_what_holds_it_now),
      TEST(an_unchanged_report_stands_on_the_revision_that_holds_it),
      TEST(an_unchanged_part_of_a_foreign_report_is_not_all_of_it),
      TEST(a_report_that_waits_in_vain_is_not_prior),
      TEST(an_earlier_stale_receipt_does_not_undo_a_later_one),
      TEST(the_same_receipt_twice_changes_nothing),
      TEST(answers_that_came_together_are_kept_together),
      TEST(a_sequence_that_the_aggregator_knew_makes_us_go_on_far_above),
      TEST(a_receipt_for_what_we_never_made_is_passed_over),
      TEST(refusals_beyond_the_receipt_are_missed_until_the_last_page),
      TEST(what_waited_is_asked_about_again_whenever_the_state_changed),
      TEST(what_is_kept_is_given_once_without_reading_it_back),
      TEST(no_more_is_kept_than_its_limit),
      TEST(a_damaged_submission_is_named_and_holds_up_no_other),
      TEST(refusals_are_listed_by_submission_and_row),
      TEST(a_refusal_is_told_once_where_its_file_stands),
      TEST(what_stands_in_no_folder_is_told_once_by_its_file_name),
      TEST(a_place_that_cannot_be_written_hinders_no_other),
      TEST(looking_makes_no_outbox),
      TEST(agents_of_the_area_are_those_of_the_last_whole_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
