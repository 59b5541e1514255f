/* The order of it all: the export is looked through for keys, restores and editions, then every leaf is added
 * to the tree and carried out, then totals are compared. */
#include "aggregator/verifier/verify.h"

#include "aggregator/verifier/export_reader.h"
#include "aggregator/verifier/total_lines.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

struct verification *verification_new(void)
{
  struct verification *verification = g_new0(struct verification, 1);
  verification->faults = faults_new();
  keys_init(&verification->keys, "");
  tree_init(&verification->tree, verification->faults, &verification->keys);
  verification->rebuilt = rebuilt_new(verification->faults, &verification->keys);
  verification->published = published_new(verification->faults);
  verification->receipts = receipts_new(verification->faults);
  return verification;
}

void verification_free(struct verification *verification)
{
  if (!verification) return;
  leaf_free(verification->leaf);
  receipts_free(verification->receipts);
  published_free(verification->published);
  rebuilt_free(verification->rebuilt);
  tree_finish(&verification->tree);
  keys_finish(&verification->keys);
  faults_free(verification->faults);
  g_free(verification);
}

/* --- what it is compared with --- */

bool verification_set_key(struct verification *verification, const char *hex)
{
  verification->has_key = text_unhex(hex, sizeof verification->key, verification->key);
  return verification->has_key;
}

bool verification_add_head(struct verification *verification, const char *text, GError **error)
{
  g_autofree char *content = NULL;
  g_autoptr(GBytes) sealed = head_from_text(text);
  if (!sealed && g_file_get_contents(text, &content, NULL, error)) sealed = head_from_text(content);
  if (sealed)
    tree_claim(&verification->tree, sealed);
  else if (content)
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("%s: this is no head of a ledger; it begins with parktally-head:1:"), text);
  return sealed != NULL;
}

/* --- the first look --- */

static void note_restore(struct verification *verification, uint64_t position, const struct leaf *leaf)
{
  CLEANUP(epoch_free) struct epoch *epoch = NULL;
  const uint8_t *payload;
  size_t length;
  if (seal_peek(leaf->epoch.sealed.data, leaf->epoch.sealed.length, SEAL_EPOCH, &payload, &length))
    epoch = epoch_decode(payload, length);
  if (!epoch) return; /* it is said when it is checked */
  struct restore restore = {.epoch = epoch->number, .size = position};
  g_array_append_val(verification->tree.restores, restore);
}

/* In which epoch the ledger is after what was looked through. */
static uint64_t epoch_so_far(const struct verification *verification)
{
  const GArray *restores = verification->tree.restores;
  return restores->len > 0 ? g_array_index(restores, struct restore, restores->len - 1).epoch : 0;
}

/* What is wrong with it is said here. An agent's is followed later, and no restore brings it along. */
static void note_change(struct verification *verification, uint64_t position, const struct leaf *leaf,
                        struct bytes_view sealed)
{
  CLEANUP(key_change_free) struct key_change *change = NULL;
  struct bytes_view payload;
  if (seal_peek(sealed.data, sealed.length, SEAL_KEY, &payload.data, &payload.length))
    change = key_change_decode(payload.data, payload.length);
  if (change && !*change->agent && keys_present(&verification->keys))
    keys_change(&verification->keys, verification->faults, position, epoch_so_far(verification), sealed,
                change);
  else if (leaf->kind == LEAF_EPOCH)
    faults_add(verification->faults, position,
               _("what this epoch brings along is no change of the ledger's keys"));
}

static void note_keys(struct verification *verification, uint64_t position, const struct leaf *leaf)
{
  if (position == 0 && leaf->kind == LEAF_GENESIS)
    keys_begin(&verification->keys, 0, leaf->genesis.curve_key.data, leaf->genesis.sign_key.data);
  if (leaf->kind == LEAF_KEY) note_change(verification, position, leaf, leaf->key.sealed);
  for (size_t n = 0; leaf->kind == LEAF_EPOCH && n < leaf->epoch.key_change_count; n++)
    note_change(verification, position, leaf, leaf->epoch.key_changes[n]);
}

static void look_through(struct verification *verification, FILE *file)
{
  CLEANUP(export_reader_free) struct export_reader *reader = export_reader_new(file, NULL);
  struct export_record record;
  for (uint64_t position = 0; export_reader_next(reader, &record);) {
    if (record.kind != EXPORT_LEAF) continue;
    CLEANUP(leaf_free) struct leaf *leaf = leaf_decode(record.data, record.length);
    if (leaf && leaf->kind == LEAF_EDITION) published_note(verification->published, position, leaf);
    if (leaf && leaf->kind == LEAF_EPOCH) note_restore(verification, position, leaf);
    if (leaf) note_keys(verification, position, leaf);
    position++;
  }
}

