/* Checks editions (DOMAIN: late or revised figures never rewrite what was published; proto/README.md,
 * "Editions"): the seal, number and vintage, the leaves that it rests on and their root, every total that it
 * prints, and that no total is left out, be it withheld. */
#include "aggregator/verifier/published.h"

#include "aggregator/verifier/edition_text.h"
#include "aggregator/verifier/totals.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define OVERLAP "overlap"
#define REPORTED "units_reported"
#define EXPECTED "units_expected"

/* Columns of an edition that are none of the form's. */
enum { COLUMN_REPORTED = -2, COLUMN_EXPECTED = -3 };

/* What an edition rests on. */
struct footing {
  struct footing *next; /* of the same leaves */
  uint64_t leaves;
  char *form;
  struct period period;
  struct totals *totals; /* NULL until those leaves were read */
  uint8_t root[MERKLE_HASH_SIZE];
  int64_t as_of_ms;
};

struct published {
  struct faults *faults;
  GHashTable *by_leaves;   /* how many → struct footing, the first of a list */
  GHashTable *by_position; /* of the edition → struct footing, which it owns */
  GHashTable *settled;     /* "form period" of which a final edition was published */
  uint64_t editions, figures;
};

static void footing_free(void *data)
{
  struct footing *footing = data;
  g_free(footing->form);
  totals_free(footing->totals);
  g_free(footing);
}

struct published *published_new(struct faults *faults)
{
  struct published *published = g_new0(struct published, 1);
  published->faults = faults;
  published->by_leaves = g_hash_table_new(g_direct_hash, g_direct_equal);
  published->by_position = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, footing_free);
  published->settled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return published;
}

void published_free(struct published *published)
{
  if (!published) return;
  g_hash_table_unref(published->by_leaves);
  g_hash_table_unref(published->by_position);
  g_hash_table_unref(published->settled);
  g_free(published);
}

uint64_t published_editions(const struct published *published)
{
  return published->editions;
}

uint64_t published_figures(const struct published *published)
{
  return published->figures;
}

static struct edition_text *read_text(const struct leaf *leaf)
{
  struct bytes_view payload;
  if (!seal_peek(leaf->edition.sealed.data, leaf->edition.sealed.length, SEAL_EDITION, &payload.data,
                 &payload.length))
    return NULL;
  return edition_text_read(payload);
}

/* --- what it rests on --- */

void published_note(struct published *published, uint64_t position, const struct leaf *leaf)
{
  CLEANUP(edition_text_free) struct edition_text *text = read_text(leaf);
  if (!text || text->leaves > position) return; /* it is said when it is checked */
  void *leaves = (void *)(uintptr_t)text->leaves;
  struct footing *footing = g_new0(struct footing, 1);
  footing->leaves = text->leaves;
  footing->form = g_strdup(text->form);
  footing->period = text->period;
  footing->next = g_hash_table_lookup(published->by_leaves, leaves);
  g_hash_table_insert(published->by_leaves, leaves, footing);
  g_hash_table_insert(published->by_position, (void *)(uintptr_t)position, footing);
}

void published_reckon(struct published *published, const struct rebuilt *rebuilt, const struct merkle *tree)
{
  struct footing *footing = g_hash_table_lookup(published->by_leaves, (void *)(uintptr_t)tree->size);
  for (; footing; footing = footing->next) {
    merkle_root(tree, footing->root);
    footing->as_of_ms = rebuilt->recorded_ms;
    footing->totals = totals_reckon(rebuilt, footing->form, footing->period, READ_FIRST_PERIOD);
    if (footing->totals) totals_expect(footing->totals, rebuilt);
  }
}

/* --- the head --- */

static void check_basis(struct published *published, uint64_t position, const struct edition_text *text,
                        const struct footing *footing)
{
  g_autofree char *root = text_hex(footing->root, sizeof footing->root);
  g_autofree char *catalogue = text_hex(footing->totals->catalogue->hash, CATALOGUE_HASH_SIZE);
  if (strcmp(root, text->root) != 0)
    faults_add(published->faults, position,
               _("edition %" PRIu64 " rests on another ledger: of its leaves the "
                 "tree has the root %s, it says %s"),
               text->number, root, text->root);
  if (footing->as_of_ms != text->as_of_ms || strcmp(catalogue, text->catalogue) != 0)
    faults_add(published->faults, position,
               _("edition %" PRIu64 " says another time or catalogue than the leaves that it rests on"),
               text->number);
}

