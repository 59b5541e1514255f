/* Bytes and names that are to be there after the power went. */
#ifndef PARKTALLY_COMMON_DURABLE_H
#define PARKTALLY_COMMON_DURABLE_H

#include <stdbool.h>
#include <stddef.h>

/* All of them, however often the system takes a part. Blocks. False with errno. */
bool durable_write(int file, const void *data, size_t length);

/* Syncs a folder, so that what was made, renamed or removed in it lasts. Blocks. False with errno; EINVAL,
 * ENOTSUP and EROFS where the file system has no such thing. */
bool durable_folder(const char *folder);
/* The one that the path is in. */
bool durable_folder_of(const char *path);

#endif
