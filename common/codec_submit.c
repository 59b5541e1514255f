/* The frame that carries a submission, read where it stands: of all that agents say it alone is large, and
 * protobuf-c copies what it unpacks. */
#include "common/codec.h"

#include "common/limits.h"
#include "common/varint.h"

enum { PROTOCOL = 1, SUBMIT = 8, ID = 1, SEALED = 2 }; /* fields of Frame and Submit */
enum { NUMBER = 0, BYTES = 2 };                        /* wire types */

static bool take_number(struct bytes_view *rest, uint64_t *ret_number)
{
  const uint8_t *at = rest->data;
  if (rest->length == 0) return false; /* there may be no place at all */
  if (!varint_get(&at, rest->data + rest->length, ret_number)) return false;
  rest->length -= (size_t)(at - rest->data);
  rest->data = at;
  return true;
}

static bool take_tag(struct bytes_view *rest, uint64_t field, uint64_t type)
{
  uint64_t tag;
  return take_number(rest, &tag) && tag == (field << 3 | type);
}

static bool take_bytes(struct bytes_view *rest, uint64_t field, struct bytes_view *ret_bytes)
{
  uint64_t length;
  if (!take_tag(rest, field, BYTES) || !take_number(rest, &length) || length > rest->length) return false;
  *ret_bytes = (struct bytes_view){rest->data, length};
  rest->data += length;
  rest->length -= length;
  return true;
}

bool submit_view(const uint8_t *data, size_t length, struct bytes_view *ret_id, struct bytes_view *ret_sealed)
{
  struct bytes_view rest = {data, length}, submit, id, sealed;
  uint64_t protocol;
  if (length > LIMIT_FRAME_BYTES) return false;
  if (!take_tag(&rest, PROTOCOL, NUMBER) || !take_number(&rest, &protocol) || protocol != PROTOCOL_VERSION)
    return false;
  if (!take_bytes(&rest, SUBMIT, &submit) || rest.length > 0) return false;
  if (!take_bytes(&submit, ID, &id) || id.length != SEAL_HASH_SIZE) return false;
  if (!take_bytes(&submit, SEALED, &sealed) || submit.length > 0) return false;
  *ret_id = id;
  *ret_sealed = sealed;
  return true;
}
