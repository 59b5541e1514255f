/* Whose a page of a database is. */
#ifndef PARKTALLY_COMMON_DB_OWNER_H
#define PARKTALLY_COMMON_DB_OWNER_H

#include <stdint.h>

/* The table or index to which the page belongs, as the file's own pages tell, whatever stands in the log:
 * newly allocated. NULL where that is not found out: it is free, another page on the way to it is damaged, or
 * the database is too large to look. For an error's text alone. */
char *db_owner_of_page(const char *path, uint32_t page);

#endif
