/* What the files of the satchel share. */
#ifndef PARKTALLY_COMMON_SATCHEL_PRIVATE_H
#define PARKTALLY_COMMON_SATCHEL_PRIVATE_H

#include "common/satchel.h"

#define SATCHEL_MAGIC "PTLYBAG\n" /* 8 bytes; a transfer as text would change the last */
#define SATCHEL_VERSION 1
#define SATCHEL_MARK "PTrc"
#define SATCHEL_CHECK_SIZE 8
#define SATCHEL_END_SIZE 40 /* of its payload */

/* Numbers of `size` bytes, the most significant first. */
void satchel_put_number(uint8_t *bytes, size_t size, uint64_t number);
uint64_t satchel_get_number(const uint8_t *bytes, size_t size);

/* A record's header. */
struct satchel_header {
  uint8_t kind;
  uint32_t number, length;
  uint64_t sequence;
  uint8_t payload_check[SATCHEL_CHECK_SIZE];
};

void satchel_header_write(const struct satchel_header *header, uint8_t ret_bytes[static SATCHEL_RECORD_SIZE]);
/* False if these bytes are no record's header. */
bool satchel_header_read(const uint8_t bytes[static SATCHEL_RECORD_SIZE], struct satchel_header *ret_header);
/* The first bytes of the hash. */
void satchel_check(const uint8_t *data, size_t length, uint8_t ret_check[static SATCHEL_CHECK_SIZE]);

#endif
