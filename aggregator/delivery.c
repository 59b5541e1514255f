#include "aggregator/delivery.h"

#include "common/control.h"
#include "common/durable.h"
#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct delivery {
  char *path;   /* where it is to be, links followed */
  char *beside; /* where it is until then; NULL: it is written to as it is */
  int standard; /* standard output as it was */
};

static bool set_error(const char *path, GError **error)
{
  int saved = errno;
  g_set_error(error, PARKTALLY_ERROR, saved == EACCES || saved == EPERM ? ERROR_PERMISSION : ERROR_IO,
              _("%s cannot be written: %s"), path, g_strerror(saved));
  return false;
}

static void delivery_free(struct delivery *delivery)
{
  g_free(delivery->path);
  g_free(delivery->beside);
  g_free(delivery);
}

static char *resolve(const char *path)
{
  char *real = realpath(path, NULL); /* malloc()ed */
  char *copy = g_strdup(real ? real : path);
  free(real);
  return copy;
}

struct delivery *delivery_begin(const char *path, GError **error)
{
  struct delivery *delivery = g_new0(struct delivery, 1);
  struct stat facts;
  delivery->path = resolve(path);
  bool plain = stat(delivery->path, &facts) != 0 || S_ISREG(facts.st_mode);
  if (plain) delivery->beside = g_strconcat(delivery->path, ".XXXXXX", NULL);
  int file = plain ? g_mkstemp_full(delivery->beside, O_WRONLY | O_CLOEXEC, 0600)
                   : open(delivery->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) {
    set_error(path, error);
    delivery_free(delivery);
    return NULL;
  }
  (void)control_output_flush(control_output_standard());
  fflush(stdout);
  delivery->standard = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  dup2(file, STDOUT_FILENO);
  close(file);
  return delivery;
}

/* Not what memory still has of the file. */
static bool write_out(const struct delivery *delivery)
{
  if (!control_output_flush(control_output_standard()) || fflush(stdout) != 0 || ferror(stdout)) return false;
  if (!delivery->beside) return true;
  if (fsync(STDOUT_FILENO) != 0) return false;
  (void)posix_fadvise(STDOUT_FILENO, 0, 0, POSIX_FADV_DONTNEED);
  return true;
}

static bool put_in_place(const struct delivery *delivery)
{
  if (!delivery->beside) return true;
  return rename(delivery->beside, delivery->path) == 0 &&
         (durable_folder_of(delivery->path) || errno == EINVAL || errno == ENOTSUP);
}

static bool place(const struct delivery *delivery, delivery_check *check, void *data, GError **error)
{
  if (!write_out(delivery)) return set_error(delivery->path, error);
  if (check && !check(delivery->beside ? delivery->beside : delivery->path, data, error)) return false;
  return put_in_place(delivery) || set_error(delivery->path, error);
}

bool delivery_end(struct delivery *delivery, bool keep, delivery_check *check, void *data, GError **error)
{
  bool placed = keep && place(delivery, check, data, error);
  if (!keep) (void)control_output_flush(control_output_standard());
  if (!keep) fflush(stdout);
  if (delivery->beside && !placed) unlink(delivery->beside);
  if (delivery->standard >= 0) {
    dup2(delivery->standard, STDOUT_FILENO);
    close(delivery->standard);
  }
  delivery_free(delivery);
  return placed || !keep;
}
