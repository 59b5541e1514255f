#include "agent/mapping.h"
#include "common/clock.h"
#include "common/decimal.h"
#include "common/text.h"
#include "forms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define U1 "91350100M000100Y43"
#define U2 "91110000600037341L"

static struct catalogue *catalogue;
static char *folder, *path;

/* What came of a file, as text: entries as "unit period column=value …;", findings as "!id@row,column;". */
struct seen {
  GString *text;
  const struct catalogue *catalogue;
  struct mapping *mapping;
  char *found, *expected; /* of the last finding */
  size_t entries;
};

static void put_columns(struct seen *seen, const struct form *form, const struct report_change *change)
{
  for (unsigned c = 0; c < form->column_count; c++) {
    if (!column_set_has(&change->asked, c)) continue;
    const char *code = form->columns[c].code;
    char text[DECIMAL_TEXT_SIZE] = "";
    if (column_set_has(&change->figures.present, c))
      decimal_format(change->figures.value[c],
                     seen->catalogue->indicators[form->columns[c].indicator].decimals, text);
    g_string_append_printf(seen->text, " %s=%s%s", code, text,
                           column_set_has(&change->withdrawn, c) ? "x" : "");
  }
}

static bool take_entry(const struct entry *entry, void *data)
{
  struct seen *seen = data;
  static const char *const kinds[] = {"", " nil", " withdrawal"};
  char period[PERIOD_TEXT_SIZE];
  seen->entries++;
  if (seen->text->len > 1 << 16) return true;
  g_string_append_printf(seen->text, "%s%s %s%s", entry->refused ? "?" : "", entry->unit,
                         period_format(entry->period, period), kinds[entry->change.kind]);
  if (!entry->refused)
    put_columns(seen, &seen->catalogue->forms[mapping_form(seen->mapping)], &entry->change);
  g_string_append(seen->text, "; ");
  return true;
}

static void take_finding(const struct finding *finding, void *data)
{
  struct seen *seen = data;
  g_string_append_printf(seen->text, "!%s@%zu,%zu; ", finding_id(finding->code), finding->row,
                         finding->column);
  g_free(seen->found);
  g_free(seen->expected);
  seen->found = g_strdup(finding->found);
  seen->expected = g_strdup(finding->expected);
}

static bool take_row(struct source_row *row, void *data)
{
  return mapping_row(((struct seen *)data)->mapping, row);
}

/* Reads a file of this text; true if it was read and accepted to its end. */
static bool map_text(const char *text, const struct mapping_options *options, struct seen *ret_seen)
{
  *ret_seen = (struct seen){.text = g_string_new(NULL), .catalogue = options->catalogue};
  ret_seen->mapping = mapping_new(options, "table.csv", take_entry, take_finding, ret_seen);
  assert_true(g_file_set_contents(path, text, -1, NULL));
  bool whole = source_csv.read(path, NULL, take_row, take_finding, ret_seen, NULL);
  whole = whole && mapping_finish(ret_seen->mapping);
  g_strchomp(ret_seen->text->str);
  return whole;
}

static void seen_clear(struct seen *seen)
{
  mapping_free(seen->mapping);
  g_string_free(seen->text, TRUE);
  g_free(seen->found);
  g_free(seen->expected);
}

struct trial {
  const char *text, *form, *period, *expected;
  bool refused; /* the file as a whole */
};

static void try_with(const struct trial *trials, size_t count, const struct mapping_rules *rules)
{
  for (size_t i = 0; i < count; i++) {
    struct period period;
    struct mapping_options options = {
        .catalogue = catalogue, .form = trials[i].form, .rules = rules, .role_forms = ROLE_OF_PARK};
    if (trials[i].period) {
      assert_true(period_parse(trials[i].period, &period));
      options.period = &period;
    }
    struct seen seen;
    bool whole = map_text(trials[i].text, &options, &seen);
    if (strcmp(seen.text->str, trials[i].expected) != 0)
      fail_msg("trial %zu:\n%s\nfound    %s\nexpected %s", i, trials[i].text, seen.text->str,
               trials[i].expected);
    if (whole == trials[i].refused) fail_msg("trial %zu: whole is %d", i, whole);
    seen_clear(&seen);
  }
}

#define TRY(trials) try_with(trials, G_N_ELEMENTS(trials), NULL)

