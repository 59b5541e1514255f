#include "store_place.h"

#include "aggregator/membership.h"

#include <string.h>

/* tests/data/small.yaml, with a slice by industry. */
static struct catalogue *read_catalogue(void)
{
  g_autofree char *path = g_build_filename(SOURCE_DIR, "tests", "data", "small.yaml", NULL);
  g_autofree char *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  g_auto(GStrv) parts = g_strsplit(text, "slices:\n  all: {zh: 全部, en: All}\n", 2);
  assert_non_null(parts[1]);
  g_autofree char *changed =
      g_strconcat(parts[0],
                  "slices:\n  all: {zh: 全部, en: All}\n"
                  "  making: {zh: 制造, en: Making, industries: [C36, C37]}\n"
                  "  big_cars: {zh: 大车, en: Big cars, cluster: cars, flag: above_scale}\n",
                  parts[1], NULL);
  g_autoptr(GError) error = NULL;
  struct catalogue *catalogue = catalogue_compile("small.yaml", changed, strlen(changed), &error);
  if (!catalogue) fail_msg("%s", error->message);
  return catalogue;
}

static struct unit_version version_of(const char *parks)
{
  return (struct unit_version){.unit = "U1",
                               .class = "enterprise",
                               .parent = "U1",
                               .name = "",
                               .parks = parks,
                               .reporter = "",
                               .in_boundary = true,
                               .industry = "",
                               .clusters = "",
                               .flags = "",
                               .status = "正常",
                               .succeeds = "",
                               .from = DAY_MIN,
                               .to = DAY_NONE};
}

static void areas_and_slices_follow_from_version_and_catalogue(void **state)
{
  (void)state;
  static const struct {
    const char *parks, *industry, *clusters, *flags;
    bool outside;
    const char *areas, *slices;
  } cases[] = {
      /* nowhere */
      {"", "", "", "", false, "", ""},
      {"nowhere", "C36", "cars", "", false, "", ""},
      {"zone", "", "", "", false, "", ""}, /* only parks report */
      {"group;zone", "", "", "", false, "", ""},
      /* areas: with all that lie above, each once, in the catalogue's order */
      {"east", "", "", "", false, "zone;group;east", "all"},
      {"south", "", "", "", false, "zone;south", "all"},
      {"east;west", "", "", "", false, "zone;group;east;west", "all"},
      {"south;west;east", "", "", "", false, "zone;group;east;west;south", "all"},
      {"city;east", "", "", "", false, "zone;group;east;city", "all"},
      {"east;nowhere", "", "", "", false, "zone;group;east", "all"},
      /* the boundary */
      {"east;west", "", "", "", true, "east;west", "all;outside_boundary"},
      {"city", "", "", "", true, "city", "all;outside_boundary"},
      /* slices: all conditions hold, whole words, prefixes of industries */
      {"south", "C3610", "", "", false, "zone;south", "all;making"},
      {"south", "C3", "", "", false, "zone;south", "all"},
      {"south", "36", "", "", false, "zone;south", "all"},
      {"south", "C37", "cars;steel", "", false, "zone;south", "all;making;cars;steel"},
      {"south", "", "cars2;xcars", "", false, "zone;south", "all"},
      {"south", "", "cars", "above_scale", false, "zone;south", "all;big_cars;cars;above_scale"},
      {"south", "", "", "above_scale", false, "zone;south", "all;above_scale"},
  };
  CLEANUP(catalogue_unref) struct catalogue *catalogue = read_catalogue();
  g_autoptr(GString) areas = g_string_new("left over"), slices = g_string_new("left over");
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct unit_version version = version_of(cases[i].parks);
    version.industry = cases[i].industry;
    version.clusters = cases[i].clusters;
    version.flags = cases[i].flags;
    version.in_boundary = !cases[i].outside;
    membership_derive(catalogue, &version, areas, slices);
    if (strcmp(areas->str, cases[i].areas) != 0 || strcmp(slices->str, cases[i].slices) != 0)
      fail_msg("case %zu: found %s × %s, expected %s × %s", i, areas->str, slices->str, cases[i].areas,
               cases[i].slices);
  }
}

