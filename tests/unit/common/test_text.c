#include "common/text.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void invalid_or_control_text_is_not_clean(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    size_t length;
    bool clean;
  } cases[] = {
      {"a\0b", 3, false}, {"a\nb", 3, false},     {"\x7f", 1, false},     {"\xC2\x85", 2, false},
      {"\xC2", 1, false}, {"\xE6\x9F", 2, false}, {"\xC0\x80", 2, false}, {"\xED\xA0\x80", 3, false},
      {"", 0, true},      {"柳州 ab", 9, true},   {"\xC2\xA0", 2, true},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    if (text_is_clean(cases[i].text, cases[i].length) != cases[i].clean) fail_msg("case %zu", i);
  }
}

/* Text is looked at eight bytes at a time where it can be. */
static void a_byte_that_is_not_clean_is_seen_wherever_it_stands(void **state)
{
  (void)state;
  for (int byte = 0; byte < 256; byte++)
    for (size_t at = 0; at < 20; at++)
      for (size_t length = at + 1; length <= 20; length++) {
        char text[20];
        memset(text, at % 2 == 0 ? '~' : ' ', sizeof text);
        text[at] = (char)byte;
        bool clean = byte >= 0x20 && byte < 0x7F; /* above, a single byte is no UTF-8 */
        if (text_is_clean(text, length) != clean) fail_msg("%02x at %zu of %zu", byte, at, length);
      }
}