/* Provisional while the period takes reports; then final once, and from then on revised. */
static void check_vintage(struct published *published, const struct rebuilt *rebuilt, uint64_t position,
                          const struct edition_text *text)
{
  char period[PERIOD_TEXT_SIZE];
  char *key = g_strdup_printf("%s %s", text->form, period_format(text->period, period));
  bool settled = g_hash_table_contains(published->settled, key);
  bool closed = rebuilt_is_closed(rebuilt, text->form, text->period, CATALOGUE_NONE);
  const char *expected = settled ? "R" : closed ? "F" : "P";
  if (strcmp(text->vintage, expected) != 0 || (settled && !closed))
    faults_add(published->faults, position, _("edition %" PRIu64 " is published as %s, expected %s"),
               text->number, text->vintage,
               settled && !closed ? _("none while the period is open again") : expected);
  if (text->number != published->editions)
    faults_add(published->faults, position, _("found the edition number %" PRIu64 ", expected %" PRIu64),
               text->number, published->editions);
  if (*text->vintage == 'P')
    g_free(key);
  else
    g_hash_table_add(published->settled, key);
}

/* --- the figures --- */

/* An edition beside what its leaves come to. */
struct comparing {
  struct published *published;
  uint64_t position;
  const struct edition_text *text;
  const struct totals *totals;
  int *columns; /* by column of the text: that of the form, one of the above, or CATALOGUE_NONE */
};

static const struct text_column *column_of(const struct comparing *comparing, size_t column)
{
  return &g_array_index(comparing->text->columns, struct text_column, column);
}

static void find_columns(struct comparing *comparing)
{
  const struct catalogue *catalogue = comparing->totals->catalogue;
  const struct form *form = &catalogue->forms[comparing->totals->form];
  for (unsigned n = 0; n < comparing->text->columns->len; n++) {
    const struct text_column *column = column_of(comparing, n);
    int at = catalogue_column(catalogue, comparing->totals->form, column->code);
    const struct indicator *indicator =
        at == CATALOGUE_NONE ? NULL : &catalogue->indicators[form->columns[at].indicator];
    if (strcmp(column->code, REPORTED) == 0) at = COLUMN_REPORTED;
    if (strcmp(column->code, EXPECTED) == 0) at = COLUMN_EXPECTED;
    comparing->columns[n] = at;
    if (at == CATALOGUE_NONE || column->decimals != (indicator ? indicator->decimals : 0) ||
        (indicator && strcmp(column->measure, catalogue->measures[indicator->measure].code) != 0))
      faults_add(comparing->published->faults, comparing->position,
                 _("edition %" PRIu64 ": column %s is none of the form, or has another measure"),
                 comparing->text->number, column->code);
  }
}

/* Of the family in the nth column of the text: false if there is nothing. */
static bool sum_of(const struct comparing *comparing, const struct family *family, size_t n,
                   int128 *ret_total)
{
  int column = comparing->columns[n];
  if (!family || column == CATALOGUE_NONE) return false;
  if (column >= 0) {
    *ret_total = family->sums[column].total;
    return family->sums[column].units > 0;
  }
  *ret_total = column == COLUMN_REPORTED ? family->reported : family->expected;
  return true;
}

/* What the parts of the area count besides it. */
static int128 overlap_of(const struct comparing *comparing, int area, size_t n)
{
  const struct catalogue *catalogue = comparing->totals->catalogue;
  int128 overlap = 0, total;
  if (sum_of(comparing, totals_family(comparing->totals, area, 0), n, &total)) overlap -= total;
  for (int part = 0; part < (int)catalogue->area_count; part++)
    if (catalogue->areas[part].parent == area &&
        sum_of(comparing, totals_family(comparing->totals, part, 0), n, &total))
      overlap += total;
  return overlap;
}