static void a_file_that_cannot_be_understood_is_refused_whole(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"", NULL, NULL, "!file.empty@0,0;", true},
      {"\n\n", NULL, NULL, "!file.empty@0,0;", true},
      {"foo,bar,baz\n1,2,3\n", NULL, NULL, "!column.missing@0,0;", true},
      {"name,period,output\nx,2018-05,3\n", NULL, NULL, "!column.missing@0,0;", true},
      {"uscc,period,output\n", NULL, NULL, "!file.empty@0,0;", true},
      {"uscc,output\n" U1 ",1\n", NULL, NULL, "!column.missing@1,0;", true},
      {"uscc,period,name\n" U1 ",2018-05,x\n", NULL, NULL, "!column.missing@1,0;", true},
      {"uscc,period,output,outptu,sals\n" U1 ",2018-05,1,2,3\n", NULL, NULL,
       "!column.unknown@1,4; !column.unknown@1,5;", true},
      {"uscc,period,output,output\n" U1 ",2018-05,1,2\n", NULL, NULL, "!column.twice@1,4;", true},
      {"uscc,unit,period,output\n" U1 "," U1 ",2018-05,1\n", NULL, NULL, "!column.twice@1,2;", true},
      {"uscc,period,output,01\n" U1 ",2018-05,1,2\n", NULL, NULL, "!column.twice@1,4;", true},
      {"uscc,period,output,profit.ytd\n" U1 ",2018-05,1,2\n", NULL, NULL, "!file.form@1,0;", true},
      {"uscc,period,staff\n" U1 ",2018-05,1\n", NULL, NULL, "!file.form@1,0;", true},
      {"uscc,period,output\n" U1 ",2018-05,1\n", "output", NULL, "!form.unknown@1,0;", true},
      {"uscc,period,output\n" U1 ",2018-05,1\n", "rd-yearly", NULL, "!column.unknown@1,3;", true},
      {"uscc,period,output(人)\n" U1 ",2018-05,1\n", NULL, NULL, "!column.measure@1,3;", true},
      {"计量单位:百万元\nuscc,period,output\n" U1 ",2018-05,1\n", NULL, NULL, "!column.measure@1,1;", true},
      {"单位:亿元\nuscc,period,output\n" U1 ",2018-05,1\n", NULL, NULL, "!column.measure@1,1;", true},
      {"uscc,period,indicator\n" U1 ",2018-05,output\n", NULL, NULL, "!column.missing@1,0;", true},
      {"uscc,period,value\n" U1 ",2018-05,1\n", NULL, NULL, "!column.missing@1,0;", true},
      {"uscc,period,indicator,value\n" U1 ",2018-05,outptu,1\n", NULL, NULL, "!indicator.unknown@2,3;", true},
      {"uscc,period,indicator,value\n" U1 ",2018-05,output,1\n" U1 ",2018-05,profit.ytd,1\n", NULL, NULL,
       U1 " 2018-05 output=1; !indicator.unknown@3,3;", true},
      {"uscc,period,output,\n" U1 ",2018-05,1\n", NULL, "2018-05", U1 " 2018-05 output=1;", false},
      {"uscc,period,,output\n" U1 ",2018-05,7,1\n", NULL, NULL, "!column.unknown@2,3;", true},
  };
  TRY(trials);
}

static void the_nearest_heading_is_named(void **state)
{
  (void)state;
  const char *headings[][2] = {{"outptu", "output"}, {"工业总产直", "工业总产值"}, {"利润", "利润总额"}};
  for (size_t i = 0; i < G_N_ELEMENTS(headings); i++) {
    g_autofree char *text = g_strdup_printf("uscc,period,%s\n" U1 ",2018-05,1\n", headings[i][0]);
    struct mapping_options options = {.catalogue = catalogue, .role_forms = ROLE_OF_PARK};
    struct seen seen;
    assert_false(map_text(text, &options, &seen));
    assert_string_equal(seen.found, headings[i][0]);
    assert_string_equal(seen.expected, headings[i][1]);
    seen_clear(&seen);
  }
}

static void a_form_that_cannot_be_told_lists_the_candidates(void **state)
{
  (void)state;
  struct mapping_options options = {.catalogue = catalogue, .role_forms = ROLE_OF_PARK};
  struct seen seen;
  assert_false(map_text("uscc,period,staff\n" U1 ",2018,1\n", &options, &seen));
  assert_non_null(strstr(seen.expected, "finance-monthly, rd-yearly"));
  seen_clear(&seen);
  assert_false(map_text("uscc,period,population\n" U1 ",2018,1\n", &options, &seen)); /* a bureau's */
  assert_non_null(strstr(seen.text->str, "file.form"));
  assert_null(strstr(seen.expected, "city-yearly"));
  seen_clear(&seen);
}

static void a_row_that_was_cut_refuses_the_file(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"uscc,period,output,sales\n" U1 ",2018-05,1,2\n" U2 ",2018-05,1", NULL, NULL,
       U1 " 2018-05 output=1 sales=2.0; !file.cut@3,0;", true},
      {"uscc,period,output,sales\n" U1 ",2018-05,1,2\n" U2 ",2018-05,1\n", NULL, NULL,
       U1 " 2018-05 output=1 sales=2.0; !row.short@3,0; ?" U2 " 2018-05;", false},
      {"uscc,period,output\n" U1 ",2018-05,1\n填表人:张三", NULL, NULL,
       U1 " 2018-05 output=1; !file.no-line-end@3,0;", false},
  };
  TRY(trials);
}

