/* The catalogue's compiler: mistakes at their places, look-ups, headings, and what may follow what. */
#include "common/catalogue.h"
#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static const char valid[] =
    "format: 1\n"
    "catalogue: test\n"
    "zh: 测试\n"
    "en: Test\n"
    "timezone: Asia/Shanghai\n"
    "measures:\n"
    "  元:\n"
    "  千元: {base: 元, factor: 1000}\n"
    "  万元: {base: 元, factor: 10000}\n"
    "  家:\n"
    "  人:\n"
    "  '%':\n"
    "areas:\n"
    "  zone: {zh: 区, en: Zone, boundary_only: true, role: zone}\n"
    "  core: {zh: 核心, en: Core, in: zone}\n"
    "  park_a: {zh: 甲园, en: Park A, in: core, reports: true}\n"
    "  park_b: {zh: 乙园, en: Park B, in: zone, reports: true}\n"
    "  city: {zh: 市, en: City, reports: true}\n"
    "classes:\n"
    "  enterprise: {zh: 法人, en: Entity, ids: uscc}\n"
    "  plant: {zh: 产业活动单位, en: Plant, ids: uscc-nn}\n"
    "clusters:\n"
    "  steel: {zh: 钢铁, en: Steel}\n"
    "flags:\n"
    "  above_scale: {zh: 规上, en: Above scale}\n"
    "statuses:\n"
    "  正常: {zh: 正常, en: Operating, expected: true}\n"
    "slices:\n"
    "  all: {zh: 全部, en: All}\n"
    "  steel: {cluster: steel}\n"
    "  cars: {zh: 汽车, en: Cars, flag: above_scale, industries: [C36]}\n"
    "  outside: {zh: 界外, en: Outside, outside_boundary: true}\n"
    "indicators:\n"
    "  output: {zh: 工业总产值（当年价格）, en: Gross output, aliases: [总产值], measure: 千元, kind: flow, "
    "basis: both}\n"
    "  revenue: {zh: 营业收入, en: Revenue, measure: 千元, kind: flow, basis: cumulative}\n"
    "  profit: {zh: 利润总额, en: Profit, measure: 千元, decimals: 1, kind: flow, negative: true}\n"
    "  staff: {zh: 从业人员, en: Staff, measure: 人, kind: stock, least: 1, most: 200000}\n"
    "  big: {zh: 大企业, en: Big firms, measure: 家, kind: count, count: {class: enterprise, indicator: "
    "revenue, from: 100, below: 500}}\n"
    "  listed: {zh: 规上企业, en: Listed, measure: 家, kind: count, count: {class: enterprise, flag: "
    "above_scale}}\n"
    "  margin: {zh: 利润率, en: Margin, measure: '%', decimals: 2, kind: ratio, ratio: {numerator: profit, "
    "denominator: revenue, scale: 100}}\n"
    "  water: {zh: 用水, en: Water, measure: 家, kind: flow}\n"
    "forms:\n"
    "  monthly:\n"
    "    zh: 月报\n"
    "    en: Monthly\n"
    "    number: B1\n"
    "    issuer: 统计局\n"
    "    approval: 示例\n"
    "    valid_until: 2020-12-31\n"
    "    legal_basis: statistical\n"
    "    filled_by: park\n"
    "    every: month\n"
    "    january: joint\n"
    "    classes: [enterprise, plant]\n"
    "    population: above_scale\n"
    "    columns:\n"
    "      - {column: output, line: '01'}\n"
    "      - {column: output.ytd, line: '01'}\n"
    "      - {column: output.ly, line: '01'}\n"
    "      - {column: output.ytd_ly, line: '01'}\n"
    "      - {column: revenue.ytd, line: '02'}\n"
    "      - {column: revenue.ytd_ly, line: '02'}\n"
    "      - {column: staff}\n"
    "  yearly: {zh: 年报, en: Yearly, number: B2, issuer: 统计局, approval: 示例, legal_basis: "
    "administrative, filled_by: bureau, every: year, classes: [enterprise], columns: [{column: profit}]}\n"
    "  old: {zh: 旧表, en: Old, number: B0, issuer: 统计局, approval: 示例, legal_basis: statistical, "
    "filled_by: "
    "park, every: month, classes: [enterprise], retired: true, columns: [{column: staff}, {column: "
    "profit}]}\n"
    "rules:\n"
    "  steady: {zh: 产值变化不大, en: Output is steady, form: monthly, weight: verify, "
    "holds: output <= 2 * last(output)}\n"
    "  output-there: {zh: 产值必填, en: Output is there, form: monthly, weight: quasi-mandatory, holds: "
    "present(output)}\n"
    "  ytd: {zh: 累计不小于本月, en: Year to date covers the month, form: monthly, weight: mandatory, holds: "
    "output.ytd >= output}\n"
    "  loss: {zh: 利润, en: Profit, form: yearly, weight: mandatory, holds: profit >= -1.5}\n"
    "targets:\n"
    "  1:\n"
    "    zh: 目标\n"
    "    en: Target\n"
    "    area: zone\n"
    "    population: {zh: 全部, en: All}\n"
    "    formula: ratio\n"
    "    numerator: [{indicator: output, slice: steel}]\n"
    "    denominator: [{indicator: output, area: city}]\n"
    "    scale: 100\n"
    "    measure: '%'\n"
    "    decimals: 1\n"
    "    direction: about\n"
    "    value: 70\n"
    "    tolerance: 1.5\n"
    "    stages: {2019: 68, 2020: 70}\n"
    "    per_park: true\n"
    "    parks: {park_a: {2020: 30}}\n"
    "    least_coverage: 60\n"
    "    source: 计划\n"
    "    bureau: 统计局\n"
    "  2: {zh: 二, en: Two, area: zone, population: {zh: 全部, en: All}, formula: value, numerator: "
    "[{indicator: "
    "big}], measure: 家, direction: tracked, source: 计划, bureau: 统计局}\n";

static struct catalogue *compiled(const char *text)
{
  g_autoptr(GError) error = NULL;
  struct catalogue *catalogue = catalogue_compile("t.yaml", text, strlen(text), &error);
  if (!catalogue) fail_msg("%s", error->message);
  return catalogue;
}

/* The valid catalogue with the first `from` replaced. */
static char *changed(const char *from, const char *to)
{
  const char *place = strstr(valid, from);
  if (!place) fail_msg("“%s” is not in the catalogue", from);
  return g_strdup_printf("%.*s%s%s", (int)(place - valid), valid, to, place + strlen(from));
}

/* Removes the mark @ and gives its place, as in messages: "t.yaml:14:27: ". */
static char *take_mark(char *text)
{
  char *mark = strchr(text, '@');
  if (!mark) fail_msg("no mark in the case");
  size_t line = 1;
  const char *start = text;
  for (const char *c = text; c < mark; c++)
    if (*c == '\n') {
      line++;
      start = c + 1;
    }
  size_t column = (size_t)g_utf8_strlen(start, mark - start) + 1;
  memmove(mark, mark + 1, strlen(mark));
  return g_strdup_printf("t.yaml:%zu:%zu: ", line, column);
}

