/* Reports: the current ones, in blocks, and the revisions that they superseded.
 *
 * A row for each report took most of the writer's time: SQLite's share of an insertion alone is 12 000
 * instructions. So reports lie in blocks (block.h), which are kept in memory within a transaction and written
 * once, at its end. In memory are at any time all the blocks that a split has made and no row knows yet: a
 * unit that none of them covers is where the database says. Those that are only looked at, for rules that
 * look back, stay over a commit: each park's units lie between the others', so that the submissions of one
 * group after another ask for the same blocks. */
#include "aggregator/store/block.h"
#include "aggregator/store/private.h"

int64_t store_block_checksum(int64_t book, const char *from, const char *text, size_t length)
{
  struct digest digest;
  digest_init(&digest, 'b');
  digest_int(&digest, book);
  digest_text(&digest, from);
  digest_int(&digest, checksum_of(text, length));
  return digest_value(&digest);
}

/* --- blocks in the database --- */

struct block *store_read_block(struct store *store, struct db_row *row, int64_t book, const char *to)
{
  const char *from = db_text(row, 1), *text = db_text(row, 2);
  size_t length = strlen(text);
  CLEANUP(block_free) struct block *block = block_new(book, from, to);
  block->row = db_int(row, 0);
  if (store_block_checksum(book, from, text, length) == db_int(row, 3) && block_read(block, text, length))
    return g_steal_pointer(&block);
  store_damaged(store, "block", "%" G_GINT64_FORMAT ", %s", book, from);
  return NULL;
}

/* The first unit of the next block, or NULL. */
static char *next_from(struct store *store, int64_t book, const char *from)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT unit FROM block WHERE book = ? AND unit > ? ORDER BY unit LIMIT 1");
  db_bind_int(row, book);
  db_bind_lent_text(row, from);
  return db_step(row) ? g_strdup(db_text(row, 0)) : NULL;
}

/* The block that covers the unit, as it was written; a new one where the book has none. NULL after an error.
 */
static struct block *load_block(struct store *store, int64_t book, const char *unit)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT " STORE_BLOCK_COLUMNS " FROM block WHERE book = ? AND unit <= ?"
                          " ORDER BY unit DESC LIMIT 1");
  db_bind_int(row, book);
  db_bind_lent_text(row, unit);
  if (db_step(row)) {
    g_autofree char *to = next_from(store, book, db_text(row, 1));
    return store_read_block(store, row, book, to);
  }
  return db_error(store->db) ? NULL : block_new(book, "", NULL);
}

static void write_block(struct store *store, struct block *block, GString *text)
{
  struct db_row *row;
  block_write(block, text);
  int64_t checksum = store_block_checksum(block->book, block->from, text->str, text->len);
  if (block->row) {
    row = db_query(store->db, "UPDATE block SET reports = ?, checksum = ? WHERE id = ?");
    db_bind_lent_text(row, text->str);
    db_bind_int(row, checksum);
    db_bind_int(row, block->row);
  } else {
    row = db_query(store->db, "INSERT INTO block (reports, checksum, book, unit) VALUES (?, ?, ?, ?)");
    db_bind_lent_text(row, text->str);
    db_bind_int(row, checksum);
    db_bind_int(row, block->book);
    db_bind_lent_text(row, block->from);
  }
  if (!db_run(row)) return;
  if (!block->row) block->row = db_last_rowid(store->db);
  block->changed = false;
}

/* --- blocks in memory --- */

static int compare_blocks(const void *left, const void *right, void *data)
{
  const struct block *a = left, *b = right;
  (void)data;
  if (a->book != b->book) return a->book < b->book ? -1 : 1;
  return strcmp(a->from, b->from);
}

static void forget_block(void *block)
{
  block_free(block);
}

struct flush {
  struct store *store;
  GString *text;
};

static gboolean flush_block(void *key, void *value, void *data)
{
  struct flush *flush = data;
  struct block *block = value;
  (void)key;
  if (block->changed) write_block(flush->store, block, flush->text);
  return db_error(flush->store->db) != NULL;
}

void store_blocks_flush(struct store *store)
{
  if (!store->blocks || db_error(store->db)) return;
  g_autoptr(GString) text = g_string_sized_new(LIMIT_BLOCK_BYTES * 2);
  g_tree_foreach(store->blocks, flush_block, &(struct flush){store, text});
}

