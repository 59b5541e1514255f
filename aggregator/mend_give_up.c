/* Where leaves cannot be had: the ledger up to the first of them, in a new epoch, and what parks had sealed
 * behind it in a file for `import`. */
#include "aggregator/mend_private.h"

#include "aggregator/epoch_start.h"
#include "aggregator/folder.h"
#include "aggregator/leaf_act.h"
#include "aggregator/ledger_put.h"
#include "aggregator/moment.h"
#include "aggregator/replay.h"
#include "aggregator/store/epochs.h"
#include "aggregator/swap.h"
#include "common/error.h"
#include "common/satchel.h"
#include "common/text.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <string.h>

#define WITHIN "before" /* folder within the work folder */
#define LEAST_LEAVES 2  /* the city's own key, and its first catalogue */

struct behind {
  struct mend *mend;
  const struct catalogue *catalogue; /* for times */
  struct satchel_writer *satchel;
  GString *notes;
};

void mend_give_up_remove(const char *work)
{
  g_autofree char *folder = folder_path(work, WITHIN), *path = folder_path(folder, "store.db");
  g_autofree char *reserve = folder_path(folder, "reserve");

  swap_remove(path);
  (void)g_unlink(reserve);
  (void)g_rmdir(folder);
}

/* --- the leaves before --- */

static bool copy_leaf(struct mend *mend, struct store *store, uint64_t position)
{
  g_autoptr(GBytes) body = store_leaf(mend->new, position);
  g_autoptr(GBytes) sealed = store_receipt_at(mend->new, position);

  return body && ledger_put_leaf(store, position, g_bytes_get_data(body, NULL), g_bytes_get_size(body)) &&
         (!sealed || ledger_put_receipt(store, mend->keys, g_bytes_get_data(sealed, NULL),
                                        g_bytes_get_size(sealed), NULL));
}

static bool copy_leaves(struct mend *mend, struct store *store, uint64_t count, GError **error)
{
  struct merkle tree;

  store_begin(store);
  for (uint64_t n = 0; n < count; n++) {
    if (!copy_leaf(mend, store, n)) break; /* told of the one that was read, or at the commit */
    if (n % LEDGER_PUT_STEP != LEDGER_PUT_STEP - 1) continue;
    if (!store_commit(store, error)) return false;
    store_begin(store);
  }
  if (store_tell_error(mend->new, error)) {
    store_rollback(store);
    return false;
  }
  (void)ledger_put_tree(store, count, &tree);
  return store_commit(store, error);
}

static bool make_store(struct mend *mend, const char *folder, uint64_t hole, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");

  if (g_mkdir(folder, 0700) != 0) {
    g_set_error(error, PARKTALLY_ERROR, errno == ENOSPC ? ERROR_TEMPORARY : ERROR_IO, "%s: %s", folder,
                g_strerror(errno));
    return false;
  }
  {
    CLEANUP(store_close) struct store *store = store_open(path, STORE_CREATE, error);
    if (!store || !copy_leaves(mend, store, hole, error)) return false;
  }
  return replay_rebuild(folder, mend->progress, mend->data, error) &&
         mend_sign_receipts(mend, folder, error) &&
         epoch_start(folder, mend->identity, 0, mend->options->by, mend->options->reason, error);
}

/* --- what stands behind --- */

static void note(struct behind *behind, char *line)
{
  g_string_append_printf(behind->notes, "%s\n", line);
  mend_tell(behind->mend, line);
}

/* It was told before. */
static void note_lost(struct behind *behind, uint64_t position)
{
  g_autofree char *name = mend_name(behind->mend, position);

  g_string_append_printf(behind->notes, _("lost: leaf %" PRIu64 " (%s)"), position, name);
  g_string_append_c(behind->notes, '\n');
}

static void set_aside(struct behind *behind, uint64_t position, const struct bytes_view *sealed)
{
  g_autofree char *agent = NULL;
  uint64_t sequence = 0;

  (void)store_salvage_sender(behind->mend->new, position, &agent, &sequence);
  behind->mend->result.set_aside++;
  (void)satchel_put(behind->satchel, SATCHEL_SUBMISSION, sequence, sealed->data, sealed->length);
}

