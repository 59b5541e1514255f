/* What totals --yoy and --mom print: the columns behind a total, and with --causes a table of what made the
 * difference. */
#ifndef PARKTALLY_AGGREGATOR_GROWTH_H
#define PARKTALLY_AGGREGATOR_GROWTH_H

#include "aggregator/print.h"
#include "aggregator/read.h"

#include <stdbool.h>

/* Where there is no rate, in words for people; "" where it is not known. */
const char *growth_words(enum growth growth);

/* Behind the columns of a total; ended by an id of NULL. */
extern const struct print_column growth_columns[];
/* `base` NULL: the line is compared with nothing. */
void growth_print(struct print *print, const struct indicator *indicator, const struct total *total,
                  const struct growth_base *base);

/* A table of its own, whose rows begin with area, period, base, indicator and slice. */
extern const struct print_column growth_cause_columns[];
/* A row from the total before to the total now; its first five cells are `begin`'s. */
typedef void growth_row(void *data);
void growth_print_causes(struct print *print, const struct catalogue *catalogue,
                         const struct indicator *indicator, const struct growth_base *base, growth_row *begin,
                         void *data);

#endif
