#include "aggregator/reserve.h"

#include "aggregator/folder.h"
#include "common/limits.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct reserve {
  char *path;
  bool held;
};

struct reserve *reserve_new(const char *folder)
{
  struct reserve *reserve = g_new0(struct reserve, 1);

  reserve->path = folder_path(folder, "reserve");
  return reserve;
}

void reserve_free(struct reserve *reserve)
{
  if (!reserve) return;
  g_free(reserve->path);
  g_free(reserve);
}

/* What an earlier run took and did not give is ours without further room. */
static bool is_there(int file)
{
  struct stat status;

  return fstat(file, &status) == 0 && status.st_size >= (off_t)LIMIT_RESERVE_BYTES &&
         (size_t)status.st_blocks * 512 >= LIMIT_RESERVE_BYTES;
}

bool reserve_take(struct reserve *reserve)
{
  int file;

  if (reserve->held) return true;
  file = open(reserve->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return false;
  /* Twice, and half is given back: otherwise it would take the last room, and the next group had none. */
  reserve->held = is_there(file) || posix_fallocate(file, 0, 2 * (off_t)LIMIT_RESERVE_BYTES) == 0;
  if (ftruncate(file, reserve->held ? (off_t)LIMIT_RESERVE_BYTES : 0) != 0) unlink(reserve->path);
  close(file);
  return reserve->held;
}

void reserve_give(struct reserve *reserve)
{
  reserve->held = false;
  if (truncate(reserve->path, 0) != 0) unlink(reserve->path);
}
