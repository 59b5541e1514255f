/* The program against a slow reckoning (reference.h): random registers with establishments, units in several
 * parks, moves, mergers, entries and exits; reports, nils, withdrawals, stale and unborn bases, changes of
 * register and catalogue, in random orders. Each answer that is compared is a case. PARKTALLY_SEED repeats a
 * run, PARKTALLY_ROUNDS says of how many cities. */
#include "random_city.h"
#include "reference_world.h"

#include "aggregator/past.h"
#include "aggregator/read.h"
#include "aggregator/read_private.h"
#include "tests/sample.h"

enum { STEPS = 90, LOOKS_BACK = 4, WORLDS = 40, CASES_LEAST = 10000 };

static const char *const AREAS[REFERENCE_AREAS] = {"zone", "group", "east", "west", "south"};
static const char *const SLICES[REFERENCE_SLICES] = {
    "all", "cars", "steel", "above_scale", "outside_boundary", "either"};
static const char *const INDICATORS[REFERENCE_INDICATORS] = {
    "output", "sales", "profit", "staff", "research", "big", "scaled", "intensity", "multiple"};

/* --- what is asked --- */

struct question {
  struct world *world;
  struct reader *reader;
  const struct reference_city *city;
  const char *when;
  int area, slice, indicator;
  struct reference_period period;
  bool cumulative, previous;
  const char *of;
};

static void differ(const struct question *question, const char *what, reference_sum expected,
                   reference_sum found)
{
  char numbers[2][DECIMAL_TEXT_SIZE], period[PERIOD_TEXT_SIZE];

  fail_msg("%s, %s of %s in %s × %s for %s%s%s: %s: expected %s, found %s", question->when, question->of,
           INDICATORS[question->indicator], AREAS[question->area], SLICES[question->slice],
           period_format(reference_world_period(question->period), period),
           question->cumulative ? ", cumulative" : "", question->previous ? ", on the period before" : "",
           what, decimal_format(expected, 0, numbers[0]), decimal_format(found, 0, numbers[1]));
}

static void expect(const struct question *question, const char *what, reference_sum expected,
                   reference_sum found)
{
  if (expected != found) differ(question, what, expected, found);
}

static void expect_total(const struct question *question, const struct reference_total *expected,
                         const struct total *found)
{
  expect(question, "defined", expected->defined, found->defined);
  expect(question, "value", expected->value, found->value);
  expect(question, "denominator", expected->denominator, found->denominator);
  expect(question, "reported", expected->reported, found->reported);
  expect(question, "expected", expected->expected, found->expected);
  question->world->cases++;
}

static int area_of(const struct question *question)
{
  return catalogue_area(question->reader->catalogue, AREAS[question->area]);
}

static int slice_of(const struct question *question)
{
  return catalogue_slice(question->reader->catalogue, SLICES[question->slice]);
}

static int indicator_of(const struct question *question)
{
  return catalogue_indicator(question->reader->catalogue, INDICATORS[question->indicator]);
}

static void ask_total(struct question *question)
{
  struct reference_total expected =
      reference_total(question->city, question->area, question->slice, question->indicator, question->period,
                      question->cumulative);
  struct total found;

  question->of = "the total";
  assert_true(reader_total(question->reader, area_of(question), slice_of(question), indicator_of(question),
                           reference_world_period(question->period), question->cumulative, &found, NULL));
  expect_total(question, &expected, &found);
}

static void ask_overlap(struct question *question)
{
  struct reference_total expected;
  struct total found;
  bool is_expected = reference_overlap(question->city, question->area, question->slice, question->indicator,
                                       question->period, question->cumulative, &expected);
  bool is_found =
      reader_overlap(question->reader, area_of(question), slice_of(question), indicator_of(question),
                     reference_world_period(question->period), question->cumulative, &found, NULL);

  question->of = "the overlap line";
  expect(question, "whether there is one", is_expected, is_found);
  if (is_found) expect_total(question, &expected, &found);
}

