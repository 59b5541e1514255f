/* What a damaged store gives: what SQLite reads, and what only stands in its pages any more. */
#include "aggregator/mend_private.h"

#include "aggregator/folder.h"
#include "aggregator/ledger_put.h"
#include "common/db_pages.h"
#include "common/text.h"

#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROW_MOST (LIMIT_SEALED_BYTES + 64) /* of a receipt; a leaf's part is a page */
#define BEYOND                                                                                               \
  1000000 /* leaves looked for behind the last that is known of, where the list cannot be read               \
           */

/* --- what SQLite reads --- */

static void take_leaf(struct mend *mend, uint64_t position)
{
  g_autoptr(GBytes) body = NULL, sealed = NULL;
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  enum leaf_kind kind;
  int64_t recorded_ms;
  uint8_t hash[MERKLE_HASH_SIZE];
  struct mend_leaf *leaf = mend_leaf(mend, position);

  if (store_salvage_receipt(mend->old, position, &sealed) == SALVAGE_GOOD)
    receipt = mend_hear_receipt(mend, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
  leaf = mend_leaf(mend, position); /* a receipt may have told of more */
  if (store_salvage_row(mend->old, position, &kind, &recorded_ms, hash) == SALVAGE_GOOD && !leaf->known) {
    memcpy(leaf->hash, hash, sizeof hash);
    leaf->known = true;
  }
  if (store_salvage_body(mend->old, position, &body) == SALVAGE_GOOD)
    (void)mend_put(mend, position, g_bytes_get_data(body, NULL), g_bytes_get_size(body));
  if (receipt && receipt->position == position && leaf->had)
    (void)ledger_put_receipt(mend->new, mend->keys, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed),
                             NULL);
}

static void name_tree(struct mend *mend)
{
  struct merkle tree;
  uint8_t root[MERKLE_HASH_SIZE];

  if (store_salvage_tree(mend->old, &tree) != SALVAGE_GOOD) return;
  merkle_root(&tree, root);
  heads_name(mend->heads, tree.size, root);
}

static void count_page(uint32_t page, void *data)
{
  uint64_t *pages = data;
  *pages += page == 1 ? 1 : 2;
}

/* Where SQLite cannot open the store, all leaves can be told only if no page is damaged but the first, which
 * tells where the others are, and nothing stood in the log alone. */
static bool take_size(struct mend *mend, GError **error)
{
  g_autofree char *path = folder_path(mend->folder, "store.db"), *log = g_strconcat(path, "-wal", NULL);
  uint64_t pages = 0;
  GStatBuf facts;

  if (!db_pages_check(path, count_page, &pages, error)) return false;
  mend->sized = pages == 1 && (g_stat(log, &facts) != 0 || facts.st_size == 0);
  return true;
}

bool mend_take_old(struct mend *mend, GError **error)
{
  if (!mend->old) return take_size(mend, error);
  mend_grow(mend, store_salvage_size(mend->old, &mend->sized));
  name_tree(mend);
  for (uint64_t n = 0; n < mend->leaves->len; n++) {
    take_leaf(mend, n);
    if (!mend_save(mend, false, error)) return false;
    if (mend->progress && n % LEDGER_PUT_STEP == 0) mend->progress(n, mend->leaves->len, mend->data);
  }
  return !store_tell_error(mend->old, error);
}

bool mend_take_receipts(struct mend *mend, GError **error)
{
  g_autoptr(GArray) positions = store_without_receipt(mend->new);

  for (guint n = 0; mend->old && n < positions->len; n++) {
    g_autoptr(GBytes) sealed = NULL;

    if (store_salvage_receipt(mend->old, g_array_index(positions, uint64_t, n), &sealed) == SALVAGE_GOOD)
      (void)ledger_put_receipt(mend->new, mend->keys, g_bytes_get_data(sealed, NULL),
                               g_bytes_get_size(sealed), NULL);
  }
  return mend_save(mend, true, error);
}

/* --- what stands in pages --- */

struct carving {
  struct mend *mend;
  GHashTable *rows; /* position → hash, of leaves behind the last that is known of */
  uint64_t beyond;  /* nothing is looked for from here on */
  GError *error;
};

static void take_row(struct carving *carving, const struct db_carved *row)
{
  struct mend *mend = carving->mend;
  const uint8_t *hash = row->column[3].bytes;
  uint64_t position = (uint64_t)row->key;

  if (position >= carving->beyond) return;
  if (position >= mend->leaves->len) {
    if (row->sound || !g_hash_table_contains(carving->rows, &position))
      g_hash_table_replace(carving->rows, g_memdup2(&position, sizeof position),
                           g_memdup2(hash, MERKLE_HASH_SIZE));
    return;
  }
  struct mend_leaf *leaf = mend_leaf(mend, position);
  if (leaf->known || !row->sound) return; /* of a damaged page the hash may be what is damaged */
  memcpy(leaf->hash, hash, MERKLE_HASH_SIZE);
  leaf->known = true;
}

