/* YAML nodes, and mistakes at their places. */
#include "common/error.h"
#include "common/limits.h"
#include "common/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static struct yaml *parsed(const char *text)
{
  return yaml_new("t.yaml", text, strlen(text));
}

static const struct yaml_node *at(struct yaml *yaml, const char *key)
{
  return yaml_get(yaml, yaml_root(yaml), key, false);
}

static void assert_only_mistake(const struct yaml *yaml, const char *expected)
{
  if (yaml_mistakes(yaml) != 1) {
    for (size_t i = 0; i < yaml_mistakes(yaml); i++) print_message("%s\n", yaml_mistake_text(yaml, i));
    fail_msg("%zu mistakes, expected one: %s", yaml_mistakes(yaml), expected);
  }
  if (!strstr(yaml_mistake_text(yaml, 0), expected))
    fail_msg("“%s” does not say “%s”", yaml_mistake_text(yaml, 0), expected);
}

static void text_that_is_no_yaml_is_named_with_its_place(void **state)
{
  (void)state;
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"a: [1, 2\nb: 3\n", "t.yaml:2:2: this is no YAML"}, /* behind the b, which would be the third item */
      {"a: 1\n\tb: 2\n", "t.yaml:2:1: "},
      {"a: 'open\n", "t.yaml:2:1: "},
      {"a: 1\n  b: 2\n", "t.yaml:2:4: "},
      {"a: \xff\n", "t.yaml: byte 4 is no UTF-8 text"},
      {"\x1f\x8b\x08 binary", "t.yaml: byte 1 is no UTF-8 text"},
      {"a: 1\n---\nb: 2\n", "t.yaml:3:1: a second document"},
      {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: “a” stands here twice, first in line 1"},
      {"x: {p: 1, q: 2, p: 3}\n", "t.yaml:1:17: “p” stands here twice"},
      {"[a]: 1\n", "t.yaml:1:1: a key must be a word"},
      {"a: *nothing\n", "t.yaml:1:4: this is no YAML"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    CLEANUP(yaml_free) struct yaml *yaml = parsed(cases[i].text);
    assert_only_mistake(yaml, cases[i].expected);
  }
}

static void an_empty_document_has_no_root_and_no_mistake(void **state)
{
  (void)state;
  static const char *const texts[] = {"", "\n\n", "# only a comment\n"};
  for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
    CLEANUP(yaml_free) struct yaml *yaml = parsed(texts[i]);
    assert_null(yaml_root(yaml));
    assert_true(yaml_ok(yaml, NULL));
    assert_null(yaml_get(yaml, yaml_root(yaml), "a", true));
  }
}

static void wrong_values_are_named_and_give_the_fallback(void **state)
{
  (void)state;
  static const char *const words[] = {"month", "year", NULL};
  CLEANUP(yaml_free)
  struct yaml *yaml = parsed("n: 12x\nbig: 11\nflag: maybe\nword: week\nlist: [a]\nline: \"a\\nb\"\n");
  assert_int_equal(yaml_integer(yaml, at(yaml, "n"), 0, 100, 7), 7);
  assert_int_equal(yaml_integer(yaml, at(yaml, "big"), 0, 10, 7), 7);
  assert_true(yaml_flag(yaml, at(yaml, "flag"), true));
  assert_int_equal(yaml_word(yaml, at(yaml, "word"), words, 1), 1);
  assert_string_equal(yaml_text(yaml, at(yaml, "list"), "none"), "none");
  assert_string_equal(yaml_text(yaml, at(yaml, "line"), "none"), "");
  static const char *const expected[] = {
      "t.yaml:1:4: found “12x”, expected a whole number from 0 to 100",
      "t.yaml:2:6: found “11”, expected a whole number from 0 to 10",
      "t.yaml:3:7: found “maybe”, expected one of: false, true",
      "t.yaml:4:7: found “week”, expected one of: month, year",
      "t.yaml:5:7: found a list, expected one value",
      "t.yaml:6:7: “a?b” has a line break",
  };
  assert_int_equal(yaml_mistakes(yaml), G_N_ELEMENTS(expected));
  for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
    assert_true(g_str_has_prefix(yaml_mistake_text(yaml, i), expected[i]));
}

static void a_text_over_the_limit_is_refused(void **state)
{
  (void)state;
  g_autofree char *fits = g_strnfill(LIMIT_NAME_BYTES, 'x');
  g_autofree char *text = g_strdup_printf("fits: %s\nlong: %sx\n", fits, fits);
  CLEANUP(yaml_free) struct yaml *yaml = parsed(text);
  assert_string_equal(yaml_text(yaml, at(yaml, "fits"), NULL), fits);
  assert_string_equal(yaml_text(yaml, at(yaml, "long"), NULL), "");
  assert_only_mistake(yaml, "t.yaml:2:7: ");
}

static void a_missing_key_and_a_key_without_value_are_named(void **state)
{
  (void)state;
  CLEANUP(yaml_free) struct yaml *yaml = parsed("outer:\n  empty:\n  there: x\n");
  const struct yaml_node *outer = at(yaml, "outer");
  assert_null(yaml_get(yaml, outer, "empty", false));
  assert_int_equal(yaml_mistakes(yaml), 0);
  assert_null(yaml_get(yaml, outer, "empty", true));
  assert_null(yaml_get(yaml, outer, "absent", true));
  assert_null(yaml_get(yaml, outer, "absent", true)); /* noted once */
  assert_int_equal(yaml_mistakes(yaml), 2);
  assert_true(g_str_has_prefix(yaml_mistake_text(yaml, 1), "t.yaml:2:3: “absent” is missing here"));
  assert_true(g_str_has_prefix(yaml_mistake_text(yaml, 0), "t.yaml:2:3: “empty” has no value"));
}