static void every_bad_cell_of_a_row_is_named_and_only_its_report_refused(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"uscc,period,output,sales\n" U1 ",2018-05,12x,1.25\n" U2 ",2018-05,3,4\n", NULL, NULL,
       "!value.text@2,3; !value.decimals@2,4; ?" U1 " 2018-05; " U2 " 2018-05 output=3 sales=4.0;", false},
      {"uscc,period,output,sales\n" U1 ",2018-05,…,9007199254740992\n", NULL, NULL,
       "!value.tiny@2,3; !value.range@2,4; ?" U1 " 2018-05;", false},
      {"uscc,period,output,sales\n,,12x,\n", NULL, "2018-05", "!unit.missing@2,1; !value.text@2,3;", false},
      {"uscc,period,output\n" U1 ",,1\n" U1 ",May,1\n", NULL, NULL, "!period.missing@2,2; !period.shape@3,2;",
       false},
      {"uscc,period,output\n" U1 ",2018-01,1\n" U1 ",2018-Q2,1\n" U1 ",2018-01/P2M,1\n", NULL, NULL,
       "!period.wrong@2,2; ?" U1 " 2018-01; !period.wrong@3,2; ?" U1 " 2018-Q2; " U1 " 2018-01/P2M output=1;",
       false},
      {"uscc,period,output\n" U1 ",2018-05,1\n" U1 ",2018-06,1\n", NULL, "2018-06",
       "!period.wrong@2,2; ?" U1 " 2018-05; " U1 " 2018-06 output=1;", false},
      {"uscc,period,output\n" U1 ",2018-05,1,2\n" U1 ",2018-05\n" U1 ",2018-05,1,,\n", NULL, NULL,
       "!row.short@2,0; ?" U1 " 2018-05; !row.short@3,0; ?" U1 " 2018-05; " U1 " 2018-05 output=1;", false},
      {"uscc,period,output\n12345678901234567890123456789012345678901234567890123456789012345,2018-05,1\n",
       NULL, NULL, "!unit.shape@2,1;", false},
  };
  TRY(trials);
}

static void a_decimal_comma_is_not_read_as_thousands(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"uscc;period;output;sales\n" U1 ";2018-05;12,345;0,125\n" U2 ";2018-05;1,234,567;1,234.5\n", NULL,
       NULL, "!value.text@2,4; ?" U1 " 2018-05; " U2 " 2018-05 output=1234567 sales=1234.5;", false},
      {"uscc,period,output,sales\n" U1 ",2018-05,\"12,345\",\"0,125\"\n", NULL, NULL,
       "!value.text@2,4; ?" U1 " 2018-05;", false},
  };
  TRY(trials);
}

static void words_in_cells_withdraw_and_say_nil(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"uscc,period,output,sales\n" U1 ",2018-05,撤销,1\n", NULL, NULL, U1 " 2018-05 output=x sales=1.0;",
       false},
      {"uscc,period,output,sales\n" U1 ",2018-05,整表撤销,\n", NULL, NULL, U1 " 2018-05 withdrawal;", false},
      {"uscc,period,output,sales\n" U1 ",2018-05,,本期无数据\n", NULL, NULL, U1 " 2018-05 nil;", false},
      {"uscc,period,output,sales\n" U1 ",2018-05,0,本期无数据\n", NULL, NULL,
       "!value.nil@2,0; ?" U1 " 2018-05 nil;", false},
      {"uscc,period,output,sales\n" U1 ",2018-05,整表撤销,本期无数据\n", NULL, NULL,
       "!value.nil@2,4; ?" U1 " 2018-05 nil;", false},
      {"uscc,period,output,sales\n" U1 ",2018-05,,\n", NULL, NULL, U1 " 2018-05 output= sales=;", false},
      {"uscc,period,output,sales\n" U1 ",2018-05,—,0\n", NULL, NULL, U1 " 2018-05 output= sales=0.0;", false},
  };
  TRY(trials);
}

static void headings_are_found_as_people_write_them(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"统一社会信用代码,报告期,单位名称,工业总产值,序号\n" U1 ",2018年5月,柳州某厂,\"1,234\",1\n", NULL,
       NULL, U1 " 2018-05 output=1234;", false},
      {"USCC,Period,Gross  Output,Gross Output YTD\n" U1 ",201805,1,2\n", NULL, NULL,
       U1 " 2018-05 output=1 output.ytd=2;", false},
      {"uscc,period,01,03\n" U1 ",2018/5,1,2\n", NULL, NULL, U1 " 2018-05 output=1 sales=2.0;", false},
      {"sales,uscc,output.ytd,period\n1," U1 ",2,2018-05\n", NULL, NULL,
       U1 " 2018-05 output.ytd=2 sales=1.0;", false},
      {"uscc,period,工业总产值（万元）,工业销售产值(单位:元)\n" U1 ",2018-05,1.2,1500\n", NULL, NULL,
       U1 " 2018-05 output=12 sales=1.5;", false},
      {"uscc,period,工业总产值(万元)\n" U1 ",2018-05,1.25\n", NULL, NULL,
       "!value.decimals@2,3; ?" U1 " 2018-05;", false},
      {"月报表,,\n2018年5月,,计量单位：万元\nuscc,单位名称,工业总产值\n" U1 ",某厂,1\n", NULL, NULL,
       U1 " 2018-05 output=10;", false},
      {"工业产值月报（2018年5月）\n单位:柳州某公司\nuscc,name,output\n" U1 ",某厂,1\n", NULL, NULL,
       U1 " 2018-05 output=1;", false},
      {"报告期:2018-05,计量单位:万元、人\nuscc,利润总额,从业人员\n" U1 ",-2,30\n", NULL, NULL,
       U1 " 2018-05 profit.ytd=-20 staff=30;", false},
      {"uscc,单位名称,工业总产值,,\n,,本月,1—本月,上年同月\n" U1 ",某厂,1,2,3\n", NULL, "2018-05",
       U1 " 2018-05 output=1 output.ytd=2 output.ly=3;", false},
      {"基本情况,,工业总产值,\nuscc,单位名称,本月,1—本月\n甲,乙,1,2\n" U1 ",某厂,1,2\n", NULL, "2018-05",
       U1 " 2018-05 output=1 output.ytd=2;", false},
      {"uscc,period,staff\n" U1 ",2018,7\n", "rd-yearly", NULL, U1 " 2018 staff=7;", false},
      {"uscc,staff\n" U1 ",7\n", NULL, "2018", U1 " 2018 staff=7;", false}, /* only one form is yearly */
      {"91350100m000100y43,x\nuscc,period,output\n91350100m000100y43,2018-05,1\n", NULL, NULL,
       U1 " 2018-05 output=1;", false},
      {"uscc,period,output\n孵化器A,2018-05,1\nabc,2018-05,2\n", NULL, NULL,
       "孵化器A 2018-05 output=1; abc 2018-05 output=2;", false},
  };
  TRY(trials);
}

