#include "aggregator/damage.h"

#include "aggregator/folder.h"
#include "aggregator/heads.h"
#include "aggregator/leaf_name.h"
#include "aggregator/replay.h"
#include "aggregator/store/salvage.h"
#include "common/db_owner.h"
#include "common/db_pages.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define OWNERS_MOST                                                                                          \
  100 /* damaged pages of which it is said whose they are: each is looked for in the file                    \
       */

struct look {
  const char *path, *folder;
  struct store *store;
  const struct key_chain *keys;
  damage_sink *sink;
  void (*progress)(uint64_t done, uint64_t all, void *data);
  void *data;
  struct damage_count count;
  struct heads *heads;
  struct merkle tree;
  bool broken;          /* the tree cannot be told from here on */
  uint64_t submissions; /* and acts, among the leaves */
};

/* --- words --- */

const char *damage_kind_id(enum damage_kind kind)
{
  static const char *const IDS[DAMAGE_KINDS] = {"file", "page", "leaf", "receipt", "tree", "list", "table"};
  return IDS[kind];
}

static bool is_ledgers(const char *table)
{
  return strcmp(table, "leaf") == 0 || strcmp(table, "leaf_part") == 0 || strcmp(table, "receipt") == 0;
}

static const char *advice_on(const struct damage *damage)
{
  switch (damage->kind) {
  case DAMAGE_FILE:
    return _("“--repair” looks for leaves and receipts in what is left of the pages");
  case DAMAGE_PAGE:
    if (is_ledgers(damage->subject)) return _("what follows says which leaves and receipts stood there");
    break;
  case DAMAGE_LEAF:
    return _("“--repair” looks for it in what is left of the pages and in --from FILE");
  case DAMAGE_RECEIPT:
    return _("“--repair” looks for it likewise, or signs it anew");
  case DAMAGE_TREE:
  case DAMAGE_LIST:
  case DAMAGE_TABLES:
  case DAMAGE_KINDS:
    break;
  }
  return _("it follows from the leaves: “--repair” makes it anew");
}

static char *place_of(const struct damage *damage)
{
  const char *subject = damage->subject;
  switch (damage->kind) {
  case DAMAGE_FILE:
    return g_strdup(subject);
  case DAMAGE_PAGE:
    return *subject ? g_strdup_printf(_("page %" PRIu64 ", of the table “%s”"), damage->number, subject)
                    : g_strdup_printf(_("page %" PRIu64 ", of no table that can be told"), damage->number);
  case DAMAGE_LEAF:
    return *subject ? g_strdup_printf(_("leaf %" PRIu64 " (%s)"), damage->number, subject)
                    : g_strdup_printf(_("leaf %" PRIu64 " (what it was is not known)"), damage->number);
  case DAMAGE_RECEIPT:
    return *subject ? g_strdup_printf(_("receipt of leaf %" PRIu64 " (%s)"), damage->number, subject)
                    : g_strdup_printf(_("receipt of leaf %" PRIu64), damage->number);
  case DAMAGE_TREE:
    return g_strdup_printf(_("tree of the first %" PRIu64 " leaves, %s"), damage->number, subject);
  case DAMAGE_LIST:
    return g_strdup_printf(_("list of leaves and submissions, leaf %" PRIu64), damage->number);
  case DAMAGE_TABLES:
  case DAMAGE_KINDS:
    break;
  }
  return g_strdup(subject);
}

char *damage_text(const struct damage *damage)
{
  g_autofree char *place = place_of(damage);
  return g_strdup_printf(_("%s: found %s, expected %s; %s"), place, damage->found, damage->expected,
                         advice_on(damage));
}

static void tell(struct look *look, enum damage_kind kind, uint64_t number, const char *subject,
                 const char *found, const char *expected)
{
  const struct damage damage = {kind, number, subject, found, expected};
  look->count.of[kind]++;
  look->count.all++;
  look->sink(&damage, look->data);
}

