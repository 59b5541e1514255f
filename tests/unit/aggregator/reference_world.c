#include "reference_world.h"

#include "random_city.h"

static const struct {
  const char *code;
  int columns;
} FORMS[REFERENCE_FORMS] = {{"monthly", 7}, {"finance", 2}, {"yearly", 1}};
/* Of form and column, the one that it says last year's of. */
static const int LAST_YEAR_OF[REFERENCE_FORMS][REFERENCE_COLUMNS] = {
    {-1, -1, -1, -1, 0, 2, 1}, {-1, 0, -1, -1, -1, -1, -1}, {-1, -1, -1, -1, -1, -1, -1}};

/* --- the catalogue --- */

static const char *const SWAPS[][2] = {
    {"group: {zh: 片区, en: Group, in: zone, boundary_only: true}", "group: {zh: 片区, en: Group, in: zone}"},
    {"  steel: {cluster: steel}\n", "  steel: {cluster: steel, flag: above_scale}\n"},
    {"停产: {zh: 停产, en: Stopped, expected: true}", "停产: {zh: 停产, en: Stopped, expected: false}"},
    {"west: {zh: 西园, en: West park, in: group", "west: {zh: 西园, en: West park, in: zone"},
    {"indicator: profit, from: 1000}", "indicator: profit, from: 2000}"},
    {"population: above_scale\n", "retired: false\n"},
    {"any_of: [cars, steel]", "any_of: [cars, steel, above_scale]"},
};
static const char *const ADDED[][2] = {
    {"{column: staff}]", "{column: staff}, {column: output.ly}, {column: sales.ytd_ly}, {column: sales.ly}]"},
    {"  outside_boundary:", "  either: {zh: 任一, en: Either, any_of: [cars, steel]}\n  outside_boundary:"},
    {"  intensity:", "  multiple: {zh: 倍数, en: Multiple, measure: \"%\", decimals: 2, kind: ratio, ratio: "
                     "{numerator: sales, denominator: profit, scale: 100}}\n  intensity:"},
};

static void swap(char **text, const char *what, const char *with)
{
  g_auto(GStrv) parts = g_strsplit(*text, what, 2);

  assert_non_null(parts[1]);
  g_free(*text);
  *text = g_strconcat(parts[0], with, parts[1], NULL);
}

static void use_rules(struct world *world)
{
  const struct reference_rules *rules = &world->rules;
  const bool swapped[] = {rules->group_is_all,      rules->steel_is_scaled, rules->stopped_owe_none,
                          rules->west_beside_group, rules->big_from_2000,   rules->finance_from_all,
                          rules->either_has_scaled};
  g_autofree char *path = g_build_filename(SOURCE_DIR, "tests", "data", "small.yaml", NULL), *text = NULL;
  struct act act = {.kind = LEAF_CATALOGUE, .by = "test"};
  g_autoptr(GError) error = NULL;

  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  for (size_t n = 0; n < G_N_ELEMENTS(ADDED); n++) swap(&text, ADDED[n][0], ADDED[n][1]);
  for (size_t n = 0; n < G_N_ELEMENTS(SWAPS); n++)
    if (swapped[n]) swap(&text, SWAPS[n][0], SWAPS[n][1]);
  act.text = g_bytes_new(text, strlen(text));
  if (!writer_act(world->fixture.writer, &act, NULL, &error)) fail_msg("%s", error->message);
  g_bytes_unref(act.text);
}

/* --- what happens --- */

/* Takes the event. */
static void happened(struct world *world, struct reference_event *event)
{
  uint64_t leaves;

  store_begin(world->reader);
  leaves = store_leaf_count(world->reader);
  store_rollback(world->reader);
  g_ptr_array_add(world->events, event);
  g_array_append_val(world->leaves, leaves);
  reference_apply(world->city, event);
}

static void change_catalogue(struct world *world)
{
  bool *const rules[] = {&world->rules.group_is_all,     &world->rules.steel_is_scaled,
                         &world->rules.stopped_owe_none, &world->rules.west_beside_group,
                         &world->rules.big_from_2000,    &world->rules.finance_from_all,
                         &world->rules.either_has_scaled};
  struct reference_event *event = g_new0(struct reference_event, 1);
  bool *rule = rules[pick(world->random, G_N_ELEMENTS(rules))];

  *rule = !*rule;
  use_rules(world);
  event->what = REFERENCE_CATALOGUE;
  event->rules = world->rules;
  happened(world, event);
}

/* Mostly of a month that is reported. */
static int random_date(struct world *world)
{
  int month = pick(world->random, 3)
                  ? pick(world->random, 2) * 12 + world->first_month - 1 + pick(world->random, 3)
                  : pick(world->random, 18);

  return (REFERENCE_FIRST_YEAR * 12 + month) * 2 + (pick(world->random, 3) == 0);
}