static void a_group_without_an_end_is_not_guessed_at(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {",,本年累计,,\nuscc,name,工业总产值,工业销售产值\n" U1 ",x,1,2\n", NULL, "2018-05",
       "!column.unknown@2,4;", true},
      {",,本年累计\nuscc,name,工业总产值\n" U1 ",x,1\n", NULL, "2018-05", U1 " 2018-05 output.ytd=1;", false},
      {",,本月,,本年累计,\nuscc,name,工业总产值,工业销售产值,工业总产值,工业销售产值\n" U1 ",x,1,2,3,4\n",
       NULL, "2018-05", U1 " 2018-05 output=1 output.ytd=3 sales=2.0 sales.ytd=4.0;", false},
      {",,本年累计,\nuscc,name,利润总额,从业人员\n" U1 ",x,1,2\n", NULL, "2018-05",
       U1 " 2018-05 profit.ytd=1 staff=2;", false},
  };
  TRY(trials);
}

static void only_the_period_of_the_report_is_taken_from_a_title(void **state)
{
  (void)state;
#define TABLE "uscc,output\n" U1 ",1\n"
#define IN_MAY U1 " 2018-05 output=1;"
  static const struct trial taken[] = {
      {"有效期至：2019年6月\n2018年5月\n" TABLE, NULL, NULL, IN_MAY, false},
      {"文号：国统字〔2018〕90号 2017年11月批准\n2018年5月\n" TABLE, NULL, NULL, IN_MAY, false},
      {"B204-1表 2018年5月\n制表 2018年6月\n" TABLE, NULL, NULL, IN_MAY, false},
      {"2018年统计报表\n2018年5月\n" TABLE, NULL, NULL, IN_MAY, false},
      {"2018年5月份月报\n" TABLE, NULL, NULL, IN_MAY, false},
      {"报告期：201805\n2018-06-08\n" TABLE, NULL, NULL, IN_MAY, false},
      {"2018年1—2月\n" TABLE, NULL, NULL, U1 " 2018-01/P2M output=1;", false},
      {"2018年4月\n" TABLE, NULL, "2018-05", IN_MAY, false},
      {"2018年4月,2018年6月\n" TABLE, NULL, "2018-05", IN_MAY, false},
      {"2018年1—5月\nuscc,利润总额,从业人员\n" U1 ",1,2\n", NULL, NULL, U1 " 2018-05 profit.ytd=1 staff=2;",
       false},
      {"2018年度研发\nuscc,staff,rd\n" U1 ",7,8\n", NULL, NULL, U1 " 2018 rd=8 staff=7;", false},
  };
  static const struct trial asked[] = {
      {"填报日期：2018年6月8日\n" TABLE, NULL, NULL, "!column.missing@2,0;", true},
      {"2018年6月8日\n" TABLE, NULL, NULL, "!column.missing@2,0;", true},
      {"2018-06-08\n" TABLE, NULL, NULL, "!column.missing@2,0;", true},
      {"有效期至：2019年6月\n" TABLE, NULL, NULL, "!column.missing@2,0;", true},
      {"2018年上半年研发情况\nuscc,rd\n" U1 ",7\n", NULL, NULL, "!column.missing@2,0;", true},
      {"2018年前三季度\nuscc,rd\n" U1 ",7\n", NULL, NULL, "!column.missing@2,0;", true},
      {"2018年1—本月\nuscc,rd\n" U1 ",7\n", NULL, NULL, "!column.missing@2,0;", true},
      {"2018年4月—5月\n" TABLE, NULL, NULL, "!column.missing@2,0;", true},
      {"2018年4月\n2018年5月\n" TABLE, NULL, NULL, "!column.missing@3,0;", true},
      {"2018年1—5月\n" TABLE, NULL, NULL, "!column.missing@2,2;", true},
      {"2018年2—5月\n" TABLE, NULL, NULL, "!column.missing@2,0;", true},
  };
  TRY(taken);
  TRY(asked);
}

