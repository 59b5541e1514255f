#include "fixture_home.h"
#include "tests/sample.h"

#include "agent/outbox_private.h"

#include "common/db.h"
#include "common/error.h"
#include "common/limits.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 8192
#define COUNT 30 /* submissions, of which every third is unanswered */

static struct fixture_home fixture;
static char *path;  /* of the outbox */
static char *sound; /* its bytes before anything was damaged */
static gsize sound_length;
static uint8_t ids[COUNT + 1][SUBMISSION_ID_SIZE]; /* by sequence */

static bool is_answered(int64_t sequence)
{
  return sequence % 3 != 0;
}

/* --- an outbox of all sizes of records --- */

static void answer(struct outbox *outbox, int64_t sequence, unsigned reports)
{
  static const uint8_t leaf[32] = {1}; /* the only one of its tree, so its root too */
  struct refusal refusals[40];
  size_t count = (size_t)(sequence % 5 == 0 ? MIN(reports, G_N_ELEMENTS(refusals)) : 0);
  for (size_t n = 0; n < count; n++)
    refusals[n] = (struct refusal){(uint32_t)n, fixture_unit((unsigned)n), "value.range", "output", "12",
                                   "0 or more", VERDICT_IS_REFUSED};
  struct receipt receipt = {.submission = {ids[sequence], SUBMISSION_ID_SIZE},
                            .agent = "east-1",
                            .sequence = (uint64_t)sequence,
                            .counted = reports - (unsigned)count,
                            .refused = (unsigned)count,
                            .tree_size = 1,
                            .tree_root = {leaf, sizeof leaf},
                            .leaf_hash = {leaf, sizeof leaf},
                            .recorded_at_ms = 1528632000000,
                            .refusals = refusals,
                            .refusal_count = count,
                            .refusals_total = (uint32_t)count};
  g_autoptr(GByteArray) payload = receipt_encode(&receipt);
  g_autoptr(GByteArray) sealed =
      identity_seal(fixture.server, SEAL_RECEIPT, payload->data, payload->len, NULL);
  assert_true(outbox_receipt(outbox, sealed->data, sealed->len, &receipt, NULL));
}

static unsigned reports_of(int64_t sequence)
{
  static const unsigned sizes[] = {1, 20, 300, 3, 700};
  return sizes[sequence % G_N_ELEMENTS(sizes)];
}

static void fill(struct outbox *outbox)
{
  for (int64_t sequence = 1; sequence <= COUNT; sequence++) {
    unsigned reports = reports_of(sequence);
    g_autofree struct fixture_report *report = g_new0(struct fixture_report, reports);
    for (unsigned n = 0; n < reports; n++)
      report[n] = (struct fixture_report){
          n, fixture_change(2, (const int64_t[]){sequence * 1000 + n, 1000000 + n}), NULL};
    fixture_sendable(&fixture, outbox, report, reports, ids[sequence]);
    if (is_answered(sequence)) answer(outbox, sequence, reports);
  }
}

static int setup(void **state)
{
  (void)state;
  fixture_home_setup(&fixture, NULL);
  path = g_build_filename(fixture.data, "outbox.db", NULL);
  struct outbox *outbox = fixture_outbox(&fixture);
  fill(outbox);
  outbox_close(outbox);
  outbox_close(fixture_outbox(&fixture)); /* empties the log */
  assert_true(g_file_get_contents(path, &sound, &sound_length, NULL));
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  g_free(sound);
  g_free(path);
  fixture_home_teardown(&fixture);
  return 0;
}

/* The file as it was, with nothing beside it. */
static void restore(void)
{
  GDir *folder = g_dir_open(fixture.data, 0, NULL);
  for (const char *name; (name = g_dir_read_name(folder));) {
    g_autofree char *file = g_build_filename(fixture.data, name, NULL);
    if (g_str_has_prefix(name, "outbox.db")) g_unlink(file);
  }
  g_dir_close(folder);
  assert_true(g_file_set_contents(path, sound, (gssize)sound_length, NULL));
}

static void overwrite(gsize at, const void *bytes, size_t length)
{
  int file = open(path, O_WRONLY);
  assert_int_equal(pwrite(file, bytes, length, (off_t)at), length);
  close(file);
}

