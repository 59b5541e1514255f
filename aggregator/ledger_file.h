/* A file of the whole ledger, as `ledger export` and `backup` write it: proto/README.md has its format.
 * Written and read as a stream, of any size. */
#ifndef PARKTALLY_AGGREGATOR_LEDGER_FILE_H
#define PARKTALLY_AGGREGATOR_LEDGER_FILE_H

#include "common/cleanup.h"
#include "common/control.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum ledger_record {
  LEDGER_HEAD = 'H',
  LEDGER_LEAF = 'L',
  LEDGER_RECEIPT = 'R',
  LEDGER_TABLES = 'T',
  LEDGER_CONFIGURATION = 'C',
  LEDGER_END = 'E',
};

/* --- writing --- */

struct ledger_file_writer;
/* To a command's output, which must live as long. */
struct ledger_file_writer *ledger_file_writer_new(struct control_output *output);
void ledger_file_writer_free(struct ledger_file_writer *writer);
CLEANUP_DEFINE(struct ledger_file_writer, ledger_file_writer_free)
void ledger_file_write(struct ledger_file_writer *writer, enum ledger_record kind, const void *data,
                       size_t length);
/* The last record. */
void ledger_file_write_end(struct ledger_file_writer *writer);

/* --- reading --- */

struct ledger_file_reader;
/* NULL and ERROR_IO, ERROR_PERMISSION; or ERROR_DATA where it is no such file. */
struct ledger_file_reader *ledger_file_open(const char *path, GError **error);
void ledger_file_close(struct ledger_file_reader *reader);
CLEANUP_DEFINE(struct ledger_file_reader, ledger_file_close)

/* The next record; what `ret_data` points to lives until the next call. False at the end, which was found to
 * be that of the whole file; or with ERROR_DATA where the file is damaged or cut, saying at which byte, or
 * ERROR_IO. */
bool ledger_file_next(struct ledger_file_reader *reader, enum ledger_record *ret_kind,
                      const uint8_t **ret_data, size_t *ret_length, GError **error);

#endif