static void folding_makes_full_width_text_plain(void **state)
{
  (void)state;
  static const struct {
    const char *from, *to;
  } cases[] = {
      {"（１２３）－，．：；％＋", "(123)-,.:;%+"},
      {"\xEF\xBB\xBF　uscc　", "uscc"},
      {"1\xC2\xA0\x32\xE2\x80\xAF\x33\xE2\x80\x8B\x34", "1234"},
      {"　工业　总产值 \t", "工业 总产值"},
      {"ＡＢｚ～", "ABz~"},
      {"　", ""},
      {"", ""},
      {"🏭１", "🏭1"},
      {"a", "a"},
      {" a", "a"},
      {"a\n", "a"},
      {" \t", ""},
      {" a b ", "a b"},
      {"１ ", "1"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = g_strdup(cases[i].from);
    assert_string_equal(text_fold(text), cases[i].to);
  }
}

static void headings_compare_without_spaces_and_case(void **state)
{
  (void)state;
  g_autofree char *key = text_key(" 工业 总产值　（Gross\tOutput） ");
  assert_string_equal(key, "工业总产值(grossoutput)");
}

static void an_excerpt_is_cut_at_a_character_and_shows_no_control(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    size_t length, limit;
    const char *excerpt;
  } cases[] = {
      {"a\n\xFF\0b", 5, 20, "a???b"},
      {"\xE6\x9F", 2, 20, "??"},
      {"柳州工业", 12, 12, "柳州工业"},
      {"柳州工业", 12, 11, "柳州…"},
      {"柳州工业", 12, 3, "…"},
      {"柳州工业", 12, 2, ""},
      {"abcdefgh", 8, 7, "abcd…"},
      {"", 0, 5, ""},
      {"abc", 3, 0, ""},
      {"\x1b[31m", 5, 9, "?[31m"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *excerpt = text_excerpt(cases[i].text, cases[i].length, cases[i].limit);
    assert_string_equal(excerpt, cases[i].excerpt);
    assert_true(strlen(excerpt) <= cases[i].limit);
  }
}

static void chinese_characters_take_two_columns(void **state)
{
  (void)state;
  assert_int_equal(text_width("柳a"), 3);
  assert_int_equal(text_width(""), 0);
  assert_int_equal(text_width("e\xCC\x81"), 1);
}

static void bytes_come_back_from_hex_or_are_left_alone(void **state)
{
  (void)state;
  static const uint8_t bytes[] = {0, 0x9A, 0xFF};
  g_autofree char *hex = text_hex(bytes, sizeof bytes);
  assert_string_equal(hex, "009aff");
  uint8_t back[3] = {1, 2, 3};
  assert_false(text_unhex("009af", 3, back));
  assert_false(text_unhex("009afg", 3, back));
  assert_false(text_unhex("009aff0", 3, back));
  assert_false(text_unhex("", 3, back));
  assert_int_equal(back[0], 1);
  assert_true(text_unhex("009AfF", 3, back));
  assert_memory_equal(back, bytes, sizeof bytes);
}

static void names_follow_the_language_that_gettext_chooses(void **state)
{
  (void)state;
  struct label label = {"区域", "area"};
  g_unsetenv("LANGUAGE");
  setlocale(LC_ALL, "C");
  assert_string_equal(text_label(&label), "area");
  g_setenv("LANGUAGE", "zh_CN:en", TRUE);
  assert_string_equal(text_label(&label), "area");
  assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
  assert_string_equal(text_label(&label), "区域");
  g_setenv("LANGUAGE", "en", TRUE);
  assert_string_equal(text_label(&label), "area");
}

static void a_language_without_locale_data_still_chooses_the_names(void **state)
{
  (void)state;
  struct label label = {"区域", "area"};
  g_unsetenv("LANGUAGE");
  g_setenv("LC_ALL", "zh_XX.UTF-8", TRUE);
  text_init();
  assert_string_equal(text_label(&label), "区域");
}

static void arguments_are_utf_8_where_the_locale_knows_only_ascii(void **state)
{
  (void)state;
  g_setenv("LC_ALL", "C", TRUE);
  text_init();
  g_autofree char *name = g_locale_to_utf8("张三", -1, NULL, NULL, NULL);
  assert_non_null(name);
  assert_string_equal(name, "张三");
}

static void *speak_otherwise(void *data)
{
  struct label label = {"区域", "area"};
  text_speak(data);
  bool chinese = g_str_has_prefix(data, "zh");
  bool right = !strcmp(text_label(&label), chinese ? "区域" : "area");
  return GINT_TO_POINTER(right && !strcmp(text_language(), chinese ? "zh_CN" : ""));
}

static void a_thread_speaks_its_own_language_and_the_others_keep_theirs(void **state)
{
  (void)state;
  struct label label = {"区域", "area"};
  static const struct {
    const char *environment, *thread;
  } cases[] = {{"C", "zh_CN"},           {"C.UTF-8", "zh_CN"},  {"zh_CN.UTF-8", ""},
               {"zh_CN.UTF-8", "en_GB"}, {"en_XX.UTF-8", "zh"}, {"C", ""},
               {"zh_CN.UTF-8", "zh_CN"}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_unsetenv("LANGUAGE");
    g_setenv("LC_ALL", cases[i].environment, TRUE);
    text_init();
    const char *own = g_str_has_prefix(cases[i].environment, "zh") ? "区域" : "area";
    assert_string_equal(text_label(&label), own);
    GThread *thread = g_thread_new("other", speak_otherwise, (void *)cases[i].thread);
    assert_true(GPOINTER_TO_INT(g_thread_join(thread)));
    assert_string_equal(text_label(&label), own);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(invalid_or_control_text_is_not_clean),
      cmocka_unit_test(a_byte_that_is_not_clean_is_seen_wherever_it_stands),
      cmocka_unit_test(folding_makes_full_width_text_plain),
      cmocka_unit_test(headings_compare_without_spaces_and_case),
      cmocka_unit_test(an_excerpt_is_cut_at_a_character_and_shows_no_control),
      cmocka_unit_test(chinese_characters_take_two_columns),
      cmocka_unit_test(bytes_come_back_from_hex_or_are_left_alone),
      cmocka_unit_test(names_follow_the_language_that_gettext_chooses),
      cmocka_unit_test(a_language_without_locale_data_still_chooses_the_names),
      cmocka_unit_test(arguments_are_utf_8_where_the_locale_knows_only_ascii),
      cmocka_unit_test(a_thread_speaks_its_own_language_and_the_others_keep_theirs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
