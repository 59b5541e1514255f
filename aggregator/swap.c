#include "aggregator/swap.h"

#include "aggregator/folder.h"
#include "aggregator/store/store.h"
#include "common/clock.h"
#include "common/durable.h"
#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASIDE "store.db.damaged-"

void swap_remove(const char *path)
{
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

  for (size_t n = 0; n < G_N_ELEMENTS(suffixes); n++) {
    g_autofree char *name = g_strconcat(path, suffixes[n], NULL);

    g_unlink(name);
  }
}

bool swap_settle(const char *path, GError **error)
{
  CLEANUP(store_close) struct store *store = store_open(path, STORE_WRITE, error);
  return store != NULL;
}

/* Whether the file holds anything that only it has. */
static bool has_log(const char *log)
{
  struct stat facts;
  return stat(log, &facts) == 0 && facts.st_size > 0;
}

/* A log belongs to the store that it stands beside, and would be taken for the new one's. */
static bool remove_old(const char *folder, const char *path, const char *log)
{
  g_autofree char *shared = g_strconcat(path, "-shm", NULL);

  if (unlink(path) != 0 || unlink(log) != 0) return false;
  (void)unlink(shared);
  return durable_folder(folder);
}

/* But for a log that cannot be settled, at no moment is there no store. */
static bool change_places(const char *folder, const char *path, const char *made, const char *aside)
{
  g_autofree char *log = g_strconcat(path, "-wal", NULL), *log_aside = g_strconcat(aside, "-wal", NULL);
  bool logged = has_log(log);

  if (link(path, aside) != 0 || (logged && link(log, log_aside) != 0) || !durable_folder(folder))
    return false;
  if (logged && !remove_old(folder, path, log)) return false;
  return rename(made, path) == 0 && durable_folder(folder);
}

static bool fail(const char *made, const char *path, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, errno == ENOSPC ? ERROR_TEMPORARY : ERROR_IO,
              _("%s cannot take the place of %s (%s)"), made, path, g_strerror(errno));
  return false;
}

bool swap_in(const char *folder, const char *made, char **ret_aside, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  g_autofree char *aside = g_strdup_printf("%s.damaged-%" PRId64, path, clock_wall().ms);

  if (!change_places(folder, path, made, aside)) return fail(made, path, error);
  *ret_aside = g_steal_pointer(&aside);
  return true;
}

/* The newest of those that were kept; NULL if there is none. Names are of one length, and order as times do.
 */
static char *newest_aside(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  char *newest = NULL;

  for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
    if (!g_str_has_prefix(name, ASIDE) || g_str_has_suffix(name, "-wal")) continue;
    if (g_strcmp0(name, newest) <= 0) continue;
    g_free(newest);
    newest = g_strdup(name);
  }
  return newest;
}

bool swap_undo(const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db"), *log = g_strconcat(path, "-wal", NULL);
  g_autofree char *newest = newest_aside(folder);
  g_autofree char *aside = newest ? folder_path(folder, newest) : NULL;
  g_autofree char *log_aside = aside ? g_strconcat(aside, "-wal", NULL) : NULL;

  if (!aside || g_file_test(path, G_FILE_TEST_EXISTS)) return true;
  if ((rename(log_aside, log) == 0 || errno == ENOENT) && rename(aside, path) == 0 && durable_folder(folder))
    return true;
  return fail(aside, path, error);
}
