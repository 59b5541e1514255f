/* A database's file in a folder of its own, which goes with all that it holds. */
#ifndef PARKTALLY_TESTS_DB_FILE_H
#define PARKTALLY_TESTS_DB_FILE_H

#include <glib.h>
#include <glib/gstdio.h>

struct db_file {
  char *folder, *path, *log; /* the write-ahead log */
};

static inline int db_file_set_up(void **state)
{
  struct db_file *file = g_new0(struct db_file, 1);
  file->folder = g_dir_make_tmp("parktally-db-XXXXXX", NULL);
  if (!file->folder) return -1;
  file->path = g_build_filename(file->folder, "test.db", NULL);
  file->log = g_strconcat(file->path, "-wal", NULL);
  *state = file;
  return 0;
}

static inline int db_file_tear_down(void **state)
{
  struct db_file *file = *state;
  GDir *folder = g_dir_open(file->folder, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(folder))) {
    g_autofree char *path = g_build_filename(file->folder, name, NULL);
    g_unlink(path);
  }
  g_dir_close(folder);
  g_rmdir(file->folder);
  g_free(file->folder);
  g_free(file->path);
  g_free(file->log);
  g_free(file);
  return 0;
}

#endif
