/* A catalogue of two parks for tests of what stands on one. */
#ifndef PARKTALLY_TESTS_SMALL_CATALOGUE_H
#define PARKTALLY_TESTS_SMALL_CATALOGUE_H

#include "common/catalogue.h"

#include <string.h>

static const char small_catalogue_text[] =
    "format: 1\n"
    "catalogue: small\n"
    "zh: 小\n"
    "en: small\n"
    "timezone: UTC\n"
    "measures:\n"
    "  千元:\n"
    "areas:\n"
    "  zone: {zh: 区, en: zone}\n"
    "  east: {zh: 东, en: east, in: zone, reports: true}\n"
    "  west: {zh: 西, en: west, in: zone, reports: true}\n"
    "classes:\n"
    "  enterprise: {zh: 法人, en: enterprise, ids: uscc}\n"
    "  establishment: {zh: 产业活动单位, en: establishment, ids: uscc-nn}\n"
    "  incubator: {zh: 孵化器, en: incubator, ids: code}\n"
    "clusters:\n"
    "  steel: {zh: 钢铁, en: steel}\n"
    "  machinery: {zh: 机械, en: machinery}\n"
    "flags:\n"
    "  above_scale: {zh: 规模以上, en: above scale}\n"
    "  high_tech: {zh: 高新, en: high-tech}\n"
    "statuses:\n"
    "  正常: {zh: 正常, en: operating, expected: true}\n"
    "  关闭: {zh: 关闭, en: closed, expected: false}\n"
    "slices:\n"
    "  all: {zh: 全部, en: all}\n"
    "indicators:\n"
    "  output: {zh: 总产值, en: output, measure: 千元, kind: flow, basis: month}\n"
    "  profit: {zh: 利润, en: profit, measure: 千元, decimals: 1, kind: flow, basis: month, negative: true}\n"
    "  old: {zh: 旧, en: old, measure: 千元, kind: flow, basis: month}\n"
    "  space: {zh: 面积, en: space, measure: 千元, kind: stock}\n"
    "forms:\n"
    "  monthly:\n"
    "    zh: 月报\n"
    "    en: monthly\n"
    "    number: B1\n"
    "    issuer: 局\n"
    "    approval: 1\n"
    "    legal_basis: statistical\n"
    "    filled_by: park\n"
    "    every: month\n"
    "    january: separate\n"
    "    classes: [enterprise, establishment]\n"
    "    population: above_scale\n"
    "    columns: [{column: output}, {column: profit}, {column: old, retired: true}]\n"
    "  carriers:\n"
    "    zh: 年报\n"
    "    en: carriers\n"
    "    number: C1\n"
    "    issuer: 局\n"
    "    approval: 2\n"
    "    legal_basis: statistical\n"
    "    filled_by: park\n"
    "    every: year\n"
    "    classes: [incubator]\n"
    "    columns: [{column: space}]\n";

static inline struct catalogue *small_catalogue(void)
{
  GError *error = NULL;
  struct catalogue *catalogue =
      catalogue_compile("small.yaml", small_catalogue_text, strlen(small_catalogue_text), &error);
  if (!catalogue) g_error("%s", error->message);
  return catalogue;
}

#endif
