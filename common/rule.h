/* What is checked of every report, at the agent before it is sealed and at the aggregator before it counts:
 * the same code. No I/O, no allocation. */
#ifndef PARKTALLY_COMMON_RULE_H
#define PARKTALLY_COMMON_RULE_H

#include "common/catalogue.h"
#include "common/finding.h"
#include "common/register.h"
#include "common/report.h"

/* What was found out for the reports before: zero at first, and again after a change of anything in the
 * context but the period. */
struct rule_memory {
  size_t unit;       /* of the last one: see register_unit_near() */
  const char *parks; /* some of them in the area */
  const char *class; /* that reports the form */
  bool has_bounds;   /* of each column; a retired one has room for nothing */
  int64_t least[LIMIT_FORM_COLUMNS], most[LIMIT_FORM_COLUMNS];
};

/* What a report is checked against. */
struct rule_context {
  const struct catalogue *catalogue;
  const struct unit_register *units;
  int form;
  struct period period;
  int area; /* of the agent */
  /* Whether the registration of a unit is applied for that the register does not have, or not in the area;
   * NULL: of none. */
  bool (*is_applied_for)(const char *unit, void *data);
  void *data;
  struct rule_memory known;
};

#define RULE_TEXT_SIZE (LIMIT_REFUSAL_TEXT + 1)

struct rule_result {
  enum finding_code code; /* FINDING_COUNT: nothing is wrong */
  int column;             /* of the form, CATALOGUE_NONE: the report as a whole */
  char found[RULE_TEXT_SIZE];
  char expected[RULE_TEXT_SIZE];
  const struct unit_version
      *version; /* that governs the report; NULL if the unit is unknown. Belongs to the register */
};

/* Whether `unit` has the shape of the ids of this class. */
bool rule_unit_fits(const struct catalogue *catalogue, int class, const char *unit);

/* The first thing that is wrong with the report, in this order: the unit's shape, whether it is registered,
 * in the agent's area, of a class that reports the form; the kind against its figures (a nil report with
 * figures, an empty report); retired columns, and the range of each figure. FINDING_UNIT_WAITING where
 * nothing is wrong but that the unit is not registered yet, as was applied for. Fastest with units in
 * ascending order. */
void rule_check_report(struct rule_context *context, const char *unit, const struct report_change *change,
                       struct rule_result *ret_result);

/* --- the rules of the catalogue --- */

/* A rule that a report breaks. */
struct rule_breach {
  const struct rule *rule;
  struct formula_failure failure;
};

/* Which rules are asked: those that look at nothing but the report can be before the others are known. */
enum rule_scope { RULES_ALL, RULES_OF_REPORT, RULES_BACK };

/* The next rule of the form that the figures break, from the *next-th on (0 at first), which is moved behind
 * it; false if there is none. Mandatory rules come first, then quasi-mandatory ones; none is asked that
 * weighs less than `least`. No I/O, no allocation. */
bool rule_next_breach(const struct form *form, enum rule_scope scope, enum rule_weight least,
                      const struct formula_facts *facts, size_t *next, struct rule_breach *ret_breach);

#endif
