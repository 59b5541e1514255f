/* A store that was made anew takes the place of the one in a data folder; the old one stays beside it. The
 * caller holds the folder's lock, and nobody has either of them open. */
#ifndef PARKTALLY_AGGREGATOR_SWAP_H
#define PARKTALLY_AGGREGATOR_SWAP_H

#include <glib.h>
#include <stdbool.h>

/* Removes a store and what SQLite keeps beside it, where they are there. */
void swap_remove(const char *path);

/* Opened and closed by itself, a store has all in the file of this name, and its log is empty. */
bool swap_settle(const char *path, GError **error);

/* Puts the settled store `made` in the place of the folder's store.db, of which `ret_aside`, newly allocated,
 * is the name from then on. A kill at any moment leaves one of the two in the place, whole; but where the log
 * of the old one could not be settled, there may be none: swap_undo(). */
bool swap_in(const char *folder, const char *made, char **ret_aside, GError **error);

/* Where a kill left no store.db: the old one and its log get their names again. */
bool swap_undo(const char *folder, GError **error);

#endif
