/* A folder with a store in it, for tests that need no aggregator around it. */
#ifndef PARKTALLY_TESTS_STORE_PLACE_H
#define PARKTALLY_TESTS_STORE_PLACE_H

#include "aggregator/store/store.h"
#include "common/db.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct place {
  char *folder;
  char *path;
  struct store *store; /* open for writing */
};

static inline struct store *place_open(struct place *place, enum store_mode mode)
{
  g_autoptr(GError) error = NULL;
  struct store *store = store_open(place->path, mode, &error);
  if (!store) fail_msg("%s", error->message);
  return store;
}

static inline int place_set_up(void **state)
{
  struct place *place = g_new0(struct place, 1);
  place->folder = g_dir_make_tmp("parktally-store-XXXXXX", NULL);
  place->path = g_build_filename(place->folder, "store.db", NULL);
  place->store = place_open(place, STORE_CREATE);
  *state = place;
  return 0;
}

static inline int place_tear_down(void **state)
{
  struct place *place = (struct place *)*state;
  store_close(place->store);
  g_autoptr(GDir) folder = g_dir_open(place->folder, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(folder))) {
    g_autofree char *path = g_build_filename(place->folder, name, NULL);
    g_unlink(path);
  }
  g_rmdir(place->folder);
  g_free(place->folder);
  g_free(place->path);
  g_free(place);
  return 0;
}

static inline void place_commit(struct place *place)
{
  g_autoptr(GError) error = NULL;
  if (!store_commit(place->store, &error)) fail_msg("%s", error->message);
}

/* What a plain SQL shell would do. */
static inline void place_sql(struct place *place, const char *sql)
{
  CLEANUP(db_close) struct db *db = db_open(place->path, DB_WRITE, 256, NULL);
  assert_non_null(db);
  if (!db_exec(db, sql)) fail_msg("%s", db_error(db)->message);
}

static inline char *place_query(struct place *place, const char *sql)
{
  CLEANUP(db_close) struct db *db = db_open(place->path, DB_READ_ONLY, 256, NULL);
  assert_non_null(db);
  CLEANUP(db_end) struct db_row *row = db_query(db, sql);
  return db_step(row) ? g_strdup(db_text(row, 0)) : NULL;
}

#endif
