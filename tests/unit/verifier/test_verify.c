/* The verifier over random cities (reference_world.h), which it must find right, and over the same cities
 * after an aggregator that has its own key has told lies, which it must find. PARKTALLY_SEED repeats a run.
 */
#include "../aggregator/random_city.h"
#include "../aggregator/reference_world.h"
#include "fixture_export.h"

#include "common/clock.h"
#include "tests/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORLDS = 18, STEPS = 90, LIES = 60 };

/* A world, and what is exported of it. */
struct scene {
  struct world *world;
  struct fixture_export export;
  const char *name;
};

static void scene_begin(struct scene *scene)
{
  store_begin(scene->world->reader);
  fixture_export_read(&scene->export, scene->world->reader);
  store_rollback(scene->world->reader);
}

static void scene_end(struct scene *scene)
{
  fixture_export_clear(&scene->export);
}

static struct verification *verify_scene(const struct scene *scene)
{
  struct verification *verification = verification_new();
  g_autoptr(GByteArray) bytes = fixture_export_write(&scene->export, scene->world->fixture.identity);

  fixture_verify(verification, bytes);
  return verification;
}

static void assert_right(const struct scene *scene)
{
  CLEANUP(verification_free) struct verification *verification = verify_scene(scene);
  g_autofree char *faults = fixture_faults(verification);

  if (verification->faults->count > 0) fail_msg("%s: %s", scene->name, faults);
  assert_int_equal(verification->totals, scene->export.lines->len);
  assert_int_equal(verification->rebuilt->leaf, scene->export.leaves->len);
}

/* At least one fault has these words. */
static void assert_wrong(const struct scene *scene, const char *lie, const char *words)
{
  CLEANUP(verification_free) struct verification *verification = verify_scene(scene);
  g_autofree char *faults = fixture_faults(verification);

  if (!strstr(faults, words)) fail_msg("%s: %s: expected “%s”, found: %s", scene->name, lie, words, faults);
}

/* --- lies --- */

static void replace_leaf(struct scene *scene, unsigned n, const struct leaf *leaf)
{
  g_bytes_unref(scene->export.leaves->pdata[n]);
  scene->export.leaves->pdata[n] = g_byte_array_free_to_bytes(leaf_encode(leaf, NULL));
}

static struct leaf *read_leaf(const struct scene *scene, unsigned n)
{
  size_t length;
  const uint8_t *data = g_bytes_get_data(scene->export.leaves->pdata[n], &length);

  return leaf_decode(data, length);
}

/* The verdict of a report becomes another one. False if the leaf has no report that it can be told of. */
static bool tell_another_verdict(struct scene *scene, unsigned n)
{
  CLEANUP(leaf_free) struct leaf *leaf = read_leaf(scene, n);
  size_t count = leaf->kind == LEAF_SUBMISSION ? leaf->submission.exception_count : 0;
  g_autofree struct refusal *exceptions = g_new0(struct refusal, count + 1);
  struct leaf lie = *leaf;

  if (count == 0) return false;
  memcpy(exceptions, leaf->submission.exceptions, count * sizeof *exceptions);
  unsigned chosen = (unsigned)pick(scene->world->random, (int)count);
  enum verdict before = exceptions[chosen].verdict;
  lie.submission.exceptions = exceptions;
  if (pick(scene->world->random, 2)) { /* counted */
    memmove(&exceptions[chosen], &exceptions[chosen + 1], (count - chosen - 1) * sizeof *exceptions);
    lie.submission.exception_count--;
  } else {
    exceptions[chosen].verdict = before == VERDICT_IS_STALE ? VERDICT_IS_UNCHANGED : VERDICT_IS_STALE;
  }
  replace_leaf(scene, n, &lie);
  return true;
}

