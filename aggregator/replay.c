#include "aggregator/replay.h"

#include "aggregator/act.h"
#include "aggregator/admission.h"
#include "aggregator/application.h"
#include "aggregator/edition.h"
#include "aggregator/epoch.h"
#include "aggregator/folder.h"
#include "aggregator/inquiry.h"
#include "aggregator/periods.h"
#include "aggregator/posting.h"
#include "aggregator/snapshot.h"
#include "aggregator/swap.h"
#include "aggregator/tables.h"
#include "common/error.h"
#include "common/heap.h"
#include "common/merkle.h"
#include "common/text.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Leaves between two transactions of the target, and two calls of `progress`. */
#define REPLAY_STEP 256

struct replay {
  struct store *ledger; /* where leaves are read */
  struct store *target; /* what they come to; may be the same store */
  struct tables *tables;
  struct snapshot *snapshot;
  uint64_t done;
  struct merkle tree;    /* of the leaves as they were read */
  struct verify *verify; /* or NULL */
  void (*progress)(uint64_t done, uint64_t all, void *data);
  void *data;
};

/* Of reports that waited for what an act did to the register. */
static bool replay_releases(struct replay *replay, const struct leaf *leaf, uint64_t position, GError **error)
{
  if (leaf->kind == LEAF_REGISTER)
    return posting_replay_releases(replay->target, replay->ledger, replay->tables, replay->snapshot,
                                   leaf->register_.releases, leaf->register_.release_count, position, error);
  if (leaf->kind == LEAF_DECLINE)
    return posting_replay_releases(replay->target, replay->ledger, replay->tables, replay->snapshot,
                                   leaf->decline.releases, leaf->decline.release_count, position, error);
  return true;
}

static bool replay_leaf(struct replay *replay, uint64_t position, GError **error)
{
  g_autoptr(GBytes) body = store_leaf(replay->ledger, position);
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;

  if (body) {
    uint8_t hash[MERKLE_HASH_SIZE];

    merkle_leaf_hash(g_bytes_get_data(body, NULL), g_bytes_get_size(body), hash);
    merkle_append(&replay->tree, hash);
  }
  if (!leaf) {
    if (store_tell_error(replay->ledger, error)) return false;
    g_set_error(error, PARKTALLY_ERROR, ERROR_DATA, _("the ledger is damaged at leaf %" PRIu64), position);
    return false;
  }
  if (replay->verify)
    verify_leaf(replay->verify, replay->target, replay->tables, replay->snapshot, leaf, body, position);
  if (leaf->kind == LEAF_SUBMISSION)
    return posting_replay(replay->target, replay->ledger, replay->tables, replay->snapshot, leaf, position,
                          error);
  if (!act_apply(replay->target, replay->tables, &replay->snapshot, leaf, position, error)) {
    g_prefix_error(error, _("leaf %" PRIu64 ": "), position);
    return false;
  }
  return replay_releases(replay, leaf, position, error);
}

static bool replay_begin(struct replay *replay, GError **error)
{
  merkle_init(&replay->tree);
  replay->snapshot = snapshot_load(replay->target, error);
  if (!replay->snapshot) return false;
  replay->tables = tables_new(replay->target);
  tables_use(replay->tables, replay->snapshot->catalogue, replay->snapshot->units);
  return true;
}

static void replay_end(struct replay *replay)
{
  tables_free(replay->tables);
  snapshot_unref(replay->snapshot);
}

static void tell(struct replay *replay, uint64_t all)
{
  if (replay->progress) replay->progress(replay->done, all, replay->data);
}

/* --- check: into a temporary store, in transactions of its own --- */

static bool catch_up(struct replay *replay, GError **error)
{
  uint64_t all = store_leaf_count(replay->ledger);

  while (replay->done < all) {
    uint64_t stop = MIN(all, replay->done + REPLAY_STEP);

    store_begin(replay->target);
    for (; replay->done < stop; replay->done++)
      if (!replay_leaf(replay, replay->done, error)) {
        store_rollback(replay->target);
        return false;
      }
    tables_flush(replay->tables);
    if (!store_commit(replay->target, error)) return false;
    tell(replay, all);
  }
  return true;
}