/* A part of a leaf, or a receipt, which its seal tells. */
static void take_blob(struct carving *carving, const struct db_carved *row)
{
  struct mend *mend = carving->mend;
  const struct db_carved_column *blob = &row->column[1];
  uint64_t position = store_part_position(row->key);

  if (seal_claimed_label(blob->bytes, blob->length) == SEAL_RECEIPT) {
    receipt_free(mend_hear_receipt(mend, blob->bytes, blob->length));
    return;
  }
  if (blob->length > LIMIT_PART_BYTES || position >= carving->beyond ||
      (position < mend->leaves->len && mend_leaf(mend, position)->had))
    return;
  store_part_keep(mend->new, row->key, blob->bytes, blob->length, row->sound);
}

static void keep_row(const struct db_carved *row, void *data)
{
  struct carving *carving = data;

  if (carving->error || row->key < 0 || row->count < 2 || row->column[0].type != DB_CARVED_NULL) return;
  if (row->count == 2 && row->column[1].type == DB_CARVED_BLOB) take_blob(carving, row);
  if (row->count == 4 && row->column[1].type == DB_CARVED_INT && row->column[2].type == DB_CARVED_INT &&
      row->column[3].type == DB_CARVED_BLOB && row->column[3].length == MERKLE_HASH_SIZE)
    take_row(carving, row);
  (void)mend_save(carving->mend, false, &carving->error);
}

/* The parts that were found of a leaf become the leaf, or go. */
static bool assemble(struct mend *mend, uint64_t position)
{
  g_autoptr(GBytes) body = NULL;

  if (store_salvage_body(mend->new, position, &body) != SALVAGE_GOOD) return false;
  store_parts_drop(mend->new, position);
  if (!mend_put(mend, position, g_bytes_get_data(body, NULL), g_bytes_get_size(body))) return false;
  mend->result.carved++;
  return true;
}

static int by_number(const void *a, const void *b)
{
  uint64_t left = **(const uint64_t *const *)a, right = **(const uint64_t *const *)b;
  return (left > right) - (left < right);
}

/* Leaves of which no more than they themselves is known: taken if row and body agree, and none is left out.
 */
static void take_beyond(struct carving *carving)
{
  struct mend *mend = carving->mend;
  guint count;
  g_autofree uint64_t **positions = (uint64_t **)g_hash_table_get_keys_as_array(carving->rows, &count);

  qsort((void *)positions, count, sizeof *positions, by_number);
  for (guint n = 0; n < count; n++) {
    uint64_t position = *positions[n], before = mend->leaves->len;

    if (position < before) continue;
    if (position > before) break;
    mend_grow(mend, before + 1);
    memcpy(mend_leaf(mend, position)->hash, g_hash_table_lookup(carving->rows, positions[n]),
           MERKLE_HASH_SIZE);
    mend_leaf(mend, position)->known = true;
    if (assemble(mend, position)) continue;
    g_array_set_size(mend->leaves, (guint)before);
    break;
  }
}

static void keep_receipt(const struct db_carved *row, void *data)
{
  struct mend *mend = data;
  const struct db_carved_column *blob = &row->column[1];

  if (row->count == 2 && blob->type == DB_CARVED_BLOB &&
      seal_claimed_label(blob->bytes, blob->length) == SEAL_RECEIPT)
    (void)ledger_put_receipt(mend->new, mend->keys, blob->bytes, blob->length, NULL);
}

/* Of leaves that are known of by now, whose rows were met before. */
static void take_known(struct carving *carving)
{
  for (uint64_t n = 0; n < carving->mend->leaves->len; n++) {
    struct mend_leaf *leaf = mend_leaf(carving->mend, n);
    const uint8_t *hash = leaf->known ? NULL : g_hash_table_lookup(carving->rows, &n);

    if (hash) memcpy(leaf->hash, hash, MERKLE_HASH_SIZE);
    leaf->known = leaf->known || hash;
  }
}

static bool take_leaves(struct mend *mend, const char *path, GError **error)
{
  struct carving carving = {.mend = mend, .beyond = mend->leaves->len + (mend->old ? 0 : BEYOND)};
  bool done;

  carving.rows = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  done = db_pages_carve(path, ROW_MOST, keep_row, &carving, error);
  if (done) take_known(&carving);
  for (uint64_t n = 0; done && n < mend->leaves->len; n++)
    if (!mend_leaf(mend, n)->had) (void)assemble(mend, n);
  if (done && !mend->old) take_beyond(&carving);
  store_parts_drop_loose(mend->new);
  g_hash_table_unref(carving.rows);
  if (!done || !carving.error) return done && mend_save(mend, true, error);
  g_propagate_error(error, carving.error);
  return false;
}

bool mend_take_pages(struct mend *mend, GError **error)
{
  g_autofree char *path = folder_path(mend->folder, "store.db");

  return take_leaves(mend, path, error) && db_pages_carve(path, ROW_MOST, keep_receipt, mend, error) &&
         mend_save(mend, true, error);
}
