/* What a report is suspected of by the unit's own history: findings of the weight to verify (核实性). The
 * report counts; whoever sent it looks again, or explains.
 *
 * History is what the unit reported on the same form for the periods before. A figure is compared with those
 * of its own column. Flows are brought to one month first, a cumulative one by the months from January on, so
 * that 2018-01/P2M and an ordinary month can be compared; stocks are taken as they are. A report or figure
 * that is missing is a gap: it is left out, never taken for zero. Medians resist the mistakes of before.
 * Everything is exact in integers; only the figures in `expected` are rounded.
 *
 * - figure.slip: ten or a thousand times, or a tenth or a thousandth, of the median, within a factor of
 *   SUSPICION_SLIP_NEAR either way. Of a column with a steady history: at least SUSPICION_SLIP_LEAST figures
 *   that are not zero, of which a quarter at most lies beyond SUSPICION_STEADY times the median. Columns in
 *   measures of one base that slip by the same factor are one finding, at the first: then the sheet is in
 *   another measure.
 * - figure.unconserved: x.ytd is not the x.ytd of the period before plus x, by more than SUSPICION_ROUNDING;
 *   in a year's first period, if that begins in January, not x. Without the report of the period before (a
 *   gap, a unit that entered within the year) there is nothing to say.
 * - figure.last-year: x.ly or x.ytd_ly is not what was reported then, where that is known.
 * - figure.sign: of an indicator that may be negative, a sign that none of at least SUSPICION_OUTLIER_LEAST
 *   earlier figures has, and more than a fifth of their median. Of one that may not, where the form asks no
 *   month, a cumulative figure that falls within the year.
 * - figure.outlier: farther from the median of at least SUSPICION_OUTLIER_LEAST figures than
 *   SUSPICION_DEVIATIONS times their median absolute deviation, than half of the median, and than
 *   SUSPICION_TRIFLE. Nothing is far from a median of zero: it has no scale.
 *
 * A column has one finding at most, the first of these; what a slip explains (the other columns of the same
 * indicator) is not said again. Where a form asks x, its x.ytd is looked at for slip and conservation alone.
 */
#ifndef PARKTALLY_COMMON_SUSPICION_H
#define PARKTALLY_COMMON_SUSPICION_H

#include "common/catalogue.h"
#include "common/decimal.h"
#include "common/finding.h"
#include "common/report.h"

/* Two figures cannot tell which of them strays. */
#define SUSPICION_SLIP_LEAST 3
/* From 5 to 20 and from 500 to 2000 times: seasons and growth of a third either way still show the slip. */
#define SUSPICION_SLIP_NEAR 2
#define SUSPICION_STEADY 3
/* Half a year: with fewer, the median absolute deviation is itself chance. */
#define SUSPICION_OUTLIER_LEAST 6
/* 3.4 standard deviations, if the figures were normal. */
#define SUSPICION_DEVIATIONS 5
/* Of the indicator's measure: who had three workers and has twelve is no outlier. */
#define SUSPICION_TRIFLE 10
/* Of the last decimal that is kept: each of three figures may have been rounded. */
#define SUSPICION_ROUNDING 1

struct suspicion_past {
  struct period period;
  const struct figures *figures; /* NULL: there is no such report */
};

/* What is known of a report. */
struct suspicion_facts {
  const struct catalogue *catalogue;
  int form;
  struct period period;
  const struct figures *now;                         /* what the report comes to */
  struct suspicion_past past[LIMIT_HISTORY_PERIODS]; /* the form's periods before, newest first */
};

/* Sets catalogue, form, period and the periods of the past, the year before among them. The caller sets the
 * figures, which are NULL, for each report. */
void suspicion_facts_init(struct suspicion_facts *ret_facts, const struct catalogue *catalogue, int form,
                          struct period period);

/* The report of the same period a year before, or NULL. */
const struct figures *suspicion_year_ago(const struct suspicion_facts *facts);

struct suspicion {
  enum finding_code code;
  int column; /* of the form */
  char found[DECIMAL_TEXT_SIZE];
  char expected[DECIMAL_TEXT_SIZE + 8];
};

/* The next suspicion from the *next-th column on (0 at first), which is moved behind it; false if there is
 * none. No I/O, no allocation, any thread. */
bool suspicion_next(const struct suspicion_facts *facts, size_t *next, struct suspicion *ret_suspicion);

#endif