static void long_tables_give_one_figure_a_row(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"uscc,period,indicator,value\n" U1 ",2018-05,output,1\n" U1 ",2018-05,工业销售产值,2.5\n" U1
       ",2018-05,output.ytd,撤销\n" U1 ",2018-05,01.ly,\n",
       NULL, NULL,
       U1 " 2018-05 output=1; " U1 " 2018-05 sales=2.5; " U1 " 2018-05 output.ytd=x; " U1
          " 2018-05 output.ly=;",
       false},
      {"uscc,period,indicator,value\n" U1 ",2018,staff,1\n", NULL, NULL, U1 " 2018 staff=1;", false},
      {"uscc,period,indicator,value\n" U1 ",2018-05,output,x\n" U1 ",2018-05,sales,1\n", NULL, NULL,
       "!value.text@2,4; ?" U1 " 2018-05; " U1 " 2018-05 sales=1.0;", false},
      {"单位:万元\nuscc,period,indicator,value\n" U1 ",2018-05,output,1\n", NULL, NULL,
       U1 " 2018-05 output=10;", false},
      {"uscc,period,indicator,value\n" U1 ",2018-05,output,本期无数据\n", NULL, NULL, U1 " 2018-05 nil;",
       false},
  };
  TRY(trials);
}

static void a_long_table_keeps_the_measure_of_each_spelling(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"uscc,period,indicator,value\n" U1 ",2018-05,工业总产值(万元),123\n" U1
       ",2018-05,工业销售产值（元）,5000\n" U2 ",2018-05,工业总产值(万元),2\n" U2 ",2018-05,工业总产值,2\n",
       NULL, NULL,
       U1 " 2018-05 output=1230; " U1 " 2018-05 sales=5.0; " U2 " 2018-05 output=20; " U2
          " 2018-05 output=2;",
       false},
      {"uscc,period,指标,数值,计量单位\n" U1 ",2018-05,output,12,万元\n" U1 ",2018-05,output.ytd,13,\n", NULL,
       NULL, U1 " 2018-05 output=120; " U1 " 2018-05 output.ytd=13;", false},
      {"uscc,period,指标,单位,数值\n" U1 ",2018-05,output,万元,12\n" U1 ",2018-05,output,元,1000\n", NULL,
       NULL, U1 " 2018-05 output=120; " U1 " 2018-05 output=1;", false},
      {"uscc,period,指标,数值,计量单位\n" U1 ",2018-05,output(元),12,万元\n", NULL, NULL,
       "!column.measure@2,5;", true},
      {"uscc,period,指标,数值,计量单位\n" U1 ",2018-05,output,12,百万元\n", NULL, NULL,
       "!column.measure@2,5;", true},
      {"uscc,period,指标,数值,计量单位\n" U1 ",2018-05,output,12,人\n", NULL, NULL, "!column.measure@2,3;",
       true},
      {"uscc,period,output,计量单位\n" U1 ",2018-05,12,万元\n", NULL, NULL, "!column.measure@1,4;", true},
  };
  TRY(trials);
}

#define BODY "uscc,period,output\n" U1 ",2018-05,123\n"
#define AS_10_000 U1 " 2018-05 output=1230;"
#define AS_ITS_OWN U1 " 2018-05 output=123;"

