/* Rights: whose a further agent would share, and who may admit it. */
#include "aggregator/rights.h"

#include "small.h"

#define ALL "" /* forms of its role */

struct person {
  const char *id, *area;
  enum agent_role role;
  const char *form; /* by name, or ALL */
  enum { HERE, GONE, WAITS, ADMITTED } is;
};

static const char BUREAUS[] =
    "  city:\n    zh: 市情\n    en: City\n    number: T-8\n    issuer: 测试\n    approval: 示例\n"
    "    legal_basis: administrative\n    filled_by: bureau\n    every: year\n    classes: [code]\n"
    "    columns: [{column: sales}]\n"
    "  funds:\n    zh: 经费\n    en: Funds\n    number: T-9\n    issuer: 测试\n    approval: 示例\n"
    "    legal_basis: administrative\n    filled_by: bureau\n    every: year\n    classes: [code]\n"
    "    columns: [{column: staff}]\n";

struct world {
  struct snapshot snapshot;
  char *forms[8][2];
};

static struct stored_agent *nth(struct world *world, unsigned n)
{
  return &g_array_index(world->snapshot.agents, struct agent_record, n).stored;
}

/* The agents of the snapshot: `people` until one without an id. */
static void open_world(struct world *world, const struct person *people)
{
  *world = (struct world){.snapshot.catalogue = small_catalogue(NULL, NULL, BUREAUS),
                          .snapshot.agents = g_array_new(FALSE, TRUE, sizeof(struct agent_record))};
  for (unsigned n = 0; people[n].id; n++) {
    const struct person *of = &people[n];
    struct agent_record record = {.stored = {.id = (char *)of->id,
                                             .area = (char *)of->area,
                                             .role = of->role,
                                             .enrolled_ms = n + 1,
                                             .revoked_ms = of->is == GONE,
                                             .admission.position = of->is == ADMITTED}};

    world->forms[n][0] = *of->form ? (char *)of->form : NULL;
    record.stored.forms = world->forms[n];
    if (of->is == WAITS || of->is == ADMITTED) record.stored.entry = ENTRY_IS_WAITING;
    g_array_append_val(world->snapshot.agents, record);
  }
}

static void close_world(struct world *world)
{
  g_array_unref(world->snapshot.agents);
  catalogue_unref(world->snapshot.catalogue);
}

#define PARK AGENT_OF_PARK
#define BUREAU AGENT_OF_BUREAU

static void what_an_agent_finds_depends_on_who_has_rights_in_its_area(void **state)
{
  (void)state;
  static const struct {
    const char *what;
    struct person people[4]; /* the first is the one that enrols */
    enum agent_entry expected;
  } cases[] = {
      {"nobody", {{"n", "east", PARK, ALL, HERE}}, ENTRY_IS_FIRST},
      {"another park's", {{"n", "east", PARK, ALL, HERE}, {"a", "west", PARK, ALL, HERE}}, ENTRY_IS_FIRST},
      {"the park's", {{"n", "east", PARK, ALL, HERE}, {"a", "east", PARK, ALL, HERE}}, ENTRY_IS_WAITING},
      {"a form of the park's",
       {{"n", "east", PARK, "monthly", HERE}, {"a", "east", PARK, ALL, HERE}},
       ENTRY_IS_WAITING},
      {"another form of the park's",
       {{"n", "east", PARK, "monthly", HERE}, {"a", "east", PARK, "yearly", HERE}},
       ENTRY_IS_WAITING},
      {"a bureau in a park",
       {{"n", "east", BUREAU, "city", HERE}, {"a", "east", PARK, ALL, HERE}},
       ENTRY_IS_WAITING},
      {"a park among bureaux",
       {{"n", "east", PARK, ALL, HERE}, {"a", "east", BUREAU, "city", HERE}},
       ENTRY_IS_WAITING},
      {"another bureau's form",
       {{"n", "east", BUREAU, "city", HERE}, {"a", "east", BUREAU, "funds", HERE}},
       ENTRY_IS_FIRST},
      {"the same bureau's form",
       {{"n", "east", BUREAU, "city", HERE}, {"a", "east", BUREAU, "city", HERE}},
       ENTRY_IS_WAITING},
      {"every form of bureaux",
       {{"n", "east", BUREAU, ALL, HERE}, {"a", "east", BUREAU, "funds", HERE}},
       ENTRY_IS_WAITING},
      {"one that is gone",
       {{"n", "east", PARK, ALL, HERE}, {"a", "east", PARK, ALL, GONE}},
       ENTRY_IS_SUCCESSION},
      {"one of two is gone",
       {{"n", "east", PARK, ALL, HERE}, {"a", "east", PARK, ALL, GONE}, {"b", "east", PARK, ALL, HERE}},
       ENTRY_IS_WAITING},
      {"one that only waits",
       {{"n", "east", PARK, ALL, HERE}, {"a", "east", PARK, ALL, WAITS}},
       ENTRY_IS_FIRST},
      {"one that was admitted",
       {{"n", "east", PARK, ALL, HERE}, {"a", "east", PARK, ALL, ADMITTED}},
       ENTRY_IS_WAITING},
      {"one gone, one waiting",
       {{"n", "east", PARK, ALL, HERE}, {"a", "east", PARK, ALL, WAITS}, {"b", "east", PARK, ALL, GONE}},
       ENTRY_IS_SUCCESSION},
  };

  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct world world;

    open_world(&world, cases[n].people);
    struct stored_agent newcomer = *nth(&world, 0);
    g_array_remove_index(world.snapshot.agents, 0);
    enum agent_entry found = rights_entry(&world.snapshot, &newcomer);
    if (found != cases[n].expected) fail_msg("%s: found %d", cases[n].what, (int)found);
    close_world(&world);
  }
}