static void ask_set_overlap(struct question *question)
{
  struct reference_total expected;
  struct total found;
  bool is_expected = reference_set_overlap(question->city, question->area, question->indicator,
                                           question->period, question->cumulative, &expected);
  bool is_found =
      reader_set_overlap(question->reader, area_of(question), slice_of(question), indicator_of(question),
                         reference_world_period(question->period), question->cumulative, &found, NULL);

  question->of = "the overlap line of the set";
  expect(question, "whether there is one", is_expected, is_found);
  if (is_found) expect_total(question, &expected, &found);
}

static void ask_standing(struct question *question)
{
  enum reference_form form = (enum reference_form)pick(question->world->random, REFERENCE_FORMS);
  struct reference_period period = question->period;

  if (form == REFERENCE_YEARLY) period = (struct reference_period){period.year, 1, 12};
  if (form != REFERENCE_YEARLY && period.months > 1) return;
  if (form == REFERENCE_FINANCE && period.month == 1) return;
  struct reference_standing expected =
      reference_standing(question->city, question->area, question->slice, (int)form, period);
  struct cell_key key = {.book = store_find_book(question->reader->store, reference_world_form(form),
                                                 reference_world_period(period)),
                         .area = AREAS[question->area],
                         .slice = SLICES[question->slice],
                         .slot = SLOT_REPORTED};
  int128 nil = 0;
  int64_t reported = 0;

  question->of = reference_world_form(form);
  if (key.book && !reader_cell(question->reader, &key, &nil, &reported)) nil = reported = 0;
  expect(question, "units that reported", expected.reported, reported);
  expect(question, "nil reports", expected.nil, nil);
  expect(question, "units that owe it", expected.owed,
         reader_expected(question->reader, reference_world_form(form), key.area, key.slice,
                         period_last_day(reference_world_period(period))));
  question->world->cases++;
}

static void ask_growth(struct question *question)
{
  static const char *const causes[REFERENCE_CAUSES] = {"entered",      "left",         "moved",
                                                       "not reported", "base revised", "grown"};
  struct total total;
  struct growth_base found;
  const struct comparison *of = &found.comparison;

  question->of = "the growth";
  assert_true(reader_total(question->reader, area_of(question), slice_of(question), indicator_of(question),
                           reference_world_period(question->period), question->cumulative, &total, NULL));
  assert_true(reader_growth(question->reader, area_of(question), slice_of(question), indicator_of(question),
                            reference_world_period(question->period), question->cumulative,
                            question->previous, &total, &found, NULL));
  struct reference_growth expected =
      reference_growth(question->city, question->area, question->slice, question->indicator, question->period,
                       question->cumulative, question->previous);
  expect(question, "now", expected.now, of->now);
  expect(question, "before", expected.before, of->before);
  expect(question, "published", expected.published, of->published);
  expect(question, "base", expected.base, of->base);
  expect(question, "comparable", expected.comparable, of->comparable);
  expect(question, "figures now", expected.now_figures, of->now_figures);
  expect(question, "figures before", expected.before_figures, of->before_figures);
  expect(question, "published figures", expected.published_figures, of->published_figures);
  expect(question, "comparable figures", expected.comparable_figures, of->comparable_figures);
  for (int cause = 0; cause < REFERENCE_CAUSES; cause++) {
    expect(question, causes[cause], expected.cause[cause].value, of->cause[cause].value);
    expect(question, causes[cause], expected.cause[cause].units, of->cause[cause].units);
  }
  question->world->cases++;
}