/* --- mistakes --- */

/* What to replace, by what (@ marks where the mistake is to be named), and words of the message. */
static const struct {
  const char *from, *to, *expected;
} mistakes[] = {
    /* the file */
    {"format: 1", "format: @2", "expected a whole number from 1 to 1"},
    {"catalogue: test", "catalogue: @te st", "cannot be a code"},
    {"zh: 测试\n", "zh: @''\n", "“zh” may not be empty"},
    {"timezone: Asia/Shanghai", "timezone: @Shanghai", "write it as Asia/Shanghai"},
    {"    january: joint\n", "    january: joint\n    weighed_by: @profit\n",
     "“profit” is no column of this form"},
    /* the calendar */
    {"measures:", "holidays: [@2018-6-18]\nmeasures:",
     "found “2018-6-18”, expected a day, such as 2018-06-18"},
    {"measures:", "holidays: [2018-06-18, @2018-06-31]\nmeasures:", "found “2018-06-31”"},
    {"measures:", "holidays: [@2018-02-15/2018-02]\nmeasures:", "found “2018-02-15/2018-02”"},
    {"measures:", "holidays: [@2018-02-21/2018-02-15]\nmeasures:", "ends before it begins"},
    {"measures:", "holidays: [@2018-02-15/2019-02-21]\nmeasures:",
     "has more than 31 days; is the year right?"},
    {"measures:", "holidays: @2018-06-18\nmeasures:", "expected a list"},
    {"measures:", "workdays: [2018-02-11, @2018-02-12]\nmeasures:", "2018-02-12 is no Saturday or Sunday"},
    {"measures:", "workdays: [@2018-02-11/2018-02-12]\nmeasures:", "2018-02-12 is no Saturday or Sunday"},
    {"measures:", "holidays: [2018-02-10/2018-02-11]\nworkdays: [@2018-02-11]\nmeasures:",
     "2018-02-11 is among the holidays too"},
    {"    january: joint\n", "    january: joint\n    due: @10\n", "expected a day after the period's end"},
    {"    january: joint\n", "    january: joint\n    due: @{time: '18:00'}\n", "“day” is missing"},
    {"    january: joint\n", "    january: joint\n    due: {day: @0}\n",
     "expected a whole number from 1 to 31"},
    {"    january: joint\n", "    january: joint\n    due: {day: @32}\n",
     "expected a whole number from 1 to 31"},
    {"    january: joint\n", "    january: joint\n    due: {day: 1, month: @13}\n", "from 1 to 12"},
    {"    january: joint\n", "    january: joint\n    due: {day: 1, time: @18:0}\n",
     "“18:0” is no time of the day"},
    {"    january: joint\n", "    january: joint\n    due: {day: 1, time: @'24:01'}\n",
     "is no time of the day"},
    {"    january: joint\n", "    january: joint\n    due: {day: 1, time: @'17:60'}\n",
     "is no time of the day"},
    {"    january: joint\n", "    january: joint\n    due: {day: 1, @hour: 18}\n", "“hour” is no key"},
    {"measures:", "exempt_codes: [@91350100M000100Y43]\nmeasures:", "needs no exemption"},
    {"measures:", "exempt_codes: [91350211M0000XUF46, @9135]\nmeasures:", "write its 18 characters"},
    {"measures:", "publication: @published\nmeasures:", "expected the flag of units that consented"},
    {"measures:", "publication: {consent: @published}\nmeasures:", "published"},
    {"measures:", "publication: {@assent: flagged}\nmeasures:", "assent"},
    {"measures:", "exempt_codes: [@9.14502E+17]\nmeasures:", "write its 18 characters"},
    {"measures:", "@measure:", "did you mean “measures”?"},
    {"clusters:", "@clustres:", "did you mean “clusters”?"},
    {"  park_b: {zh", "  @zone: {zh", "“zone” stands here twice, first in line 14"},
    {"  park_b: {zh", "  @park b: {zh", "cannot be a code"},
    {"  park_b: {zh", "  @\"园\": {zh", "cannot be a code"},
    {"  park_b: {zh", "  @a-park-whose-code-is-longer-than-forty-bytes: {zh",
     "too long for an area that reports"},
    {"  家:", "  @家;户:", "cannot be a code"},
    /* measures */
    {"千元: {base: 元,", "千元: {base: @两,", "there is no measure “两”"},
    {"千元: {base: 元,", "千元: {base: @万元,", "“万元” is itself a multiple of “元”"},
    {"factor: 1000}", "factor: @0}", "expected a whole number from 1"},
    {"千元: {base: 元, factor: 1000}", "千元: {factor: @1000}", "a factor needs a base"},
    {"千元: {base: 元, factor: 1000}", "千元: @{base: 元}", "“factor” is missing"},
    /* areas */
    {"zone: {zh: 区, en: Zone,", "zone: @{zh: 区,", "“en” is missing here"},
    {"en: Core, in: zone", "en: Core, in: @zome", "did you mean “zone”?"},
    {"en: Zone, boundary", "en: Zone, in: @core, boundary", "within itself (zone → core → zone)"},
    {"in: core, reports: true", "in: core, reports: @yes", "expected one of: false, true"},
    {"reports: true}\n  city", "@report: true}\n  city", "did you mean “reports”?"},
    {"  city: {", "  @lonely: {zh: 空, en: Lonely}\n  city: {", "nothing can be counted in “lonely”"},
    /* classes, clusters, flags, statuses */
    {"ids: uscc}", "ids: @ussc}", "expected one of: uscc, uscc-nn, code"},
    {"plant: {zh: 产业活动单位, en: Plant, ids: uscc-nn}", "plant: @{zh: 产业活动单位, en: Plant}",
     "“ids” is missing"},
    {"steel: {zh: 钢铁, en: Steel}", "steel: @钢铁", "expected keys with values"},
    {"above_scale: {zh: 规上,", "above_scale: {@cn: 1, zh: 规上,", "“cn” is no key that is known here"},
    {"  正常: {zh: 正常, en: Operating, expected: true}", "  正常: @{zh: 正常, en: Operating}",
     "“expected” is missing"},
    {"expected: true", "expected: @1", "expected one of: false, true"},
    /* slices */
    {"  all: {zh", "  @every: {zh", "the first slice must be “all”"},
    {"  steel: {cluster: steel}", "  steel: {cluster: @stel}", "did you mean “steel”?"},
    {"flag: above_scale, industries", "flag: @big, industries", "there is no flag “big”"},
    {"industries: [C36]", "industries: [@36]", "no industry of GB/T 4754"},
    {"industries: [C36]", "industries: [@C3]", "no industry of GB/T 4754"},
    {"industries: [C36]", "industries: @C36", "expected a list"},
    {"  outside: {zh: 界外, en: Outside, outside_boundary: true}", "  @outside: {zh: 界外, en: Outside}",
     "has no condition"},
    {"  outside: {zh: 界外, en: Outside, outside_boundary: true}",
     "  outside: {zh: 界外, en: Outside, any_of: [steel, @stel]}", "did you mean “steel”?"},
    {"  outside: {zh: 界外, en: Outside, outside_boundary: true}",
     "  outside: {zh: 界外, en: Outside, any_of: @[steel]}", "at least two slices"},
    {"  outside: {zh: 界外, en: Outside, outside_boundary: true}",
     "  outside: {zh: 界外, en: Outside, any_of: [steel, @steel]}", "in this set already"},
    {"  outside: {zh: 界外, en: Outside, outside_boundary: true}",
     "  outside: {zh: 界外, en: Outside, any_of: [steel, @all]}", "“all” itself"},
    {"  outside: {zh: 界外, en: Outside, outside_boundary: true}",
     "  outside: {zh: 界外, en: Outside, any_of: @[steel, outside]}", "“outside” is itself a set"},
    {"  outside: {zh: 界外, en: Outside, outside_boundary: true}",
     "  outside: {zh: 界外, en: Outside, flag: above_scale, any_of: @[steel, outside]}",
     "no condition of its own"},
    {"  outside: {zh: 界外, en: Outside, outside_boundary: true}",
     "  outside: {zh: 界外, en: Outside, any_of: @steel}", "expected a list"},
    {"  outside: {", "  @overlap: {", "choose another code"},
    {"  outside: {", "  @annual_adjustment: {", "choose another code"},
    /* indicators */
    {"aliases: [总产值], measure: 千元", "aliases: [总产值], measure: @斤", "there is no measure “斤”"},
    {"aliases: [总产值]", "aliases: [@'']", "an empty item"},
    {"decimals: 1, kind: flow", "decimals: @10, kind: flow", "expected a whole number from 0 to 9"},
    {"kind: flow, basis: both", "kind: @flows, basis: both", "expected one of: flow, stock, count, ratio"},
    {"basis: cumulative", "basis: @ytd", "expected one of: month, cumulative, both"},
    {"kind: stock, least", "kind: stock, basis: @both, least", "an indicator of kind “stock” has no “basis”"},
    {"least: 1, most", "least: @x, most", "expected a number"},
    {"least: 1, most", "least: @1.5, most", "more than the 0 decimals"},
    {"most: 200000", "most: @9007199254740992", "too large"},
    {"least: 1, most: 200000", "least: @3, most: 2", "“least” is above “most”"},
    {"count: {class: enterprise, flag: above_scale}", "count: {class: @firm, flag: above_scale}",
     "there is no unit class “firm”"},
    {"class: enterprise, flag: above_scale",
     "class: enterprise, flag: above_scale, indicator: @revenue, from: 1", "not both"},
    {"class: enterprise, flag: above_scale", "class: enterprise, from: @1", "a bound of what?"},
    {"indicator: revenue, from: 100, below: 500", "indicator: @margin, from: 100, below: 500",
     "not reported but computed"},
    {"from: 100, below: 500", "from: 100, below: @100", "“below” must be above “from”"},
    {"count: {class: enterprise, indicator: revenue, from: 100,",
     "count: @{class: enterprise, indicator: revenue,", "“from” is missing"},
    {"measure: 家, kind: count, count: {class: enterprise, flag",
     "measure: 家, decimals: @1, kind: count, count: {class: enterprise, flag", "a count has no decimals"},
    {"numerator: profit", "numerator: @profits", "did you mean “profit”?"},
    {"margin: {zh: 利润率, en: Margin, measure: '%', decimals: 2, kind: ratio, ratio: {numerator: profit, "
     "denominator: revenue, scale: 100}}",
     "margin: @{zh: 利润率, en: Margin, measure: '%', kind: ratio}", "“ratio” is missing"},
    /* forms */
    {"    number: B1\n", "    number: @''\n", "“number” may not be empty"},
    {"valid_until: 2020-12-31", "valid_until: @2020-13-31", "“2020-13-31” is no day"},
    {"valid_until: 2020-12-31", "valid_until: @31.12.2020", "write it as 2020-12-31"},
    {"every: month", "every: @monthly", "expected one of: month, quarter, year"},
    {"january: joint", "january: @never", "expected one of: separate, joint, exempt"},
    {"every: year", "every: year, january: @joint", "only a monthly form"},
    {"classes: [enterprise, plant]", "classes: [enterprise, @plants]", "did you mean “plant”?"},
    {"classes: [enterprise, plant]", "classes: @[]", "name the unit classes"},
    {"population: above_scale", "population: @below_scale", "there is no flag “below_scale”"},
    {"filled_by: park", "filled_by: @firm", "expected one of: park, bureau"},
    {"{column: staff}", "{column: @stuff}", "did you mean “staff”?"},
    {"{column: staff}", "@{line: '07'}", "“column” is missing"},
    {"{column: staff}", "{column: @staff.sum}", "“staff.sum” is no column"},
    {"{column: staff}", "{column: staff}\n      - {column: @staff}",
     "stands in this form twice, first in line 63"},
    {"{column: staff}", "{column: staff}\n      - {column: @staff.ytd}", "is a stock"},
    {"{column: staff}", "{column: staff}\n      - {column: @margin}", "cannot be reported"},
    {"{column: staff}", "{column: staff}\n      - {column: @revenue}", "has the basis cumulative"},
    {"      - {column: output, line: '01'}\n      - {column: output.ytd,", "      - {column: @output.ytd,",
     "needs the column “output”"},
    {"      - {column: revenue.ytd, line: '02'}\n      - {column: revenue.ytd_ly,",
     "      - {column: @revenue.ytd_ly,", "needs the column “revenue.ytd”"},
    {"columns: [{column: profit}]", "columns: [{column: profit}, {column: @profit.ytd}]",
     "a yearly form has no column"},
    {"columns: [{column: profit}]", "columns: [{column: @profit.ly}]", "the column “profit” is missing"},
    {"columns: [{column: profit}]", "columns: @[]", "expected the columns of the form"},
    {"retired: true, columns: [{column: staff}, {column: profit}]",
     "columns: [{column: @staff}, {column: profit}]", "already asked on the form “monthly”"},
    /* headings */
    {"{column: staff}", "{column: @staff, line: 备注}", "the heading “备注” would mean this column, but"},
    {"{column: staff}", "{column: @staff, line: 月 份}", "the heading “月份” would mean this column, but"},
    {"{column: staff}", "{column: @staff, line: Value}", "the heading “value” would mean this column, but"},
    {"{column: staff}", "{column: @staff, line: '2'}",
     "the heading “2” would mean this column and “revenue.ytd” in line 61"},
    /* rules */
    {"form: monthly, weight: verify", "form: @monthl, weight: verify", "did you mean “monthly”?"},
    {"  loss: {", "  @loss-of-a-name-that-is-too-long-for-a-rule: {", "too long for the code of a rule"},
    {"weight: verify", "weight: @hard", "expected one of: mandatory, quasi-mandatory, verify"},
    {"holds: output <= 2", "@hold: output <= 2", "did you mean “holds”?"},
    {"zh: 产值变化不大, en: Output is steady, form", "zh: @'', en: Steady, form", "“zh” may not be empty"},
    {"holds: output <= 2 * last(output)", "holds: @''", "may not be empty"},
    {"holds: output <= 2 * last(output)", "holds: @output <= 2 * last(stuff)",
     "character 20 of the rule: the form has no column “stuff”"},
    {"holds: output <= 2 * last(output)", "holds: @profit > 0",
     "character 1 of the rule: the form has no column “profit”"},
    {"holds: output <= 2 * last(output)", "holds: @last(output) > month", "names no figure of the report"},
    /* targets */
    {"  2: {zh: 二", "  @x: {zh: 二", "expected a whole number"},
    {"  2: {zh: 二", "  @01: {zh: 二", "target 1 stands here twice"},
    {"    area: zone\n", "    area: @zones\n", "did you mean “zone”?"},
    {"formula: ratio", "formula: @share", "expected one of: value, ratio, growth"},
    {"    population: {zh: 全部, en: All}\n", "    population: {zh: 全部, en: All, @fr: Tous}\n",
     "“fr” is no key"},
    {"    population: {zh: 全部, en: All}\n", "    population: @全部\n", "expected keys with values"},
    {"{indicator: output, slice: steel}", "{indicator: output, slice: @stell}", "did you mean “steel”?"},
    {"{indicator: output, slice: steel}", "{indicator: @margin, slice: steel}", "ratios do not add"},
    {"{indicator: output, slice: steel}", "{indicator: output}, @{indicator: staff}", "cannot be added"},
    {"{indicator: output, slice: steel}", "{indicator: output}, @{indicator: profit}",
     "千元 with 0, 千元 with 1"},
    {"{indicator: output, slice: steel}", "@{slice: steel}", "“indicator” is missing"},
    {"formula: value, numerator: [{indicator: big}]", "formula: value, numerator: @[]", "expected terms"},
    {"formula: value, numerator", "formula: value, denominator: @[{indicator: big}], numerator",
     "only the formula “ratio”"},
    {"    scale: 100\n", "    scale: 100\n    divisor: @7\n", "only the formula “value” has a divisor"},
    {"    measure: '%'\n", "    measure: @percent\n", "there is no measure “percent”"},
    {"direction: about", "direction: @around", "expected one of: at_least, about, at_most, above, tracked"},
    {"    value: 70\n    tolerance", "    value: @70.25\n    tolerance", "more than the 1 decimals"},
    {"stages: {2019: 68, 2020: 70}", "stages: {2019: 68, 2020: @71}",
     "the last stage must be the target's own value"},
    {"stages: {2019: 68, 2020: 70}", "stages: {2020: 68, @2019: 70}", "must ascend"},
    {"stages: {2019: 68, 2020: 70}", "stages: @[68, 70]", "expected a value for each year"},
    {"direction: tracked", "direction: tracked, value: @5", "promises no number"},
    {"direction: tracked", "direction: tracked, per_park: true, parks: @{park_a: {2020: 1}}",
     "promises no number"},
    {"    per_park: true\n    parks: {park_a: {2020: 30}}\n", "    parks: @{park_a: {2020: 30}}\n",
     "per_park: true"},
    {"parks: {park_a: {2020: 30}}", "parks: {@city: {2020: 30}}", "“city” is no part of “zone”"},
    {"parks: {park_a: {2020: 30}}", "parks: {@zone: {2020: 30}}", "“zone” is no part of “zone”"},
    {"parks: {park_a: {2020: 30}}", "parks: {@park_aa: {2020: 30}}", "did you mean “park_a”?"},
    {"parks: {park_a: {2020: 30}}", "parks: @[park_a]", "expected the yearly stages of each park"},
    {"parks: {park_a: {2020: 30}}", "parks: {park_a: @30}", "expected a value for each year"},
    {"parks: {park_a: {2020: 30}}", "parks: {park_a: {2020: @30.25}}", "more than the 1 decimals"},
    {"parks: {park_a: {2020: 30}}", "parks: {park_a: {2020: 30, @2019: 20}}", "must ascend"},
    {"least_coverage: 60", "least_coverage: @101", "101"},
    {"least_coverage: 60", "least_coverage: @-1", "-1"},
};

