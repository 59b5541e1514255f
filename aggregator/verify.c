#include "aggregator/verify.h"

#include "aggregator/edition.h"
#include "aggregator/posting.h"
#include "common/decimal.h"
#include "common/merkle.h"
#include "common/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* A head that a receipt or an edition names. */
struct named_head {
  uint64_t size;
  uint8_t root[MERKLE_HASH_SIZE];
  uint64_t position; /* of the leaf whose receipt it is, or of the edition */
};

struct verify {
  struct store *ledger;
  verify_difference *difference;
  void *data;
  struct verified count;
  int64_t last_recorded_ms;
  struct merkle tree;
  uint64_t bad_nodes;
  GHashTable *heads;  /* size → struct named_head, of trees to come */
  GArray *editions;   /* struct stored_edition, by leaves */
  guint next_edition; /* to be compared once the tree is as large */
};

static void differ(struct verify *verify, const char *found, const char *expected, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static void differ(struct verify *verify, const char *found, const char *expected, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *what = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  verify->count.differences++;
  verify->difference(what, found, expected, verify->data);
}

static int by_leaves(const void *a, const void *b)
{
  const struct stored_edition *left = a, *right = b;
  return (left->leaves > right->leaves) - (left->leaves < right->leaves);
}

struct verify *verify_new(struct store *ledger, verify_difference *difference, void *data)
{
  struct verify *verify = g_new0(struct verify, 1);

  verify->ledger = ledger;
  verify->difference = difference;
  verify->data = data;
  verify->last_recorded_ms = INT64_MIN;
  merkle_init(&verify->tree);
  verify->heads = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
  verify->editions = store_editions(ledger, NULL);
  g_array_sort(verify->editions, by_leaves);
  return verify;
}

void verify_free(struct verify *verify)
{
  if (!verify) return;
  g_hash_table_unref(verify->heads);
  g_array_unref(verify->editions);
  g_free(verify);
}

struct verified verify_count(const struct verify *verify)
{
  return verify->count;
}

/* --- seals --- */

static void check_seal(struct verify *verify, const struct bytes_view *sealed, enum seal_label label,
                       const struct key_chain *keys, uint64_t position)
{
  const uint8_t *payload;
  size_t length;

  verify->count.seals++;
  if (!keys ||
      key_chain_open(keys, sealed->data, sealed->length, label, &payload, &length, NULL, NULL) != SEAL_OK)
    differ(verify, _("a seal that does not hold"), _("the signature of who made it"), _("leaf %" PRIu64),
           position);
}

/* An agent that had rights when the leaf was recorded. */
static void check_agent_seal(struct verify *verify, const struct snapshot *snapshot,
                             const struct bytes_view *sealed, enum seal_label label, uint64_t position)
{
  const uint8_t *key_id = seal_claimed_key(sealed->data, sealed->length);
  const struct agent_record *agent = key_id ? snapshot_agent_by_key_id(snapshot, key_id) : NULL;

  if (!agent) {
    differ(verify, _("a key of nobody"), _("the key of an agent that was enrolled"), _("leaf %" PRIu64),
           position);
    return;
  }
  if (agent->stored.revoked_ms != 0 || stored_agent_waits(&agent->stored))
    differ(verify, agent->stored.id, _("an agent with rights at that time"), _("leaf %" PRIu64), position);
  check_seal(verify, sealed, label, agent->keys, position);
}

/* With the keys that it brings along. */
static void check_epoch_seal(struct verify *verify, const struct snapshot *snapshot, const struct leaf *leaf,
                             uint64_t position)
{
  CLEANUP(key_chain_unref) struct key_chain *keys = snapshot->keys ? key_chain_copy(snapshot->keys) : NULL;

  for (size_t n = 0; keys && n < leaf->epoch.key_change_count; n++)
    (void)key_chain_add(keys, leaf->epoch.key_changes[n].data, leaf->epoch.key_changes[n].length);
  check_seal(verify, &leaf->epoch.sealed, SEAL_EPOCH, keys, position);
}

static void check_seals(struct verify *verify, const struct snapshot *snapshot, const struct leaf *leaf,
                        uint64_t position)
{
  switch (leaf->kind) {
  case LEAF_ENROLMENT:
    check_seal(verify, &leaf->enrolment.certificate, SEAL_CERTIFICATE, snapshot->keys, position);
    break;
  case LEAF_SUBMISSION:
    check_agent_seal(verify, snapshot, &leaf->submission.sealed, SEAL_SUBMISSION, position);
    break;
  case LEAF_PARK_ACT:
    check_agent_seal(verify, snapshot, &leaf->park_act.sealed, SEAL_ACT, position);
    break;
  case LEAF_EDITION:
    check_seal(verify, &leaf->edition.sealed, SEAL_EDITION, snapshot->keys, position);
    break;
  case LEAF_EPOCH:
    check_epoch_seal(verify, snapshot, leaf, position);
    break;
  case LEAF_KEY:
    verify->count.seals++; /* the replay goes on from it, or says that it does not follow */
    break;
  default:
    break; /* an operator's act, which is in the ledger and has no seal of its own */
  }
}

/* --- verdicts --- */

static const char *verdict_name(enum verdict verdict)
{
  static const char *const names[] = {
      [VERDICT_IS_COUNTED] = N_("counted"),
      [VERDICT_IS_UNCHANGED] = N_("unchanged"),
      [VERDICT_IS_STALE] = N_("overtaken by another report"),
      [VERDICT_IS_WAITING] = N_("waiting for the report that it corrects"),
      [VERDICT_IS_REFUSED] = N_("refused"),
  };

  return _(names[verdict]);
}

struct doubting {
  struct verify *verify;
  uint64_t position;
};

static void tell_doubt(uint32_t row, const char *unit, enum verdict recorded, enum verdict expected,
                       void *data)
{
  const struct doubting *doubting = data;

  differ(doubting->verify, verdict_name(recorded), verdict_name(expected),
         _("verdict of leaf %" PRIu64 ", report %u (unit %s)"), doubting->position, row, unit);
}

static void check_verdicts(struct verify *verify, struct store *target, struct tables *tables,
                           struct snapshot *snapshot, const struct leaf *leaf, uint64_t position)
{
  posting_check(target, verify->ledger, tables, snapshot, leaf, position, tell_doubt,
                &(struct doubting){verify, position});
}

/* --- heads --- */

static void expect_head(struct verify *verify, uint64_t size, const uint8_t root[static MERKLE_HASH_SIZE],
                        uint64_t position)
{
  struct named_head *known = g_hash_table_lookup(verify->heads, &size);

  if (known && memcmp(known->root, root, sizeof known->root) != 0)
    differ(verify, _("two heads of one size"), _("one"), _("receipts of the leaves %" PRIu64 " and %" PRIu64),
           known->position, position);
  if (known) return;
  known = g_new(struct named_head, 1);
  known->size = size;
  known->position = position;
  memcpy(known->root, root, sizeof known->root);
  g_hash_table_insert(verify->heads, &known->size, known);
}

/* The tree has come to a size that was named. */
static void check_head(struct verify *verify)
{
  struct named_head *known = g_hash_table_lookup(verify->heads, &verify->tree.size);
  uint8_t root[MERKLE_HASH_SIZE];

  if (!known) return;
  merkle_root(&verify->tree, root);
  if (memcmp(known->root, root, sizeof root) != 0) {
    g_autofree char *found = text_hex(known->root, sizeof root), *expected = text_hex(root, sizeof root);

    differ(verify, found, expected, _("head that the receipt of leaf %" PRIu64 " names"), known->position);
  }
  g_hash_table_remove(verify->heads, &known->size);
}

/* --- receipts --- */

static const char *objection_to(const struct receipt *receipt, const uint8_t id[static SUBMISSION_ID_SIZE],
                                const uint8_t hash[static MERKLE_HASH_SIZE], uint64_t position)
{
  if (memcmp(receipt->submission.data, id, SUBMISSION_ID_SIZE) != 0 || receipt->position != position)
    return _("a receipt of another submission");
  if (memcmp(receipt->leaf_hash.data, hash, MERKLE_HASH_SIZE) != 0) return _("a receipt of another leaf");
  if (!merkle_is_included(hash, position, receipt->tree_size, receipt->tree_root.data, receipt->path.hash,
                          receipt->path.count))
    return _("a receipt that proves nothing");
  return NULL;
}

static void check_receipt(struct verify *verify, const struct snapshot *snapshot,
                          const struct bytes_view *sealed, enum seal_label label,
                          const uint8_t hash[static MERKLE_HASH_SIZE], uint64_t position)
{
  struct stored_submission stored = {0};
  const uint8_t *payload = NULL;
  size_t length = 0;
  uint8_t id[SEAL_HASH_SIZE];
  const char *objection = _("no receipt");

  if (!seal_peek(sealed->data, sealed->length, label, &payload, &length)) return; /* told of its seal */
  seal_hash(payload, length, id);
  if (store_submission(verify->ledger, id, &stored) && stored.receipt) {
    CLEANUP(receipt_free) struct receipt *receipt = NULL;
    g_autoptr(GBytes) kept = stored.receipt;
    const uint8_t *bytes = g_bytes_get_data(kept, &length);

    verify->count.receipts++;
    objection = _("a receipt whose seal does not hold");
    const struct key_link *link;
    if (snapshot->keys && key_chain_open(snapshot->keys, bytes, length, SEAL_RECEIPT, &payload, &length, NULL,
                                         &link) == SEAL_OK)
      receipt = receipt_decode(payload, length);
    if (receipt && !key_link_may_seal(link, receipt->tree_epoch, receipt->tree_size))
      objection = _("a receipt by a key that was changed before");
    else if (receipt)
      objection = objection_to(receipt, id, hash, position);
    if (receipt && !objection) expect_head(verify, receipt->tree_size, receipt->tree_root.data, position);
  }
  if (objection) differ(verify, objection, _("the receipt that was given"), _("leaf %" PRIu64), position);
}

/* --- editions: what they print is what the ledger came to then --- */

struct compared {
  struct verify *verify;
  struct store *target;
  const struct edition *edition;
  const struct catalogue *catalogue;
  int form;
  struct period period;
  int64_t book;
};

static int128 cell_value(const struct compared *compared, const char *area, const char *slice, int slot,
                         bool units)
{
  struct cell_key key = {.book = compared->book, .area = area, .slice = slice, .slot = slot};
  int128 total = 0;
  int64_t count = 0;

  (void)store_cell(compared->target, &key, &total, &count);
  return units ? count : total;
}

/* Σ parts − own. */
static int128 overlap_value(const struct compared *compared, const char *area, int slot, bool units)
{
  const struct catalogue *catalogue = compared->catalogue;
  const char *all = catalogue->slices[0].code;
  int own = catalogue_area(catalogue, area);
  int128 sum = -cell_value(compared, area, all, slot, units);

  for (size_t n = 0; n < catalogue->area_count; n++)
    if (catalogue->areas[n].parent == own)
      sum += cell_value(compared, catalogue->areas[n].code, all, slot, units);
  return sum;
}

static int slot_of(const struct compared *compared, const char *column)
{
  const struct form *form = &compared->catalogue->forms[compared->form];

  for (size_t n = 0; n < form->column_count; n++)
    if (strcmp(form->columns[n].code, column) == 0) return (int)n;
  return -1;
}

static void compare_cell(const struct compared *compared, const struct edition_cell *cell)
{
  const struct edition *edition = compared->edition;
  const char *area = g_array_index(edition->areas, struct edition_item, cell->area).code;
  const char *slice = g_array_index(edition->slices, struct edition_item, cell->slice).code;
  const struct edition_column *column = &g_array_index(edition->columns, struct edition_column, cell->column);
  bool units = strcmp(column->code, EDITION_REPORTED) == 0;
  bool overlap = strcmp(slice, EDITION_OVERLAP) == 0;
  int slot = slot_of(compared, column->code);
  char text[DECIMAL_TEXT_SIZE];
  int128 value;

  if (!cell->value || (slot < 0 && !units)) return; /* withheld; or who owes a report, which no report says */
  value =
      overlap ? overlap_value(compared, area, slot, units) : cell_value(compared, area, slice, slot, units);
  decimal_format(value, column->decimals, text);
  if (strcmp(text, cell->value) != 0)
    differ(compared->verify, cell->value, text, _("edition %" PRIu64 ": %s %s %s"), edition->number, area,
           slice, column->code);
}

static void compare_edition(struct verify *verify, struct store *target, const struct snapshot *snapshot,
                            uint64_t number)
{
  g_autoptr(GError) error = NULL;
  CLEANUP(edition_free) struct edition *edition = edition_load(verify->ledger, number, &error);
  struct compared compared = {
      .verify = verify, .target = target, .edition = edition, .catalogue = snapshot->catalogue};
  uint8_t root[MERKLE_HASH_SIZE];
  g_autofree char *hex = NULL;

  merkle_root(&verify->tree, root);
  hex = text_hex(root, sizeof root);
  if (!edition || !period_parse(edition->period, &compared.period)) {
    differ(verify, error ? error->message : "", _("an edition"), _("edition %" PRIu64), number);
    return;
  }
  verify->count.editions++;
  if (strcmp(hex, edition->root) != 0)
    differ(verify, edition->root, hex, _("edition %" PRIu64 ": the ledger that it rests on"), number);
  compared.form = catalogue_form(snapshot->catalogue, edition->form);
  compared.book = store_find_book(target, edition->form, compared.period);
  if (compared.form == CATALOGUE_NONE) {
    differ(verify, edition->form, _("a form of the catalogue"), _("edition %" PRIu64), number);
    return;
  }
  for (guint n = 0; n < edition->cells->len; n++)
    compare_cell(&compared, &g_array_index(edition->cells, struct edition_cell, n));
}

/* Those that rest on just the leaves so far. */
static void compare_editions(struct verify *verify, struct store *target, struct tables *tables,
                             const struct snapshot *snapshot)
{
  while (verify->next_edition < verify->editions->len) {
    const struct stored_edition *edition =
        &g_array_index(verify->editions, struct stored_edition, verify->next_edition);

    if (edition->leaves > verify->tree.size) return;
    tables_flush(tables);
    compare_edition(verify, target, snapshot, edition->number);
    verify->next_edition++;
  }
}

/* --- the tree --- */

static void check_node(unsigned level, uint64_t number, const uint8_t hash[static MERKLE_HASH_SIZE],
                       void *data)
{
  struct verify *verify = data;
  uint8_t stored[1][MERKLE_HASH_SIZE];

  if (level == 0 || level % MERKLE_STRIDE != 0) return;
  if (store_nodes(verify->ledger, level, number, 1, stored) && memcmp(stored[0], hash, MERKLE_HASH_SIZE) == 0)
    return;
  differ(verify, _("another hash"), _("the hash of its leaves"), _("node %" PRIu64 " of level %u"), number,
         level);
}

void verify_leaf(struct verify *verify, struct store *target, struct tables *tables,
                 struct snapshot *snapshot, const struct leaf *leaf, GBytes *body, uint64_t position)
{
  uint8_t hash[MERKLE_HASH_SIZE];

  if (position > 0) compare_editions(verify, target, tables, snapshot);
  merkle_leaf_hash(g_bytes_get_data(body, NULL), g_bytes_get_size(body), hash);
  merkle_append_telling(&verify->tree, hash, check_node, verify);
  if (leaf->recorded_at_ms <= verify->last_recorded_ms)
    differ(verify, _("a time that does not come after"), _("times in the order of leaves"),
           _("leaf %" PRIu64), position);
  verify->last_recorded_ms = leaf->recorded_at_ms;
  if (!store_leaf_is_listed(verify->ledger, position, leaf->kind, leaf->recorded_at_ms))
    differ(verify, _("another kind or time in the list of leaves"), _("those of the leaf"),
           _("leaf %" PRIu64), position);
  check_seals(verify, snapshot, leaf, position);
  if (leaf->kind == LEAF_SUBMISSION) check_verdicts(verify, target, tables, snapshot, leaf, position);
  if (leaf->kind == LEAF_SUBMISSION)
    check_receipt(verify, snapshot, &leaf->submission.sealed, SEAL_SUBMISSION, hash, position);
  if (leaf->kind == LEAF_PARK_ACT)
    check_receipt(verify, snapshot, &leaf->park_act.sealed, SEAL_ACT, hash, position);
  check_head(verify);
}

static void tell_future_head(void *key, void *value, void *data)
{
  const struct named_head *head = value;

  (void)key;
  differ(data, _("a head of a larger ledger"), _("one of this"), _("receipt of leaf %" PRIu64),
         head->position);
}

void verify_end(struct verify *verify)
{
  g_hash_table_foreach(verify->heads, tell_future_head, verify);
}
