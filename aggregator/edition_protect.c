#include "aggregator/edition_protect.h"

#include "aggregator/edition_protect_private.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>

#include <string.h>

/* --- what is out --- */

/* Whoever has the edition knows what it prints; it must be what the ledger comes to. */
static bool note_known(struct protecting *protecting, const struct base *base, GError **error)
{
  for (size_t f = 0; f < base->source->families->len; f++)
    for (size_t c = 0; c < base->width; c++) {
      const struct edition_cell *cell = base_printed(base, base_family(base, f), c);
      char value[DECIMAL_TEXT_SIZE];
      if (!cell || !cell->value) continue;
      if (strcmp(cell->value, decimal_format(base_value(base, f, c), base_decimals(base, c), value)) != 0) {
        g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                    _("edition %" PRIu64 " says %s of %s, the ledger comes to %s: “park-aggregator "
                      "rebuild --check” says what is wrong"),
                    base->edition->number, cell->value, base_column(base, c), value);
        return false;
      }
      g_hash_table_add(protecting->known, base_value_text(base, f, c));
    }
  return true;
}

/* The head of an edition tells how many units owe a report and how many gave none, so a whole tree's numbers
 * are known, and protect none of its parts'. Those of too few are withheld all the same. */
static void note_head(struct protecting *protecting, const struct base *base,
                      const struct disclose_rules *rules)
{
  const struct catalogue *catalogue = base->source->catalogue;
  for (size_t f = 0; f < base->source->families->len; f++) {
    const struct family *family = base_family(base, f);
    if (family->kind != FAMILY_TOTAL || family->slice != 0 ||
        catalogue->areas[family->area].parent != CATALOGUE_NONE)
      continue;
    for (size_t c = base->source->figures->len; c < base->width; c++)
      if (base_value(base, f, c) >= rules->threshold)
        g_hash_table_add(protecting->known, base_value_text(base, f, c));
  }
}

/* --- cells --- */

static int64_t weigh(const struct base *base, const struct family *family)
{
  const struct catalogue *catalogue = base->source->catalogue;
  if (base->edition || !base_printed_slice(base, family)) return WEIGHT_UNPRINTED;
  if (family->kind != FAMILY_TOTAL) return WEIGHT_SLICE;
  if (catalogue->areas[family->area].parent == CATALOGUE_NONE)
    return family->slice == 0 ? WEIGHT_ROOT : WEIGHT_SUM;
  if (family->slice != 0) return base_has_parts(catalogue, family->area) ? WEIGHT_SUM : WEIGHT_SLICE;
  return WEIGHT_ALL;
}

/* An overlap is where units stand in the area, and in none of its parts. */
static bool may_be_negative(const struct base *base, const struct family *family)
{
  return family->kind == FAMILY_OVERLAP && base->source->catalogue->areas[family->area].reports;
}

static struct disclose_cell describe(const struct base *base, size_t f, size_t column)
{
  const struct family *family = base_family(base, f);
  bool is_printed = !base->edition && base_printed_slice(base, family);
  bool is_new = is_printed && family->kind == FAMILY_TOTAL;
  struct disclose_cell cell = {
      .kind = DISCLOSE_COUNT,
      .value = base_value(base, f, column),
      .weight = weigh(base, family),
      .unprinted = !is_printed,
      .group =
          is_new && family->slice != 0 ? 1 + (unsigned)((size_t)family->slice * base->width + column) : 0,
      .kept = is_new && family->slice == 0 &&
              base->source->catalogue->areas[family->area].parent == CATALOGUE_NONE,
  };
  cell.magnitude = cell.value;
  cell.parents = (int64_t)cell.value;
  if (base_is_count(base, column)) return cell;
  const struct edition_total *total = edition_source_total(base->source, f, column);
  bool negative = base_figure(base, column)->negative || total->value < 0;
  cell.kind = negative || may_be_negative(base, family) ? DISCLOSE_SIGNED : DISCLOSE_AMOUNT;
  cell.magnitude = total->magnitude;
  cell.parents = total->parents;
  cell.shares = (const struct disclose_share *)(const void *)total->shares->data;
  cell.share_count = total->shares->len;
  cell.is_part = family->kind == FAMILY_ATOM;
  return cell;
}

size_t protecting_cell(struct protecting *protecting, const char *text, struct disclose_cell cell)
{
  size_t known = GPOINTER_TO_SIZE(g_hash_table_lookup(protecting->index, text));
  if (known > 0) return known - 1;
  cell.known = g_hash_table_contains(protecting->known, text);
  g_array_append_val(protecting->cells, cell);
  g_hash_table_insert(protecting->index, g_strdup(text), GSIZE_TO_POINTER((size_t)protecting->cells->len));
  return protecting->cells->len - 1;
}

