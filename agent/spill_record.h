/* An entry as the spill keeps it: packed, in memory and in its temporary files, which no other process reads.
 */
#ifndef PARKTALLY_AGENT_SPILL_RECORD_H
#define PARKTALLY_AGENT_SPILL_RECORD_H

#include "agent/mapping.h"

#include <stddef.h>
#include <stdint.h>

struct record_head {
  uint32_t size;  /* of the whole record */
  int32_t period; /* period_key() */
  uint64_t row;
  uint32_t asked; /* number of the set of asked columns, which few rows have of their own */
  uint8_t kind, whole, refused, withdraws;
  uint16_t unit_length;
  /* the unit and NUL; a column_set where `withdraws`; unless `refused` one byte n, n bytes of presence, and
   * the figures as they are: packing them costs more than the room that it saves */
};

/* The largest record. */
#define RECORD_MOST                                                                                          \
  (sizeof(struct record_head) + LIMIT_CODE_BYTES + 1 + sizeof(struct column_set) + 1 + COLUMN_SET_BYTES +    \
   LIMIT_FORM_COLUMNS * sizeof(int64_t))

/* Returns the record's size; `ret_record` has room for RECORD_MOST bytes, of which those beyond may be
 * written to as well. */
size_t record_pack(const struct entry *entry, uint32_t asked, uint8_t *ret_record);

/* `record` may stand at any address. `ret_entry` points into it; asked is the caller's to fill in. */
void record_unpack(const uint8_t *record, struct entry *ret_entry, uint32_t *ret_asked);

/* By period, unit, row. */
int record_compare(const uint8_t *a, const uint8_t *b);

static inline struct record_head record_head(const uint8_t *record)
{
  struct record_head head;
  __builtin_memcpy(&head, record, sizeof head);
  return head;
}

static inline const char *record_unit(const uint8_t *record)
{
  return (const char *)record + sizeof(struct record_head);
}

#endif
