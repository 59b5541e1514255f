/* Checks receipts (proto/README.md, "The ledger behind a receipt"): the seal, the leaf's hash, its path to
 * the head that the receipt names, that head, and that the leaf records what the receipt acknowledged. */
#include "aggregator/verifier/receipts.h"

#include "common/satchel.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define SATCHEL_BEGINS "PTLYBAG\n"

struct receipts {
  struct faults *faults;
  GPtrArray *sealed; /* of GBytes, in the order of the files */
  GPtrArray *opened; /* of struct receipt, by position */
  unsigned next;     /* of them */
  uint64_t count;    /* all that were looked at */
};

struct receipts *receipts_new(struct faults *faults)
{
  struct receipts *receipts = g_new0(struct receipts, 1);
  receipts->faults = faults;
  receipts->sealed = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  receipts->opened = g_ptr_array_new_with_free_func((GDestroyNotify)receipt_free);
  return receipts;
}

void receipts_free(struct receipts *receipts)
{
  if (!receipts) return;
  g_ptr_array_unref(receipts->sealed);
  g_ptr_array_unref(receipts->opened);
  g_free(receipts);
}

uint64_t receipts_count(const struct receipts *receipts)
{
  return receipts->count;
}

/* What parks export, of which the receipts are taken. */
static bool read_satchel(struct receipts *receipts, const char *path, GError **error)
{
  CLEANUP(satchel_reader_free) struct satchel_reader *reader = satchel_reader_open(path, error);
  struct satchel_record record;
  struct satchel_damage damage;
  enum satchel_event event;
  if (!reader) return false;
  while ((event = satchel_next(reader, &record, &damage, error)) != SATCHEL_AT_END) {
    if (event == SATCHEL_FAILED) return false;
    g_autofree char *what = event == SATCHEL_HAS_DAMAGE ? satchel_describe(&damage) : NULL;
    if (what)
      faults_add(receipts->faults, NO_LEAF, "%s: %s", path, what);
    else if (record.kind == SATCHEL_RECEIPT)
      g_ptr_array_add(receipts->sealed, g_bytes_new(record.data, record.length));
  }
  return true;
}

bool receipts_read(struct receipts *receipts, const char *path, GError **error)
{
  g_autofree char *content = NULL;
  size_t size, at = 0;
  if (!g_file_get_contents(path, &content, &size, error)) return false;
  if (g_str_has_prefix(content, SATCHEL_BEGINS)) return read_satchel(receipts, path, error);
  while (size - at >= sizeof(uint32_t)) {
    const uint8_t *length = (const uint8_t *)content + at;
    size_t count = length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    at += sizeof(uint32_t);
    if (count > size - at) break;
    g_ptr_array_add(receipts->sealed, g_bytes_new(content + at, count));
    at += count;
    if (at == size) return true;
  }
  faults_add(receipts->faults, NO_LEAF, _("%s: this is no file of receipts, or it was cut"), path);
  return true;
}

/* --- what they say --- */

static int by_position(const void *left, const void *right)
{
  const struct receipt *a = *(struct receipt *const *)left, *b = *(struct receipt *const *)right;
  return a->position < b->position ? -1 : a->position > b->position;
}

/* Says what is wrong with the receipt by itself; NULL if it is none. */
static struct receipt *open_receipt(struct receipts *receipts, struct tree *tree, const uint8_t *sealed,
                                    size_t length)
{
  const struct key *key;
  struct bytes_view payload;
  struct receipt *receipt = NULL;
  receipts->count++;
  if (length <= LIMIT_SEALED_BYTES &&
      keys_open(tree->keys, (struct bytes_view){sealed, length}, SEAL_RECEIPT, &payload, &key) == SEAL_OK)
    receipt = receipt_decode(payload.data, payload.length);
  if (!receipt) {
    faults_add(receipts->faults, NO_LEAF, _("receipt no. %" PRIu64 " is not signed by the ledger's key"),
               receipts->count);
    return NULL;
  }
  g_autofree char *whose = g_strdup_printf(_("the receipt of agent %s for its number %" PRIu64),
                                           receipt->agent, receipt->sequence);
  if (!key_may_seal(key, receipt->tree_epoch, receipt->tree_size))
    faults_add(receipts->faults, NO_LEAF, _("%s is signed by a key that was changed before that"), whose);
  if (!merkle_is_included(receipt->leaf_hash.data, receipt->position, receipt->tree_size,
                          receipt->tree_root.data, receipt->path.hash, receipt->path.count))
    faults_add(receipts->faults, NO_LEAF, _("%s does not prove that its leaf is in the tree"), whose);
  else if (receipt->tree_size >= tree->leaves.size &&
           !tree_is_lost(tree, receipt->tree_epoch, receipt->tree_size))
    tree_expect(tree, receipt->tree_size, receipt->tree_root.data, whose);
  return receipt;
}

