#include "common/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

bool durable_write(int file, const void *data, size_t length)
{
  const char *rest = data;

  while (length > 0) {
    ssize_t written = write(file, rest, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    rest += written;
    length -= (size_t)written;
  }
  return true;
}

bool durable_folder(const char *folder)
{
  int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool synced = file >= 0 && fsync(file) == 0;
  int saved = errno;

  if (file >= 0) close(file);
  errno = saved;
  return synced;
}

bool durable_folder_of(const char *path)
{
  g_autofree char *folder = g_path_get_dirname(path);

  return durable_folder(folder);
}
