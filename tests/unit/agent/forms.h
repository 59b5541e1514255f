/* A catalogue of a monthly, a cumulative, a yearly and a bureau's form, for the tests of what reads files. */
#ifndef PARKTALLY_TESTS_FORMS_H
#define PARKTALLY_TESTS_FORMS_H

#include "common/catalogue.h"

#include <string.h>

static const char forms_text[] =
    "format: 1\n"
    "catalogue: forms\n"
    "zh: 表\n"
    "en: forms\n"
    "timezone: UTC\n"
    "measures:\n"
    "  元: {}\n"
    "  千元: {base: 元, factor: 1000}\n"
    "  万元: {base: 元, factor: 10000}\n"
    "  人: {}\n"
    "areas:\n"
    "  zone: {zh: 区, en: zone}\n"
    "  east: {zh: 东, en: east, in: zone, reports: true}\n"
    "  west: {zh: 西, en: west, in: zone, reports: true}\n"
    "classes:\n"
    "  enterprise: {zh: 法人, en: enterprise, ids: uscc}\n"
    "  establishment: {zh: 产业活动单位, en: establishment, ids: uscc-nn}\n"
    "  code: {zh: 代码, en: by code, ids: code}\n"
    "clusters:\n"
    "  steel: {zh: 钢铁, en: steel}\n"
    "flags:\n"
    "  above_scale: {zh: 规模以上, en: above scale}\n"
    "statuses:\n"
    "  正常: {zh: 正常, en: operating, expected: true}\n"
    "slices:\n"
    "  all: {zh: 全部, en: all}\n"
    "indicators:\n"
    "  output: {zh: 工业总产值, en: Gross output, measure: 千元, kind: flow, basis: both}\n"
    "  sales: {zh: 工业销售产值, en: Sales output, measure: 千元, decimals: 1, kind: flow, basis: both}\n"
    "  profit: {zh: 利润总额, en: Total profit, measure: 千元, kind: flow, basis: cumulative, negative: "
    "true}\n"
    "  staff: {zh: 从业人员, en: Staff, measure: 人, kind: stock}\n"
    "  rd: {zh: 研发费用, en: R&D, measure: 千元, kind: flow, basis: month}\n"
    "  population: {zh: 常住人口, en: Population, measure: 人, kind: stock}\n"
    "forms:\n"
    "  output-monthly:\n"
    "    {zh: 产值, en: output, number: B1, issuer: 局, approval: 1, legal_basis: statistical, filled_by: "
    "park,\n"
    "    every: month, january: joint, classes: [enterprise, establishment, code],\n"
    "    columns: [{column: output, line: '01'}, {column: output.ytd, line: '01'}, {column: output.ly, line: "
    "'01'},\n"
    "    {column: sales, line: '03'}, {column: sales.ytd, line: '03'}]}\n"
    "  finance-monthly:\n"
    "    {zh: 财务, en: finance, number: B2, issuer: 局, approval: 1, legal_basis: statistical, filled_by: "
    "park,\n"
    "    every: month, january: exempt, classes: [enterprise, establishment, code],\n"
    "    columns: [{column: profit.ytd}, {column: staff}]}\n"
    "  rd-yearly:\n"
    "    {zh: 研发, en: research, number: B3, issuer: 局, approval: 1, legal_basis: statistical, filled_by: "
    "park,\n"
    "    every: year, classes: [enterprise, code], columns: [{column: rd}, {column: staff}]}\n"
    "  city-yearly:\n"
    "    {zh: 全市, en: city, number: B4, issuer: 局, approval: 1, legal_basis: statistical, filled_by: "
    "bureau,\n"
    "    every: year, classes: [code], columns: [{column: population}]}\n";

static inline struct catalogue *forms_catalogue(void)
{
  GError *error = NULL;
  struct catalogue *catalogue = catalogue_compile("forms.yaml", forms_text, strlen(forms_text), &error);
  if (!catalogue) g_error("%s", error->message);
  return catalogue;
}

#endif