static void forget_looked_at(struct store *store)
{
  store->looked = NULL;
  g_queue_clear(&store->looked_order);
  if (store->looked_at) g_tree_remove_all(store->looked_at);
}

/* Submissions are in the order of units, so what was read first is what is least likely to be asked for
 * again. */
static void forget_oldest_looked_at(struct store *store)
{
  struct block *oldest = g_queue_pop_head(&store->looked_order);
  if (store->looked == oldest) store->looked = NULL;
  g_tree_remove(store->looked_at, oldest);
}

void store_blocks_close(struct store *store)
{
  store->block = NULL;
  if (store->blocks) g_tree_remove_all(store->blocks);
}

void store_blocks_forget(struct store *store)
{
  store_blocks_close(store);
  forget_looked_at(store);
}

/* It is another after a commit of any other connection, not after one of our own. */
static int64_t data_version(struct store *store)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "PRAGMA data_version");
  return db_step(row) ? db_int(row, 0) : 0;
}

void store_blocks_begin(struct store *store)
{
  bool has_any = store->looked_at && g_tree_nnodes(store->looked_at) > 0;
  if (has_any && data_version(store) != store->looked_version) forget_looked_at(store);
}

static bool is_looked_at(const struct store *store, int64_t book)
{
  struct block first = {.book = book, .from = ""};
  GTreeNode *node = store->looked_at ? g_tree_lower_bound(store->looked_at, &first) : NULL;
  return node && ((const struct block *)g_tree_node_value(node))->book == book;
}

/* --- which books changed when --- */

static bool is_changing(const struct store *store, int64_t book)
{
  for (guint n = store->changing->len; n > 0; n--)
    if (g_array_index(store->changing, int64_t, n - 1) == book) return true;
  return false;
}

static void note_change(struct store *store, int64_t book)
{
  if (!is_changing(store, book)) g_array_append_val(store->changing, book);
}

/* One that a rollback left behind counts as changed until the next commit: that costs a look at most. */
void store_books_settle(struct store *store)
{
  if (store->changing->len == 0) return;
  uint64_t leaves = store_leaf_count(store);
  for (guint n = 0; n < store->changing->len; n++)
    g_hash_table_insert(store->changed,
                        g_memdup2(&g_array_index(store->changing, int64_t, n), sizeof(int64_t)),
                        g_memdup2(&leaves, sizeof leaves));
  g_array_set_size(store->changing, 0);
}

uint64_t store_book_changed(const struct store *store, int64_t book)
{
  if (is_changing(store, book)) return G_MAXUINT64;
  const uint64_t *leaves = g_hash_table_lookup(store->changed, &book);
  return leaves ? *leaves : 0;
}

static void insert_block(GTree **blocks, struct block *block)
{
  if (!*blocks) *blocks = g_tree_new_full(compare_blocks, NULL, NULL, forget_block);
  g_tree_insert(*blocks, block, block);
}

static void keep_block(struct store *store, struct block *block)
{
  if (is_looked_at(store, block->book)) forget_looked_at(store); /* it may change from now on */
  insert_block(&store->blocks, block);
}

/* The one of them that covers the unit, or NULL. */
static struct block *known_block(GTree *blocks, int64_t book, const char *unit)
{
  if (!blocks) return NULL;
  struct block asked = {.book = book, .from = (char *)unit};
  GTreeNode *after = g_tree_upper_bound(blocks, &asked);
  GTreeNode *node = after ? g_tree_node_previous(after) : g_tree_node_last(blocks);
  struct block *block = node ? g_tree_node_value(node) : NULL;
  return block && block_covers(block, book, unit) ? block : NULL;
}

/* All that are in memory are written and forgotten together, since those that a split made know of each other
 * by nothing else. */
static void stay_in_bounds(struct store *store)
{
  if (!store->blocks || g_tree_nnodes(store->blocks) < LIMIT_BLOCKS_OPEN) return;
  store_blocks_flush(store);
  store_blocks_close(store);
}