static void keys_of_a_scalar_are_a_mistake_told_once(void **state)
{
  (void)state;
  static const char *const keys[] = {"a", NULL};
  CLEANUP(yaml_free) struct yaml *yaml = parsed("x: word\n");
  yaml_known_keys(yaml, at(yaml, "x"), keys);
  assert_null(yaml_get(yaml, at(yaml, "x"), "a", true));
  assert_int_equal(yaml_size(yaml, yaml_get(yaml, at(yaml, "x"), "a", false)), 0);
  assert_only_mistake(yaml, "t.yaml:1:4: found “word”, expected keys with values");
}

static void an_unknown_key_is_named_with_the_nearest(void **state)
{
  (void)state;
  static const char *const keys[] = {"measure", "decimals", "kind", NULL};
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"mesure: 1\n", "t.yaml:1:1: “mesure” is no key that is known here; did you mean “measure”?"},
      {"{kind: 1, decimal: 2}\n",
       "t.yaml:1:11: “decimal” is no key that is known here; did you mean “decimals”?"},
      {"knid: 1\n", "did you mean “kind”?"},
      {"whatever: 1\n", "known are: measure, decimals, kind"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    CLEANUP(yaml_free) struct yaml *yaml = parsed(cases[i].text);
    yaml_known_keys(yaml, yaml_root(yaml), keys);
    assert_only_mistake(yaml, cases[i].expected);
  }
}

static void a_label_needs_both_languages(void **state)
{
  (void)state;
  struct label label;
  CLEANUP(yaml_free) struct yaml *yaml = parsed("x: {zh: 产值}\n");
  yaml_label(yaml, at(yaml, "x"), &label);
  assert_string_equal(label.zh, "产值");
  assert_string_equal(label.en, "");
  assert_only_mistake(yaml, "t.yaml:1:4: “en” is missing");
  g_free(label.zh);
  g_free(label.en);
}

static void mistakes_are_in_the_order_of_the_file_and_in_one_error(void **state)
{
  (void)state;
  CLEANUP(yaml_free) struct yaml *yaml = parsed("a: 1\nb: 2\n");
  yaml_mistake(yaml, at(yaml, "b"), "second");
  yaml_mistake(yaml, at(yaml, "a"), "first %d", 1);
  yaml_mistake(yaml, NULL, "whole");
  g_autoptr(GError) error = NULL;
  assert_false(yaml_ok(yaml, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
  assert_string_equal(error->message, "t.yaml: whole\nt.yaml:1:4: first 1\nt.yaml:2:4: second");
}

static void there_is_an_end_to_the_mistakes(void **state)
{
  (void)state;
  CLEANUP(yaml_free) struct yaml *yaml = parsed("a: 1\n");
  for (int i = 0; i < LIMIT_MISTAKES + 100; i++) yaml_mistake(yaml, at(yaml, "a"), "mistake %d", i);
  assert_int_equal(yaml_mistakes(yaml), LIMIT_MISTAKES + 1);
  assert_string_equal(yaml_mistake_text(yaml, LIMIT_MISTAKES),
                      "t.yaml: there are more mistakes; mend these first");
}

static void values_come_in_order_with_their_places(void **state)
{
  (void)state;
  CLEANUP(yaml_free)
  struct yaml *yaml = parsed("# 注\nzh: 柳州\nlist: [甲, 'b b', 3]\nmap:\n  k1: -5\n  k2: true\n");
  assert_string_equal(yaml_text(yaml, at(yaml, "zh"), NULL), "柳州");
  const struct yaml_node *list = at(yaml, "list");
  assert_int_equal(yaml_size(yaml, list), 3);
  assert_string_equal(yaml_text(yaml, yaml_item(yaml, list, 1), NULL), "b b");
  assert_int_equal(yaml_line(yaml_item(yaml, list, 1)), 3);
  assert_int_equal(yaml_column(yaml_item(yaml, list, 1)), 11); /* characters, not bytes */
  const struct yaml_node *map = at(yaml, "map");
  assert_int_equal(yaml_size(yaml, map), 2);
  assert_string_equal(yaml_text(yaml, yaml_item_key(yaml, map, 0), NULL), "k1");
  assert_int_equal(yaml_integer(yaml, yaml_item(yaml, map, 0), -10, 10, 0), -5);
  assert_true(yaml_flag(yaml, yaml_item(yaml, map, 1), false));
  assert_int_equal(yaml_integer(yaml, NULL, 0, 1, 9), 9);
  assert_true(yaml_ok(yaml, NULL));
}

static void an_anchor_that_contains_itself_does_no_harm(void **state)
{
  (void)state;
  CLEANUP(yaml_free) struct yaml *yaml = parsed("a: &x [1, *x]\n");
  if (yaml_root(yaml)) assert_int_equal(yaml_size(yaml, at(yaml, "a")), 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_that_is_no_yaml_is_named_with_its_place),
      cmocka_unit_test(an_empty_document_has_no_root_and_no_mistake),
      cmocka_unit_test(wrong_values_are_named_and_give_the_fallback),
      cmocka_unit_test(a_text_over_the_limit_is_refused),
      cmocka_unit_test(a_missing_key_and_a_key_without_value_are_named),
      cmocka_unit_test(keys_of_a_scalar_are_a_mistake_told_once),
      cmocka_unit_test(an_unknown_key_is_named_with_the_nearest),
      cmocka_unit_test(a_label_needs_both_languages),
      cmocka_unit_test(mistakes_are_in_the_order_of_the_file_and_in_one_error),
      cmocka_unit_test(there_is_an_end_to_the_mistakes),
      cmocka_unit_test(values_come_in_order_with_their_places),
      cmocka_unit_test(an_anchor_that_contains_itself_does_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
