#include "common/checksum.h"

#include <xxhash.h>

int64_t checksum_of(const void *data, size_t length)
{
  return (int64_t)XXH3_64bits(data, length);
}