/* Compares one store's rows with the other's; run in both directions, the second time only for what the first
 * lacks. */
struct comparison {
  struct store *mine, *other;
  bool missing_only;
  const struct stored_book *book;
  GArray *books;
  replay_difference *difference;
  void *data;
  uint64_t differences;
};

static void differ(struct comparison *comparison, const char *what, const char *mine, const char *theirs)
{
  comparison->differences++;
  if (comparison->missing_only)
    comparison->difference(what, theirs, mine, comparison->data);
  else
    comparison->difference(what, mine, theirs, comparison->data);
}

static char *book_name(const struct comparison *comparison, int64_t book)
{
  char period[PERIOD_TEXT_SIZE];

  for (unsigned n = 0; n < comparison->books->len; n++) {
    const struct stored_book *known = &g_array_index(comparison->books, struct stored_book, n);

    if (known->book == book)
      return g_strdup_printf("%s %s", known->form, period_format(known->period, period));
  }
  return g_strdup_printf(_("book %" PRId64), book);
}

static bool compare_cell(const struct cell_key *key, int128 total, int64_t units, void *data)
{
  struct comparison *comparison = data;
  char total_text[DECIMAL_TEXT_SIZE], other_text[DECIMAL_TEXT_SIZE];
  g_autofree char *book = NULL, *what = NULL, *mine = NULL, *theirs = NULL;
  int128 other_total;
  int64_t other_units;
  bool found = store_cell(comparison->other, key, &other_total, &other_units);

  if (found && (comparison->missing_only || (other_total == total && other_units == units))) return true;
  book = book_name(comparison, key->book);
  what = g_strdup_printf(_("cell %s %s %s %d"), book, key->area, key->slice, key->slot);
  mine = g_strdup_printf("%s (%" G_GINT64_FORMAT ")", decimal_format(total, 0, total_text), units);
  theirs = found ? g_strdup_printf("%s (%" G_GINT64_FORMAT ")", decimal_format(other_total, 0, other_text),
                                   other_units)
                 : g_strdup("");
  differ(comparison, what, mine, theirs);
  return true;
}

static const struct stored_report *find_report(struct store *store, const struct stored_report *report)
{
  size_t count;
  const struct stored_report *reports = store_reports(store, report->book, report->unit, &count);

  for (size_t n = 0; n < count; n++)
    if (strcmp(reports[n].park, report->park) == 0) return &reports[n];
  return NULL;
}

/* Interned numbers may differ between two stores; what they stand for may not. */
static bool memberships_equal(struct store *mine, int64_t a, struct store *theirs, int64_t b)
{
  g_autofree char *areas = NULL, *slices = NULL, *other_areas = NULL, *other_slices = NULL;

  return store_membership_text(mine, a, &areas, &slices) &&
         store_membership_text(theirs, b, &other_areas, &other_slices) && strcmp(areas, other_areas) == 0 &&
         strcmp(slices, other_slices) == 0;
}

static bool reports_equal(const struct comparison *comparison, const struct stored_report *a,
                          const struct stored_report *b)
{
  return memberships_equal(comparison->mine, a->membership, comparison->other, b->membership) &&
         a->revision == b->revision && a->kind == b->kind && a->position == b->position && a->row == b->row &&
         a->since == b->since && a->first == b->first && a->counted == b->counted &&
         a->figures_length == b->figures_length &&
         (a->figures_length == 0 || memcmp(a->figures, b->figures, a->figures_length) == 0);
}