static bool has_line(const char *message, const char *place, const char *words)
{
  g_auto(GStrv) lines = g_strsplit(message, "\n", -1);
  for (char **line = lines; *line; line++)
    if (g_str_has_prefix(*line, place) && strstr(*line, words)) return true;
  return false;
}

static void every_mistake_is_named_with_its_line_and_column(void **state)
{
  (void)state;
  for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
    g_autofree char *text = changed(mistakes[i].from, mistakes[i].to);
    g_autofree char *place = take_mark(text);
    g_autoptr(GError) error = NULL;
    CLEANUP(catalogue_unref)
    struct catalogue *catalogue = catalogue_compile("t.yaml", text, strlen(text), &error);
    if (catalogue) fail_msg("“%s” was taken", mistakes[i].to);
    assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
    if (!has_line(error->message, place, mistakes[i].expected))
      fail_msg("“%s” should give “%s … %s”, but gives:\n%s", mistakes[i].to, place, mistakes[i].expected,
               error->message);
  }
}

static void one_run_names_all_mistakes_in_the_order_of_the_file(void **state)
{
  (void)state;
  g_autofree char *one = changed("ids: uscc}", "ids: usci}");
  g_auto(GStrv) parts = g_strsplit(one, "every: year", 2);
  g_autofree char *text = g_strjoin("every: yearly", parts[0], parts[1], NULL);
  g_autoptr(GError) error = NULL;
  assert_null(catalogue_compile("t.yaml", text, strlen(text), &error));
  g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
  assert_int_equal(g_strv_length(lines), 2);
  assert_true(g_str_has_prefix(lines[0], "t.yaml:20:"));
  assert_true(g_str_has_prefix(lines[1], "t.yaml:64:"));
}