static void measures_are_found_wherever_people_state_them(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"单位（万元）\n" BODY, NULL, NULL, AS_10_000, false},
      {"单位 万元\n" BODY, NULL, NULL, AS_10_000, false},
      {"工业月报（万元）\n" BODY, NULL, NULL, AS_10_000, false},
      {"工业月报(2018年5月)(单位:万元)\n" BODY, NULL, NULL, AS_10_000, false},
      {"数据单位：万元\n" BODY, NULL, NULL, AS_10_000, false},
      {"金额单位为万元\n" BODY, NULL, NULL, AS_10_000, false},
      {"计量单位,万元\n" BODY, NULL, NULL, AS_10_000, false},
      {"月报,,计量单位：\n,,万元\n" BODY, NULL, NULL, AS_10_000, false},
      {",,万元\n" BODY, NULL, NULL, AS_10_000, false},
      {"填报单位：柳州某厂\n年主营业务收入2000万元及以上企业\n" BODY, NULL, NULL, AS_ITS_OWN, false},
      {"uscc,period,output\n计量单位,,万元\n" U1 ",2018-05,123\n", NULL, NULL, AS_10_000, false},
      {"uscc,period,output\n,,（万元）\n" U1 ",2018-05,123\n", NULL, NULL, AS_10_000, false},
      {"uscc,name,output,sales\n,,(万元),(元)\n" U1 ",x,1,1000\n", NULL, "2018-05",
       U1 " 2018-05 output=10 sales=1.0;", false},
      {"uscc,period,output,sales\n计量单位,,万元,元\n" U1 ",2018-05,1,1000\n计量单位,,万元,元\n" U2
       ",2018-05,1,1000\n",
       NULL, NULL, U1 " 2018-05 output=10 sales=1.0; " U2 " 2018-05 output=10 sales=1.0;", false},
      {"uscc,period,output(万元)\n" U1 ",2018-05,123\n注：金额单位为万元\n", NULL, NULL, AS_10_000, false},
      {BODY "计量单位:千元、人\n", NULL, NULL, AS_ITS_OWN, false},
      {BODY "注：年主营业务收入2000万元及以上\n", NULL, NULL, AS_ITS_OWN, false},
  };
  static const struct trial not_understood[] = {
      {"单位（亿元）\n" BODY, NULL, NULL, "!column.measure@1,1;", true},
      {"本表以万元计\n" BODY, NULL, NULL, "!column.measure@1,1;", true},
      {"Unit: 10 000 yuan\n" BODY, NULL, NULL, "!column.measure@1,1;", true},
      {"单位:千元,,,单位:万元\n" BODY, NULL, NULL, "!column.measure@1,4;", true},
      {"单位:千元\n计量单位：万元\n" BODY, NULL, NULL, "!column.measure@2,1;", true},
      {"uscc,period,output\n计量单位,,百万元\n" U1 ",2018-05,123\n", NULL, NULL, "!column.measure@2,3;",
       true},
      {"uscc,name,output,sales\n,,(万元),(万kWh)\n" U1 ",x,1,2\n", NULL, "2018-05", "!column.measure@2,4;",
       true},
      {"uscc,period,output(千元)\n,,万元\n" U1 ",2018-05,123\n", NULL, NULL, "!column.measure@2,3;", true},
      {BODY "注:金额单位为万元,,\n", NULL, NULL, AS_ITS_OWN " !column.measure@3,1;", true},
      {BODY "说明：计量单位：万元,,\n", NULL, NULL, AS_ITS_OWN " !column.measure@3,1;", true},
      {BODY "计量单位:万元,,\n", NULL, NULL, AS_ITS_OWN " !column.measure@3,1;", true},
      {BODY "计量单位,,万元\n", NULL, NULL, AS_ITS_OWN " !column.measure@3,3;", true},
      {BODY "填表人:张,,\n以万元计,,\n", NULL, NULL, AS_ITS_OWN " !column.measure@4,1;", true},
      {BODY "注：单位：亿元,,\n", NULL, NULL, AS_ITS_OWN " !column.measure@3,1;", true},
  };
  TRY(trials);
  TRY(not_understood);
}

static void totals_and_footers_are_passed_over(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"uscc,name,output\n,合计,3\n" U1 ",a,1\n" U2 ",b,2\n", NULL, "2018-05",
       "!row.total@2,0; " U1 " 2018-05 output=1; " U2 " 2018-05 output=2;", false},
      {"uscc,name,output,sales\n" U1 ",a,1,2\n" U2 ",b,2,3\n总 计,,4,5\n", NULL, "2018-05",
       U1 " 2018-05 output=1 sales=2.0; " U2 " 2018-05 output=2 sales=3.0; !row.total@4,0; "
          "!total.differs@4,3;",
       false},
      {"uscc,name,output\n" U1 ",a,1\n,小计,9\nTotal,,1\n", NULL, "2018-05",
       U1 " 2018-05 output=1; !row.total@3,0; !row.total@4,0;", false},
      {"uscc,name,output\n" U1 ",a,x\n,合计,9\n", NULL, "2018-05",
       "!value.text@2,3; ?" U1 " 2018-05; !row.total@3,0;", false}, /* the sum is not known */
      {"uscc,name,output\n" U1 ",a,1\n单位负责人:李,,填表人:张\n,,说明：1\n联系电话,0772,\n", NULL, "2018-05",
       U1 " 2018-05 output=1;", false},
      {"uscc,name,output\n-,合计,1\n" U1 ",a,1\n——,合计,1\n", NULL, "2018-05",
       "!row.total@2,0; " U1 " 2018-05 output=1; !row.total@4,0;", false},
  };
  TRY(trials);
}

static void units_below_a_footer_are_not_lost(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"uscc,name,output\n" U1 ",a,1\n注：以上,,\n,,\n某人,,\n" U2 ",b,2\nabc,c,3\n", NULL, "2018-05",
       U1 " 2018-05 output=1; " U2 " 2018-05 output=2; abc 2018-05 output=3;", false},
      {"unit,period,output\nabc,2018-05,1\n填表人：张三,,\ninc-1,2018-05,2\n91350100m000100y43,2018-05,3\n"
       "9135010M000100Y43,2018-05,4\n9.14502E+17,2018-05,5\n孵化器A,2018-05,6\n孵化器B,2018-05,本期无数据\n",
       NULL, NULL,
       "abc 2018-05 output=1; inc-1 2018-05 output=2; " U1
       " 2018-05 output=3; 9135010M000100Y43 2018-05 output=4; 9.14502E+17 2018-05 output=5; 孵化器A 2018-05 "
       "output=6; 孵化器B 2018-05 nil;",
       false},
      {"unit,period,output\n说明：按年末数填,,\nliudong,2018-05,3\ninc-1,2018-05,5\n", NULL, NULL,
       "liudong 2018-05 output=3; inc-1 2018-05 output=5;", false},
      {"unit,period,output\n填表人：张三,,\n,2018-05,3\n", NULL, NULL, "!unit.missing@3,1;", false},
  };
  TRY(trials);
}

