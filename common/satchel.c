#include "common/satchel_private.h"

#include "common/limits.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

/* --- a record's header --- */

static const uint8_t mark[4] = SATCHEL_MARK; /* without its end */

void satchel_put_number(uint8_t *bytes, size_t size, uint64_t number)
{
  for (size_t i = size; i-- > 0; number >>= 8) bytes[i] = (uint8_t)number;
}

uint64_t satchel_get_number(const uint8_t *bytes, size_t size)
{
  uint64_t number = 0;
  for (size_t i = 0; i < size; i++) number = number << 8 | bytes[i];
  return number;
}

void satchel_check(const uint8_t *data, size_t length, uint8_t ret_check[static SATCHEL_CHECK_SIZE])
{
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(data, length, hash);
  memcpy(ret_check, hash, SATCHEL_CHECK_SIZE);
}

void satchel_header_write(const struct satchel_header *header, uint8_t ret_bytes[static SATCHEL_RECORD_SIZE])
{
  memset(ret_bytes, 0, SATCHEL_RECORD_SIZE);
  memcpy(ret_bytes, mark, sizeof mark);
  ret_bytes[4] = header->kind;
  satchel_put_number(ret_bytes + 8, 4, header->number);
  satchel_put_number(ret_bytes + 12, 4, header->length);
  satchel_put_number(ret_bytes + 16, 8, header->sequence);
  memcpy(ret_bytes + 24, header->payload_check, SATCHEL_CHECK_SIZE);
  satchel_check(ret_bytes, 32, ret_bytes + 32);
}

bool satchel_header_read(const uint8_t bytes[static SATCHEL_RECORD_SIZE], struct satchel_header *ret_header)
{
  static const uint8_t zero[3];
  uint8_t check[SATCHEL_CHECK_SIZE];
  if (memcmp(bytes, mark, sizeof mark) != 0 || memcmp(bytes + 5, zero, sizeof zero) != 0) return false;
  satchel_check(bytes, 32, check);
  if (memcmp(bytes + 32, check, sizeof check) != 0) return false;
  *ret_header = (struct satchel_header){.kind = bytes[4],
                                        .number = (uint32_t)satchel_get_number(bytes + 8, 4),
                                        .length = (uint32_t)satchel_get_number(bytes + 12, 4),
                                        .sequence = satchel_get_number(bytes + 16, 8)};
  memcpy(ret_header->payload_check, bytes + 24, SATCHEL_CHECK_SIZE);
  return true;
}

char *satchel_describe(const struct satchel_damage *damage)
{
  switch (damage->kind) {
  case SATCHEL_NO_HEAD:
    return g_strdup(_("the file does not begin as one for a stick does; is it the right file, and was it "
                      "copied as it is?"));
  case SATCHEL_LOST:
    return damage->count > 0
               ? g_strdup_printf(
                     _("records %u to %u are missing: %" PRIu64 " damaged bytes stand at byte %" PRIu64),
                     damage->first, damage->first + damage->count - 1, damage->bytes, damage->offset)
               : g_strdup_printf(
                     _("%" PRIu64 " bytes at byte %" PRIu64 " are damaged: a record was expected"),
                     damage->bytes, damage->offset);
  case SATCHEL_ALTERED:
    return g_strdup_printf(
        _("record %u at byte %" PRIu64 " is damaged: its bytes are not those that were written"),
        damage->first, damage->offset);
  case SATCHEL_LARGE:
    return g_strdup_printf(
        _("record %u at byte %" PRIu64 " has %" PRIu64 " bytes, expected at most %zu; it was passed over"),
        damage->first, damage->offset, damage->bytes, LIMIT_CARRIED_BYTES);
  case SATCHEL_CUT:
    return g_strdup_printf(
        _("the file is cut off at byte %" PRIu64 ", after %u whole records: its end is missing"),
        damage->offset, damage->count);
  case SATCHEL_OTHER:
    return g_strdup(_("the file is not as it was written: records were added, changed or taken away"));
  case SATCHEL_BEYOND:
    return g_strdup_printf(_("something stands behind the file's end, from byte %" PRIu64 " on; it was not "
                             "looked at"),
                           damage->offset);
  }
  g_assert_not_reached();
}