/* --- looking --- */

struct said {
  GString *lines;
  unsigned damages, notes;
};

static void take_line(const char *line, bool is_note, void *data)
{
  struct said *said = data;
  g_string_append_printf(said->lines, "%s\n", line);
  said->damages += !is_note;
  said->notes += is_note;
}

static uint64_t check_lines(GString *lines)
{
  struct said said = {.lines = lines};
  g_autoptr(GError) error = NULL;
  uint64_t damages = 0, records = 0;
  if (!outbox_check(path, fixture.home, take_line, &said, &damages, &records, &error))
    fail_msg("%s", error->message);
  assert_int_equal(damages, said.damages);
  return damages;
}

static uint64_t check(void)
{
  g_autoptr(GString) lines = g_string_new("");
  return check_lines(lines);
}

static struct outbox_repair repair(GString *lines)
{
  struct said said = {.lines = lines};
  struct outbox_repair result = {0};
  g_autoptr(GError) error = NULL;
  if (!outbox_repair(path, fixture.home, take_line, &said, &result, &error)) fail_msg("%s", error->message);
  return result;
}

/* What of the submissions is there: 0 nothing, 1 the receipt alone, 2 all of it. */
struct held {
  uint8_t of[COUNT + 1];
  bool receipt[COUNT + 1];
  uint64_t refusals; /* of reports, told of */
};

static bool see(const struct outbox_carried *carried, void *data)
{
  struct held *held = data;
  assert_in_range(carried->sequence, 1, COUNT);
  assert_memory_equal(carried->id, ids[carried->sequence], SUBMISSION_ID_SIZE);
  held->receipt[carried->sequence] = carried->receipt.length > 0;
  held->of[carried->sequence] = carried->sealed.length > 0 ? 2 : 1;
  return true;
}

static bool count_refusal(const char *form, const char *period, const struct refusal *refusal, void *data)
{
  (void)form, (void)period, (void)refusal;
  ((struct held *)data)->refusals++;
  return true;
}

static struct held look(void)
{
  struct held held = {0};
  struct outbox *outbox = fixture_outbox(&fixture);
  g_autoptr(GError) error = NULL;
  assert_true(outbox_each_carried(outbox, true, see, &held, &error));
  assert_true(outbox_each_refusal(outbox, 0, count_refusal, &held, &error));
  /* The next number is beyond all that were given. */
  assert_true(outbox_sequence(outbox) > COUNT);
  outbox_close(outbox);
  return held;
}

static unsigned missing(const struct held *held)
{
  unsigned count = 0;
  for (int64_t n = 1; n <= COUNT; n++) count += held->of[n] < 2 || held->receipt[n] != is_answered(n);
  return count;
}

static uint64_t all_refusals(void)
{
  uint64_t count = 0;
  for (int64_t n = 1; n <= COUNT; n++)
    if (is_answered(n) && n % 5 == 0) count += MIN(reports_of(n), 40);
  return count;
}

/* Repairs what is damaged now. `most`: records that it may cost. */
static void assert_repaired(unsigned most, const char *what, gsize page)
{
  g_autoptr(GString) lines = g_string_new("");
  struct outbox_repair result = repair(lines);
  struct held held = look();
  unsigned gone = missing(&held);
  if (gone > most) fail_msg("%s of page %zu cost %u records:\n%s", what, page, gone, lines->str);
  for (int64_t n = 1; n <= COUNT; n++) {
    g_autofree char *name = g_strdup_printf("submission %" G_GINT64_FORMAT, n);
    if ((held.of[n] < 2 || held.receipt[n] != is_answered(n)) && !strstr(lines->str, name) &&
        !strstr(lines->str, "not known by name"))
      fail_msg("%s of page %zu: %s went without a word:\n%s", what, page, name, lines->str);
  }
  g_string_truncate(lines, 0);
  if (check_lines(lines) > 0) fail_msg("%s of page %zu, repaired:\n%s", what, page, lines->str);
  assert_true(g_file_test(result.aside, G_FILE_TEST_EXISTS));
  g_free(result.aside);
}

/* --- tests --- */

