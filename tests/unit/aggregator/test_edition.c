/* Editions as texts, and as leaves: which vintage, and what is refused. */
#include "aggregator/edition.h"
#include "common/error.h"
#include "fixture.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* --- the text --- */

static struct edition *make_edition(uint64_t number, enum edition_vintage vintage, uint64_t leaves)
{
  struct edition *edition = edition_new();
  struct edition_item zone = {g_strdup("zone"), {g_strdup("示范区"), g_strdup("Zone")}};
  struct edition_item all = {g_strdup("all"), {g_strdup("全部"), g_strdup("All")}};
  struct edition_column output = {.code = g_strdup("output"),
                                  .indicator = g_strdup("output"),
                                  .variant = g_strdup(""),
                                  .name = {g_strdup("产值"), g_strdup("Output")},
                                  .measure = g_strdup("千元"),
                                  .decimals = 1};
  struct edition_column units = {.code = g_strdup(EDITION_REPORTED),
                                 .indicator = g_strdup(""),
                                 .variant = g_strdup(""),
                                 .name = {g_strdup(""), g_strdup("")},
                                 .measure = g_strdup("")};
  struct edition_ratio ratio = {.code = g_strdup("intensity"),
                                .name = {g_strdup("强度"), g_strdup("Intensity")},
                                .measure = g_strdup("%"),
                                .decimals = 2,
                                .numerator = g_strdup("research"),
                                .denominator = g_strdup("output"),
                                .scale = 100};
  struct edition_cell cells[] = {{0, 0, 0, 'F', g_strdup("170141183460469231731687303715884105727.1")},
                                 {0, 0, 1, 'A', NULL}};
  edition->number = number;
  edition->vintage = vintage;
  edition->zone = g_strdup("small");
  edition->zone_name = (struct label){g_strdup("小区"), g_strdup("Small zone")};
  edition->form = g_strdup("monthly");
  edition->form_name = (struct label){g_strdup("月报"), g_strdup("Monthly")};
  edition->period = g_strdup("2018-05");
  edition->leaves = leaves;
  edition->root = g_strdup("00ff");
  edition->as_of_ms = 1528599600000;
  edition->catalogue = g_strdup("abcd");
  edition->by = g_strdup("李明");
  edition->reason = g_strdup("“急需”\n");
  edition->expected = 14;
  edition->missing = 2;
  edition->inquiries = 1;
  edition->rules = DISCLOSE_RULES;
  g_array_append_val(edition->areas, zone);
  g_array_append_val(edition->slices, all);
  g_array_append_val(edition->columns, output);
  g_array_append_val(edition->columns, units);
  g_array_append_val(edition->ratios, ratio);
  g_array_append_vals(edition->cells, cells, G_N_ELEMENTS(cells));
  return edition;
}

static void an_edition_comes_back_as_it_was_written(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  CLEANUP(edition_free) struct edition *edition = make_edition(3, EDITION_REVISED, 57);
  g_autofree char *text = edition_write(edition);
  CLEANUP(edition_free) struct edition *read = edition_read(text, strlen(text), &error);
  if (!read) fail_msg("%s", error->message);
  g_autofree char *again = edition_write(read);
  assert_string_equal(again, text);
  assert_true(read->number == 3 && read->vintage == EDITION_REVISED && read->leaves == 57);
  assert_true(read->as_of_ms == 1528599600000 && read->expected == 14 && read->missing == 2 &&
              read->inquiries == 1);
  assert_string_equal(read->reason, "“急需”\n");
  assert_string_equal(read->form_name.zh, "月报");
  assert_memory_equal(&read->rules, &DISCLOSE_RULES, sizeof DISCLOSE_RULES);
  assert_string_equal(g_array_index(read->ratios, struct edition_ratio, 0).denominator, "output");
  const struct edition_cell *cell = edition_cell(read, 0, 0, 0);
  assert_string_equal(cell->value, "170141183460469231731687303715884105727.1");
  assert_null(edition_cell(read, 0, 0, 1)->value);
  assert_int_equal(edition_cell(read, 0, 0, 1)->status, 'A');
  assert_null(edition_cell(read, 0, 1, 0));
  assert_int_equal(edition_published(read), 1);
}

static void what_is_no_edition_is_refused(void **state)
{
  static const struct {
    const char *found, *instead;
  } cases[] = {
      {"\"format\":1", "\"format\":2"},
      {"\"edition\":3", "\"edition\":0"},
      {"\"vintage\":\"F\"", "\"vintage\":\"Q\""},
      {"\"2018-05\"", "\"2018-13\""},
      {"\"ledger_leaves\":57", "\"ledger_leaves\":0"},
      {"[0,0,1,\"A\",null]", "[0,0,1,\"A\",\"2\"]"},  /* withheld, and said */
      {"[0,0,1,\"A\",null]", "[0,0,1,\"F\",null]"},   /* published, and not said */
      {"[0,0,1,\"A\",null]", "[0,0,1,\"A\"]"},        /* no value at all */
      {"[0,0,1,\"A\",null]", "[0,0,1,\"A\",null,1]"}, /* one too many */
      {"[0,0,1,\"A\",null]", "[0,0,2,\"A\",null]"},   /* no such column */
      {"[0,0,1,\"A\",null]", "[0,0,0,\"A\",null]"},   /* twice */
      {"[0,0,1,\"A\",null]", "[0,0,-1,\"A\",null]"},
      {"\"decimals\":1", "\"decimals\":10"},
      {"\"threshold\":3", "\"threshold\":\"3\""},
      {"\"areas\":[", "\"regions\":["},
      {"}", ""},
  };
  (void)state;
  CLEANUP(edition_free) struct edition *edition = make_edition(3, EDITION_FINAL, 57);
  g_autofree char *text = edition_write(edition);
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) parts = g_strsplit(text, cases[n].found, 2);
    if (!parts[1]) fail_msg("case %zu is not in %s", n, text);
    g_autofree char *changed = g_strconcat(parts[0], cases[n].instead, parts[1], NULL);
    if (edition_read(changed, strlen(changed), &error)) fail_msg("case %zu is taken", n);
    assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA));
  }
}