static void rules_stand_by_form_and_weight(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(valid);
  const struct form *monthly = &catalogue->forms[catalogue_form(catalogue, "monthly")];
  static const char *const order[] = {"ytd", "output-there", "steady"};
  assert_int_equal(monthly->rule_count, G_N_ELEMENTS(order));
  for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
    assert_string_equal(monthly->rules[i]->code, order[i]);
    assert_ptr_equal(monthly->rules[i], &catalogue->rules[catalogue_rule(catalogue, order[i])]);
  }
  assert_int_equal(monthly->rules[2]->weight, RULE_VERIFY);
  assert_string_equal(monthly->rules[2]->name.zh, "产值变化不大");
  assert_true(monthly->looks_back[TENSE_LAST]);
  assert_false(monthly->looks_back[TENSE_YEAR_AGO]);
  const struct form *yearly = &catalogue->forms[catalogue_form(catalogue, "yearly")];
  assert_int_equal(yearly->rule_count, 1);
  assert_false(yearly->looks_back[TENSE_LAST]);
  assert_int_equal(catalogue->forms[catalogue_form(catalogue, "old")].rule_count, 0);
  assert_int_equal(catalogue_rule(catalogue, "none"), CATALOGUE_NONE);

  struct figures figures = {0}; /* a decimal of the indicator's */
  figures_set(&figures, 0, -16);
  assert_false(
      formula_holds(yearly->rules[0]->formula, &(struct formula_facts){.figures = {&figures}}, NULL));
  figures_set(&figures, 0, -15);
  assert_true(formula_holds(yearly->rules[0]->formula, &(struct formula_facts){.figures = {&figures}}, NULL));
}

