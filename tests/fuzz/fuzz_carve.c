/* What is left of a database file: whatever stands in it, what is found lies within it and is no larger than
 * it. */
#include "check.h"

#include "agent/outbox_private.h"
#include "common/limits.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct bytes_view sealed, void *data)
{
  uint64_t *sum = data;
  CHECK(sealed.length <= LIMIT_SEALED_BYTES + 32);
  for (size_t i = 0; i < sealed.length; i++) *sum += sealed.data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  uint64_t sum = 0;
  int file = memfd_create("carve", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file);
  CHECK(write(file, data, size) == (ssize_t)size);
  CHECK(outbox_carve(path, look, &sum, NULL));
  close(file);
  return 0;
}
