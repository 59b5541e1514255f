/* Codes given on a command line: an option that may be repeated and take several values, `--area hexi,yanghe
 * --area zone`. */
#ifndef PARKTALLY_AGGREGATOR_PICK_H
#define PARKTALLY_AGGREGATOR_PICK_H

#include "common/catalogue.h"

#include <glib.h>
#include <stdbool.h>

/* What is picked from. */
enum pick_kind { PICK_AREAS, PICK_INDICATORS, PICK_SLICES, PICK_FORMS };

/* The values of an option, parted at commas, without blanks and empty ones; never NULL. `given` may be NULL.
 */
GStrv pick_words(char **given);

/* Indexes into the catalogue in the order given, each once; none given: an empty array. NULL and ERROR_USAGE
 * for a code that does not exist, naming those that do. */
GArray *pick_items(const struct catalogue *catalogue, enum pick_kind kind, char *const *words,
                   GError **error);

/* The one that is named. False and ERROR_USAGE likewise. */
bool pick_one(const struct catalogue *catalogue, enum pick_kind kind, const char *code, int *ret_item,
              GError **error);

/* Those of an option; none given: all there are. */
GArray *pick_or_all(const struct catalogue *catalogue, enum pick_kind kind, char **given, GError **error);

/* Slices, where the overlap of parks and the annual adjustment (年报调整) go for one each: they stand beside
 * the slice "all", or are asked for by their own names. None given: "all" and these. */
#define PICK_OVERLAP (-2)
#define PICK_OVERLAP_CODE "overlap"
#define PICK_ADJUSTMENT (-3)
#define PICK_ADJUSTMENT_CODE "annual_adjustment"
/* A set of slices (any_of) brings its members before it, and between them its own overlap line, whose code is
 * this and the set's: overlap@emerging. No slice has an @ in its code. */
#define PICK_SET_OVERLAP_CODE PICK_OVERLAP_CODE "@"
/* The set of such a line, or CATALOGUE_NONE. */
int pick_overlap_set(int slice);
GArray *pick_slices(const struct catalogue *catalogue, char **given, GError **error);

#endif
