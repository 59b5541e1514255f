/* What a backup or an export gives to a repair. It is read twice: first all of it, to know that it is whole,
 * that the city signed it, and how far it is of the same ledger; then for what is missing. */
#include "aggregator/mend_private.h"

#include "aggregator/ledger_file.h"
#include "aggregator/ledger_put.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

struct file {
  struct mend *mend;
  const char *path;
  struct signed_head *head;
  struct merkle tree;
  uint64_t same;   /* so many leaves are surely this ledger's */
  bool other;      /* from there on it is another's */
  uint64_t usable; /* of its leaves */
  uint64_t taken;
};

static bool refuse(const struct file *file, const char *what, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
              _("%s: %s; name another file with --from, nothing was changed"), file->path, what);
  return false;
}

/* Calls for each record; false ends it. */
static bool each_record(struct file *file,
                        bool take(struct file *file, enum ledger_record kind, const uint8_t *data,
                                  size_t length, GError **error),
                        GError **error)
{
  CLEANUP(ledger_file_close) struct ledger_file_reader *reader = ledger_file_open(file->path, error);
  enum ledger_record kind;
  const uint8_t *data;
  size_t length;
  GError *failure = NULL;

  merkle_init(&file->tree);
  if (!reader) return false;
  while (ledger_file_next(reader, &kind, &data, &length, &failure))
    if (!take(file, kind, data, length, error)) return false;
  if (!failure) return true;
  g_propagate_error(error, failure);
  return false;
}

/* --- whether it is good, and of this ledger --- */

static bool take_head(struct file *file, const uint8_t *data, size_t length, GError **error)
{
  const uint8_t *key_id = seal_claimed_key(data, length);

  if (key_id && !key_chain_find(file->mend->keys, key_id))
    return refuse(file, _("it is of another city: other keys have signed it"), error);
  if (!file->head) file->head = key_chain_open_head(file->mend->keys, data, length);
  return file->head ? true : refuse(file, _("its head is not what was signed"), error);
}

static void compare_leaf(struct file *file, const uint8_t *data, size_t length)
{
  struct mend *mend = file->mend;
  uint64_t position = file->tree.size;
  const struct mend_leaf *leaf = position < mend->leaves->len ? mend_leaf(mend, position) : NULL;
  uint8_t hash[MERKLE_HASH_SIZE];

  merkle_leaf_hash(data, length, hash);
  merkle_append(&file->tree, hash);
  if (file->other) return;
  if (leaf && leaf->proven && memcmp(leaf->hash, hash, sizeof hash) != 0) file->other = true;
  switch (heads_match(mend->heads, &file->tree)) {
  case HEADS_OTHER:
    file->other = true;
    break;
  case HEADS_SAME:
    file->same = file->tree.size;
    break;
  case HEADS_UNNAMED:
    break;
  }
}

static bool check_record(struct file *file, enum ledger_record kind, const uint8_t *data, size_t length,
                         GError **error)
{
  if (kind == LEDGER_HEAD) return take_head(file, data, length, error);
  if (kind == LEDGER_LEAF) compare_leaf(file, data, length);
  return true;
}

static bool check_file(struct file *file, GError **error)
{
  uint8_t root[MERKLE_HASH_SIZE];

  if (!each_record(file, check_record, error)) return false;
  merkle_root(&file->tree, root);
  if (!file->head || file->head->size != file->tree.size ||
      memcmp(file->head->root.data, root, sizeof root) != 0)
    return refuse(file, _("its leaves do not come to its head"), error);
  file->usable = file->other ? file->same : file->tree.size;
  if (!file->other) return true;
  if (file->same == 0) return refuse(file, _("it is of another ledger than this store"), error);
  mend_tell(file->mend, g_strdup_printf(_("%s: only its first %" PRIu64
                                          " leaves are of this ledger, which went on in another "
                                          "way since; the rest of it is not used"),
                                        file->path, file->same));
  return true;
}

/* --- what is missing --- */

/* Up to a head of this ledger that the file comes to as well, its leaves are proven, and what stood there
 * without a proof gives way. Behind it they are the city's, but might be of a ledger that went another way
 * right there: then they only fill what is missing, and have to come to this ledger's heads with all the
 * others. */
static void take_leaf(struct file *file, const uint8_t *data, size_t length)
{
  struct mend *mend = file->mend;
  uint64_t position = file->tree.size++; /* only counted */
  struct mend_leaf *leaf;
  uint8_t hash[MERKLE_HASH_SIZE];

  if (position >= file->usable || position >= mend->leaves->len) return;
  leaf = mend_leaf(mend, position);
  if (position < file->same) {
    merkle_leaf_hash(data, length, hash);
    if (leaf->had && memcmp(leaf->hash, hash, sizeof hash) != 0) {
      store_leaf_drop(mend->new, position);
      leaf->had = false;
    }
    memcpy(leaf->hash, hash, sizeof hash);
    leaf->known = leaf->proven = true;
  }
  if (!leaf->had && mend_put(mend, position, data, length)) file->taken++;
}

static bool take_record(struct file *file, enum ledger_record kind, const uint8_t *data, size_t length,
                        GError **error)
{
  struct mend *mend = file->mend;

  if (kind == LEDGER_LEAF) take_leaf(file, data, length);
  if (kind == LEDGER_RECEIPT && file->tree.size > 0 && file->tree.size <= file->usable &&
      file->tree.size <= mend->leaves->len && !store_has_receipt(mend->new, file->tree.size - 1))
    (void)ledger_put_receipt(mend->new, mend->keys, data, length, NULL);
  return mend_save(mend, false, error);
}

/* Where it is not known how long the ledger was, a file that goes on with it tells. */
static void take_size(struct file *file)
{
  if (file->usable <= file->mend->leaves->len) return;
  if (!file->mend->sized) {
    mend_grow(file->mend, file->usable);
    return;
  }
  mend_tell(file->mend,
            g_strdup_printf(
                _("%s has %" PRIu64 " leaves, more than the %u of this store: is this an old copy of the "
                  "store? Then make a new folder of the file with “park-aggregator restore” instead"),
                file->path, file->usable, file->mend->leaves->len));
}

bool mend_take_file(struct mend *mend, const char *path, GError **error)
{
  struct file file = {.mend = mend, .path = path};
  bool done = check_file(&file, error);

  if (done) take_size(&file);
  done = done && each_record(&file, take_record, error) && mend_save(mend, true, error);
  mend->result.fetched += file.taken;
  signed_head_free(file.head);
  return done;
}