/* The catalogue that a submission names, out of its leaf. */
static struct catalogue *catalogue_named(const struct scene *scene, const struct submission *submission)
{
  for (unsigned n = 0; n < scene->export.leaves->len; n++) {
    CLEANUP(leaf_free) struct leaf *leaf = read_leaf(scene, n);
    struct catalogue *catalogue;

    if (leaf->kind != LEAF_CATALOGUE) continue;
    catalogue = catalogue_compile("catalogue", (const char *)leaf->catalogue.text.data,
                                  leaf->catalogue.text.length, NULL);
    if (memcmp(catalogue->hash, submission_head(submission)->catalogue_hash, CATALOGUE_HASH_SIZE) == 0)
      return catalogue;
    catalogue_unref(catalogue);
  }
  return NULL;
}

/* A report that counted becomes a stale one. */
static bool suppress(struct scene *scene, unsigned n)
{
  CLEANUP(leaf_free) struct leaf *leaf = read_leaf(scene, n);
  const uint8_t *payload;
  size_t length;
  struct submission_report report;
  struct leaf lie = *leaf;

  if (leaf->kind != LEAF_SUBMISSION || leaf->submission.exception_count > 0) return false;
  assert_true(seal_peek(leaf->submission.sealed.data, leaf->submission.sealed.length, SEAL_SUBMISSION,
                        &payload, &length));
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload, length);
  CLEANUP(catalogue_unref) struct catalogue *catalogue = catalogue_named(scene, submission);
  submission_bind(submission, catalogue, catalogue_form(catalogue, submission_head(submission)->form));
  submission_report(submission, 0, &report);
  struct refusal refusal = {0, report.unit, "report.stale", "", "", "", VERDICT_IS_STALE};
  lie.submission.exceptions = &refusal;
  lie.submission.exception_count = 1;
  replace_leaf(scene, n, &lie);
  return true;
}

static bool forget_a_release(struct scene *scene, unsigned n)
{
  CLEANUP(leaf_free) struct leaf *leaf = read_leaf(scene, n);
  struct leaf lie = *leaf;

  if (leaf->kind != LEAF_SUBMISSION || leaf->submission.release_count == 0) return false;
  lie.submission.release_count--;
  replace_leaf(scene, n, &lie);
  return true;
}

static bool release_what_does_not_wait(struct scene *scene, unsigned n)
{
  CLEANUP(leaf_free) struct leaf *leaf = read_leaf(scene, n);
  struct release release = {n, 0, VERDICT_IS_COUNTED};
  struct leaf lie = *leaf;

  if (leaf->kind != LEAF_SUBMISSION || leaf->submission.release_count > 0) return false;
  lie.submission.releases = &release;
  lie.submission.release_count = 1;
  replace_leaf(scene, n, &lie);
  return true;
}

static bool send_again(struct scene *scene, unsigned n)
{
  CLEANUP(leaf_free) struct leaf *leaf = read_leaf(scene, n);

  if (leaf->kind != LEAF_SUBMISSION) return false;
  g_ptr_array_insert(scene->export.leaves, (int)n + 1, g_bytes_ref(scene->export.leaves->pdata[n]));
  return true;
}

static bool change_a_figure(struct scene *scene, unsigned n)
{
  CLEANUP(leaf_free) struct leaf *leaf = read_leaf(scene, n);
  struct leaf lie = *leaf;

  if (leaf->kind != LEAF_SUBMISSION) return false;
  g_autofree uint8_t *sealed = g_memdup2(leaf->submission.sealed.data, leaf->submission.sealed.length);
  sealed[leaf->submission.sealed.length - 1] ^= 1; /* the last value's */
  lie.submission.sealed.data = sealed;
  replace_leaf(scene, n, &lie);
  return true;
}

static bool swap_times(struct scene *scene, unsigned n)
{
  if (n < 2 || n + 1 >= scene->export.leaves->len) return false;
  void *leaf = scene->export.leaves->pdata[n];
  scene->export.leaves->pdata[n] = scene->export.leaves->pdata[n + 1];
  scene->export.leaves->pdata[n + 1] = leaf;
  return true;
}