static void a_header_that_comes_again_must_be_the_same(void **state)
{
  (void)state;
  static const struct trial trials[] = {
      {"uscc,period,output,sales\n" U1 ",2018-05,1,2\nUSCC,period,output,sales\n" U2 ",2018-05,3,4\n", NULL,
       NULL, U1 " 2018-05 output=1 sales=2.0; " U2 " 2018-05 output=3 sales=4.0;", false},
      {"uscc,name,工业总产值,\n,,本月,1—本月\n甲,乙,1,2\n" U1
       ",某厂,1,2\n填表人:某,,,\nuscc,name,工业总产值,\n,,本月,1—本月\n甲,乙,1,2\n" U2 ",某厂,3,4\n",
       NULL, "2018-05", U1 " 2018-05 output=1 output.ytd=2; " U2 " 2018-05 output=3 output.ytd=4;", false},
      {"uscc,period,output,sales\n" U1 ",2018-05,1,2\nuscc,period,sales,output\n" U2 ",2018-05,3,4\n", NULL,
       NULL, U1 " 2018-05 output=1 sales=2.0; !column.unknown@3,3;", true},
      {"uscc,period,output,sales\n" U1 ",2018-05,1,2\n填表人:某,,,\nuscc,period,sales,output\n" U2
       ",2018-05,3,4\n",
       NULL, NULL, U1 " 2018-05 output=1 sales=2.0; !column.unknown@4,3;", true},
      {"uscc,name,output\n甲,x,1\n甲,x,1\n" U1 ",x,1\n甲,x,2\n", NULL, "2018-05",
       "甲 2018-05 output=1; " U1 " 2018-05 output=1; 甲 2018-05 output=2;", false},
      {"uscc,period,output\n" U1 ",2018-05,1\nuscc,period,output,sales\n", NULL, NULL,
       U1 " 2018-05 output=1; !column.unknown@3,4;", true},
  };
  TRY(trials);
}

static struct wall_time in_may_2018(void)
{
  return (struct wall_time){INT64_C(1526342400000)};
}

static void a_period_that_has_not_begun_is_noted_once(void **state)
{
  (void)state;
  clock_replace(in_may_2018);
  static const struct trial trials[] = {
      {"uscc,period,output\n" U1 ",2018-05,1\n" U1 ",2018-07,1\n" U1 ",2018-05,1\n" U2 ",2018-07,1\n", NULL,
       NULL,
       U1 " 2018-05 output=1; !period.future@3,2; " U1 " 2018-07 output=1; " U1 " 2018-05 output=1; " U2
          " 2018-07 output=1;",
       false},
  };
  TRY(trials);
  clock_replace(NULL);
}

static struct mapping_rules *read_rules(const char *text, size_t *ret_mistakes)
{
  CLEANUP(yaml_free) struct yaml *yaml = yaml_new("agent.yaml", text, strlen(text));
  struct mapping_rules *rules = mapping_rules_read(yaml, yaml_root(yaml));
  *ret_mistakes = yaml_mistakes(yaml);
  return rules;
}

static void configuration_names_what_headings_mean(void **state)
{
  (void)state;
  size_t mistakes;
  CLEANUP(mapping_rules_free)
  struct mapping_rules *rules =
      read_rules("name: old\nfiles: 'old*.csv'\nform: output-monthly\nencoding: gbk\nmeasure: 万元\n"
                 "year_offset: 1911\ncolumns: {編號: unit, 年 月: period, 營收: output, 稱: name}\n"
                 "ignore: [Date]\nskip: {稱: [暫停, '-']}\n",
                 &mistakes);
  assert_int_equal(mistakes, 0);
  assert_string_equal(rules->encoding, "gb18030");
  static const struct trial trials[] = {
      {"DATE,年月,編號,稱,營收\nx,10705,1101,a,2\nx,10705,1102,暫停,3\nx,10705,1103,－,3\n", NULL, NULL,
       "1101 2018-05 output=20;", false},
      {"uscc,period,營收(x)\n1101,10705,2\n", NULL, NULL, "!column.unknown@1,3;", true},
  };
  try_with(trials, G_N_ELEMENTS(trials), rules);
}

static void mistakes_in_the_configuration_are_named(void **state)
{
  (void)state;
  const char *texts[] = {
      "colums: {a: unit}\n", "columns: [a]\n",    "columns: {a: ''}\n", "columns: {a b: unit, ab: period}\n",
      "encoding: latin-1\n", "year_offset: -5\n", "skip: [a]\n",        "ignore: a\n"};
  for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
    size_t mistakes;
    CLEANUP(mapping_rules_free) struct mapping_rules *rules = read_rules(texts[i], &mistakes);
    assert_non_null(rules);
    if (mistakes != 1) fail_msg("text %zu: %zu mistakes", i, mistakes);
  }
}

