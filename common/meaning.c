#include "common/meaning.h"

#include <stddef.h>
#include <string.h>

static const struct {
  const char *key;
  enum meaning meaning;
} headings[] = {
    {"uscc", MEANING_UNIT},
    {"unit", MEANING_UNIT},
    {"unitcode", MEANING_UNIT},
    {"统一社会信用代码", MEANING_UNIT},
    {"統一社會信用代碼", MEANING_UNIT},
    {"社会信用代码", MEANING_UNIT},
    {"信用代码", MEANING_UNIT},
    {"单位代码", MEANING_UNIT},
    {"法人单位代码", MEANING_UNIT},
    {"企业代码", MEANING_UNIT},
    {"name", MEANING_NAME},
    {"unitname", MEANING_NAME},
    {"名称", MEANING_NAME},
    {"单位名称", MEANING_NAME},
    {"单位详细名称", MEANING_NAME},
    {"法人单位名称", MEANING_NAME},
    {"企业名称", MEANING_NAME},
    {"公司名称", MEANING_NAME},
    {"period", MEANING_PERIOD},
    {"报告期", MEANING_PERIOD},
    {"所属期", MEANING_PERIOD},
    {"统计期", MEANING_PERIOD},
    {"期别", MEANING_PERIOD},
    {"年月", MEANING_PERIOD},
    {"月份", MEANING_PERIOD},
    {"indicator", MEANING_INDICATOR},
    {"指标", MEANING_INDICATOR},
    {"指标代码", MEANING_INDICATOR},
    {"指标名称", MEANING_INDICATOR},
    {"计量单位", MEANING_MEASURE},
    {"金额单位", MEANING_MEASURE},
    {"货币单位", MEANING_MEASURE},
    {"measure", MEANING_MEASURE},
    {"value", MEANING_VALUE},
    {"数值", MEANING_VALUE},
    {"指标值", MEANING_VALUE},
    {"序号", MEANING_IGNORED},
    {"no", MEANING_IGNORED},
    {"no.", MEANING_IGNORED},
    {"备注", MEANING_IGNORED},
    {"remarks", MEANING_IGNORED},
};

enum meaning meaning_of(const char *key)
{
  for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
    if (strcmp(headings[i].key, key) == 0) return headings[i].meaning;
  return MEANING_NONE;
}