/* The block that covers the unit. NULL after an error. */
static struct block *find_block(struct store *store, int64_t book, const char *unit)
{
  if (db_error(store->db)) return NULL;
  if (store->block && block_covers(store->block, book, unit)) return store->block;
  struct block *block = known_block(store->blocks, book, unit);
  if (!block) {
    stay_in_bounds(store);
    block = load_block(store, book, unit);
    if (!block) return NULL;
    keep_block(store, block);
  }
  store->block = block;
  store->near = 0;
  return block;
}

/* The same of a block that will not be changed: it takes no place among those that wait to be written. */
static struct block *find_block_to_look_at(struct store *store, int64_t book, const char *unit)
{
  if (db_error(store->db)) return NULL;
  if (store->looked && block_covers(store->looked, book, unit)) return store->looked;
  struct block *block = known_block(store->blocks, book, unit);
  if (block) return block;
  block = known_block(store->looked_at, book, unit);
  if (!block) {
    if (store->looked_order.length >= LIMIT_BLOCKS_LOOKED_AT) forget_oldest_looked_at(store);
    if (store->looked_order.length == 0) store->looked_version = data_version(store);
    block = load_block(store, book, unit);
    if (!block) return NULL;
    insert_block(&store->looked_at, block);
    g_queue_push_tail(&store->looked_order, block);
  }
  store->looked_near = 0;
  return store->looked = block;
}

/* What is done outside of a transaction is written at once; what was read then may change. */
static void settle(struct store *store)
{
  if (db_in_transaction(store->db)) return;
  store_blocks_flush(store);
  store_blocks_forget(store);
}

/* The last that is done with a block: it may be forgotten. */
static void split_if_full(struct store *store, struct block *block, size_t at)
{
  if (block_bytes(block) <= LIMIT_BLOCK_BYTES) return;
  struct block *upper = block_split(block, at);
  if (!upper) return;
  keep_block(store, upper);
  stay_in_bounds(store);
}

/* --- a report that is read --- */

bool store_complete(struct store *store, int64_t book, struct block_entry *entry)
{
  struct stored_report *report = &entry->report;
  report->book = book;
  if (store_sealed_bytes(store, report->position, report->sealed_at, report->sealed_length,
                         entry->figures + report->figures_length)) {
    report->figures_length += report->sealed_length;
    if (block_checksum(report) == entry->checksum) return true;
  }
  if (db_error(store->db)) return false;
  return store_damaged(store, "leaf_part", "%" G_GUINT64_FORMAT " (%s, %s)", report->position, report->unit,
                       report->park);
}

bool store_read_entry(struct store *store, const struct block *block, size_t n, struct block_entry *ret_entry)
{
  if (block_entry(block, n, ret_entry)) return true;
  return store_damaged(store, "block", "%" G_GINT64_FORMAT ", %s", block->book, block->from);
}

static bool keep_report(const struct stored_report *report, void *data)
{
  struct store *store = data;
  struct stored_report kept = *report;
  kept.unit = g_string_chunk_insert(store->report_texts, report->unit);
  kept.park = g_string_chunk_insert(store->report_texts, report->park);
  kept.figures = (const uint8_t *)g_string_chunk_insert_len(
      store->report_texts, (const char *)report->figures, (gssize)report->figures_length);
  g_array_append_val(store->reports, kept);
  return true;
}

/* The reports of the unit, by place, are complete only within the sink. False if that ended it, or an error
 * did. */
static bool each_of_unit(struct store *store, const struct block *block, const char *unit, size_t *near,
                         stored_report_sink *sink, void *data)
{
  struct block_entry entry;
  size_t first = *near = block_find(block, unit, *near);
  for (size_t n = first; block_has(block, n, unit); n++) {
    if (!store_read_entry(store, block, n, &entry) || !store_complete(store, block->book, &entry))
      return false;
    entry.report.place = (unsigned)(n - first);
    if (!sink(&entry.report, data)) return false;
  }
  return true;
}

const struct stored_report *store_reports(struct store *store, int64_t book, const char *unit,
                                          size_t *ret_count)
{
  char asked[LIMIT_CODE_BYTES + 1]; /* it may be a text of the last answer, which is cleared now */
  g_strlcpy(asked, unit, sizeof asked);
  if (store->reports->len > 0) {
    g_array_set_size(store->reports, 0);
    g_string_chunk_clear(store->report_texts);
  }
  struct block *block = find_block(store, book, asked);
  if (block) each_of_unit(store, block, asked, &store->near, keep_report, store);
  settle(store);
  *ret_count = db_error(store->db) ? 0 : store->reports->len;
  return (const struct stored_report *)(void *)store->reports->data;
}