static void who_admits_has_all_that_the_newcomer_would_share(void **state)
{
  (void)state;
  static const struct {
    const char *what;
    struct person people[5]; /* the first waits, the second would admit it */
    bool may;
    const char *form; /* that it lacks, or NULL */
  } cases[] = {
      {"the same", {{"n", "east", PARK, ALL, WAITS}, {"a", "east", PARK, ALL, HERE}}, true, NULL},
      {"elsewhere", {{"n", "east", PARK, ALL, WAITS}, {"a", "west", PARK, ALL, HERE}}, false, NULL},
      {"fewer forms, of which nobody has the others",
       {{"n", "east", PARK, ALL, WAITS}, {"a", "east", PARK, "monthly", HERE}},
       true,
       NULL},
      {"fewer forms, of which another has one",
       {{"n", "east", PARK, ALL, WAITS},
        {"a", "east", PARK, "monthly", HERE},
        {"b", "east", PARK, "yearly", HERE}},
       false,
       "yearly"},
      {"the other is revoked",
       {{"n", "east", PARK, ALL, WAITS},
        {"a", "east", PARK, "monthly", HERE},
        {"b", "east", PARK, "yearly", GONE}},
       true,
       NULL},
      {"the other waits",
       {{"n", "east", PARK, ALL, WAITS},
        {"a", "east", PARK, "monthly", HERE},
        {"b", "east", PARK, "yearly", WAITS}},
       true,
       NULL},
      {"the other is elsewhere",
       {{"n", "east", PARK, ALL, WAITS},
        {"a", "east", PARK, "monthly", HERE},
        {"b", "west", PARK, "yearly", HERE}},
       true,
       NULL},
      {"another bureau",
       {{"n", "east", BUREAU, "city", WAITS},
        {"a", "east", BUREAU, "funds", HERE},
        {"b", "east", BUREAU, "city", HERE}},
       false,
       NULL},
      {"a bureau that lacks one",
       {{"n", "east", BUREAU, ALL, WAITS},
        {"a", "east", BUREAU, "city", HERE},
        {"b", "east", BUREAU, "funds", HERE}},
       false,
       "funds"},
  };

  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct world world;
    const char *form;

    open_world(&world, cases[n].people);
    bool may = rights_to_admit(&world.snapshot, nth(&world, 1), nth(&world, 0), &form);
    if (may != cases[n].may || g_strcmp0(form, cases[n].form) != 0)
      fail_msg("%s: found %d, form %s", cases[n].what, may, form ? form : "none");
    close_world(&world);
  }
}

static void successors_are_those_that_came_later_and_have_rights(void **state)
{
  (void)state;
  static const struct person people[] = {{"a", "east", PARK, ALL, HERE},     {"b", "east", PARK, ALL, GONE},
                                         {"c", "east", PARK, ALL, HERE},     {"d", "west", PARK, ALL, HERE},
                                         {"e", "east", PARK, ALL, ADMITTED}, {"f", "east", PARK, ALL, WAITS},
                                         {"g", "east", PARK, ALL, GONE},     {NULL, NULL, PARK, NULL, HERE}};
  struct world world;

  open_world(&world, people);
  g_autofree char *of_b = rights_successors(&world.snapshot, nth(&world, 1));
  assert_string_equal(of_b, "c, e");
  g_autofree char *of_g = rights_successors(&world.snapshot, nth(&world, 6));
  assert_string_equal(of_g, "");
  close_world(&world);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_an_agent_finds_depends_on_who_has_rights_in_its_area),
      cmocka_unit_test(who_admits_has_all_that_the_newcomer_would_share),
      cmocka_unit_test(successors_are_those_that_came_later_and_have_rights),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
