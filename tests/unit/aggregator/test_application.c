/* Applications to register units: how many may be pending. */
#include "aggregator/application.h"

#include "common/limits.h"
#include "small.h"
#include "store_place.h"

#include <string.h>

static void fill(struct place *place, const char *park, unsigned count, enum application_state state)
{
  for (unsigned n = 0; n < count; n++) {
    g_autofree char *unit = g_strdup_printf("P%u-%d", n, (int)state);
    struct stored_application application = {.park = (char *)park,
                                             .unit = unit,
                                             .class = (char *)"code",
                                             .name = (char *)"新",
                                             .industry = (char *)"",
                                             .parent = (char *)"",
                                             .from = (char *)"",
                                             .text = (char *)"因为",
                                             .applied_by = (char *)"李四",
                                             .state = state};
    store_application_add(place->store, &application);
  }
}

static bool apply(struct place *place, const struct snapshot *snapshot, const char *unit, const char *park,
                  struct refusal *ret_refusal)
{
  struct park_act act = {.kind = PARK_APPLIES,
                         .application = {unit, "code", "新", "", "", "", "因为", "李四"}};
  return application_apply(place->store, snapshot, &act, park, 1, 9, ret_refusal);
}

static void a_park_may_have_so_many_pending_and_others_are_not_held_up(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = small_catalogue(NULL, NULL, "");
  struct refusal refusal = {0};
  store_begin(place->store);
  store_catalogue_put(place->store, catalogue->hash, 0, catalogue->text, catalogue->text_length);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = snapshot_load(place->store, NULL);
  assert_non_null(snapshot);
  fill(place, "east", 10, APPLICATION_IS_DECLINED);
  fill(place, "east", LIMIT_APPLICATIONS_PENDING - 1, APPLICATION_IS_PENDING);
  assert_true(apply(place, snapshot, "N1", "east", &refusal));
  assert_false(apply(place, snapshot, "N2", "east", &refusal));
  assert_string_equal(refusal.rule, "application.many");
  assert_string_equal(refusal.unit, "N2");
  assert_string_equal(refusal.expected, "≤ 2000");
  assert_true(apply(place, NULL, "N2", "east", &refusal)); /* as recorded */
  assert_true(apply(place, snapshot, "N2", "west", &refusal));
  assert_false(apply(place, snapshot, "N1", "east", &refusal));
  assert_string_equal(refusal.rule, "application.pending");
  place_commit(place);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_park_may_have_so_many_pending_and_others_are_not_held_up,
                                      place_set_up, place_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