void receipts_open(struct receipts *receipts, struct tree *tree)
{
  for (unsigned n = 0; n < receipts->sealed->len; n++) {
    size_t length;
    const uint8_t *sealed = g_bytes_get_data(receipts->sealed->pdata[n], &length);
    struct receipt *receipt = open_receipt(receipts, tree, sealed, length);
    bool lost = receipt && tree_is_lost(tree, receipt->tree_epoch, receipt->position + 1);
    tree->lost += lost;
    if (lost)
      receipt_free(receipt);
    else if (receipt)
      g_ptr_array_add(receipts->opened, receipt);
  }
  g_ptr_array_sort(receipts->opened, by_position);
}

/* --- against the leaf --- */

static bool is_same_refusal(const struct refusal *a, const struct refusal *b)
{
  return a->row == b->row && a->verdict == b->verdict && strcmp(a->unit, b->unit) == 0 &&
         strcmp(a->rule, b->rule) == 0 && strcmp(a->indicator, b->indicator) == 0 &&
         strcmp(a->found, b->found) == 0 && strcmp(a->expected, b->expected) == 0;
}

/* The first ones stand in the receipt. */
static bool has_refusals(const struct receipt *receipt, const struct said *said)
{
  if (receipt->refusals_total != said->exception_count ||
      receipt->refusal_count != MIN(said->exception_count, (size_t)LIMIT_REFUSALS_INLINE))
    return false;
  for (size_t n = 0; n < receipt->refusal_count; n++)
    if (!is_same_refusal(&receipt->refusals[n], &said->exceptions[n])) return false;
  return true;
}

static bool has_verdicts(const struct receipt *receipt, const struct said *said)
{
  const uint32_t *verdicts = said->verdicts;
  return receipt->counted == verdicts[VERDICT_IS_COUNTED] &&
         receipt->unchanged == verdicts[VERDICT_IS_UNCHANGED] &&
         receipt->stale == verdicts[VERDICT_IS_STALE] && receipt->refused == verdicts[VERDICT_IS_REFUSED] &&
         receipt->waiting == verdicts[VERDICT_IS_WAITING] + verdicts[VERDICT_IS_WAITING_UNIT];
}

static void compare(struct receipts *receipts, const struct receipt *receipt,
                    const uint8_t leaf_hash[static MERKLE_HASH_SIZE], int64_t recorded_ms,
                    const struct said *said)
{
  uint64_t position = receipt->position;
  if (!said || memcmp(receipt->submission.data, said->id, sizeof said->id) != 0) {
    faults_add(receipts->faults, position,
               _("agent %s has a receipt for its number %" PRIu64 " here, but another leaf stands here"),
               receipt->agent, receipt->sequence);
    return;
  }
  if (memcmp(receipt->leaf_hash.data, leaf_hash, MERKLE_HASH_SIZE) != 0 ||
      strcmp(receipt->agent, said->agent) != 0 || receipt->sequence != said->sequence ||
      receipt->recorded_at_ms != recorded_ms || !has_verdicts(receipt, said) || !has_refusals(receipt, said))
    faults_add(receipts->faults, position,
               _("agent %s has a receipt for its number %" PRIu64 " that says something else than the leaf"),
               receipt->agent, receipt->sequence);
}

void receipts_compare(struct receipts *receipts, const struct tree *tree, int64_t recorded_ms,
                      const struct said *said)
{
  for (; receipts->next < receipts->opened->len; receipts->next++) {
    const struct receipt *receipt = receipts->opened->pdata[receipts->next];
    if (receipt->position >= tree->leaves.size) return;
    compare(receipts, receipt, tree->leaf_hash, recorded_ms, said);
  }
}

void receipts_take(struct receipts *receipts, struct tree *tree, const uint8_t *sealed, size_t length,
                   int64_t recorded_ms, const struct said *said)
{
  CLEANUP(receipt_free) struct receipt *receipt = open_receipt(receipts, tree, sealed, length);
  if (!receipt) return;
  if (receipt->position + 1 == tree->leaves.size)
    compare(receipts, receipt, tree->leaf_hash, recorded_ms, said);
  else
    faults_add(receipts->faults, tree->leaves.size - 1, _("a receipt of leaf %" PRIu64 " stands here"),
               receipt->position);
}

void receipts_end(struct receipts *receipts, uint64_t leaves)
{
  for (; receipts->next < receipts->opened->len; receipts->next++) {
    const struct receipt *receipt = receipts->opened->pdata[receipts->next];
    faults_add(receipts->faults, NO_LEAF,
               _("agent %s has a receipt for its number %" PRIu64 " at leaf %" PRIu64
                 ", but this export has %" PRIu64 " leaves"),
               receipt->agent, receipt->sequence, receipt->position, leaves);
  }
}
