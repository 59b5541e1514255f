#include "common/checksum.h"

#include <xxhash.h>

int64_t checksum_of(const void *data, size_t length)
{
  return (int64_t)XXH3_64bits(data, length);
}

int64_t checksum_at(const void *data, size_t length, uint64_t place)
{
  return (int64_t)XXH3_64bits_withSeed(data, length, place);
}
