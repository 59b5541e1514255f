/* Importing what came on a stick. The caller's own process reads the file, with the caller's own rights and
 * however slow the stick is, and hands its records over in pieces; whoever holds the store, a server or this
 * same process, takes each piece as if it had come over the network, and answers record by record. So no
 * server opens a path for a peer, waits for a disk that is not its own, or is busy for longer than a piece
 * takes.
 *
 * A piece is records one after another, an answer is answers in their order; each begins with this head, and
 * both ends are one program. */
#ifndef PARKTALLY_AGGREGATOR_IMPORT_H
#define PARKTALLY_AGGREGATOR_IMPORT_H

#include "aggregator/office.h"

#include <stdint.h>

#define IMPORT_PIECE "piece" /* an option that no person gives: the file's name */

enum import_outcome {
  IMPORT_RECORD = 'r', /* of a piece: sealed */
  IMPORT_NEW = 'n',    /* its receipt, of now */
  IMPORT_KNOWN = 'k',  /* its receipt, of before */
  IMPORT_FAULT = 'f',  /* a Frame with a Fault */
  IMPORT_BUSY = 'b',   /* nothing: it was put off */
  IMPORT_PAGE = 'p',   /* behind its receipt: a Frame with a RefusalPage */
  IMPORT_KEYS = 'y',   /* of who shows its keys: those of the city, as a file on a stick has them */
};

struct import_head {
  uint32_t what; /* enum import_outcome */
  uint32_t length;
};

/* In the process that holds the store: takes the piece that is request->file, and prints the answers. Returns
 * the exit code. */
int import_take_piece(struct office *office, struct control_request *request, const char *name);

#endif