static void a_membership_is_kept_once_and_interned(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = read_catalogue();
  CLEANUP(memberships_free) struct memberships *memberships = memberships_new(place->store);
  store_begin(place->store);
  struct unit_version east = version_of("east"), same = version_of("east"), west = version_of("west");
  same.unit = "U2"; /* what does not matter */
  same.name = "another";
  same.from = 17000;
  const struct membership *membership = memberships_of(memberships, catalogue, &east);
  assert_true(membership->id != 0);
  assert_string_equal(membership->areas[0], "zone");
  assert_string_equal(membership->areas[2], "east");
  assert_null(membership->areas[3]);
  assert_string_equal(membership->slices[0], "all");
  assert_null(membership->slices[1]);
  assert_ptr_equal(memberships_of(memberships, catalogue, &same), membership);
  assert_ptr_equal(memberships_by_id(memberships, membership->id), membership);
  assert_ptr_not_equal(memberships_of(memberships, catalogue, &west), membership);
  same.industry = "C9"; /* matters to no slice: derived apart, but the same membership */
  assert_ptr_equal(memberships_of(memberships, catalogue, &same), membership);

  static const char *const fields[] = {"cars", "above_scale", "C36"};
  struct unit_version changed[G_N_ELEMENTS(fields)] = {east, east, east};
  changed[0].clusters = fields[0];
  changed[1].flags = fields[1];
  changed[2].industry = fields[2];
  for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
    assert_true(memberships_of(memberships, catalogue, &changed[i])->id != membership->id);
  east.in_boundary = false;
  assert_true(memberships_of(memberships, catalogue, &east)->id != membership->id);
  place_commit(place);

  int64_t id = membership->id;
  CLEANUP(memberships_free) struct memberships *others = memberships_new(place->store);
  const struct membership *read = memberships_by_id(others, id);
  assert_string_equal(read->areas[2], "east");
  assert_ptr_equal(memberships_of(others, catalogue, &same), read);
}

static void another_catalogue_gives_other_memberships(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = read_catalogue();
  g_autofree char *path = g_build_filename(SOURCE_DIR, "tests", "data", "small.yaml", NULL);
  CLEANUP(catalogue_unref) struct catalogue *plain = catalogue_read(path, NULL);
  CLEANUP(memberships_free) struct memberships *memberships = memberships_new(place->store);
  struct unit_version version = version_of("east");
  version.industry = "C36";
  store_begin(place->store);
  assert_string_equal(memberships_of(memberships, catalogue, &version)->slices[1], "making");
  assert_null(memberships_of(memberships, plain, &version)->slices[1]);
  place_commit(place);
}

static void without_a_version_a_unit_belongs_nowhere(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = read_catalogue();
  CLEANUP(memberships_free) struct memberships *memberships = memberships_new(place->store);
  struct unit_version unknown = version_of("nowhere");
  const struct membership *nowhere = memberships_of(memberships, catalogue, NULL);
  assert_int_equal(nowhere->id, 0);
  assert_null(nowhere->areas[0]);
  assert_null(nowhere->slices[0]);
  assert_ptr_equal(memberships_of(memberships, catalogue, &unknown), nowhere);
  assert_ptr_equal(memberships_by_id(memberships, 0), nowhere);
  store_begin(place->store);
  assert_null(memberships_by_id(memberships, 4711));
  assert_non_null(store_error(place->store));
  store_rollback(place->store);
}

static void what_a_rollback_undid_is_interned_anew(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = read_catalogue();
  CLEANUP(memberships_free) struct memberships *memberships = memberships_new(place->store);
  struct unit_version east = version_of("east"), west = version_of("west");
  store_begin(place->store);
  int64_t undone = memberships_of(memberships, catalogue, &east)->id;
  store_rollback(place->store);
  memberships_forget(memberships);
  store_begin(place->store);
  assert_int_equal(memberships_of(memberships, catalogue, &west)->id, undone); /* the id is free again */
  assert_string_equal(memberships_by_id(memberships, undone)->areas[2], "west");
  assert_true(memberships_of(memberships, catalogue, &east)->id != undone);
  place_commit(place);
}

static void a_failing_store_is_not_remembered_as_nowhere(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = read_catalogue();
  CLEANUP(memberships_free) struct memberships *memberships = memberships_new(place->store);
  struct unit_version east = version_of("east");
  store_begin(place->store);
  store_receipt_put(place->store, (uint8_t[SUBMISSION_ID_SIZE]){0}, NULL, 0); /* fails */
  assert_int_equal(memberships_of(memberships, catalogue, &east)->id, 0);
  store_rollback(place->store);
  store_begin(place->store);
  assert_true(memberships_of(memberships, catalogue, &east)->id != 0);
  place_commit(place);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(areas_and_slices_follow_from_version_and_catalogue),
      CASE(a_membership_is_kept_once_and_interned),
      CASE(another_catalogue_gives_other_memberships),
      CASE(without_a_version_a_unit_belongs_nowhere),
      CASE(what_a_rollback_undid_is_interned_anew),
      CASE(a_failing_store_is_not_remembered_as_nowhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
