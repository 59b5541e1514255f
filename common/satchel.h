/* A satchel: sealed records carried in a file where no network goes, on a stick say. proto/README.md ("A file
 * on a stick") is its contract; here is how it is laid out. Numbers have their most significant byte first.
 *
 *   offset size
 *        0    8  "PTLYBAG\n"
 *        8    1  version: 1
 *        9    1  what it holds (enum satchel_contents)
 *       10    6  zero
 *       16    …  records, the last of them SATCHEL_END
 *
 * and each record:
 *
 *        0    4  "PTrc"
 *        4    1  kind (enum satchel_kind)
 *        5    3  zero
 *        8    4  number: its place in the file, from 0
 *       12    4  length of the payload
 *       16    8  sequence of the submission that it is or is about; else 0
 *       24    8  the first bytes of the payload's hash (BLAKE2b-256)
 *       32    8  the first bytes of the hash of bytes 0–31
 *       40    …  payload
 *
 * So a reader finds the next record behind damage, says which one is damaged, and notices a file that was cut
 * off or put together. None of this is trust: who signed what is told by the seals. Change: a new kind is
 * passed over by who does not know it; what must be understood raises the version. */
#ifndef PARKTALLY_COMMON_SATCHEL_H
#define PARKTALLY_COMMON_SATCHEL_H

#include "common/cleanup.h"
#include "common/seal.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum satchel_contents {
  SATCHEL_OF_OUTBOX = 1,   /* what an agent sends */
  SATCHEL_OF_RECEIPTS = 2, /* what the aggregator answers */
};

enum satchel_kind {
  SATCHEL_CERTIFICATE = 1, /* sealed; the agent's, first where it is there */
  SATCHEL_SUBMISSION = 2,  /* sealed; or an act */
  SATCHEL_RECEIPT = 3,     /* sealed */
  SATCHEL_FAULT = 4,       /* a Frame with a Fault: nobody signed it */
  SATCHEL_REFUSALS = 5,    /* a Frame with a RefusalPage: likewise */
  SATCHEL_RETURN = 6,      /* sealed; the agent's Return, behind its certificate: which keys it has had */
  SATCHEL_KEYS = 7,        /* the aggregator's sealed KeyChanges, as key_papers_pack() has them */
  SATCHEL_END = 15,        /* number of records before it (8 bytes), hash of all bytes before it (32) */
};

#define SATCHEL_HEAD_SIZE 16
#define SATCHEL_RECORD_SIZE 40 /* of a record's header */

/* --- writing --- */

struct satchel_writer;
/* Begins a file beside `path`. ERROR_USAGE where `path` is a folder or no plain file, else as the disk says.
 */
struct satchel_writer *satchel_writer_new(const char *path, enum satchel_contents contents, GError **error);
/* Adds a record of at most LIMIT_CARRIED_BYTES. False as soon as the disk has failed; finish gives the error.
 */
bool satchel_put(struct satchel_writer *writer, enum satchel_kind kind, uint64_t sequence,
                 const uint8_t *data, size_t length);
/* Ends the file, syncs it and puts it in its place; durable when it returns true. To be freed afterwards. */
bool satchel_writer_finish(struct satchel_writer *writer, GError **error);
/* Drops what was not finished; whatever stood at `path` stays. */
void satchel_writer_free(struct satchel_writer *writer);
CLEANUP_DEFINE(struct satchel_writer, satchel_writer_free)

/* --- reading: of untrusted bytes, in the memory of one record --- */

struct satchel_record {
  enum satchel_kind kind; /* never SATCHEL_END; others may be unknown */
  uint64_t sequence;      /* as the record's header says */
  const uint8_t *data;    /* until the next call */
  size_t length;
};

enum satchel_damage_kind {
  SATCHEL_NO_HEAD, /* it does not begin as such a file does */
  SATCHEL_LOST,    /* bytes that are no record, or numbers that are not there */
  SATCHEL_ALTERED, /* the payload is not what its record's header says */
  SATCHEL_LARGE,   /* a record over the limit: passed over */
  SATCHEL_CUT,     /* the file ends before its end */
  SATCHEL_OTHER,   /* all records are good, and it is not what was written: some were added or taken away */
  SATCHEL_BEYOND,  /* something stands behind the end */
};

struct satchel_damage {
  enum satchel_damage_kind kind;
  uint64_t offset, bytes; /* where, and how many (LOST), or how large (LARGE) */
  uint32_t first,
      count;         /* LOST: records that are not there; ALTERED, LARGE: the record; CUT: how many came */
  uint64_t sequence; /* ALTERED, LARGE: of the record; 0 if it has none */
};

enum satchel_event { SATCHEL_HAS_RECORD, SATCHEL_HAS_DAMAGE, SATCHEL_AT_END, SATCHEL_FAILED };

/* Gives up to `most` bytes: how many, 0 at the end, −1 and errno. */
typedef ssize_t satchel_source(void *data, void *bytes, size_t most);

struct satchel_reader;
struct satchel_reader *satchel_reader_new(satchel_source *source, void *data);
/* Opens a file; ERROR_USAGE if it is no plain one. */
struct satchel_reader *satchel_reader_open(const char *path, GError **error);
void satchel_reader_free(struct satchel_reader *reader);
CLEANUP_DEFINE(struct satchel_reader, satchel_reader_free)

/* The next record, or the next damage, which ends nothing; then the end. SATCHEL_FAILED and `error`: it
 * cannot be read (ERROR_IO), or is of a newer version (ERROR_CONFIG). */
enum satchel_event satchel_next(struct satchel_reader *reader, struct satchel_record *ret_record,
                                struct satchel_damage *ret_damage, GError **error);
/* What it holds, as its head says; 0 where that is damaged, and before the first satchel_next(). */
enum satchel_contents satchel_reader_contents(const struct satchel_reader *reader);

/* What was found, what was expected; one sentence without a place. Newly allocated. */
char *satchel_describe(const struct satchel_damage *damage);

#endif