static void a_sound_outbox_is_called_sound(void **state)
{
  (void)state;
  restore();
  assert_int_equal(check(), 0);
  struct held held = look();
  assert_int_equal(missing(&held), 0);
  assert_int_equal(held.refusals, all_refusals());
}

static void a_repair_of_a_sound_outbox_keeps_all_of_it(void **state)
{
  (void)state;
  restore();
  g_autoptr(GString) lines = g_string_new("");
  struct outbox_repair result = repair(lines);
  assert_string_equal(lines->str, "");
  assert_int_equal(result.lost, 0);
  assert_int_equal(result.submissions, COUNT);
  g_free(result.aside);
  struct held held = look();
  assert_int_equal(missing(&held), 0);
  assert_int_equal(held.refusals, all_refusals());
  assert_int_equal(check(), 0);
}

static void count_head(const struct outbox_link *link, void *data)
{
  struct held *held = data;
  held->refusals += link->continued == 5 && link->path.length == MERKLE_HASH_SIZE;
}

static void what_ties_the_city_s_heads_together_is_kept(void **state)
{
  (void)state;
  restore();
  struct outbox *outbox = fixture_outbox(&fixture);
  static const uint8_t path_of_one[1][MERKLE_HASH_SIZE] = {{7}};
  static const uint8_t root[MERKLE_HASH_SIZE] = {9};
  const struct outbox_continuation item = {.from = {.size = 1}, .path = {path_of_one, 1}};
  const struct signed_head head = {.size = 5, .root = {root, sizeof root}};
  assert_true(outbox_head(outbox, &head, (struct bytes_view){root, sizeof root}, &item, 1, 1, NULL));
  outbox_close(outbox);
  g_autoptr(GString) lines = g_string_new("");
  struct outbox_repair result = repair(lines);
  g_free(result.aside);
  struct held held = {0};
  outbox = fixture_outbox(&fixture);
  assert_true(outbox_each_head(outbox, count_head, &held, NULL));
  assert_int_equal(held.refusals, 1);
  assert_int_equal(outbox_forked(outbox), 0);
  outbox_close(outbox);
}

static gsize pages(void)
{
  return sound_length / PAGE;
}

/* A sample of places, evenly, from a random one on: each takes a repair, so that all take a minute. */
static gsize step_through(gsize all, int usual, gsize *ret_first)
{
  gsize step = MAX((gsize)1, all / (gsize)sample_rounds(usual));
  *ret_first = (gsize)g_random_int_range(0, (int32_t)step);
  return step;
}

static void a_page_that_is_overwritten_costs_only_what_stood_on_it(void **state)
{
  (void)state;
  static const uint8_t zeros[PAGE];
  uint8_t noise[PAGE];
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)(i * 131 + 7);
  gsize first, step = step_through(pages(), 20, &first);
  for (gsize page = first; page < pages(); page += step) {
    restore();
    overwrite(page * PAGE, page % 2 ? zeros : noise, PAGE);
    if (page > 0 && check() == 0) continue; /* nothing of use stood there */
    restore();
    overwrite(page * PAGE, page % 2 ? zeros : noise, PAGE);
    assert_repaired(24, "overwriting", page + 1);
  }
}

/* What a walk through a table gives, and what it cannot. */
struct walked {
  int64_t rows, gone;
  int64_t last;
};

static void see_row(struct db_row *row, void *data)
{
  struct walked *walked = data;
  assert_true(db_int(row, 0) > walked->last);
  walked->last = db_int(row, 0);
  walked->rows++;
}

static void see_gap(int64_t first, int64_t last, const char *why, void *data)
{
  struct walked *walked = data;
  assert_true(first > walked->last && first <= last && *why);
  walked->last = last;
  walked->gone += last - first + 1;
}

