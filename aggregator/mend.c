#include "aggregator/mend_private.h"

#include "aggregator/folder.h"
#include "aggregator/leaf_name.h"
#include "aggregator/ledger_put.h"
#include "aggregator/receipt_again.h"
#include "aggregator/replay.h"
#include "aggregator/swap.h"
#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void mend_result_clear(struct mend_result *result)
{
  g_free(result->aside);
  g_free(result->satchel);
  g_free(result->notes);
}

/* --- shared --- */

void mend_grow(struct mend *mend, uint64_t size)
{
  if (size > mend->leaves->len && size <= G_MAXUINT / sizeof(struct mend_leaf))
    g_array_set_size(mend->leaves, (guint)size);
}

void mend_tell(struct mend *mend, char *line)
{
  mend->sink(line, mend->data);
  g_free(line);
}

bool mend_save(struct mend *mend, bool now, GError **error)
{
  if (!now && ++mend->unsaved < LEDGER_PUT_STEP) return true;
  mend->unsaved = 0;
  mend->begun = store_commit(mend->new, error);
  if (mend->begun) store_begin(mend->new);
  return mend->begun;
}

bool mend_put(struct mend *mend, uint64_t position, const uint8_t *data, size_t length)
{
  struct mend_leaf *leaf = mend_leaf(mend, position);
  uint8_t hash[MERKLE_HASH_SIZE];

  if (leaf->had) return true;
  merkle_leaf_hash(data, length, hash);
  if (leaf->known && memcmp(leaf->hash, hash, sizeof hash) != 0) return false;
  if (!ledger_put_leaf(mend->new, position, data, length)) return false;
  memcpy(leaf->hash, hash, sizeof hash);
  leaf->had = true;
  return true;
}

struct receipt *mend_hear_receipt(struct mend *mend, const uint8_t *sealed, size_t length)
{
  CLEANUP(receipt_free) struct receipt *receipt = key_chain_open_receipt(mend->keys, sealed, length, NULL);
  struct mend_leaf *leaf;

  if (!receipt || !merkle_is_included(receipt->leaf_hash.data, receipt->position, receipt->tree_size,
                                      receipt->tree_root.data, receipt->path.hash, receipt->path.count))
    return NULL;
  heads_name(mend->heads, receipt->tree_size, receipt->tree_root.data);
  mend_grow(mend, receipt->tree_size);
  leaf = mend_leaf(mend, receipt->position);
  memcpy(leaf->hash, receipt->leaf_hash.data, sizeof leaf->hash);
  leaf->known = leaf->proven = true;
  if (!mend->old)
    g_hash_table_replace(
        mend->names, g_memdup2(&receipt->position, sizeof receipt->position),
        g_strdup_printf(_("submission %" PRIu64 " of %s"), receipt->sequence, receipt->agent));
  return g_steal_pointer(&receipt);
}

static uint64_t first_missing(struct mend *mend)
{
  uint64_t n = 0;

  while (n < mend->leaves->len && mend_leaf(mend, n)->had) n++;
  return n;
}

bool mend_lacks(struct mend *mend)
{
  g_autoptr(GArray) positions = store_without_receipt(mend->new);

  return !mend->old || !mend->sized || first_missing(mend) < mend->leaves->len || positions->len > 0;
}

char *mend_name(struct mend *mend, uint64_t position)
{
  g_autofree char *name = mend->old ? leaf_name(mend->old, position) : g_strdup("");
  const char *heard = g_hash_table_lookup(mend->names, &position);

  if (!*name && heard) return g_strdup(heard);
  return *name ? g_steal_pointer(&name) : g_strdup(_("what it was is not known"));
}

/* --- whether the leaves are what was signed --- */

static bool drop(struct mend *mend, uint64_t from, uint64_t to, bool known)
{
  bool dropped = false;

  for (uint64_t n = from; n < to; n++) {
    struct mend_leaf *leaf = mend_leaf(mend, n);

    if (leaf->proven || leaf->known != known) continue;
    store_leaf_drop(mend->new, n);
    leaf->had = leaf->known = false;
    dropped = true;
  }
  return dropped;
}

/* Leaves that do not come to a head: those that nothing stands for are as good as missing; if there are none
 * of these, those whose rows alone stand for them. False if each has a signature. */
static bool doubt(struct mend *mend, uint64_t from, uint64_t to)
{
  return drop(mend, from, to, false) || drop(mend, from, to, true);
}