bool store_look_at(struct store *store, int64_t book, const char *unit, stored_report_sink *sink, void *data)
{
  struct block *block = find_block_to_look_at(store, book, unit);
  bool all = block && each_of_unit(store, block, unit, &store->looked_near, sink, data);
  settle(store);
  return all;
}

/* --- writing --- */

bool store_report_put_first(struct store *store, const struct stored_report *report)
{
  struct block *block = find_block(store, report->book, report->unit);
  if (!block) return false;
  size_t n = store->near = block_find(block, report->unit, store->near);
  bool is_first = !block_has(block, n, report->unit);
  if (is_first) {
    note_change(store, report->book);
    block_insert(block, n, report);
    split_if_full(store, block, n);
  }
  settle(store);
  return is_first && !db_error(store->db);
}

/* The line of the unit's report from this park; false if there is none. */
static bool find_line(struct store *store, const struct block *block, const char *unit, const char *park,
                      size_t *ret_line, struct block_entry *ret_entry)
{
  size_t n = store->near = block_find(block, unit, store->near);
  for (; block_has(block, n, unit); n++) {
    if (!store_read_entry(store, block, n, ret_entry)) return false;
    if (strcmp(ret_entry->park, park) != 0) continue;
    *ret_line = n;
    return true;
  }
  return false;
}

static void keep_superseded(struct store *store, const struct block *block, size_t n,
                            const struct stored_report *report)
{
  const char *line;
  size_t length;
  block_line(block, n, &line, &length);
  g_autofree char *text = g_strndup(line, length);
  struct db_row *row =
      db_query(store->db, "INSERT INTO revision (book, unit, place, revision, report, checksum)"
                          " VALUES (?, ?, ?, ?, ?, ?)");
  db_bind_int(row, report->book);
  db_bind_lent_text(row, report->unit);
  db_bind_int(row, report->place);
  db_bind_int(row, (int64_t)report->revision - 1);
  db_bind_lent_text(row, text);
  db_bind_int(row, store_block_checksum(report->book, report->unit, text, length));
  db_run(row);
}

static void put_revision(struct store *store, struct block *block, const struct stored_report *report)
{
  struct block_entry before;
  size_t n;
  if (!find_line(store, block, report->unit, report->park, &n, &before) ||
      before.report.revision + 1 != report->revision) {
    if (!db_error(store->db))
      store_bug(store, "revision %u of report %" G_GINT64_FORMAT ", %s, %s does not follow the current one",
                report->revision, report->book, report->unit, report->park);
    return;
  }
  keep_superseded(store, block, n, report);
  block_replace(block, n, report);
  split_if_full(store, block, n);
}

/* Behind the reports of the others. */
static void put_new(struct store *store, struct block *block, const struct stored_report *report)
{
  size_t first = block_find(block, report->unit, store->near), n = first;
  while (block_has(block, n, report->unit)) n++;
  if (n - first != report->place) {
    store_bug(store, "place %u of report %" G_GINT64_FORMAT ", %s, %s is not behind the others",
              report->place, report->book, report->unit, report->park);
    return;
  }
  block_insert(block, n, report);
  split_if_full(store, block, n);
}

void store_report_put(struct store *store, const struct stored_report *report)
{
  struct block *block = find_block(store, report->book, report->unit);
  if (!block) return;
  note_change(store, report->book);
  if (report->revision == 1)
    put_new(store, block, report);
  else
    put_revision(store, block, report);
  settle(store);
}

void store_report_mark(struct store *store, int64_t book, const char *unit, const char *park,
                       int64_t membership, bool counted)
{
  struct block *block = find_block(store, book, unit);
  if (!block) return;
  note_change(store, book);
  struct block_entry entry;
  size_t n;
  if (find_line(store, block, unit, park, &n, &entry)) {
    entry.report.membership = membership;
    entry.report.counted = counted;
    block_replace_entry(block, n, &entry);
    split_if_full(store, block, n);
  } else if (!db_error(store->db)) {
    store_bug(store, "a mark for the report %" G_GINT64_FORMAT ", %s, %s, which is not there", book, unit,
              park);
  }
  settle(store);
}
