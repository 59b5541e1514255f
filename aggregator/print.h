/* Printing what a command found, as a table for people, or as CSV or JSON for programs. */
#ifndef PARKTALLY_AGGREGATOR_PRINT_H
#define PARKTALLY_AGGREGATOR_PRINT_H

#include "common/cleanup.h"
#include "common/control.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum print_format { PRINT_TABLE, PRINT_CSV, PRINT_JSON };

/* The value of --format; NULL is PRINT_TABLE. False if it is none of them. */
bool print_read_format(const char *text, enum print_format *ret_format);

enum print_kind {
  PRINT_TEXT,
  PRINT_DECIMAL, /* right-aligned; in JSON a text, for it may have more digits than a number can hold; null
                    where empty */
  PRINT_COUNT,   /* right-aligned; in JSON an integer, null where empty */
  PRINT_FLAG,    /* "1", "0" or empty in CSV; in JSON true, false or null */
};

struct print_column {
  const char *id;    /* in CSV and JSON */
  const char *title; /* in tables, N_(); NULL: not shown there */
  enum print_kind kind;
};

struct print;
/* `columns` is ended by an id of NULL and must outlive it. */
struct print *print_new(const struct print_column *columns, enum print_format format);
void print_free(struct print *print);
CLEANUP_DEFINE(struct print, print_free)

enum print_format print_format_of(const struct print *print);

/* The next cell, row by row. Copied; NULL and "" are empty. */
void print_cell(struct print *print, const char *text);
void print_count(struct print *print, int64_t count);
/* yes or no in the table */
void print_flag(struct print *print, bool flag);
/* One text for programs (a code), one for people (a name). */
void print_named(struct print *print, const char *code, const char *name);

/* A line below the table; dropped in the other formats, and where it stands already. */
void print_note(struct print *print, const char *text);

/* Everything, and is empty again. */
void print_finish(struct print *print, struct control_output *output);

#endif