static bool compare_report(const struct stored_report *report, void *data)
{
  struct comparison *comparison = data;
  const struct stored_report *other = find_report(comparison->other, report);
  g_autofree char *book = NULL, *what = NULL, *mine = NULL, *theirs = NULL;

  if (other && (comparison->missing_only || reports_equal(comparison, report, other))) return true;
  book = book_name(comparison, report->book);
  what = g_strdup_printf(_("report %s %s %s"), book, report->unit, report->park);
  mine = g_strdup_printf(_("revision %u of leaf %" PRIu64), report->revision, report->position);
  theirs = other ? g_strdup_printf(_("revision %u of leaf %" PRIu64), other->revision, other->position)
                 : g_strdup("");
  differ(comparison, what, mine, theirs);
  return true;
}

static bool compare_expected(const char *form, const char *area, const char *slice, day_number day,
                             int64_t units, void *data)
{
  struct comparison *comparison = data;
  char day_text[PERIOD_TEXT_SIZE];
  int64_t other = store_expected(comparison->other, form, area, slice, day);
  int64_t before = day == DAY_MIN ? 0 : store_expected(comparison->other, form, area, slice, day - 1);
  g_autofree char *what = NULL, *mine = NULL, *theirs = NULL;

  if (other - before == units || (comparison->missing_only && other != before)) return true;
  what = g_strdup_printf(_("expected units %s %s %s %s"), form, area, slice, day_format(day, day_text));
  mine = g_strdup_printf("%+" G_GINT64_FORMAT, units);
  theirs = g_strdup_printf("%+" G_GINT64_FORMAT, other - before);
  differ(comparison, what, mine, theirs);
  return true;
}

/* What both stores say in lines, in one order. */
static void compare_lines(struct replay *replay, struct comparison *comparison, const char *what,
                          GPtrArray *lines(struct store *store))
{
  g_autoptr(GPtrArray) mine = lines(replay->ledger), theirs = lines(replay->target);

  for (unsigned n = 0; n < MAX(mine->len, theirs->len); n++) {
    const char *a = n < mine->len ? mine->pdata[n] : "", *b = n < theirs->len ? theirs->pdata[n] : "";

    if (strcmp(a, b) != 0) differ(comparison, what, a, b);
  }
}

static const struct stored_period_act *find_act(const GArray *acts, const struct stored_period_act *act)
{
  size_t count;
  const struct stored_period_act *all = periods_acts(acts, act->form, act->period, &count);

  for (size_t n = 0; n < count; n++)
    if (all[n].position == act->position) return &all[n];
  return NULL;
}

static bool acts_equal(const struct stored_period_act *a, const struct stored_period_act *b)
{
  return a->action == b->action && a->recorded_ms == b->recorded_ms && strcmp(a->area, b->area) == 0 &&
         strcmp(a->by, b->by) == 0 && strcmp(a->reason, b->reason) == 0;
}

static char *act_text(const struct stored_period_act *act)
{
  return g_strdup_printf(_("%s %s by %s in leaf %" PRIu64), periods_action_code(act->action), act->area,
                         act->by, act->position);
}

static void compare_period_acts(struct comparison *comparison)
{
  g_autoptr(GArray) acts = store_period_acts(comparison->mine);
  g_autoptr(GArray) others = store_period_acts(comparison->other);

  for (unsigned n = 0; n < acts->len; n++) {
    const struct stored_period_act *act = &g_array_index(acts, struct stored_period_act, n);
    const struct stored_period_act *other = find_act(others, act);
    char period[PERIOD_TEXT_SIZE];
    g_autofree char *what = NULL, *mine = NULL, *theirs = NULL;

    if (other && (comparison->missing_only || acts_equal(act, other))) continue;
    what = g_strdup_printf(_("period %s %s"), act->form, period_format(act->period, period));
    mine = act_text(act);
    theirs = other ? act_text(other) : g_strdup("");
    differ(comparison, what, mine, theirs);
  }
}