static void tell_leaf(struct look *look, enum damage_kind kind, uint64_t position, const char *found,
                      const char *expected)
{
  g_autofree char *name = leaf_name(look->store, position);
  tell(look, kind, position, name, found, expected);
}

static const char *words_of(enum salvage salvage)
{
  return salvage == SALVAGE_UNREADABLE ? _("a page that cannot be read") : _("nothing");
}

/* --- pages --- */

static void tell_page(uint32_t page, void *data)
{
  struct look *look = data;
  g_autofree char *owner =
      look->count.of[DAMAGE_PAGE] < OWNERS_MOST ? db_owner_of_page(look->path, page) : NULL;
  tell(look, DAMAGE_PAGE, page, owner ? owner : "", _("other bytes"), _("those that were written"));
}

/* --- receipts --- */

static const char *objection_to(const struct receipt *receipt, uint64_t position, const uint8_t *hash)
{
  if (receipt->position != position) return _("a receipt of another leaf");
  if (hash && memcmp(receipt->leaf_hash.data, hash, MERKLE_HASH_SIZE) != 0)
    return _("a receipt of another leaf");
  if (!merkle_is_included(receipt->leaf_hash.data, position, receipt->tree_size, receipt->tree_root.data,
                          receipt->path.hash, receipt->path.count))
    return _("a receipt that proves nothing");
  return NULL;
}

/* The receipt, if it is good; else what was found instead. */
static struct receipt *read_receipt(struct look *look, uint64_t position, const uint8_t *hash,
                                    const char **ret_found, enum salvage *ret_salvage)
{
  g_autoptr(GBytes) sealed = NULL;
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  *ret_salvage = store_salvage_receipt(look->store, position, &sealed);
  *ret_found = words_of(*ret_salvage);
  if (!sealed) return NULL;
  *ret_found = _("a seal that does not hold");
  receipt =
      key_chain_open_receipt(look->keys, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed), NULL);
  if (!receipt || (*ret_found = objection_to(receipt, position, hash))) return NULL;
  return g_steal_pointer(&receipt);
}

/* --- the tree --- */

static void check_node(unsigned level, uint64_t number, const uint8_t hash[static MERKLE_HASH_SIZE],
                       void *data)
{
  struct look *look = data;
  uint8_t stored[MERKLE_HASH_SIZE];
  if (level == 0 || level % MERKLE_STRIDE != 0) return;
  enum salvage salvage = store_salvage_node(look->store, level, number, stored);
  if (salvage == SALVAGE_GOOD && memcmp(stored, hash, sizeof stored) == 0) return;
  g_autofree char *subject = g_strdup_printf(_("node %" PRIu64 " of level %u"), number, level);
  tell(look, DAMAGE_TREE, (number + 1) << level, subject,
       salvage == SALVAGE_GOOD ? _("another hash") : words_of(salvage), _("the hash of its leaves"));
}

/* `hash` NULL: not known. What the tree does not come to cannot be told twice. */
static void grow_tree(struct look *look, const uint8_t *hash)
{
  if (!hash) look->broken = true;
  if (look->broken) return;
  merkle_append_telling(&look->tree, hash, check_node, look);
  if (heads_match(look->heads, &look->tree) != HEADS_OTHER) return;
  tell(look, DAMAGE_TREE, look->tree.size, _("head that a receipt names"), _("leaves that come to another"),
       _("the leaves that were signed; a backup of before has them"));
  look->broken = true;
}

static void check_stored_tree(struct look *look)
{
  struct merkle stored;
  uint8_t root[MERKLE_HASH_SIZE], other[MERKLE_HASH_SIZE];
  enum salvage salvage = store_salvage_tree(look->store, &stored);
  merkle_root(&look->tree, root);
  merkle_root(&stored, other);
  if (salvage == SALVAGE_GOOD &&
      (look->broken || (stored.size == look->tree.size && memcmp(root, other, sizeof root) == 0)))
    return;
  tell(look, DAMAGE_TREE, look->tree.size, _("head"),
       salvage == SALVAGE_GOOD ? _("another hash") : words_of(salvage), _("the hash of the leaves"));
}

