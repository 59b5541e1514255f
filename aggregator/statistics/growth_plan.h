/* The verdict of a growth plan on one enterprise, from what it reported. Exact: compared unrounded. No I/O.
 */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_GROWTH_PLAN_H
#define PARKTALLY_AGGREGATOR_STATISTICS_GROWTH_PLAN_H

#include "aggregator/read_unit.h"
#include "aggregator/statistics/fraction.h"
#include "common/catalogue.h"

enum growth_verdict {
  MEMBER_STAYS,
  MEMBER_DROPS,
  MEMBER_CANDIDATE,     /* no member yet, and meets what is asked of one */
  MEMBER_NOT_ASSESSED,  /* of a member: what would tell is not reported */
  MEMBER_NOT_QUALIFIED, /* no member, and no reason to become one */
};

enum growth_met { CRITERION_UNKNOWN, CRITERION_MET, CRITERION_NOT_MET };

/* What is known of an enterprise for a year. */
struct growth_facts {
  struct period period;
  bool is_member;
  const char *idle; /* its status, if that owes no report; else NULL */
  enum unit_report report;
  const struct figures *figures; /* of its report, if it has any */
  /* Of the year before: the reports of the enterprise and of those it continues after a merger, and whether
   * each of them that there was then has one. */
  const struct figures *before;
  size_t before_count;
  bool before_complete;
};

struct growth_result {
  bool asked; /* of whom it is asked */
  enum growth_met met;
  bool has_actual, has_promise;
  struct fraction actual, promise; /* in the criterion's measure */
  char *why;                       /* in words, where it is unknown */
};

struct growth_judgement {
  enum growth_verdict verdict;
  char *reason; /* in words */
  size_t count;
  struct growth_result *results; /* by criterion of the plan */
};

void growth_plan_judge(const struct catalogue *catalogue, const struct growth_plan *plan,
                       const struct growth_facts *facts, struct growth_judgement *ret_judgement);
void growth_judgement_clear(struct growth_judgement *judgement);

/* "≥ 15.0 %", as the criterion promises; "14.96 %". Newly allocated, "" where there is none. */
char *growth_promise_text(const struct criterion *criterion, const struct growth_result *result);
char *growth_actual_text(const struct criterion *criterion, const struct growth_result *result);

#endif
