/* Protocol buffers by hand, for messages that no encoder of ours would make. */
#ifndef PARKTALLY_TESTS_WIRE_BYTES_H
#define PARKTALLY_TESTS_WIRE_BYTES_H

#include <glib.h>
#include <stdint.h>
#include <string.h>

static inline void put_varint(GByteArray *bytes, uint64_t value)
{
  do {
    uint8_t byte = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));
    g_byte_array_append(bytes, &byte, 1);
    value >>= 7;
  } while (value != 0);
}

static inline void put_number(GByteArray *bytes, unsigned field, uint64_t value)
{
  put_varint(bytes, field << 3);
  put_varint(bytes, value);
}

static inline void put_bytes(GByteArray *bytes, unsigned field, const void *data, size_t length)
{
  put_varint(bytes, field << 3 | 2);
  put_varint(bytes, length);
  g_byte_array_append(bytes, data, (guint)length);
}

static inline void put_text(GByteArray *bytes, unsigned field, const char *text)
{
  put_bytes(bytes, field, text, strlen(text));
}

static inline void put_message(GByteArray *bytes, unsigned field, const GByteArray *message)
{
  put_bytes(bytes, field, message->data, message->len);
}

/* `length` times the same byte. */
static inline void put_filled(GByteArray *bytes, unsigned field, int byte, size_t length)
{
  g_autofree uint8_t *data = g_malloc(length + 1);
  memset(data, byte, length);
  put_bytes(bytes, field, data, length);
}

#endif