static void a_form_knows_the_period_before(void **state)
{
  (void)state;
  static const struct {
    unsigned months;
    enum january january;
    const char *period, *before;
  } cases[] = {
      {1, JANUARY_SEPARATE, "2018-05", "2018-04"}, {1, JANUARY_SEPARATE, "2018-02", "2018-01"},
      {1, JANUARY_SEPARATE, "2018-01", "2017-12"}, {1, JANUARY_JOINT, "2018-03", "2018-01/P2M"},
      {1, JANUARY_JOINT, "2018-04", "2018-03"},    {1, JANUARY_JOINT, "2018-01/P2M", "2017-12"},
      {1, JANUARY_EXEMPT, "2018-03", "2018-02"},   {1, JANUARY_EXEMPT, "2018-02", "2017-12"},
      {3, JANUARY_SEPARATE, "2018-Q2", "2018-Q1"}, {3, JANUARY_SEPARATE, "2018-Q1", "2017-Q4"},
      {12, JANUARY_SEPARATE, "2018", "2017"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct form form = {.months = cases[i].months, .january = cases[i].january};
    struct period period;
    char text[PERIOD_TEXT_SIZE];
    assert_true(period_parse(cases[i].period, &period));
    assert_string_equal(period_format(form_period_before(&form, period), text), cases[i].before);
  }
}

static void files_that_are_no_catalogue_are_refused(void **state)
{
  (void)state;
  static const struct {
    const char *text, *expected;
  } cases[] = {
      {"", "t.yaml: the file is empty"},
      {"just words\n", "t.yaml:1:1: found “just words”, expected keys with values"},
      {"- a\n- b\n", "t.yaml:1:1: found “a list”, expected keys with values"},
      {"areas: &a\n  x: *a\n", "“format” is missing"},
      {"areas: []\nforms: 7\ntargets: x\n", "expected one item per line below “areas”"},
      {"a: [", "this is no YAML"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    assert_null(catalogue_compile("t.yaml", cases[i].text, strlen(cases[i].text), &error));
    if (!strstr(error->message, cases[i].expected)) fail_msg("%s", error->message);
  }
}

static void a_file_over_the_limit_is_refused_unread(void **state)
{
  (void)state;
  g_autofree char *text = g_strnfill(LIMIT_CATALOGUE_BYTES + 1, '#');
  g_autoptr(GError) error = NULL;
  assert_null(catalogue_compile("t.yaml", text, LIMIT_CATALOGUE_BYTES + 1, &error));
  assert_non_null(strstr(error->message, "t.yaml: has 4194305 bytes"));
}

/* Any part of a catalogue gives mistakes or a catalogue, never a crash. */
static void a_catalogue_that_is_cut_anywhere_does_no_harm(void **state)
{
  (void)state;
  for (size_t length = 0; length < sizeof valid - 1; length += 7) {
    g_autoptr(GError) error = NULL;
    CLEANUP(catalogue_unref) struct catalogue *catalogue = catalogue_compile("t.yaml", valid, length, &error);
    assert_true((catalogue == NULL) == (error != NULL));
  }
}

static void a_catalogue_that_lacks_any_line_does_no_harm(void **state)
{
  (void)state;
  g_auto(GStrv) lines = g_strsplit(valid, "\n", -1);
  for (size_t left_out = 0; lines[left_out]; left_out++) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; lines[i]; i++)
      if (i != left_out) g_string_append_printf(text, "%s\n", lines[i]);
    g_autoptr(GError) error = NULL;
    CLEANUP(catalogue_unref)
    struct catalogue *catalogue = catalogue_compile("t.yaml", text->str, text->len, &error);
    assert_true((catalogue == NULL) == (error != NULL));
  }
}

static void areas_that_are_too_deep_are_refused(void **state)
{
  (void)state;
  g_autoptr(GString) areas = g_string_new("  deep1: {zh: 深, en: Deep, reports: true}\n");
  for (int i = 2; i <= LIMIT_AREA_DEPTH + 1; i++)
    g_string_append_printf(areas, "  deep%d: {zh: 深, en: Deep, in: deep%d, reports: true}\n", i, i - 1);
  g_string_append(areas, "  city: {");
  g_autofree char *text = changed("  city: {", areas->str);
  g_autoptr(GError) error = NULL;
  assert_null(catalogue_compile("t.yaml", text, strlen(text), &error));
  assert_true(
      g_str_has_prefix(error->message, "t.yaml:34:33: 17 areas within each other, at most 16 are possible"));
  assert_null(strchr(error->message, '\n'));
}

static void slices_that_are_too_many_are_refused(void **state)
{
  (void)state;
  g_autoptr(GString) slices = g_string_new(NULL);
  for (int i = 0; i < LIMIT_SLICES; i++) g_string_append_printf(slices, "  s%d: {cluster: steel}\n", i);
  g_string_append(slices, "  steel: {cluster: steel}\n");
  g_autofree char *text = changed("  steel: {cluster: steel}\n", slices->str);
  g_autoptr(GError) error = NULL;
  assert_null(catalogue_compile("t.yaml", text, strlen(text), &error));
  assert_true(
      g_str_has_prefix(error->message, "t.yaml:29:3: “slices” has 68 items, at most 64 are possible"));
}

/* --- headings that mean two columns --- */

