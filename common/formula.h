/* A formula: what must hold of one report's figures, as a rule of the catalogue says it.
 *
 *   rd_expense = sum(rd_labour, rd_direct, rd_other) within 3
 *   if present(export_delivery) then export_delivery <= sales_output
 *   if month > 1 then gross_output.ytd >= last(gross_output.ytd)
 *   all of (patent_applications, invention_applications) or none of (patent_applications,
 * invention_applications)
 *
 *   formula     condition | "if" condition "then" condition
 *   condition   conditions joined by "or", "and" (which binds closer), "not" before one, in brackets
 *   comparison  amount = | != | < | <= | > | >= amount ["within" number]: a tolerance, of = and !=
 *   amount      column, last(column), year_ago(column), month, sum(column, …), numbers such as 1.5 or 5%,
 * joined by + - *, in brackets; linear: a figure may be multiplied by a number, not by a figure presence
 * present(column, …) and all of (column, …): every one; any of, one of, none of (column, …)
 *
 * last() is the same unit's report of the form's period before, year_ago() that of the same period a year
 * before, month the period's last month, 1 to 12. "-" stands between blanks, for a code may hold one.
 *
 * Missing is not zero: a comparison with a figure that is not there is unknown, and so is what follows from
 * it; only what is known to be wrong fails. In sum() missing figures are passed over as long as one is there.
 * Arithmetic is exact: figures are below 2^53 in magnitude, and the compiler refuses numbers with which 128
 * bits might not do. A formula is immutable; any thread. */
#ifndef PARKTALLY_COMMON_FORMULA_H
#define PARKTALLY_COMMON_FORMULA_H

#include "common/cleanup.h"
#include "common/decimal.h"
#include "common/report.h"

#include <stdbool.h>
#include <stddef.h>

struct formula;

/* How the compiler learns of columns: the number of the one with this code and its decimals; false if there
 * is none. */
typedef bool formula_resolve(const char *code, int *ret_column, unsigned *ret_decimals, void *data);

/* NULL where the text is no formula: then *ret_mistake says what was found and what was expected (newly
 * allocated), and *ret_at where, in bytes from the text's beginning. */
struct formula *formula_compile(const char *text, formula_resolve *resolve, void *data, char **ret_mistake,
                                size_t *ret_at);
void formula_free(struct formula *formula);
CLEANUP_DEFINE(struct formula, formula_free)

enum formula_tense { TENSE_NOW, TENSE_LAST, TENSE_YEAR_AGO, TENSE_COUNT };

/* Whether it looks at reports of that time at all. */
bool formula_looks_at(const struct formula *formula, enum formula_tense tense);

/* Calls for each column of this period's report that the formula names, in the order of the text, each once.
 */
typedef void formula_column(int column, void *data);
void formula_each_column(const struct formula *formula, formula_column *visit, void *data);

/* What it is asked of. */
struct formula_facts {
  const struct figures *figures[TENSE_COUNT]; /* NULL: there is no such report */
  unsigned month;
};

/* The comparison that does not hold, in words: "1200.0", "= 1180.5". Of presence both are "". */
struct formula_failure {
  int column; /* the first that it names, of whichever time; −1 where it names none */
  char found[DECIMAL_TEXT_SIZE];
  char expected[DECIMAL_TEXT_SIZE + 8];
};

/* False only where it is known not to hold. `ret_failure` may be NULL. No I/O, no allocation. */
bool formula_holds(const struct formula *formula, const struct formula_facts *facts,
                   struct formula_failure *ret_failure);

#endif