/* --- data that others wrote --- */

/* 1040 companies' months under headings of their own, in ROC years. */
static void company_revenue_is_read_through_rules(void **state)
{
  (void)state;
  const char *data = g_getenv("PARKTALLY_TESTDATA");
  if (!data) skip();
  g_autofree char *file = g_build_filename(data, "company-revenue", "month.csv", NULL);
  size_t mistakes;
  CLEANUP(mapping_rules_free)
  struct mapping_rules *rules = read_rules(
      "year_offset: 1911\nform: output-monthly\n"
      "columns: {公司代號: unit, 公司名稱: name, 資料年月: period, 營業收入-當月營收: output, "
      "累計營業收入-當月累計營收: output.ytd, 營業收入-去年當月營收: output.ly}\n"
      "ignore: [出表日期, 產業別, 營業收入-上月營收, '營業收入-上月比較增減(%)', '營業收入-去年同月增減(%)', "
      "累計營業收入-去年累計營收, '累計營業收入-前期比較增減(%)', 備註]\n",
      &mistakes);
  assert_int_equal(mistakes, 0);
  struct mapping_options options = {.catalogue = catalogue, .rules = rules, .role_forms = ROLE_OF_PARK};
  struct seen seen = {.text = g_string_new(NULL), .catalogue = catalogue};
  seen.mapping = mapping_new(&options, "month.csv", take_entry, take_finding, &seen);
  assert_true(source_csv.read(file, NULL, take_row, take_finding, &seen, NULL));
  assert_true(mapping_finish(seen.mapping));
  assert_int_equal(mapping_rows(seen.mapping), seen.entries);
  assert_in_range(seen.entries, 1030, 1050);
  /* The form's February does not stand alone: each row says so, and its figures were read. */
  assert_non_null(strstr(seen.text->str, "1101 2025-02"));
  assert_null(strstr(seen.text->str, "!value"));
  seen_clear(&seen);
}

static void bad_headers_of_the_corpus_are_refused(void **state)
{
  (void)state;
  const char *data = g_getenv("PARKTALLY_TESTDATA");
  if (!data) skip();
  const char *names[] = {"bad-header-less-fields.csv", "bad-header-more-fields.csv",
                         "bad-header-no-header.csv", "bad-header-wrong-header.csv"};
  for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *file = g_build_filename(data, "corpora/csv-test-data/csv", names[i], NULL);
    struct mapping_options options = {.catalogue = catalogue, .role_forms = ROLE_OF_PARK};
    struct seen seen = {.text = g_string_new(NULL), .catalogue = catalogue};
    seen.mapping = mapping_new(&options, names[i], take_entry, take_finding, &seen);
    bool whole = source_csv.read(file, NULL, take_row, take_finding, &seen, NULL);
    assert_false(whole && mapping_finish(seen.mapping));
    assert_int_equal(seen.entries, 0);
    seen_clear(&seen);
  }
}

static int set_up(void **state)
{
  (void)state;
  catalogue = forms_catalogue();
  folder = g_dir_make_tmp("parktally-mapping-XXXXXX", NULL);
  path = g_build_filename(folder, "table.csv", NULL);
  return folder ? 0 : 1;
}

static int tear_down(void **state)
{
  (void)state;
  unlink(path);
  g_rmdir(folder);
  g_free(path);
  g_free(folder);
  catalogue_unref(catalogue);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_that_cannot_be_understood_is_refused_whole),
      cmocka_unit_test(the_nearest_heading_is_named),
      cmocka_unit_test(a_form_that_cannot_be_told_lists_the_candidates),
      cmocka_unit_test(a_row_that_was_cut_refuses_the_file),
      cmocka_unit_test(every_bad_cell_of_a_row_is_named_and_only_its_report_refused),
      cmocka_unit_test(a_decimal_comma_is_not_read_as_thousands),
      cmocka_unit_test(words_in_cells_withdraw_and_say_nil),
      cmocka_unit_test(headings_are_found_as_people_write_them),
      cmocka_unit_test(a_group_without_an_end_is_not_guessed_at),
      cmocka_unit_test(only_the_period_of_the_report_is_taken_from_a_title),
      cmocka_unit_test(long_tables_give_one_figure_a_row),
      cmocka_unit_test(a_long_table_keeps_the_measure_of_each_spelling),
      cmocka_unit_test(measures_are_found_wherever_people_state_them),
      cmocka_unit_test(totals_and_footers_are_passed_over),
      cmocka_unit_test(units_below_a_footer_are_not_lost),
      cmocka_unit_test(a_header_that_comes_again_must_be_the_same),
      cmocka_unit_test(a_period_that_has_not_begun_is_noted_once),
      cmocka_unit_test(configuration_names_what_headings_mean),
      cmocka_unit_test(mistakes_in_the_configuration_are_named),
      cmocka_unit_test(company_revenue_is_read_through_rules),
      cmocka_unit_test(bad_headers_of_the_corpus_are_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