static void choose(struct question *question)
{
  GRand *random = question->world->random;

  question->area = pick(random, REFERENCE_AREAS);
  question->slice = pick(random, REFERENCE_SLICES);
  question->indicator = pick(random, REFERENCE_INDICATORS);
  question->cumulative = pick(random, 2);
  question->previous = false;
  question->period = (struct reference_period){REFERENCE_FIRST_YEAR + pick(random, 2),
                                               question->world->first_month + pick(random, 3), 1};
  if (pick(random, 6) == 0) question->period = (struct reference_period){question->period.year, 1, 3};
  if (pick(random, 8) == 0) question->period = (struct reference_period){question->period.year, 1, 12};
  if (question->indicator == REFERENCE_RESEARCH || question->indicator == REFERENCE_INTENSITY)
    question->period = (struct reference_period){question->period.year, 1, 12};
}

static void ask_all(struct question *question, int totals, int growths)
{
  for (int n = 0; n < totals; n++) {
    choose(question);
    ask_total(question);
    ask_overlap(question);
    if (question->slice == REFERENCE_EITHER) ask_set_overlap(question);
    ask_standing(question);
  }
  for (int n = 0; n < growths; n++) {
    choose(question);
    question->indicator = pick(question->world->random, REFERENCE_STAFF + 1);
    question->previous = question->period.months == 1 && !pick(question->world->random, 3);
    if (question->previous) question->cumulative = false;
    if (!question->previous) question->period.year = REFERENCE_FIRST_YEAR + 1; /* before, there is nothing */
    ask_growth(question);
  }
}

/* After so many events; of all, also as the present. */
static void look(struct world *world, const char *name, unsigned events, int totals, int growths)
{
  g_autoptr(GError) error = NULL;
  g_autofree struct reference_city *then = g_new0(struct reference_city, 1);
  g_autofree char *when = NULL;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(world->fixture.writer), world->reader, &error);
  struct question question = {.world = world, .city = world->city};
  CLEANUP(past_free) struct past *past = NULL;
  CLEANUP(reader_free) struct reader *reader = NULL;

  if (!snapshot) fail_msg("%s", error->message);
  if (events < world->events->len) {
    uint64_t leaves = g_array_index(world->leaves, uint64_t, events - 1);

    memcpy(then->class, world->city->class, sizeof then->class);
    memcpy(then->parent, world->city->parent, sizeof then->parent);
    for (unsigned n = 0; n < events; n++) reference_apply(then, world->events->pdata[n]);
    question.city = then;
    past = past_new(world->reader, snapshot, leaves, city_now_ms, &error);
    if (!past) fail_msg("%s", error->message);
  }
  reader = past ? reader_new_at(world->reader, past) : reader_new(world->reader, snapshot);
  when = g_strdup_printf("%s, after %u of %u events", name, events, world->events->len);
  question.reader = reader;
  question.when = when;
  ask_all(&question, totals, growths);
  store_rollback(world->reader);
}

/* Looks at it while things happen, at its end, and back from there. */
static unsigned long live(uint32_t seed, const char *name)
{
  struct world *world = reference_world_new(seed);

  for (int n = 0; n < STEPS; n++) {
    reference_world_step(world);
    if (n % 30 == 29) look(world, name, world->events->len, 30, 12);
    if (pick(world->random, 60) == 0) fixture_restart(&world->fixture);
  }
  look(world, name, world->events->len, 60, 30);
  for (int n = 0; n < LOOKS_BACK; n++)
    look(world, name, 1 + (unsigned)pick(world->random, (int)world->events->len - 1), 20, 8);
  unsigned long cases = world->cases;
  reference_world_free(world);
  return cases;
}

static void every_answer_is_the_slow_reckoning_s(void **state)
{
  uint32_t seed = city_seed();
  unsigned worlds = (unsigned)sample_rounds(WORLDS);
  unsigned long cases = 0;

  (void)state;
  clock_replace(city_clock);
  for (unsigned n = 0; n < worlds; n++) {
    g_autofree char *name = g_strdup_printf("PARKTALLY_SEED=%u PARKTALLY_ROUNDS=1", seed + n);

    cases += live(seed + n, name);
  }
  print_message("%u cities, %lu cases\n", worlds, cases);
  if (worlds >= WORLDS) assert_true(cases >= CASES_LEAST);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_answer_is_the_slow_reckoning_s),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
