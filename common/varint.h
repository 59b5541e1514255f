/* Varints: seven bits in a byte, the least first, as in Protocol Buffers; signed figures zigzag. Up to 56
 * bits, as figures have, go without a loop: eight bytes are written or read at once and all shifted together.
 */
#ifndef PARKTALLY_COMMON_VARINT_H
#define PARKTALLY_COMMON_VARINT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT_MOST 10 /* bytes */

static inline uint64_t zigzag(int64_t value)
{
  return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t unzigzag(uint64_t coded)
{
  return (int64_t)((coded >> 1) ^ ((uint64_t)0 - (coded & 1)));
}

static inline size_t varint_size(uint64_t value)
{
  unsigned top = 63 - (unsigned)__builtin_clzll(value | 1);
  return (top * 9 + 73) / 64; /* top / 7 + 1, for 0 to 63 */
}

/* Writes the shortest form to `at`, where there must be room for VARINT_MOST bytes; returns its end. */
static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
  if (value >> 56 == 0) {
    size_t size = varint_size(value);
    uint64_t word = (value & 0xFFFFFFF) | (value & 0xFFFFFFF0000000) << 4;
    word = (word & 0x00003FFF00003FFF) | (word & 0x0FFFC0000FFFC000) << 2;
    word = (word & 0x007F007F007F007F) | (word & 0x3F803F803F803F80) << 1;
    word |= 0x0080808080808080 >> (64 - 8 * size); /* on all but the last byte */
    word = htole64(word);
    memcpy(at, &word, sizeof word);
    return at + size;
  }
  for (; value >= 0x80; value >>= 7) *at++ = (uint8_t)(value | 0x80);
  *at++ = (uint8_t)value;
  return at;
}

/* Reads one and advances `*at`. False, and anything may stand in `ret_value`, if there is none before `end`,
 * it is beyond 64 bits, or not in the shortest form. */
static inline bool varint_get(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
  const uint8_t *data = *at;
  if (end - data >= 8) {
    uint64_t word;
    memcpy(&word, data, sizeof word);
    word = le64toh(word);
    uint64_t last = ~word & 0x8080808080808080;
    if (last) {
      last &= ~last + 1; /* the top bit of the last byte */
      size_t size = (size_t)__builtin_ctzll(last) / 8 + 1;
      word &= last - 1; /* with what is below that bit */
      word = (word & 0x007F007F007F007F) | (word & 0x7F007F007F007F00) >> 1;
      word = (word & 0x00003FFF00003FFF) | (word & 0x3FFF00003FFF0000) >> 2;
      word = (word & 0x000000000FFFFFFF) | (word & 0x0FFFFFFF00000000) >> 4;
      *ret_value = word;
      *at = data + size;
      return size == 1 || data[size - 1] != 0;
    }
  }
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && data < end; shift += 7) {
    uint8_t byte = *data++;
    if (shift == 63 && byte > 1) return false;
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte & 0x80) continue;
    *ret_value = value;
    *at = data;
    return byte || !shift;
  }
  return false;
}

#endif