static void rows_around_what_cannot_be_read_are_read(void **state)
{
  (void)state;
  static const char sql[] =
      "SELECT sequence, sealed FROM content WHERE sequence BETWEEN ? AND ? ORDER BY sequence";
  static const uint8_t noise[PAGE] = {0xff, 0xff, 0xff, 0xff, 0xff};
  unsigned hit = 0;
  gsize first, step = step_through(pages(), 40, &first);
  for (gsize page = MAX((gsize)1, first); page < pages(); page += step) {
    restore();
    overwrite(page * PAGE, noise, PAGE);
    CLEANUP(outbox_close) struct outbox *outbox = outbox_open_to_look(path, NULL);
    if (!outbox) continue;
    struct walked walked = {0};
    g_autoptr(GError) error = NULL;
    assert_true(outbox_walk(outbox->db, sql, 1, COUNT, see_row, see_gap, &walked, &error));
    assert_int_equal(walked.rows + walked.gone, COUNT);
    hit += walked.gone > 0 && walked.gone < COUNT;
    if (walked.gone > 8 && walked.gone < COUNT) /* but for the page that leads to all others */
      fail_msg("page %zu cost %" G_GINT64_FORMAT " rows", page + 1, walked.gone);
  }
  assert_true(hit > 0 || sample_rounds(40) < 20);
}

static void a_byte_that_changed_is_found_and_costs_one_record_at_most(void **state)
{
  (void)state;
  unsigned tried = 0;
  gsize first, step = step_through(sound_length, 25, &first);
  for (gsize at = 120 + first; at < sound_length; at += step) {
    restore();
    uint8_t changed = (uint8_t)(sound[at] ^ 0x10);
    overwrite(at, &changed, 1);
    if (check() == 0) continue; /* room that is not used, or a mark that nothing depends on */
    tried++;
    restore();
    overwrite(at, &changed, 1);
    assert_repaired(2, "a byte", at / PAGE + 1);
  }
  assert_true(tried > 0);
}

static void what_a_file_that_is_cut_off_lost_is_known_by_name(void **state)
{
  (void)state;
  restore();
  assert_int_equal(truncate(path, (off_t)((pages() - 1) * PAGE)), 0);
  g_autoptr(GString) lines = g_string_new("");
  struct outbox_repair result = repair(lines);
  g_free(result.aside);
  assert_non_null(strstr(lines->str, "submission 30 (monthly 2018-05, may.csv)"));
  assert_null(strstr(lines->str, "not known by name"));
}

static void a_file_that_is_cut_off_keeps_its_first_records(void **state)
{
  (void)state;
  gsize first, step = step_through(pages() - 10, 8, &first);
  for (gsize keep = pages() - 1 - first; keep > 10 && keep < pages(); keep -= step) {
    restore();
    assert_int_equal(truncate(path, (off_t)(keep * PAGE)), 0);
    assert_true(check() > 0);
    assert_repaired(keep > pages() / 2 ? (unsigned)(pages() - keep) * 3 / 2 + 2 : COUNT, "cutting", keep);
  }
}

static void nothing_but_noise_is_repaired_to_an_empty_outbox_with_other_numbers(void **state)
{
  (void)state;
  restore();
  g_autofree char *noise = g_malloc(sound_length);
  memset(noise, 'x', sound_length);
  overwrite(0, noise, sound_length);
  assert_int_equal(check(), 1);
  g_autoptr(GString) lines = g_string_new("");
  struct outbox_repair result = repair(lines);
  assert_int_equal(result.submissions, 0);
  g_free(result.aside);
  look();
}

/* --- damage that SQLite does not notice --- */

static void change(const char *sql)
{
  g_autoptr(GError) error = NULL;
  CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 1024, &error);
  assert_non_null(db);
  db_exec(db, "PRAGMA foreign_keys=OFF");
  db_exec(db, sql);
  assert_true(db_take_error(db, &error));
}