/* --- leaves --- */

/* What stands of a leaf in the store. */
struct subject {
  uint64_t position;
  enum salvage row, body, receipt_salvage;
  enum leaf_kind kind;
  int64_t recorded_ms;
  uint8_t hash[MERKLE_HASH_SIZE]; /* of the row */
  GBytes *bytes;
  struct receipt *receipt; /* NULL: none that is good */
  const char *receipt_found;
};

/* NULL if nothing is wrong. */
static const char *objection_to_leaf(const struct subject *subject)
{
  uint8_t hash[MERKLE_HASH_SIZE];
  if (subject->row != SALVAGE_GOOD) return words_of(subject->row);
  if (subject->body != SALVAGE_GOOD) return words_of(subject->body);
  merkle_leaf_hash(g_bytes_get_data(subject->bytes, NULL), g_bytes_get_size(subject->bytes), hash);
  return memcmp(hash, subject->hash, sizeof hash) == 0 ? NULL
                                                       : _("other bytes than those that were recorded");
}

/* What other tables say of it. */
static void check_lists(struct look *look, const struct subject *subject, const struct leaf *leaf)
{
  g_autofree char *agent = NULL;
  uint64_t sequence, position;
  if (leaf->kind != subject->kind || leaf->recorded_at_ms != subject->recorded_ms)
    tell(look, DAMAGE_LIST, subject->position, "", _("another kind or time"), _("those of the leaf"));
  if (leaf->kind != LEAF_SUBMISSION && leaf->kind != LEAF_PARK_ACT) return;
  look->submissions++;
  if (!subject->receipt)
    tell_leaf(look, DAMAGE_RECEIPT, subject->position, subject->receipt_found,
              _("the receipt that was given"));
  enum salvage salvage = store_salvage_sender(look->store, subject->position, &agent, &sequence);
  bool listed = salvage == SALVAGE_GOOD;
  if (listed && subject->receipt) {
    listed = store_submission_position(look->store, subject->receipt->submission.data, &position) &&
             position == subject->position && sequence == subject->receipt->sequence &&
             strcmp(agent, subject->receipt->agent) == 0;
    if (store_is_unreadable(look->store, NULL)) salvage = SALVAGE_UNREADABLE;
  }
  if (!listed)
    tell(look, DAMAGE_LIST, subject->position, "",
         salvage == SALVAGE_GOOD ? _("another submission") : words_of(salvage),
         _("the submission of the leaf"));
}

static void check_subject(struct look *look, const struct subject *subject)
{
  const char *objection = objection_to_leaf(subject);
  CLEANUP(leaf_free) struct leaf *leaf = NULL;
  if (!objection)
    leaf = leaf_decode(g_bytes_get_data(subject->bytes, NULL), g_bytes_get_size(subject->bytes));
  if (!objection && !leaf) objection = _("bytes that are no leaf");
  if (leaf) {
    check_lists(look, subject, leaf);
    return;
  }
  tell_leaf(look, DAMAGE_LEAF, subject->position, objection, _("the leaf that was recorded"));
  bool has_receipt =
      subject->row == SALVAGE_GOOD && (subject->kind == LEAF_SUBMISSION || subject->kind == LEAF_PARK_ACT);
  if (!subject->receipt && (has_receipt || subject->receipt_salvage == SALVAGE_UNREADABLE))
    tell_leaf(look, DAMAGE_RECEIPT, subject->position, subject->receipt_found,
              _("the receipt that was given"));
}