static void add_cells(struct protecting *protecting, struct base *base)
{
  for (size_t f = 0; f < base->source->families->len; f++)
    for (size_t c = 0; c < base->width; c++) {
      base->cells[f * base->width + c] = NO_CELL;
      if (!base_is_defined(base, f, c)) continue;
      g_autofree char *text = base_value_text(base, f, c);
      base->cells[f * base->width + c] = protecting_cell(protecting, text, describe(base, f, c));
    }
}

/* --- the order of it all --- */

/* Returns how many cells are of the new edition: they come first. */
static bool make_table(struct protecting *protecting, const struct disclose_rules *rules, size_t *ret_fresh,
                       GError **error)
{
  for (unsigned n = 0; n < protecting->bases->len; n++) {
    const struct base *base = protecting_base(protecting, n);
    if (base->edition && !note_known(protecting, base, error)) return false;
    note_head(protecting, base, rules);
  }
  for (unsigned n = 0; n < protecting->bases->len; n++) {
    add_cells(protecting, protecting_base(protecting, n));
    if (n == 0) *ret_fresh = protecting->cells->len;
  }
  for (unsigned n = 0; n < protecting->bases->len; n++)
    edition_relate(protecting, protecting_base(protecting, n));
  return true;
}

static void protecting_init(struct protecting *protecting, const GArray *bases)
{
  protecting->bases = g_array_new(FALSE, TRUE, sizeof(struct base));
  g_array_set_clear_func(protecting->bases, base_clear);
  g_array_set_size(protecting->bases, bases->len);
  for (unsigned n = 0; n < bases->len; n++)
    base_init(protecting_base(protecting, n), &g_array_index(bases, struct edition_basis, n));
  protecting->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  protecting->index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  protecting->related = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  protecting->cells = g_array_new(FALSE, FALSE, sizeof(struct disclose_cell));
  protecting->terms = g_array_new(FALSE, FALSE, sizeof(struct disclose_term));
  protecting->web = web_new();
}

static void protecting_finish(struct protecting *protecting)
{
  g_array_unref(protecting->bases);
  g_hash_table_unref(protecting->known);
  g_hash_table_unref(protecting->index);
  g_hash_table_unref(protecting->related);
  g_array_unref(protecting->cells);
  g_array_unref(protecting->terms);
  web_free(protecting->web);
}

/* January to the period and the period say what was before it: where that was withheld, the former is too.
 * What is withheld besides leaves all that is protected so. */
static void withhold_what_was(const struct protecting *protecting, struct disclose_outcome *outcomes)
{
  const struct base *base = protecting_base(protecting, 0);
  for (unsigned n = 1; n < protecting->bases->len; n++) {
    const struct base *before = protecting_base(protecting, n);
    if (base_is_before(before, base)) edition_relate_withheld(base, before, outcomes);
  }
}

/* Whether the new edition's cell says something of other periods too. */
static bool *find_ties(const struct protecting *protecting)
{
  const struct base *base = protecting_base(protecting, 0);
  bool *ties = g_new0(bool, protecting->cells->len + 1);
  for (size_t f = 0; f < base->source->families->len; f++)
    for (size_t c = 0; c < base->source->figures->len; c++) {
      size_t cell = base->cells[f * base->width + c];
      if (cell != NO_CELL) ties[cell] = base_figure(base, c)->variant != VARIANT_PERIOD;
    }
  return ties;
}

static bool protect(struct protecting *protecting, const struct disclose_rules *rules,
                    struct edition *edition, struct edition_protection *ret_protection, GError **error)
{
  struct edition_protection protection = {0};
  size_t fresh = 0;
  if (!make_table(protecting, rules, &fresh, error)) return false;
  g_autofree bool *ties = find_ties(protecting);
  g_autofree struct disclose_outcome *outcomes = g_new0(struct disclose_outcome, protecting->cells->len + 1);
  if (!web_protect(protecting->web, protecting->cells, fresh, ties, rules, outcomes, error)) return false;
  withhold_what_was(protecting, outcomes);
  edition_fill(protecting_base(protecting, 0), outcomes, edition, &protection);
  *ret_protection = protection;
  return true;
}

bool edition_protect(const GArray *bases, const struct disclose_rules *rules, struct edition *edition,
                     struct edition_protection *ret_protection, GError **error)
{
  struct protecting protecting;
  protecting_init(&protecting, bases);
  bool done = protect(&protecting, rules, edition, ret_protection, error);
  protecting_finish(&protecting);
  return done;
}
