/* A checksum of bytes against failing disks, not against an adversary: XXH3, the same on every machine and
 * for ever, as stored rows and files carry it. */
#ifndef PARKTALLY_COMMON_CHECKSUM_H
#define PARKTALLY_COMMON_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

int64_t checksum_of(const void *data, size_t length);
/* The same, of bytes that belong to a place: at another one they have another checksum. */
int64_t checksum_at(const void *data, size_t length, uint64_t place);

#endif
