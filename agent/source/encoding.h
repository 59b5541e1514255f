/* The encoding of a text file, found out while it is read: UTF-8 with or without BOM, or GB18030, of which
 * GBK and GB2312 are parts. Bytes go in as they come from the disk, UTF-8 comes out. Memory is bounded by
 * ENCODING_WINDOW. */
#ifndef PARKTALLY_AGENT_SOURCE_ENCODING_H
#define PARKTALLY_AGENT_SOURCE_ENCODING_H

#include "common/cleanup.h"
#include "common/limits.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many bytes from the first that is not ASCII decide: valid UTF-8, or else GB18030. */
#define ENCODING_WINDOW (64 * LIMIT_KIB)

enum encoding_status {
  ENCODING_OK,
  ENCODING_INVALID,  /* bytes that are no character of the encoding that was found */
  ENCODING_CUT,      /* the file ends within a character */
  ENCODING_UTF16,    /* by its BOM */
  ENCODING_WORKBOOK, /* an .xlsx or .xls file by its first bytes */
  ENCODING_BINARY,   /* a NUL byte */
};

struct encoding;

/* `name`: "utf-8" or "gb18030" where it is known, NULL: found out. A BOM of UTF-8 is dropped in any case. */
struct encoding *encoding_new(const char *name);
void encoding_free(struct encoding *encoding);
CLEANUP_DEFINE(struct encoding, encoding_free)

/* Takes the next bytes of the file (`end`: they are the last) and appends what is decoded by now to
 * `ret_text`. If the status is not ENCODING_OK, what came before the fault was appended, and nothing more may
 * be given. */
enum encoding_status encoding_decode(struct encoding *encoding, const char *bytes, size_t length, bool end,
                                     GString *ret_text);

/* "UTF-8", "GB18030", or "ASCII" as long as nothing else was met. */
const char *encoding_name(const struct encoding *encoding);

/* After a fault: where it is, counted from the first byte of the file, and the byte. */
uint64_t encoding_fault_offset(const struct encoding *encoding, uint8_t *ret_byte);

#endif