static void a_heading_of_two_columns_of_a_form_is_named(void **state)
{
  (void)state;
  static const struct {
    const char *from, *to, *heading;
  } cases[] = {
      {"zh: 从业人员, en: Staff", "zh: 从业人员, en: gross OUTPUT", "the heading “grossoutput”"},
      {"zh: 从业人员, en: Staff", "zh: ' 总 产值 ', en: Staff", "the heading “总产值”"},
      {"zh: 从业人员, en: Staff", "zh: revenue, en: Staff", "the heading “revenue”"},
      /* reads as the revenue of last year's months */
      {"zh: 从业人员, en: Staff", "zh: 营业收入上年累计, en: Staff", "the heading “营业收入上年累计”"},
      {"zh: 从业人员, en: Staff", "zh: 从业人员, en: Output (1—本月)", "the heading “output(1-本月)”"},
      {"{column: staff}", "{column: staff, line: '01'}", "the heading “01”"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = changed(cases[i].from, cases[i].to);
    g_autoptr(GError) error = NULL;
    assert_null(catalogue_compile("t.yaml", text, strlen(text), &error));
    if (!has_line(error->message, "t.yaml:63:18: ", cases[i].heading)) fail_msg("%s", error->message);
  }
}

static char *meant(const struct catalogue *catalogue, const char *heading)
{
  g_autofree char *key = text_key(heading);
  const GArray *columns = catalogue_headings(catalogue, key);
  g_autoptr(GString) text = g_string_new(NULL);
  for (unsigned i = 0; columns && i < columns->len; i++) {
    const struct column_ref *ref = &g_array_index(columns, struct column_ref, i);
    const struct form *form = &catalogue->forms[ref->form];
    g_string_append_printf(text, "%s%s:%s", i > 0 ? " " : "", form->code, form->columns[ref->column].code);
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static void headings_are_found_as_people_write_them(void **state)
{
  (void)state;
  static const struct {
    const char *heading, *expected;
  } cases[] = {
      {"output", "monthly:output"},
      {"OUTPUT.ytd_ly", "monthly:output.ytd_ly"},
      {"工业总产值(当年价格)", "monthly:output"},
      {"工业总产值（当年价格）本月", "monthly:output"},
      {"总产值", "monthly:output"},
      {"总 产 值（本年累计）", "monthly:output.ytd"},
      {"1—本月总产值", "monthly:output.ytd"},
      {"总产值_1～本月", "monthly:output.ytd"},
      {"总产值 1-本月", "monthly:output.ytd"},
      {"（上年同月）总产值", "monthly:output.ly"},
      {"总产值上年同期", "monthly:output.ly"},
      {"Gross output (last year)", "monthly:output.ly"},
      {"Gross output: year to date", "monthly:output.ytd"},
      {"总产值上年1—本月", "monthly:output.ytd_ly"},
      {"上年累计总产值", "monthly:output.ytd_ly"},
      {"０１", "monthly:output"},
      {"1", "monthly:output"},
      {"01.ytd", "monthly:output.ytd"},
      {"营业收入", "monthly:revenue.ytd"}, /* the first that the form has */
      {"营业收入上年同期", "monthly:revenue.ytd_ly"},
      {"本年营业收入", "monthly:revenue.ytd"},
      {"利润总额", "yearly:profit"}, /* not of the retired form */
      {"利润总额本年", "yearly:profit"},
      {"营业收入本月", ""}, /* the form has no such column */
      {"总产值(千元)", ""},
      {"本月", ""},
      {"1—本月", ""}, /* not the month of form line 1 */
      {"", ""},
      {"margin", ""},
  };
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(valid);
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *found = meant(catalogue, cases[i].heading);
    if (strcmp(found, cases[i].expected) != 0)
      fail_msg("“%s” means “%s”, expected “%s”", cases[i].heading, found, cases[i].expected);
  }
}

static void a_retired_column_leaves_its_name_to_the_one_that_replaces_it(void **state)
{
  (void)state;
  g_autofree char *text =
      changed("{column: staff}\n", "{column: staff, retired: true}\n      - {column: people}\n");
  g_auto(GStrv) parts = g_strsplit(text, "  big: {", 2);
  g_autofree char *next = g_strjoin(
      "  people: {zh: 从业人员, en: People, measure: 人, kind: stock}\n  big: {", parts[0], parts[1], NULL);
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(next);
  g_autofree char *found = meant(catalogue, "从业人员");
  assert_string_equal(found, "monthly:people");
  g_autofree char *old = meant(catalogue, "staff");
  assert_string_equal(old, "monthly:staff");
}

/* --- what is compiled --- */

static void a_catalogue_holds_what_the_file_says(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(valid);
  assert_string_equal(catalogue->code, "test");
  assert_int_equal(catalogue->text_length, sizeof valid - 1);
  const struct area *zone = &catalogue->areas[catalogue_area(catalogue, "zone")];
  assert_true(zone->boundary_only && !zone->reports && zone->parent == CATALOGUE_NONE);
  assert_int_equal(catalogue->areas[catalogue_area(catalogue, "park_a")].parent,
                   catalogue_area(catalogue, "core"));
  assert_int_equal(catalogue_area(catalogue, "nowhere"), CATALOGUE_NONE);
  const struct measure *thousand = &catalogue->measures[catalogue_measure(catalogue, "千元")];
  assert_string_equal(thousand->base, "元");
  assert_int_equal(thousand->factor, 1000);

  const struct indicator *profit = &catalogue->indicators[catalogue_indicator(catalogue, "profit")];
  assert_true(profit->least == -LIMIT_FIGURE && profit->most == LIMIT_FIGURE && profit->decimals == 1);
  const struct indicator *staff = &catalogue->indicators[catalogue_indicator(catalogue, "staff")];
  assert_true(staff->least == 1 && staff->most == 200000 && staff->kind == KIND_STOCK);
  const struct indicator *big = &catalogue->indicators[catalogue_indicator(catalogue, "big")];
  assert_true(big->count_from == 100 && big->count_below == 500 && big->count_flag == CATALOGUE_NONE);
  assert_int_equal(big->count_indicator, catalogue_indicator(catalogue, "revenue"));
  const struct indicator *listed = &catalogue->indicators[catalogue_indicator(catalogue, "listed")];
  assert_true(listed->count_flag == 0 && listed->count_below == INT64_MAX &&
              listed->numerator == CATALOGUE_NONE);

  const struct form *monthly = &catalogue->forms[catalogue_form(catalogue, "monthly")];
  assert_true(monthly->months == 1 && monthly->january == JANUARY_JOINT && monthly->classes == 3);
  assert_int_equal(monthly->column_count, 7);
  assert_int_equal(catalogue_column(catalogue, 0, "output.ytd_ly"), 3);
  assert_int_equal(catalogue_column(catalogue, 0, "profit"), CATALOGUE_NONE);
  day_number day;
  assert_true(day_parse("2020-12-31", &day));
  assert_int_equal(monthly->valid_until, day);
  assert_int_equal(catalogue->forms[1].valid_until, DAY_NONE);
  assert_true(catalogue->forms[1].role == ROLE_OF_BUREAU && catalogue->forms[2].retired);

  const struct target *target = &catalogue->targets[0];
  assert_true(target->value == 700 && target->tolerance == 15 && target->scale == 100 &&
              target->divisor == 1);
  assert_true(target->stage_count == 2 && target->stages[0].value == 680 && target->stages[1].year == 2020);
  assert_int_equal(target->numerator[0].area, catalogue_area(catalogue, "zone")); /* the target's own */
  assert_int_equal(target->numerator[0].slice, catalogue_slice(catalogue, "steel"));
  assert_int_equal(target->denominator[0].slice, catalogue_slice(catalogue, "all"));
  assert_string_equal(target->note.zh, "");
  assert_true(target->per_park && target->share_count == 1 && target->least_coverage == 60);
  assert_int_equal(target->shares[0].area, catalogue_area(catalogue, "park_a"));
  assert_true(target->shares[0].stage_count == 1 && target->shares[0].stages[0].value == 300);
  assert_true(!catalogue->targets[1].per_park && catalogue->targets[1].least_coverage == 50);
  assert_string_equal(catalogue->slices[1].name.zh, "钢铁"); /* its cluster's */
}

static void an_area_is_within_itself_and_what_is_above_it(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(valid);
  int zone = catalogue_area(catalogue, "zone"), core = catalogue_area(catalogue, "core");
  int a = catalogue_area(catalogue, "park_a"), b = catalogue_area(catalogue, "park_b");
  assert_true(catalogue_area_within(catalogue, a, a));
  assert_true(catalogue_area_within(catalogue, a, zone));
  assert_false(catalogue_area_within(catalogue, zone, a));
  assert_false(catalogue_area_within(catalogue, b, core));
  assert_false(catalogue_area_within(catalogue, catalogue_area(catalogue, "city"), zone));
}

static void a_column_is_found_by_indicator_and_frequency(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(valid);
  struct column_ref ref;
  int profit = catalogue_indicator(catalogue, "profit"), output = catalogue_indicator(catalogue, "output");
  assert_true(catalogue_find_column(catalogue, output, VARIANT_LY, 1, &ref));
  assert_true(ref.form == 0 && ref.column == 2);
  assert_true(catalogue_find_column(catalogue, profit, VARIANT_PERIOD, 12, &ref));
  assert_true(ref.form == 1 && ref.column == 0);
  assert_true(catalogue_find_column(catalogue, profit, VARIANT_PERIOD, 1,
                                    &ref)); /* retired, and nothing in its place */
  assert_int_equal(ref.form, 2);
  assert_true(
      catalogue_find_column(catalogue, catalogue_indicator(catalogue, "staff"), VARIANT_PERIOD, 1, &ref));
  assert_int_equal(ref.form, 0); /* not the retired one */
  assert_false(catalogue_find_column(catalogue, output, VARIANT_PERIOD, 12, &ref));
  assert_false(catalogue_find_column(catalogue, output, VARIANT_PERIOD, 3, &ref));
  assert_false(catalogue_find_column(catalogue, output, VARIANT_PERIOD, 2, &ref));
}

static void a_form_says_which_period_it_expects(void **state)
{
  (void)state;
  static const struct {
    const char *january;
    struct period period;
    const char *expected; /* NULL: taken */
  } cases[] = {
      {"joint", {2018, 1, 1}, "2018-01/P2M"}, {"joint", {2018, 2, 1}, "2018-01/P2M"},
      {"joint", {2018, 1, 2}, NULL},          {"joint", {2018, 3, 1}, NULL},
      {"joint", {2018, 1, 12}, "2018-05"},    {"exempt", {2018, 1, 1}, "2018-02"},
      {"exempt", {2018, 2, 1}, NULL},         {"exempt", {2018, 1, 2}, "2018-02"},
      {"separate", {2018, 1, 1}, NULL},       {"separate", {2018, 1, 2}, "2018-05"},
      {"separate", {2018, 4, 3}, "2018-05"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *to = g_strconcat("january: ", cases[i].january, NULL);
    g_autofree char *text = changed("january: joint", to);
    CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(text);
    g_autofree char *objection = catalogue_period_objection(catalogue, 0, cases[i].period);
    if ((objection == NULL) != (cases[i].expected == NULL)) fail_msg("%zu: %s", i, objection);
    if (objection && !strstr(objection, cases[i].expected)) fail_msg("%zu: %s", i, objection);
  }
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(valid);
  g_autofree char *year = catalogue_period_objection(catalogue, 1, (struct period){2018, 1, 12});
  g_autofree char *month = catalogue_period_objection(catalogue, 1, (struct period){2018, 5, 1});
  g_autofree char *retired = catalogue_period_objection(catalogue, 2, (struct period){2018, 5, 1});
  assert_null(year);
  assert_string_equal(month, "a year, such as 2018");
  assert_non_null(strstr(retired, "no longer asked for"));
}

static void a_column_has_a_name_for_people(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(valid);
  g_autofree char *first = catalogue_column_name(catalogue, 0, 0);
  g_autofree char *last = catalogue_column_name(catalogue, 0, 3);
  assert_string_equal(first, text_label(&catalogue->indicators[0].name));
  assert_true(g_str_has_prefix(last, first) && strlen(last) > strlen(first));
}

static void equal_files_have_equal_hashes_and_others_have_not(void **state)
{
  (void)state;
  g_autofree char *other = changed("zh: 测试", "zh: 测验");
  CLEANUP(catalogue_unref) struct catalogue *a = compiled(valid);
  CLEANUP(catalogue_unref) struct catalogue *b = compiled(valid);
  CLEANUP(catalogue_unref) struct catalogue *c = compiled(other);
  assert_memory_equal(a->hash, b->hash, CATALOGUE_HASH_SIZE);
  assert_memory_not_equal(a->hash, c->hash, CATALOGUE_HASH_SIZE);
}

/* --- what may follow --- */

static void a_catalogue_that_changes_what_was_reported_may_not_follow(void **state)
{
  (void)state;
  static const struct {
    const char *from, *to, *expected;
  } cases[] = {
      {"catalogue: test", "catalogue: other",
       "this is the catalogue “other”, but the one in force is “test”"},
      {"  park_b: {", "  park_c: {", "area “park_b” is gone"},
      {"  plant: {zh: 产业活动单位, en: Plant, ids: uscc-nn}\n",
       "  plant: {zh: 产业活动单位, en: Plant, ids: code}\n", "unit class “plant” has other ids"},
      {"  outside: {", "  abroad: {", "slice “outside” is gone"},
      {"  正常: {", "  在业: {", "status “正常” is gone"},
      {"decimals: 1, kind: flow", "decimals: 2, kind: flow", "indicator “profit”: “decimals” has changed"},
      {"measure: 千元, decimals: 1", "measure: 万元, decimals: 1",
       "indicator “profit”: “measure” has changed"},
      {"千元: {base: 元, factor: 1000}", "千元: {base: 元, factor: 1001}",
       "indicator “output”: “measure” has changed"},
      {"measure: 人, kind: stock", "measure: 人, kind: flow", "indicator “staff”: “kind” has changed"},
      {"measure: 家, kind: flow", "measure: 家, kind: flow, basis: both",
       "indicator “water”: “basis” has changed"},
      {"  listed: {", "  in_register: {", "indicator “listed” is gone"},
      {"january: joint", "january: separate", "form “monthly”: “every” or “january” has changed"},
      {"filled_by: park", "filled_by: bureau", "form “monthly”: “filled_by” has changed"},
      {"every: year", "every: quarter", "form “yearly”: “every” or “january” has changed"},
      {"  old: {zh: 旧表", "  older: {zh: 旧表", "form “old” is gone"},
      {"      - {column: staff}\n", "", "form “monthly”: column 7 was “staff”"},
      {"      - {column: revenue.ytd, line: '02'}\n",
       "      - {column: profit, line: '07'}\n      - {column: revenue.ytd, line: '02'}\n",
       "form “monthly”: column 5 was “revenue.ytd”"},
  };
  CLEANUP(catalogue_unref) struct catalogue *current = compiled(valid);
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = changed(cases[i].from, cases[i].to);
    CLEANUP(catalogue_unref) struct catalogue *next = compiled(text);
    g_autoptr(GError) error = NULL;
    if (catalogue_may_follow(current, next, &error)) fail_msg("“%s” may follow", cases[i].to);
    assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
    if (!strstr(error->message, cases[i].expected)) fail_msg("%s", error->message);
  }
}

static void a_catalogue_that_adds_renames_and_retires_may_follow(void **state)
{
  (void)state;
  static const struct {
    const char *from, *to;
  } cases[] = {
      {"", ""},
      {"  city: {", "  park_c: {zh: 丙园, en: Park C, in: core, reports: true}\n  city: {"},
      {"zh: 甲园, en: Park A, in: core", "zh: 甲新园, en: New Park A, in: core, role: x"},
      {"{column: staff}\n", "{column: staff, retired: true}\n      - {column: profit}\n"},
      {"least: 1, most: 200000", "least: 0"},
      {"from: 100, below: 500", "from: 200"},
      {"  listed: {", "  land: {zh: 用地, en: Land, measure: 家, kind: stock}\n  listed: {"},
  };
  CLEANUP(catalogue_unref) struct catalogue *current = compiled(valid);
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = changed(cases[i].from, cases[i].to);
    CLEANUP(catalogue_unref) struct catalogue *next = compiled(text);
    g_autoptr(GError) error = NULL;
    if (!catalogue_may_follow(current, next, &error)) fail_msg("%s", error->message);
  }
}

/* --- the shipped catalogue --- */

static void the_shipped_catalogue_compiles(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  CLEANUP(catalogue_unref)
  struct catalogue *catalogue = catalogue_read(SOURCE_DIR "/deploy/catalogue/liuzhou.yaml", &error);
  if (!catalogue) fail_msg("%s", error->message);
  static const char *const areas[] = {"zone",   "core",   "automobile", "machinery", "liudong", "hexi",
                                      "yanghe", "luowei", "liubei",     "xinxing",   "city"};
  static const char *const forms[] = {"output-monthly",    "finance-monthly",       "rd-yearly",
                                      "carriers-yearly",   "city-yearly",           "city-monthly",
                                      "city-funds-yearly", "city-innovation-yearly"};
  for (size_t i = 0; i < G_N_ELEMENTS(areas); i++)
    assert_int_not_equal(catalogue_area(catalogue, areas[i]), -1);
  for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
    assert_int_not_equal(catalogue_form(catalogue, forms[i]), -1);
  for (size_t i = 0; i < catalogue->cluster_count; i++)
    assert_int_not_equal(catalogue_slice(catalogue, catalogue->clusters[i].code), -1);
  assert_true(catalogue->slice_count < 40);
  assert_int_equal(catalogue->target_count, 16);
  for (unsigned i = 0; i < 16; i++) assert_int_equal(catalogue->targets[i].id, i + 1);
  /* Each core park is a milestone of its own. */
  const struct target *milestones = &catalogue->targets[15];
  size_t core_parks = 0;
  for (size_t i = 0; i < catalogue->area_count; i++)
    core_parks += catalogue->areas[i].parent == milestones->area;
  assert_int_equal(milestones->share_count, core_parks);
  for (size_t i = 0; i < core_parks; i++) {
    const struct share *share = &milestones->shares[i];
    assert_int_equal(catalogue->areas[share->area].parent, milestones->area);
    assert_int_equal(share->stages[share->stage_count - 1].value, 1);
  }
  g_autofree char *found = meant(catalogue, "工业总产值(1—本月)");
  assert_string_equal(found, "output-monthly:gross_output.ytd");
}

static void every_indicator_of_a_target_is_reported_or_counted_somewhere(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref)
  struct catalogue *catalogue = catalogue_read(SOURCE_DIR "/deploy/catalogue/liuzhou.yaml", NULL);
  for (size_t i = 0; i < catalogue->indicator_count; i++) {
    const struct indicator *indicator = &catalogue->indicators[i];
    if (indicator->kind == KIND_COUNT || indicator->kind == KIND_RATIO) continue;
    struct column_ref ref;
    bool carried = false;
    for (unsigned months = 1; months <= 12; months++)
      carried = carried || catalogue_find_column(catalogue, (int)i, VARIANT_PERIOD, months, &ref) ||
                catalogue_find_column(catalogue, (int)i, VARIANT_YTD, months, &ref);
    if (!carried) fail_msg("no form asks for %s", indicator->code);
  }
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  assert_null(catalogue_read("/nonexistent/catalogue.yaml", &error));
  assert_non_null(strstr(error->message, "/nonexistent/catalogue.yaml"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_mistake_is_named_with_its_line_and_column),
      cmocka_unit_test(one_run_names_all_mistakes_in_the_order_of_the_file),
      cmocka_unit_test(rules_stand_by_form_and_weight),
      cmocka_unit_test(a_form_knows_the_period_before),
      cmocka_unit_test(files_that_are_no_catalogue_are_refused),
      cmocka_unit_test(a_file_over_the_limit_is_refused_unread),
      cmocka_unit_test(a_catalogue_that_is_cut_anywhere_does_no_harm),
      cmocka_unit_test(a_catalogue_that_lacks_any_line_does_no_harm),
      cmocka_unit_test(areas_that_are_too_deep_are_refused),
      cmocka_unit_test(slices_that_are_too_many_are_refused),
      cmocka_unit_test(a_heading_of_two_columns_of_a_form_is_named),
      cmocka_unit_test(headings_are_found_as_people_write_them),
      cmocka_unit_test(a_retired_column_leaves_its_name_to_the_one_that_replaces_it),
      cmocka_unit_test(a_catalogue_holds_what_the_file_says),
      cmocka_unit_test(an_area_is_within_itself_and_what_is_above_it),
      cmocka_unit_test(a_column_is_found_by_indicator_and_frequency),
      cmocka_unit_test(a_form_says_which_period_it_expects),
      cmocka_unit_test(a_column_has_a_name_for_people),
      cmocka_unit_test(equal_files_have_equal_hashes_and_others_have_not),
      cmocka_unit_test(a_catalogue_that_changes_what_was_reported_may_not_follow),
      cmocka_unit_test(a_catalogue_that_adds_renames_and_retires_may_follow),
      cmocka_unit_test(the_shipped_catalogue_compiles),
      cmocka_unit_test(every_indicator_of_a_target_is_reported_or_counted_somewhere),
      cmocka_unit_test(a_file_that_is_not_there_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