static void check_cell(struct comparing *comparing, const struct text_cell *cell)
{
  const struct catalogue *catalogue = comparing->totals->catalogue;
  const char *area_code = comparing->text->areas->pdata[cell->area];
  const char *slice_code = comparing->text->slices->pdata[cell->slice];
  const struct text_column *column = column_of(comparing, (size_t)cell->column);
  int area = catalogue_area(catalogue, area_code), slice = catalogue_slice(catalogue, slice_code);
  char expected[DECIMAL_TEXT_SIZE] = "";
  int128 total = 0;
  bool there = area != CATALOGUE_NONE;
  if (there && strcmp(slice_code, OVERLAP) == 0)
    total = overlap_of(comparing, area, (size_t)cell->column);
  else
    there = there && slice != CATALOGUE_NONE &&
            sum_of(comparing, totals_family(comparing->totals, area, slice), (size_t)cell->column, &total);
  if (there) decimal_format(total, (unsigned)CLAMP(column->decimals, 0, LIMIT_DECIMALS), expected);
  comparing->published->figures += cell->value != NULL;
  if (there && (!cell->value || strcmp(cell->value, expected) == 0)) return;
  faults_add(comparing->published->faults, comparing->position,
             _("edition %" PRIu64 ": %s of %s, %s: found %s, its leaves come to %s"), comparing->text->number,
             column->code, area_code, slice_code, cell->value ? cell->value : _("a total that is withheld"),
             there ? expected : _("none"));
}

static char *cell_key(const char *area, const char *slice, const char *column)
{
  return g_strdup_printf("%s %s %s", area, slice, column);
}

static void check_missing(struct comparing *comparing)
{
  const struct edition_text *text = comparing->text;
  const struct catalogue *catalogue = comparing->totals->catalogue;
  g_autoptr(GHashTable) there = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter all;
  void *value;
  for (unsigned n = 0; n < text->cells->len; n++) {
    const struct text_cell *cell = &g_array_index(text->cells, struct text_cell, n);
    g_hash_table_add(there, cell_key(text->areas->pdata[cell->area], text->slices->pdata[cell->slice],
                                     column_of(comparing, (size_t)cell->column)->code));
  }
  g_hash_table_iter_init(&all, comparing->totals->families);
  while (g_hash_table_iter_next(&all, NULL, &value)) {
    const struct family *family = value;
    for (unsigned n = 0; n < text->columns->len; n++) {
      const char *area = catalogue->areas[family->area].code, *slice = catalogue->slices[family->slice].code;
      g_autofree char *key = cell_key(area, slice, column_of(comparing, n)->code);
      int128 total;
      if (sum_of(comparing, family, n, &total) && !g_hash_table_contains(there, key))
        faults_add(comparing->published->faults, comparing->position,
                   _("edition %" PRIu64 ": %s of %s, %s: it is neither printed nor withheld"), text->number,
                   column_of(comparing, n)->code, area, slice);
    }
  }
}

static void check_figures(struct published *published, uint64_t position, const struct edition_text *text,
                          const struct totals *totals)
{
  struct comparing comparing = {.published = published, .position = position, .text = text, .totals = totals};
  comparing.columns = g_new(int, text->columns->len + 1);
  find_columns(&comparing);
  for (unsigned n = 0; n < text->cells->len; n++)
    check_cell(&comparing, &g_array_index(text->cells, struct text_cell, n));
  check_missing(&comparing);
  g_free(comparing.columns);
}

/* --- all of it --- */

void published_check(struct published *published, const struct rebuilt *rebuilt, uint64_t position,
                     const struct leaf *leaf)
{
  CLEANUP(edition_text_free) struct edition_text *text = read_text(leaf);
  struct footing *footing = g_hash_table_lookup(published->by_position, (void *)(uintptr_t)position);
  struct bytes_view payload;
  published->editions++;
  if (keys_open_at(rebuilt->keys, position, leaf->edition.sealed, SEAL_EDITION, &payload) != SEAL_OK)
    faults_add(published->faults, position, _("the edition is not signed by the ledger's key"));
  if (!text || !rebuilt->catalogue || catalogue_form(rebuilt->catalogue, text->form) == CATALOGUE_NONE) {
    faults_add(published->faults, position, _("the edition cannot be read"));
    return;
  }
  check_vintage(published, rebuilt, position, text);
  if (!footing || !footing->totals) {
    faults_add(published->faults, position,
               _("edition %" PRIu64 " rests on %" PRIu64 " leaves, which do not stand before it"),
               text->number, text->leaves);
    return;
  }
  check_basis(published, position, text, footing);
  check_figures(published, position, text, footing->totals);
  g_clear_pointer(&footing->totals, totals_free);
}