static struct reference_version random_version(struct world *world, int unit)
{
  GRand *random = world->random;
  struct reference_version version = {.from = random_date(world),
                                      .to = INT_MAX,
                                      .parks = pick(random, 3) ? 1u << pick(random, REFERENCE_PARKS)
                                                               : 1u + (unsigned)pick(random, 7),
                                      .reporter = pick(random, REFERENCE_PARKS + 1) - 1,
                                      .in_boundary = pick(random, 4) > 0,
                                      .cars = pick(random, 2),
                                      .steel = pick(random, 3) == 0,
                                      .above_scale = pick(random, 3) > 0,
                                      .status = pick(random, 4)   ? REFERENCE_OPERATING
                                                : pick(random, 2) ? REFERENCE_STOPPED
                                                                  : REFERENCE_CLOSED};

  int to = random_date(world);

  if (pick(random, 5) == 0) version.to = MAX(version.from, to);
  if (version.reporter >= 0 && !(version.parks >> version.reporter & 1)) version.reporter = REFERENCE_NONE;
  for (int n = pick(random, 10) - 7; n > 0; n--) version.succeeds |= 1u << pick(random, REFERENCE_UNITS);
  version.succeeds &= ~(1u << unit);
  return version;
}

/* The first or the last day of a date. */
static void write_day(GString *csv, int date, bool is_last)
{
  const struct period period = {(int16_t)(date / 24), (uint8_t)(date / 2 % 12 + 1), 1};
  day_number end = period_last_day(period);
  char text[PERIOD_TEXT_SIZE];

  if (date % 2 == 0) end = is_last ? end - 1 : period_first_day(period);
  g_string_append(csv, day_format(end, text));
}

static const char *class_of(const struct world *world, int unit)
{
  static const char *const classes[] = {"enterprise", "establishment", "code"};

  return classes[world->city->class[unit]];
}

static void write_version(const struct world *world, GString *csv, int unit,
                          const struct reference_version *version)
{
  static const char *const statuses[] = {"正常", "停产", "关闭"};
  bool is_first = true;

  g_string_append_printf(
      csv, "%s,%s,,名,%s%s%s,%s,%d,,%s%s%s,%s,%s,", world->unit[unit], class_of(world, unit),
      version->parks & 1 ? "east;" : "", version->parks & 2 ? "west;" : "", version->parks & 4 ? "south" : "",
      version->reporter < 0 ? "" : CITY_PARK[version->reporter], version->in_boundary,
      version->cars ? "cars" : "", version->cars && version->steel ? ";" : "", version->steel ? "steel" : "",
      version->above_scale ? "above_scale" : "", statuses[version->status]);
  for (int n = 0; n < REFERENCE_UNITS; n++) {
    if (!(version->succeeds >> n & 1)) continue;
    g_string_append_printf(csv, "%s%s", is_first ? "" : ";", world->unit[n]);
    is_first = false;
  }
  g_string_append_c(csv, ',');
  if (version->from > 0) write_day(csv, version->from, false);
  g_string_append_c(csv, ',');
  if (version->to < INT_MAX) write_day(csv, version->to, true);
  g_string_append_c(csv, '\n');
}

/* The first one has almost all units, since ever. */
static void change_register(struct world *world)
{
  bool is_first = world->events->len == 0;
  struct reference_event *event = g_new0(struct reference_event, 1);
  g_autoptr(GString) csv = g_string_new(
      "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n");

  event->what = REFERENCE_IMPORT;
  for (int unit = 0; unit < REFERENCE_UNITS; unit++) {
    struct reference_version version = random_version(world, unit);

    if (pick(world->random, 8) < (is_first ? 1 : 6)) continue;
    if (is_first) version.from = 0;
    if (is_first) version.succeeds = 0;
    event->unit[event->count] = unit;
    event->version[event->count++] = version;
    write_version(world, csv, unit, &version);
  }
  fixture_import(&world->fixture, csv->str);
  happened(world, event);
}

static bool is_about(const struct reference_event *made, const struct reference_event *event, int unit)
{
  bool is_its = false;

  for (int n = 0; n < made->count; n++) is_its |= made->report[n].unit == unit;
  return is_its && made->park == event->park && made->form == event->form &&
         made->period.year == event->period.year && made->period.month == event->period.month;
}

/* None, the one that holds the report, the last one that was made, sent or not; or any. */
static int random_base(struct world *world, const struct reference_event *event, int unit)
{
  const struct reference_current *own =
      reference_report_of(world->city, event->form, event->period, unit, event->park);

  if (pick(world->random, 2))
    for (int n = world->submissions - 1; n >= 0; n--)
      if (is_about(world->submission[n].event, event, unit)) return n;
  if (pick(world->random, 6) > 0) return own->exists ? own->submission : REFERENCE_NONE;
  if (world->submissions == 0 || pick(world->random, 3) == 0) return REFERENCE_NONE;
  return world->submissions - 1 - pick(world->random, MIN(world->submissions, 24));
}