static const struct lie {
  const char *name;
  bool (*tell)(struct scene *scene, unsigned leaf);
  const char *words; /* of the fault */
} LIES_TOLD[] = {
    {"another verdict", tell_another_verdict, "is recorded as"},
    {"a counted report told to be stale", suppress, "is recorded as stale, expected"},
    {"a release forgotten", forget_a_release, "waits no longer, but nothing is recorded"},
    {"a release made up", release_what_does_not_wait, "that did not wait for this"},
    {"the same twice", send_again, "sent and recorded before"},
    {"a figure altered", change_a_figure, "does not hold"},
    {"two leaves exchanged", swap_times, "not recorded later"},
};

/* --- tests --- */

typedef void scene_test(struct scene *scene);

static void for_each_world(scene_test *test)
{
  uint32_t seed = city_seed();
  unsigned worlds = (unsigned)sample_rounds(WORLDS);

  clock_replace(city_clock);
  for (unsigned n = 0; n < worlds; n++) {
    g_autofree char *name = g_strdup_printf("seed %u", seed + n);
    struct scene scene = {.world = reference_world_new(seed + n), .name = name};

    test(&scene);
    reference_world_free(scene.world);
  }
  clock_replace(NULL);
}

static void look_while_things_happen(struct scene *scene)
{
  for (int n = 0; n < STEPS; n++) {
    reference_world_step(scene->world);
    if (n % 30 != 29) continue;
    scene_begin(scene);
    assert_right(scene);
    scene_end(scene);
  }
}

static void nothing_is_wrong_with_what_really_happened(void **state)
{
  (void)state;
  for_each_world(look_while_things_happen);
}

static void lie_about_it(struct scene *scene)
{
  unsigned told[G_N_ELEMENTS(LIES_TOLD)] = {0};

  for (int n = 0; n < STEPS; n++) reference_world_step(scene->world);
  for (int n = 0; n < LIES; n++) {
    unsigned which = (unsigned)n % G_N_ELEMENTS(LIES_TOLD);

    scene_begin(scene);
    unsigned from = (unsigned)pick(scene->world->random, (int)scene->export.leaves->len), tried = 0;
    bool done = false;
    for (; !done && tried < scene->export.leaves->len; tried++)
      done = LIES_TOLD[which].tell(scene, (from + tried) % scene->export.leaves->len);
    if (done) assert_wrong(scene, LIES_TOLD[which].name, LIES_TOLD[which].words);
    told[which] += done;
    scene_end(scene);
  }
  for (unsigned n = 0; n < G_N_ELEMENTS(told); n++)
    if (told[n] == 0) print_message("%s: none could be told: %s\n", scene->name, LIES_TOLD[n].name);
}

static void lies_of_an_aggregator_with_its_own_key_are_found(void **state)
{
  (void)state;
  for_each_world(lie_about_it);
}

static void change_lines(struct scene *scene)
{
  for (int n = 0; n < STEPS; n++) reference_world_step(scene->world);
  scene_begin(scene);
  GPtrArray *lines = scene->export.lines;
  unsigned at = (unsigned)pick(scene->world->random, (int)lines->len);
  char *line = lines->pdata[at], *digit = line + strlen(line) - 2;

  *digit = *digit == '9' ? '8' : (char)(*digit + 1);
  assert_wrong(scene, "another number of units", "the ledger comes to");
  *digit = 'x';
  assert_wrong(scene, "no number", "this is no line of a total");
  g_ptr_array_remove_index(lines, at);
  assert_wrong(scene, "a line dropped", "it is missing, the ledger comes to");
  scene_end(scene);

  scene_begin(scene);
  g_ptr_array_add(scene->export.lines, g_strdup(scene->export.lines->pdata[0]));
  assert_wrong(scene, "a line doubled", "it stands there twice");
  scene_end(scene);

  scene_begin(scene);
  g_ptr_array_add(scene->export.lines, g_strdup("monthly,2018-05,nowhere,all,output,1,1\n"));
  assert_wrong(scene, "a line made up", "the ledger comes to none");
  scene_end(scene);
}

