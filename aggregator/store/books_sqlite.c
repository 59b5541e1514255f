/* Books and interned memberships. */
#include "aggregator/store/private.h"

int64_t store_find_book(struct store *store, const char *form, struct period period)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT id FROM book WHERE form = ? AND period = ?");
  db_bind_text(row, form);
  db_bind_int(row, period_key(period));
  return db_step(row) ? db_int(row, 0) : 0;
}

int64_t store_book(struct store *store, const char *form, struct period period)
{
  int64_t book = store_find_book(store, form, period);
  if (book) return book;
  struct db_row *row = db_query(store->db, "INSERT INTO book (form, period) VALUES (?, ?)");
  db_bind_text(row, form);
  db_bind_int(row, period_key(period));
  return db_run(row) ? db_last_rowid(store->db) : 0;
}

static void clear_book(void *book)
{
  g_free(((struct stored_book *)book)->form);
}

GArray *store_books(struct store *store, const char *form)
{
  GArray *books = g_array_new(FALSE, FALSE, sizeof(struct stored_book));
  g_array_set_clear_func(books, clear_book);
  CLEANUP(db_end)
  struct db_row *row = db_query(
      store->db, "SELECT id, form, period FROM book WHERE ?1 IS NULL OR form = ?1 ORDER BY form, period");
  db_bind_text(row, form);
  while (db_step(row)) {
    struct stored_book book = {.book = db_int(row, 0)};
    int64_t key = db_int(row, 2);
    if (key < 0 || key > INT32_MAX || !period_from_key((int32_t)key, &book.period)) {
      store_damaged(store, "book", "%" G_GINT64_FORMAT, book.book);
      break;
    }
    book.form = g_strdup(db_text(row, 1));
    g_array_append_val(books, book);
  }
  return books;
}

/* --- memberships --- */

static int64_t find_membership(struct store *store, const char *areas, const char *slices)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT id FROM membership WHERE areas = ? AND slices = ?");
  db_bind_text(row, areas);
  db_bind_text(row, slices);
  return db_step(row) ? db_int(row, 0) : 0;
}

int64_t store_membership(struct store *store, const char *areas, const char *slices)
{
  if (!*areas) return 0;
  int64_t membership = find_membership(store, areas, slices);
  if (membership) return membership;
  struct db_row *row = db_query(store->db, "INSERT INTO membership (areas, slices) VALUES (?, ?)");
  db_bind_text(row, areas);
  db_bind_text(row, slices);
  return db_run(row) ? db_last_rowid(store->db) : 0;
}

bool store_membership_text(struct store *store, int64_t membership, char **ret_areas, char **ret_slices)
{
  if (membership == 0) {
    *ret_areas = g_strdup("");
    *ret_slices = g_strdup("");
    return true;
  }
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT areas, slices FROM membership WHERE id = ?");
  db_bind_int(row, membership);
  if (!db_step(row)) /* ids come from stored rows alone */
    return !db_error(store->db) && store_damaged(store, "membership", "%" G_GINT64_FORMAT, membership);
  *ret_areas = g_strdup(db_text(row, 0));
  *ret_slices = g_strdup(db_text(row, 1));
  return true;
}