static void look_at_leaf(struct look *look, uint64_t position)
{
  struct subject subject = {.position = position};
  subject.row = store_salvage_row(look->store, position, &subject.kind, &subject.recorded_ms, subject.hash);
  subject.body = store_salvage_body(look->store, position, &subject.bytes);
  const uint8_t *hash = subject.row == SALVAGE_GOOD ? subject.hash : NULL;
  subject.receipt = read_receipt(look, position, hash, &subject.receipt_found, &subject.receipt_salvage);
  if (subject.receipt) heads_name(look->heads, subject.receipt->tree_size, subject.receipt->tree_root.data);
  grow_tree(look, hash ? hash : subject.receipt ? subject.receipt->leaf_hash.data : NULL);
  check_subject(look, &subject);
  receipt_free(subject.receipt);
  g_clear_pointer(&subject.bytes, g_bytes_unref);
}

static bool look_at_leaves(struct look *look, GError **error)
{
  uint64_t submissions;
  look->count.leaves = store_salvage_size(look->store, NULL);
  for (uint64_t n = 0; n < look->count.leaves && !store_error(look->store); n++) look_at_leaf(look, n);
  if (look->count.leaves == 0)
    tell(look, DAMAGE_LEAF, 0, leaf_kind_name(LEAF_GENESIS), _("nothing"), _("the leaf that was recorded"));
  check_stored_tree(look);
  if (look->count.of[DAMAGE_LEAF] == 0 && store_salvage_count(look->store, &submissions) == SALVAGE_GOOD &&
      submissions != look->submissions) {
    g_autofree char *found = g_strdup_printf(_("%" PRIu64 " submissions"), submissions);
    g_autofree char *expected = g_strdup_printf("%" PRIu64, look->submissions);
    tell(look, DAMAGE_LIST, look->count.leaves, "", found, expected);
  }
  return !store_tell_error(look->store, error);
}

/* --- what follows from leaves --- */

static void tell_difference(const char *what, const char *stored, const char *replayed, void *data)
{
  tell(data, DAMAGE_TABLES, 0, what, *stored ? stored : _("nothing"), *replayed ? replayed : _("nothing"));
}

static void show_progress(uint64_t done, uint64_t all, void *data)
{
  struct look *look = data;
  if (look->progress) look->progress(done, all, look->data);
}

static bool look_at_tables(struct look *look, GError **error)
{
  uint64_t differences, leaves;
  g_autoptr(GError) failure = NULL;
  if (replay_check(look->folder, tell_difference, show_progress, look, &differences, &leaves, &failure))
    return true;
  if (failure->code == ERROR_DATA) {
    tell(look, DAMAGE_TABLES, 0, _("tables"), failure->message, _("what the leaves come to"));
    return true;
  }
  g_propagate_error(error, g_steal_pointer(&failure));
  return false;
}

/* --- all of it --- */

/* `failure` is why the store cannot be opened. */
static bool take_failure(struct look *look, GError *failure, GError **error)
{
  if (failure->code != ERROR_DATA) {
    g_propagate_error(error, failure);
    return false;
  }
  tell(look, DAMAGE_FILE, 0, "store.db", failure->message, _("a store that can be opened"));
  g_error_free(failure);
  return true;
}

static bool look_inside(struct look *look, GError **error)
{
  GError *failure = NULL;
  CLEANUP(store_close) struct store *store = store_open(look->path, STORE_READ, &failure);
  if (!store) return take_failure(look, failure, error);
  look->store = store;
  return look_at_leaves(look, error);
}

bool damage_find(const char *folder, const struct key_chain *keys, damage_sink *sink,
                 void (*progress)(uint64_t done, uint64_t all, void *data), void *data,
                 struct damage_count *ret_count, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(heads_free) struct heads *heads = heads_new();
  struct look look = {.path = path,
                      .folder = folder,
                      .keys = keys,
                      .sink = sink,
                      .progress = progress,
                      .data = data,
                      .heads = heads};
  merkle_init(&look.tree);
  if (!db_pages_check(path, tell_page, &look, error) || !look_inside(&look, error) ||
      (look.count.all == 0 && !look_at_tables(&look, error)))
    return false;
  *ret_count = look.count;
  return true;
}