static void compare_stores(struct store *mine, struct comparison *comparison)
{
  comparison->mine = mine;
  compare_period_acts(comparison);
  store_each_cell(mine, compare_cell, comparison);
  for (unsigned n = 0; n < comparison->books->len; n++)
    store_each_report(mine, g_array_index(comparison->books, struct stored_book, n).book, compare_report,
                      comparison);
  store_each_expected(mine, compare_expected, comparison);
}

/* The tree that receipts were given with. */
static void compare_heads(const struct replay *replay, struct comparison *comparison)
{
  struct merkle stored;
  uint8_t mine[MERKLE_HASH_SIZE], theirs[MERKLE_HASH_SIZE];
  g_autofree char *mine_text = NULL, *theirs_text = NULL;

  store_tree(replay->ledger, &stored);
  merkle_root(&stored, mine);
  merkle_root(&replay->tree, theirs);
  if (stored.size == replay->tree.size && memcmp(mine, theirs, sizeof mine) == 0) return;
  mine_text = text_hex(mine, sizeof mine);
  theirs_text = text_hex(theirs, sizeof theirs);
  differ(comparison, "tree head", mine_text, theirs_text);
}

/* Of one moment of the ledger, which the caller holds: all tables of both. */
static uint64_t compare_all(struct replay *replay, replay_difference *difference)
{
  struct comparison comparison = {.other = replay->target, .difference = difference, .data = replay->data};

  compare_heads(replay, &comparison);
  compare_lines(replay, &comparison, _("inquiry, consent or acceptance"), inquiry_lines);
  compare_lines(replay, &comparison, _("application, or report that waits for it"), application_lines);
  compare_lines(replay, &comparison, _("edition"), edition_lines);
  compare_lines(replay, &comparison, _("agent, or its admission"), admission_lines);
  compare_lines(replay, &comparison, _("restore from a backup"), epoch_lines);
  comparison.books = store_books(replay->ledger, NULL);
  compare_stores(replay->ledger, &comparison);
  g_array_unref(comparison.books);
  comparison.books = store_books(replay->target, NULL);
  comparison.other = replay->ledger;
  comparison.missing_only = true;
  compare_stores(replay->target, &comparison);
  g_array_unref(comparison.books);
  return comparison.differences;
}

/* Catches up, holds the ledger as it is then, and catches up with what was committed meanwhile: a server that
 * never rests, and is faster than a replay, would not be caught up with otherwise. */
static bool compare_with(struct replay *replay, replay_difference *difference, uint64_t *ret_differences,
                         GError **error)
{
  if (!catch_up(replay, error)) return false;
  store_begin(replay->ledger);
  if (!catch_up(replay, error)) {
    store_rollback(replay->ledger);
    return false;
  }
  store_begin(replay->target); /* within one, blocks of reports stay in memory for the next look */
  *ret_differences = compare_all(replay, difference);
  store_rollback(replay->target);
  return store_commit(replay->ledger, error);
}

#define TEMPORARY "replay-" /* and the process that has it, and .db */

/* Removes what processes that were killed have left. */
static void sweep(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

  for (const char *name; dir && (name = g_dir_read_name(dir));) {
    char *end;
    long process;

    if (!g_str_has_prefix(name, TEMPORARY)) continue;
    process = strtol(name + strlen(TEMPORARY), &end, 10);
    if (process <= 0 || !g_str_has_prefix(end, ".db") || kill((pid_t)process, 0) == 0 || errno != ESRCH)
      continue;
    g_autofree char *path = folder_path(folder, name);
    g_unlink(path);
  }
}