static void what_does_not_belong_together_is_named_and_mended(void **state)
{
  (void)state;
  static const struct {
    const char *sql, *said;
    unsigned cost;
  } damages[] = {
      {"UPDATE content SET sealed = zeroblob(length(sealed)) WHERE sequence = 4", "submission 4 ", 1},
      {"UPDATE content SET sealed = substr(sealed, 1, 200) WHERE sequence = 3", "push its file again", 1},
      {"UPDATE content SET sealed = (SELECT sealed FROM content WHERE sequence = 1) WHERE sequence = 2",
       "submission 2 ", 1},
      {"DELETE FROM content WHERE sequence = 6", "found nothing", 1},
      {"DELETE FROM submission WHERE sequence = 7", "under submission 7", 0},
      {"DELETE FROM receipt WHERE sequence = 8", "receipt of submission 8 ", 1},
      {"UPDATE receipt SET sealed = (SELECT sealed FROM receipt WHERE sequence = 1) WHERE sequence = 2",
       "the receipt of another submission", 1},
      {"UPDATE receipt SET sealed = zeroblob(300) WHERE sequence = 5", "receipt of submission 5 ", 1},
      {"UPDATE submission SET state = 0 WHERE sequence = 10", "taken for unanswered", 0},
      {"UPDATE submission SET form = 'finance' WHERE sequence = 11", "under the seal", 0},
      {"UPDATE meta SET value = 5 WHERE key = 'sequence'", "given twice", 0},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
    restore();
    change(damages[i].sql);
    g_autoptr(GString) lines = g_string_new("");
    assert_true(check_lines(lines) > 0);
    if (!strstr(lines->str, damages[i].said)) fail_msg("%s\nsaid: %s", damages[i].sql, lines->str);
    assert_repaired(damages[i].cost, damages[i].sql, 0);
  }
}

/* Drafts that a crash left behind and the next push removed: pages that are free may hold them still. Here
 * they stand behind the end. */
static void a_draft_that_was_let_go_of_does_not_come_back(void **state)
{
  (void)state;
  restore();
  struct outbox *outbox = fixture_outbox(&fixture);
  g_autoptr(GError) error = NULL;
  uint8_t draft[SUBMISSION_ID_SIZE];
  int64_t batch;
  assert_true(outbox_batch_begin(outbox, "cut.csv", 1, &batch, &error));
  for (unsigned n = 0; n < 60; n++) {
    const struct fixture_report report = {n, fixture_change(2, (const int64_t[]){n, 5}), NULL};
    fixture_submission(&fixture, outbox, batch, &report, 1, draft);
  }
  assert_true(outbox_batch_commit(outbox, batch, &error));
  outbox_close(outbox);
  outbox_close(fixture_outbox(&fixture));
  g_autofree char *pages_of_drafts = NULL;
  gsize length;
  assert_true(g_file_get_contents(path, &pages_of_drafts, &length, NULL));
  restore();
  overwrite(sound_length, pages_of_drafts, length);
  change("UPDATE content SET sealed = zeroblob(length(sealed)) WHERE sequence = 4");
  g_autoptr(GString) lines = g_string_new("");
  struct outbox_repair result = repair(lines);
  g_free(result.aside);
  look(); /* asserts that there is nothing beyond */
}

static void repairing_twice_a_day_keeps_both(void **state)
{
  (void)state;
  restore();
  g_autoptr(GString) lines = g_string_new("");
  struct outbox_repair first = repair(lines), second = repair(lines);
  assert_string_not_equal(first.aside, second.aside);
  assert_true(g_file_test(first.aside, G_FILE_TEST_EXISTS));
  assert_true(g_file_test(second.aside, G_FILE_TEST_EXISTS));
  g_free(first.aside);
  g_free(second.aside);
}

int main(void)
{
  const char *given = g_getenv("PARKTALLY_SEED");
  uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : g_random_int();
  g_random_set_seed(seed);
  print_message("PARKTALLY_SEED=%u\n", seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sound_outbox_is_called_sound),
      cmocka_unit_test(a_repair_of_a_sound_outbox_keeps_all_of_it),
      cmocka_unit_test(what_ties_the_city_s_heads_together_is_kept),
      cmocka_unit_test(a_page_that_is_overwritten_costs_only_what_stood_on_it),
      cmocka_unit_test(rows_around_what_cannot_be_read_are_read),
      cmocka_unit_test(a_byte_that_changed_is_found_and_costs_one_record_at_most),
      cmocka_unit_test(what_a_file_that_is_cut_off_lost_is_known_by_name),
      cmocka_unit_test(a_file_that_is_cut_off_keeps_its_first_records),
      cmocka_unit_test(nothing_but_noise_is_repaired_to_an_empty_outbox_with_other_numbers),
      cmocka_unit_test(what_does_not_belong_together_is_named_and_mended),
      cmocka_unit_test(a_draft_that_was_let_go_of_does_not_come_back),
      cmocka_unit_test(repairing_twice_a_day_keeps_both),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