/* Last year's column mostly says what was reported then. */
static int64_t random_value(struct world *world, const struct reference_event *event, int unit, int column)
{
  GRand *random = world->random;
  int before = LAST_YEAR_OF[event->form][column];
  struct reference_period period = event->period;

  period.year--;
  const struct reference_current *then =
      reference_report_of(world->city, event->form, period, unit, event->park);
  if (before >= 0 && (then->present >> before & 1) && pick(random, 3) > 0) return then->value[before];
  if (pick(random, 12) == 0) return g_rand_int_range(random, 0, INT32_MAX) * INT64_C(4194304); /* of 2^53 */
  return pick(random, 3000) - (event->form == REFERENCE_FINANCE ? 1000 : 0);
}

static void fill(struct world *world, const struct reference_event *event, unsigned asked,
                 struct reference_report *report)
{
  int kind = pick(world->random, 16);
  const struct reference_current *own =
      reference_report_of(world->city, event->form, event->period, report->unit, event->park);

  report->kind = kind == 0 ? REFERENCE_NIL : kind == 1 ? REFERENCE_WITHDRAWAL : REFERENCE_FIGURES;
  if (report->kind != REFERENCE_FIGURES) return;
  report->asked = asked;
  for (int n = 0; n < FORMS[event->form].columns; n++) {
    int what = pick(world->random, 12);

    if (!(asked >> n & 1) || (what == 0 && (own->present >> n & 1 ? pick(world->random, 2) : 1))) continue;
    if (what == 1) {
      report->withdrawn |= 1u << n;
      continue;
    }
    report->present |= 1u << n;
    report->value[n] = random_value(world, event, report->unit, n);
  }
  if ((report->present | report->withdrawn) == 0) report->withdrawn = asked & -asked;
}

static struct report_change change_of(const struct reference_report *report)
{
  static const enum report_kind kinds[] = {KIND_FIGURES, KIND_NIL, KIND_WITHDRAWAL};
  struct report_change change = {.kind = kinds[report->kind]};

  for (unsigned n = 0; n < REFERENCE_COLUMNS; n++) {
    if (report->asked >> n & 1) column_set_add(&change.asked, n);
    if (report->withdrawn >> n & 1) column_set_add(&change.withdrawn, n);
    if (report->present >> n & 1) figures_set(&change.figures, n, report->value[n]);
  }
  return change;
}

struct period reference_world_period(struct reference_period period)
{
  return (struct period){(int16_t)period.year, (uint8_t)period.month, (uint8_t)period.months};
}

/* Seals it, and gives it its number. */
static void seal(struct world *world, struct reference_event *event)
{
  struct fixture_report reports[REFERENCE_UNITS];
  char text[PERIOD_TEXT_SIZE];

  event->submission = world->submissions++;
  for (int n = 0; n < event->count; n++) {
    const struct reference_report *report = &event->report[n];

    reports[n] = (struct fixture_report){
        .unit = world->unit[report->unit],
        .change = change_of(report),
        .base = report->base == REFERENCE_NONE ? NULL : world->submission[report->base].id};
  }
  world->submission[event->submission].sealed =
      fixture_seal(&world->fixture, &world->agents[event->park], FORMS[event->form].code,
                   period_format(reference_world_period(event->period), text), reports, (size_t)event->count,
                   world->submission[event->submission].id);
  world->submission[event->submission].event = event;
}

/* Once or again: again changes nothing. */
static void send(struct world *world, int submission)
{
  g_autoptr(GError) error = NULL;
  CLEANUP(receipt_free)
  struct receipt *receipt = fixture_submit(&world->fixture, world->submission[submission].sealed, &error);

  if (!receipt) fail_msg("%s", error->message);
  if (!world->submission[submission].is_sent) happened(world, world->submission[submission].event);
  world->submission[submission].is_sent = true;
}

static struct reference_event *new_submission(struct world *world)
{
  struct reference_event *event = g_new0(struct reference_event, 1);
  int form = pick(world->random, 9);

  event->what = REFERENCE_SUBMISSION;
  event->form = form < 5 ? REFERENCE_MONTHLY : form < 8 ? REFERENCE_FINANCE : REFERENCE_YEARLY;
  event->park = pick(world->random, REFERENCE_PARKS);
  event->period = (struct reference_period){REFERENCE_FIRST_YEAR + pick(world->random, 2),
                                            world->first_month + pick(world->random, 3), 1};
  if (event->form == REFERENCE_YEARLY) event->period.month = 1;
  if (event->form == REFERENCE_YEARLY) event->period.months = 12;
  if (event->form == REFERENCE_FINANCE && event->period.month == 1) event->period.month = 2;
  return event;
}