/* --- the second --- */

static bool is_given_key(const struct verification *verification, const struct key *key)
{
  return memcmp(verification->key, key->sign_key, sizeof key->sign_key) == 0 ||
         memcmp(verification->key, key->key_id, sizeof key->key_id) == 0;
}

static void begin(struct verification *verification)
{
  struct tree *tree = &verification->tree;
  bool found = !verification->has_key;
  if (!keys_present(&verification->keys)) {
    faults_add(verification->faults, 0,
               _("a ledger begins with its Genesis, which names the key that signs it"));
    return;
  }
  for (unsigned n = 0; !found && n <= keys_changes(&verification->keys); n++)
    found = is_given_key(verification, keys_nth(&verification->keys, n));
  if (!found)
    faults_add(verification->faults, 0, _("the ledger is signed by another key than the one that was given"));
  tree_open(tree);
  receipts_open(verification->receipts, tree);
}

static void take_leaf(struct verification *verification, const uint8_t *data, size_t length)
{
  struct rebuilt *rebuilt = verification->rebuilt;
  uint64_t position = rebuilt->leaf;
  leaf_free(verification->leaf);
  struct leaf *leaf = verification->leaf = leaf_decode(data, length);
  if (position == 0) begin(verification);
  if (leaf && leaf->kind == LEAF_EPOCH)
    rebuilt_restore(rebuilt, tree_restored(&verification->tree, leaf->epoch.sealed, rebuilt->epoch));
  tree_add(&verification->tree, data, length);
  if (leaf && leaf->kind == LEAF_EDITION) published_check(verification->published, rebuilt, position, leaf);
  verification->sent = leaf && rebuilt_apply(rebuilt, leaf, &verification->said);
  if (!leaf) faults_add(verification->faults, rebuilt->leaf++, _("it cannot be decoded"));
  receipts_compare(verification->receipts, &verification->tree, rebuilt->recorded_ms,
                   verification->sent ? &verification->said : NULL);
  published_reckon(verification->published, rebuilt, &verification->tree.leaves);
}

/* Behind the leaves, also where no totals follow. */
static struct total_lines *end_leaves(struct verification *verification)
{
  tree_end(&verification->tree, verification->rebuilt->recorded_ms, verification->rebuilt->epoch);
  receipts_end(verification->receipts, verification->rebuilt->leaf);
  return total_lines_new(verification->rebuilt, verification->faults);
}

static void take_record(struct verification *verification, const struct export_record *record,
                        struct total_lines **lines)
{
  switch (record->kind) {
  case EXPORT_HEAD:
    tree_set_head(&verification->tree, record->data, record->length);
    break;
  case EXPORT_LEAF:
    take_leaf(verification, record->data, record->length);
    break;
  case EXPORT_RECEIPT:
    verification->is_backup = true;
    receipts_take(verification->receipts, &verification->tree, record->data, record->length,
                  verification->rebuilt->recorded_ms, verification->sent ? &verification->said : NULL);
    break;
  case EXPORT_CONFIGURATION:
    verification->is_backup = true;
    break;
  case EXPORT_TOTALS:
    if (!*lines) *lines = end_leaves(verification);
    total_lines_compare(*lines, (const char *)record->data, record->length);
    break;
  case EXPORT_END:
    break;
  }
}

bool verification_run(struct verification *verification, FILE *file)
{
  CLEANUP(total_lines_free) struct total_lines *lines = NULL;
  struct export_record record;
  look_through(verification, file);
  if (ferror(file) || fseeko(file, 0, SEEK_SET) != 0) return false;
  CLEANUP(export_reader_free)
  struct export_reader *reader = export_reader_new(file, verification->faults);
  while (export_reader_next(reader, &record)) take_record(verification, &record, &lines);
  if (ferror(file)) return false;
  bool has_totals = lines || !verification->is_backup;
  if (!lines) lines = end_leaves(verification);
  if (has_totals && export_reader_is_whole(reader)) total_lines_end(lines); /* else the rest was cut off */
  verification->totals = total_lines_count(lines);
  if (verification->rebuilt->leaf == 0) faults_add(verification->faults, NO_LEAF, _("there is no leaf"));
  return true;
}