/* --- the leaf --- */

static bool publish(struct fixture *fixture, uint64_t number, enum edition_vintage vintage, GError **error)
{
  CLEANUP(edition_free) struct edition *edition = make_edition(number, vintage, 1);
  g_autofree char *text = edition_write(edition);
  g_autoptr(GByteArray) sealed =
      identity_seal(fixture->identity, SEAL_EDITION, (const uint8_t *)text, strlen(text), NULL);
  struct leaf leaf = {
      .kind = LEAF_EDITION, .by = "李明", .reason = "r", .edition = {{sealed->data, sealed->len}}};
  struct act act = {.kind = LEAF_EDITION, .leaf = &leaf};
  return writer_act(fixture->writer, &act, NULL, error);
}

static void must_publish(struct fixture *fixture, uint64_t number, enum edition_vintage vintage)
{
  g_autoptr(GError) error = NULL;
  if (!publish(fixture, number, vintage, &error)) fail_msg("%s", error->message);
}

static void must_refuse(struct fixture *fixture, uint64_t number, enum edition_vintage vintage, int code)
{
  g_autoptr(GError) error = NULL;
  if (publish(fixture, number, vintage, &error)) fail_msg("edition %d is taken", (int)number);
  assert_int_equal(error->code, code);
}

static void act_on_period(struct fixture *fixture, enum period_action action, const char *area)
{
  g_autoptr(GError) error = NULL;
  struct act act = {.kind = LEAF_PERIOD,
                    .by = "b",
                    .reason = "r",
                    .period = {.action = action, .form = "monthly", .period = "2018-05", .area = area}};
  if (!writer_act(fixture->writer, &act, NULL, &error)) fail_msg("%s", error->message);
}

static void an_edition_is_what_the_period_is(void **state)
{
  struct fixture fixture;
  (void)state;
  fixture_setup(&fixture, NULL);
  must_refuse(&fixture, 2, EDITION_PROVISIONAL, ERROR_TEMPORARY); /* the first is 1 */
  must_refuse(&fixture, 1, EDITION_FINAL, ERROR_TEMPORARY);
  must_publish(&fixture, 1, EDITION_PROVISIONAL);
  must_refuse(&fixture, 1, EDITION_PROVISIONAL, ERROR_TEMPORARY);
  act_on_period(&fixture, PERIOD_TO_CLOSE, "east");
  must_publish(&fixture, 2, EDITION_PROVISIONAL); /* the others report still */
  act_on_period(&fixture, PERIOD_TO_CLOSE, "");
  must_refuse(&fixture, 3, EDITION_PROVISIONAL, ERROR_TEMPORARY);
  must_publish(&fixture, 3, EDITION_FINAL);
  must_publish(&fixture, 4, EDITION_REVISED);
  act_on_period(&fixture, PERIOD_TO_REOPEN, "west");
  must_refuse(&fixture, 5, EDITION_REVISED, ERROR_USAGE);
  must_refuse(&fixture, 5, EDITION_PROVISIONAL, ERROR_USAGE);
  act_on_period(&fixture, PERIOD_TO_CLOSE, "west");
  fixture_restart(&fixture);
  must_publish(&fixture, 5, EDITION_REVISED);
  fixture_teardown(&fixture);
}

static void what_is_no_edition_makes_no_leaf(void **state)
{
  struct fixture fixture;
  (void)state;
  fixture_setup(&fixture, NULL);
  g_autoptr(GByteArray) sealed =
      identity_seal(fixture.identity, SEAL_EDITION, (const uint8_t *)"{}", 2, NULL);
  struct leaf leaf = {
      .kind = LEAF_EDITION, .by = "b", .reason = "", .edition = {{sealed->data, sealed->len}}};
  struct act act = {.kind = LEAF_EDITION, .leaf = &leaf};
  assert_false(writer_act(fixture.writer, &act, NULL, NULL));
  g_autoptr(GByteArray) other = identity_seal(fixture.identity, SEAL_RECEIPT, (const uint8_t *)"{}", 2, NULL);
  leaf.edition.sealed = (struct bytes_view){other->data, other->len};
  assert_false(writer_act(fixture.writer, &act, NULL, NULL));
  must_publish(&fixture, 1, EDITION_PROVISIONAL);
  fixture_teardown(&fixture);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_edition_comes_back_as_it_was_written),
      cmocka_unit_test(what_is_no_edition_is_refused),
      cmocka_unit_test(an_edition_is_what_the_period_is),
      cmocka_unit_test(what_is_no_edition_makes_no_leaf),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