static void report_something(struct world *world)
{
  struct reference_event *event = new_submission(world);
  unsigned asked = world->columns[event->form];

  if (pick(world->random, 3) == 0) asked &= (unsigned)pick(world->random, 128);
  if (asked == 0) asked = 1;
  for (int unit = 0; unit < REFERENCE_UNITS; unit++) {
    const struct reference_version *version = reference_governing(world->city, unit, event->period);
    bool is_here = version && (version->parks >> event->park & 1);
    struct reference_report *report = &event->report[event->count];

    if (pick(world->random, 8) < (is_here ? 2 : 7)) continue;
    *report = (struct reference_report){.unit = unit, .base = random_base(world, event, unit)};
    fill(world, event, asked, report);
    event->count++;
  }
  if (event->count == 0) {
    g_free(event);
    return;
  }
  seal(world, event);
  if (pick(world->random, 6) > 0) send(world, event->submission);
}

/* Mostly one that was not sent yet. */
static void send_late(struct world *world)
{
  if (world->submissions == 0) return;
  int first = pick(world->random, world->submissions), submission = first;

  while (pick(world->random, 8) > 0 && world->submission[submission].is_sent) {
    submission = (submission + 1) % world->submissions;
    if (submission == first) break;
  }
  send(world, submission);
}

void reference_world_step(struct world *world)
{
  int what = pick(world->random, 32);

  if (what < 4)
    change_register(world);
  else if (what < 5)
    change_catalogue(world);
  else if (what < 10)
    send_late(world);
  else
    report_something(world);
}

/* --- a city --- */

static void make_units(struct world *world)
{
  for (int n = 0; n < REFERENCE_UNITS; n++) {
    if (n < 5)
      g_strlcpy(world->unit[n], fixture_uscc((unsigned)n), sizeof world->unit[n]);
    else if (n < 8)
      g_snprintf(world->unit[n], sizeof world->unit[n], "%s-0%d", world->unit[n / 7], n - 4);
    else
      g_snprintf(world->unit[n], sizeof world->unit[n], "1u%d", n);
  }
  qsort(world->unit, REFERENCE_UNITS, sizeof world->unit[0], by_code);
  for (int n = 0; n < REFERENCE_UNITS; n++) {
    const char *class = city_class(world->unit[n]);

    world->city->class[n] = strcmp(class, "code") == 0         ? REFERENCE_BY_CODE
                            : strcmp(class, "enterprise") == 0 ? REFERENCE_ENTERPRISE
                                                               : REFERENCE_ESTABLISHMENT;
    for (int parent = 0; parent < REFERENCE_UNITS; parent++)
      if (parent != n && g_str_has_prefix(world->unit[n], world->unit[parent]))
        world->city->parent[n] = parent;
  }
}

const char *reference_world_form(enum reference_form form)
{
  return FORMS[form].code;
}

struct world *reference_world_new(uint32_t seed)
{
  struct world *world = g_new0(struct world, 1);
  static const unsigned monthly[] = {0x7f, 0x7f, 0x7f & ~0x42u /* no months of sales */, 0x7f & ~0x24u};

  world->random = g_rand_new_with_seed(seed);
  world->events = g_ptr_array_new_with_free_func(g_free);
  world->leaves = g_array_new(FALSE, FALSE, sizeof(uint64_t));
  world->city = g_new0(struct reference_city, 1);
  world->first_month = pick(world->random, 2) ? 1 : 1 + pick(world->random, 3);
  world->columns[REFERENCE_MONTHLY] = monthly[pick(world->random, G_N_ELEMENTS(monthly))];
  world->columns[REFERENCE_FINANCE] = pick(world->random, 2) ? 3 : 1;
  world->columns[REFERENCE_YEARLY] = 1;
  make_units(world);
  fixture_setup(&world->fixture, NULL);
  for (int n = 0; n < REFERENCE_PARKS; n++) fixture_enrol(&world->fixture, CITY_PARK[n], &world->agents[n]);
  g_autofree char *path = folder_path(world->fixture.folder, "store.db");
  world->reader = store_open(path, STORE_READ, NULL);
  assert_non_null(world->reader);
  use_rules(world);
  change_register(world);
  return world;
}

void reference_world_free(struct world *world)
{
  for (int n = 0; n < world->submissions; n++) {
    g_bytes_unref(world->submission[n].sealed);
    if (!world->submission[n].is_sent) g_free(world->submission[n].event);
  }
  store_close(world->reader);
  for (int n = 0; n < REFERENCE_PARKS; n++) fixture_agent_clear(&world->agents[n]);
  fixture_teardown(&world->fixture);
  g_array_unref(world->leaves);
  g_ptr_array_unref(world->events);
  g_rand_free(world->random);
  g_free(world->city);
  g_free(world);
}