static bool check(const char *folder, bool verifies, replay_difference *difference,
                  void (*progress)(uint64_t done, uint64_t all, void *data), void *data,
                  struct verified *ret_verified, uint64_t *ret_leaves, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  g_autofree char *name = g_strdup_printf(TEMPORARY "%ld.db", (long)getpid());
  g_autofree char *temporary = folder_path(folder, name);
  CLEANUP(store_close) struct store *ledger = store_open(path, STORE_READ, error);
  struct replay replay = {.ledger = ledger, .progress = progress, .data = data};
  CLEANUP(verify_free) struct verify *verify = NULL;
  uint64_t differences = 0;
  bool done = false;

  if (!ledger) return false;
  sweep(folder);
  swap_remove(temporary);
  replay.target = store_open(temporary, STORE_CREATE, error);
  if (replay.target) {
    store_use_ledger(replay.target, ledger);
    if (verifies) replay.verify = verify = verify_new(ledger, difference, data);
    if (replay_begin(&replay, error)) done = compare_with(&replay, difference, &differences, error);
    replay_end(&replay);
    store_close(replay.target);
  }
  swap_remove(temporary);
  if (!done) return false;
  *ret_verified = (struct verified){0};
  if (verify) {
    verify_end(verify);
    *ret_verified = verify_count(verify);
  }
  ret_verified->differences += differences;
  *ret_leaves = replay.done;
  return true;
}

bool replay_check(const char *folder, replay_difference *difference,
                  void (*progress)(uint64_t done, uint64_t all, void *data), void *data,
                  uint64_t *ret_differences, uint64_t *ret_leaves, GError **error)
{
  struct verified verified;

  if (!check(folder, false, difference, progress, data, &verified, ret_leaves, error)) return false;
  *ret_differences = verified.differences;
  return true;
}

bool replay_verify(const char *folder, replay_difference *difference,
                   void (*progress)(uint64_t done, uint64_t all, void *data), void *data,
                   struct verified *ret_verified, uint64_t *ret_leaves, GError **error)
{
  return check(folder, true, difference, progress, data, ret_verified, ret_leaves, error);
}

/* --- rebuild: in place, one transaction --- */

static bool rebuild_in_place(struct replay *replay, GError **error)
{
  uint64_t all = store_leaf_count(replay->ledger);

  store_clear(replay->target);
  if (!replay_begin(replay, error)) return false;
  for (; replay->done < all; replay->done++) {
    if (!replay_leaf(replay, replay->done, error)) return false;
    if (replay->done % REPLAY_STEP != REPLAY_STEP - 1) continue;
    tables_flush(replay->tables);
    tell(replay, all);
  }
  tables_flush(replay->tables);
  tell(replay, all);
  return true;
}

static bool rebuild_store(struct store *store, void (*progress)(uint64_t done, uint64_t all, void *data),
                          void *data, GError **error)
{
  struct replay replay = {.ledger = store, .target = store, .progress = progress, .data = data};
  store_begin(store);
  bool done = rebuild_in_place(&replay, error);
  replay_end(&replay);
  if (done) return store_commit(store, error);
  store_rollback(store);
  return false;
}

bool replay_rebuild(const char *folder, void (*progress)(uint64_t done, uint64_t all, void *data), void *data,
                    GError **error)
{
  heap_hold(LIMIT_HEAP_BYTES);
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_WRITE, error);
  return store && rebuild_store(store, progress, data, error);
}

/* --- rebuild: a new store --- */

static bool make_store(const char *path, const char *old,
                       void (*progress)(uint64_t done, uint64_t all, void *data), void *data, GError **error)
{
  CLEANUP(store_close) struct store *store = store_open(path, STORE_CREATE, error);
  return store && store_take_ledger(store, old, error) && rebuild_store(store, progress, data, error);
}

bool replay_rebuild_beside(const char *folder, void (*progress)(uint64_t done, uint64_t all, void *data),
                           void *data, char **ret_aside, GError **error)
{
  heap_hold(LIMIT_HEAP_BYTES);
  g_autofree char *path = folder_path(folder, "store.db");
  g_autofree char *made = folder_path(folder, "store.db.new");
  swap_remove(made); /* what a kill left */
  bool done = swap_settle(path, error) && make_store(made, path, progress, data, error) &&
              swap_settle(made, error) && swap_in(folder, made, ret_aside, error);
  swap_remove(made); /* by now only what belongs to it */
  return done;
}
