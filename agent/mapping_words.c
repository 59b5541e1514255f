#include "agent/mapping_private.h"

#include <string.h>

bool words_is_meaning(const char *word)
{
  static const char *const words[] = {"unit", "name", "period", "indicator", "value", NULL};
  return g_strv_contains(words, word);
}

bool words_is_total(const char *text, bool *ret_partial)
{
  static const struct {
    const char *word;
    bool partial;
  } words[] = {{"合计", false}, {"总计", false}, {"小计", true}, {"total", false}, {"subtotal", true}};
  g_autofree char *key = text_key(text);
  g_strdelimit(key, ":", '\0');                  /* 合计: */
  for (size_t i = G_N_ELEMENTS(words); i-- > 0;) /* "subtotal" before "total" */
    if (g_str_has_suffix(key, words[i].word)) {
      *ret_partial = words[i].partial;
      return true;
    }
  return false;
}

bool words_is_footer(const char *text)
{
  static const char *const words[] = {"单位负责人", "统计负责人", "填表人",   "制表人",   "审核人", "负责人",
                                      "联系电话",   "电话:",      "报出日期", "填报日期", "说明",   "注:",
                                      "注1",        "备注:",      "note:",    "notes:"};
  g_autofree char *key = text_key(text);
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
    if (g_str_has_prefix(key, words[i])) return true;
  return false;
}

bool words_is_letter_row(const char *text)
{
  static const char *const words[] = {"甲", "乙", "丙", "丁"};
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
    if (strcmp(text, words[i]) == 0) return true;
  return false;
}

bool words_are_measure_title(const char *key, const char **ret_measures, bool *ret_sure)
{
  static const struct {
    const char *word;
    bool sure; /* 单位:… may also be the name of a unit */
  } words[] = {{"计量单位:", true}, {"金额单位:", true}, {"货币单位:", true}, {"measure:", true},
               {"计量单位", false}, {"金额单位", false}, {"货币单位", false}, {"单位:", false},
               {"unit:", false},    {"单位", false}};
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
    const char *found = strstr(key, words[i].word);
    if (!found) continue;
    *ret_measures = found + strlen(words[i].word);
    *ret_sure = words[i].sure;
    return true;
  }
  return false;
}