/* What nobody sends again. What comes again by itself is not told: who enrolled returns with its certificate,
 * what was examined is examined again. */
static void note_act(struct behind *behind, uint64_t position, const struct leaf *leaf)
{
  g_autofree char *about = NULL, *recorded = NULL;
  const char *act;

  if (leaf->kind == LEAF_ENROLMENT || leaf->kind == LEAF_EXAMINATION || leaf->kind == LEAF_NOTE) return;
  act = leaf_act(leaf, &about);
  if (!act) return;
  recorded = moment_format(behind->catalogue, leaf->recorded_at_ms);
  note(behind, g_strdup_printf(_("to be done again: leaf %" PRIu64 ", %s by %s: %s %s %s"), position,
                               recorded, leaf->by, act, about, leaf->reason));
}

static void take_behind(struct behind *behind, uint64_t position)
{
  g_autoptr(GBytes) body =
      mend_leaf(behind->mend, position)->had ? store_leaf(behind->mend->new, position) : NULL;
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;

  if (!leaf)
    note_lost(behind, position);
  else if (leaf->kind == LEAF_SUBMISSION)
    set_aside(behind, position, &leaf->submission.sealed);
  else if (leaf->kind == LEAF_PARK_ACT)
    set_aside(behind, position, &leaf->park_act.sealed);
  else
    note_act(behind, position, leaf);
}

/* Both files, durable, before the new store is in its place. */
static bool write_files(struct behind *behind, const char *satchel, const char *notes, GError **error)
{
  struct mend *mend = behind->mend;

  if (mend->result.set_aside > 0) {
    if (!satchel_writer_finish(behind->satchel, error)) return false;
    mend->result.satchel = g_strdup(satchel);
  }
  if (!g_file_set_contents_full(notes, behind->notes->str, (gssize)behind->notes->len,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error))
    return false;
  mend->result.notes = g_strdup(notes);
  return true;
}

/* The files have the leaves' numbers in their names: a command that was interrupted and is given again writes
 * the same ones, and those of another damage stay. */
static bool take_all_behind(struct behind *behind, uint64_t hole, GError **error)
{
  struct mend *mend = behind->mend;
  g_autofree char *name = g_strdup_printf("set-aside-%" PRIu64 "-of-%u", hole, mend->leaves->len),
                  *base = folder_path(mend->folder, name);
  g_autofree char *satchel = g_strconcat(base, ".outbox", NULL), *notes = g_strconcat(base, ".txt", NULL);
  bool done;

  behind->satchel = satchel_writer_new(satchel, SATCHEL_OF_OUTBOX, error);
  if (!behind->satchel) return false;
  behind->notes = g_string_new(NULL);
  for (uint64_t n = hole; n < mend->leaves->len; n++) take_behind(behind, n);
  done = !store_tell_error(mend->new, error) && write_files(behind, satchel, notes, error);
  satchel_writer_free(behind->satchel);
  g_string_free(behind->notes, TRUE);
  return done;
}

static bool look_behind(struct mend *mend, const char *folder, uint64_t hole, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, error);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = store ? snapshot_load(store, error) : NULL;
  struct behind behind = {.mend = mend};

  if (!snapshot) return false;
  behind.catalogue = snapshot->catalogue;
  return take_all_behind(&behind, hole, error);
}

bool mend_give_up(struct mend *mend, uint64_t hole, char **ret_folder, GError **error)
{
  g_autofree char *folder = folder_path(mend->work, WITHIN);

  if (hole < LEAST_LEAVES) {
    g_set_error_literal(
        error, PARKTALLY_ERROR, ERROR_DATA,
        _("the ledger's very beginning cannot be had: nothing of it can go on. Nothing was changed; "
          "restore a backup into a new folder"));
    return false;
  }
  if (!mend_save(mend, true, error) || !make_store(mend, folder, hole, error) ||
      !look_behind(mend, folder, hole, error))
    return false;
  mend->result.leaves = hole + 1;
  *ret_folder = g_steal_pointer(&folder);
  return true;
}