static bool prove(struct mend *mend, GError **error)
{
  struct merkle tree;
  uint64_t same = 0;

  merkle_init(&tree);
  for (uint64_t n = 0; n < mend->leaves->len && mend_leaf(mend, n)->had; n++) {
    merkle_append(&tree, mend_leaf(mend, n)->hash);
    switch (heads_match(mend->heads, &tree)) {
    case HEADS_UNNAMED:
      continue;
    case HEADS_SAME:
      same = tree.size;
      continue;
    case HEADS_OTHER:
      if (doubt(mend, same, tree.size)) return mend_save(mend, true, error);
      g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                  _("the city's own receipts contradict each other about the first %" PRIu64
                    " leaves; nothing was changed, keep the folder as it is and restore a backup"),
                  tree.size);
      return false;
    }
  }
  return true;
}

/* --- gathering --- */

static bool take_files(struct mend *mend, GError **error)
{
  for (size_t n = 0; mend->options->files && mend->options->files[n]; n++)
    if (!mend_take_file(mend, mend->options->files[n], error)) return false;
  return true;
}

static bool gather(struct mend *mend, GError **error)
{
  return mend_take_old(mend, error) && mend_save(mend, true, error) &&
         (!mend_lacks(mend) || mend_take_pages(mend, error)) && prove(mend, error) &&
         (!mend_lacks(mend) || take_files(mend, error)) && prove(mend, error) &&
         mend_take_receipts(mend, error);
}

/* What cannot be had, by name; returns how many. */
static uint64_t tell_lost(struct mend *mend)
{
  uint64_t lost = 0;

  for (uint64_t n = 0; n < mend->leaves->len; n++) {
    if (mend_leaf(mend, n)->had) continue;
    g_autofree char *name = mend_name(mend, n);

    lost++;
    mend_tell(mend, g_strdup_printf(_("leaf %" PRIu64 " (%s) cannot be had from anywhere"), n, name));
  }
  return lost;
}

static void tell_end(struct mend *mend)
{
  mend_tell(mend,
            g_strdup_printf(_("it cannot be told whether there were leaves behind the %u that are known of"),
                            mend->leaves->len));
}

static bool refuse_loss(const struct mend *mend, GError **error)
{
  if (mend->result.lost > 0)
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_DATA,
        _("%" PRIu64 " leaves cannot be had, as named above; nothing was changed. Name backups or exports "
          "that have them with --from FILE, also older ones. Only where there are none: --give-up ends the "
          "ledger before the first of them and goes on there as after a restore; parks send again what is "
          "missing"),
        mend->result.lost);
  else
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_DATA,
        _("the end of the ledger cannot be told any more; nothing was changed. Name the newest backup with "
          "--from FILE, and add --give-up: the ledger goes on behind leaf %u as after a restore, and parks "
          "send again what is missing"),
        mend->leaves->len - 1);
  return false;
}

/* --- making the store --- */

bool mend_sign_receipts(struct mend *mend, const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_WRITE, error);
  struct tree_head head;

  if (!store) return false;
  store_begin(store);
  g_autoptr(GArray) positions = store_without_receipt(store);
  if (positions->len > 0 && proof_head(store, &head))
    for (guint n = 0; n < positions->len; n++)
      mend->result.signed_anew +=
          receipt_again(store, mend->identity, g_array_index(positions, uint64_t, n), &head);
  mend->result.leaves = store_leaf_count(store);
  return store_commit(store, error);
}

static bool finish_ledger(struct mend *mend, GError **error)
{
  struct merkle tree;

  (void)ledger_put_tree(mend->new, mend->leaves->len, &tree); /* told at the commit */
  mend->begun = false;
  return store_commit(mend->new, error);
}

/* First beside the old one, so that what has to be durable is names of one folder. */
static bool put_in_place(struct mend *mend, const char *folder, GError **error)
{
  g_autofree char *made = folder_path(folder, "store.db"), *beside = folder_path(mend->folder, MEND_BESIDE);

  g_clear_pointer(&mend->old, store_close);
  g_clear_pointer(&mend->new, store_close);
  if (!swap_settle(made, error)) return false;
  if (rename(made, beside) == 0) return swap_in(mend->folder, beside, &mend->result.aside, error);
  g_set_error(error, PARKTALLY_ERROR, errno == ENOSPC ? ERROR_TEMPORARY : ERROR_IO, "%s: %s", beside,
              g_strerror(errno));
  return false;
}