static void every_total_is_compared_in_both_directions(void **state)
{
  (void)state;
  for_each_world(change_lines);
}

static void cut_the_file(struct scene *scene)
{
  for (int n = 0; n < STEPS; n++) reference_world_step(scene->world);
  scene_begin(scene);
  g_autoptr(GByteArray) bytes = fixture_export_write(&scene->export, scene->world->fixture.identity);

  for (int n = 0; n < LIES; n++) {
    g_autoptr(GByteArray) damaged = g_byte_array_new();
    CLEANUP(verification_free) struct verification *verification = verification_new();
    unsigned at = (unsigned)pick(scene->world->random, (int)bytes->len);

    g_byte_array_append(damaged, bytes->data, bytes->len);
    if (n % 2) g_byte_array_set_size(damaged, at + 1 < bytes->len ? at + 1 : at);
    damaged->data[n % 2 ? 0 : at] ^= n % 2 ? 0 : (uint8_t)(1 << pick(scene->world->random, 8));
    fixture_verify(verification, damaged);
    if (verification->faults->count == 0)
      fail_msg("%s: nothing was found with %s at byte %u", scene->name, n % 2 ? "a cut" : "a bit turned", at);
  }
  scene_end(scene);
}

static void a_bit_turned_or_an_end_cut_off_is_found(void **state)
{
  (void)state;
  for_each_world(cut_the_file);
}

static void compare_heads(struct scene *scene)
{
  for (int n = 0; n < STEPS; n++) reference_world_step(scene->world);
  scene_begin(scene);
  const struct identity *identity = scene->world->fixture.identity;
  unsigned last = scene->export.leaves->len;

  for (unsigned size = 0; size <= last; size += 7) {
    CLEANUP(verification_free) struct verification *verification = verification_new();
    g_autoptr(GBytes) head = fixture_export_head(&scene->export, identity, size);
    g_autofree char *text = head_text(g_bytes_get_data(head, NULL), g_bytes_get_size(head));
    g_autoptr(GByteArray) bytes = fixture_export_write(&scene->export, identity);

    assert_true(verification_add_head(verification, text, NULL));
    fixture_verify(verification, bytes);
    assert_int_equal(verification->faults->count, 0);
  }
  g_autoptr(GBytes) head = fixture_export_head(&scene->export, identity, last);
  g_autofree char *text = head_text(g_bytes_get_data(head, NULL), g_bytes_get_size(head));
  g_ptr_array_remove_index(scene->export.leaves, last / 2);
  for (int shorter = 0; shorter < 2; shorter++) {
    CLEANUP(verification_free) struct verification *verification = verification_new();
    g_autoptr(GByteArray) bytes = fixture_export_write(&scene->export, identity);

    assert_true(verification_add_head(verification, text, NULL));
    fixture_verify(verification, bytes);
    g_autofree char *faults = fixture_faults(verification);
    assert_non_null(
        strstr(faults, shorter ? "is not the ledger that was signed then" : "leaves were cut off"));
    g_ptr_array_add(scene->export.leaves, g_bytes_ref(scene->export.leaves->pdata[0]));
  }
  scene_end(scene);
}

static void an_earlier_head_must_be_that_of_the_first_leaves(void **state)
{
  (void)state;
  for_each_world(compare_heads);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_wrong_with_what_really_happened),
      cmocka_unit_test(lies_of_an_aggregator_with_its_own_key_are_found),
      cmocka_unit_test(every_total_is_compared_in_both_directions),
      cmocka_unit_test(a_bit_turned_or_an_end_cut_off_is_found),
      cmocka_unit_test(an_earlier_head_must_be_that_of_the_first_leaves),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
