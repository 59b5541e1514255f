/* Disclosure control of an edition: which of its cells may leave, given all that is out already.
 *
 * What anybody can work out is put into one table (statistics/disclose.h): the cells of this edition, and
 * those published before for the same form and this period, the ones before and after it in the year, and the
 * same a year ago or later; the atoms that they are sums of (read_edition.h), and the rest of a slice without
 * one within it, which must not tell of too few either; cumulative figures as the sum of months; last year's
 * columns as what was published then. A figure of a period that did not change since an earlier edition is
 * one cell of the table, whichever edition it stands in. Where the edition before withheld a cumulative
 * figure, it does not follow from this one's two. */
#ifndef PARKTALLY_AGGREGATOR_EDITION_PROTECT_H
#define PARKTALLY_AGGREGATOR_EDITION_PROTECT_H

#include "aggregator/read_edition.h"
#include "aggregator/statistics/edition.h"

/* Neither is owned. */
struct edition_basis {
  const struct edition_source *source;
  const struct edition *edition; /* as it was published; NULL: the one that is to be */
};

struct edition_protection {
  size_t published, primary,
      secondary; /* cells of the new edition; primary ones tell of too few themselves */
};

/* Fills areas, slices, columns and cells of `edition` from bases[0], the new one, and what its cells may say;
 * the others (struct edition_basis) are in no particular order behind it. Where a figure cannot be protected
 * by anything less, it is withheld everywhere, the zone's total too. False, with ERROR_DATA where an earlier
 * edition is not what the ledger comes to; ERROR_UNAVAILABLE where it is over a limit. It computes and
 * blocks. */
bool edition_protect(const GArray *bases, const struct disclose_rules *rules, struct edition *edition,
                     struct edition_protection *ret_protection, GError **error);

#endif