static bool make_whole(struct mend *mend, GError **error)
{
  if (!finish_ledger(mend, error)) return false;
  g_clear_pointer(&mend->new, store_close);
  return replay_rebuild(mend->work, mend->progress, mend->data, error) &&
         mend_sign_receipts(mend, mend->work, error) && put_in_place(mend, mend->work, error);
}

static bool make_shorter(struct mend *mend, GError **error)
{
  g_autofree char *folder = NULL;
  bool made = mend_give_up(mend, first_missing(mend), &folder, error);

  if (mend->begun) store_rollback(mend->new);
  mend->begun = false;
  return made && put_in_place(mend, folder, error);
}

/* Not even how many there were is known. */
static bool refuse_nothing(GError **error)
{
  g_set_error_literal(
      error, PARKTALLY_ERROR, ERROR_DATA,
      _("of the ledger nothing can be had; nothing was changed. Name a backup with --from FILE, or "
        "restore it into a new folder"));
  return false;
}

static bool make(struct mend *mend, GError **error)
{
  bool done;

  mend->new = store_open(mend->made, STORE_CREATE, error);
  if (!mend->new) return false;
  store_begin(mend->new);
  mend->begun = true;
  done = gather(mend, error);
  if (done) mend->result.lost = tell_lost(mend);
  if (done && !mend->sized) tell_end(mend);
  if (done && mend->leaves->len == 0)
    done = refuse_nothing(error);
  else if (done && mend->result.lost == 0 && mend->sized)
    done = make_whole(mend, error);
  else if (done)
    done = mend->options->give_up ? make_shorter(mend, error) : refuse_loss(mend, error);
  if (mend->begun) store_rollback(mend->new);
  store_close(mend->new);
  return done;
}

/* --- the work folder --- */

static bool remove_work(const char *folder, const char *work)
{
  g_autofree char *reserve = folder_path(work, "reserve"), *made = folder_path(work, "store.db");
  g_autofree char *beside = folder_path(folder, MEND_BESIDE);

  swap_remove(beside);
  mend_give_up_remove(work);
  swap_remove(made);
  (void)g_unlink(reserve);
  return g_rmdir(work) == 0;
}

bool mend_clear(const char *folder)
{
  g_autofree char *work = folder_path(folder, MEND_WORK);

  return remove_work(folder, work);
}

static bool make_work(const struct mend *mend, GError **error)
{
  (void)remove_work(mend->folder, mend->work); /* what a kill left */
  if (g_mkdir(mend->work, 0700) == 0) return true;
  g_set_error(error, PARKTALLY_ERROR, errno == ENOSPC ? ERROR_TEMPORARY : ERROR_IO, "%s: %s", mend->work,
              g_strerror(errno));
  return false;
}

/* Its log is copied into it first, as at every start. NULL without error where SQLite cannot open it. */
static bool open_old(struct mend *mend, GError **error)
{
  g_autofree char *path = folder_path(mend->folder, "store.db");
  g_autoptr(GError) failure = NULL;

  if (swap_settle(path, &failure)) mend->old = store_open(path, STORE_READ, &failure);
  if (!failure || failure->code == ERROR_DATA) return true;
  g_propagate_error(error, g_steal_pointer(&failure));
  return false;
}

bool mend(const char *folder, const struct identity *identity, const struct mend_options *options,
          mend_sink *sink, void (*progress)(uint64_t done, uint64_t all, void *data), void *data,
          struct mend_result *ret_result, GError **error)
{
  g_autofree char *work = folder_path(folder, MEND_WORK), *made = folder_path(work, "store.db");
  CLEANUP(heads_free) struct heads *heads = heads_new();
  CLEANUP(key_chain_unref) struct key_chain *keys = key_chain_of(identity, "", error);
  struct mend mend = {.folder = folder,
                      .work = work,
                      .made = made,
                      .identity = identity,
                      .keys = keys,
                      .options = options,
                      .sink = sink,
                      .progress = progress,
                      .data = data,
                      .heads = heads};
  bool done;

  if (!keys) return false;
  mend.leaves = g_array_new(FALSE, TRUE, sizeof(struct mend_leaf));
  mend.names = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  done = make_work(&mend, error) && open_old(&mend, error) && make(&mend, error);
  store_close(mend.old);
  (void)remove_work(folder, work);
  g_array_unref(mend.leaves);
  g_hash_table_unref(mend.names);
  if (done)
    *ret_result = mend.result;
  else
    mend_result_clear(&mend.result);
  return done;
}
