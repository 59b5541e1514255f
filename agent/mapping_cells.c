#include "agent/mapping_private.h"
#include "common/clock.h"
#include "common/text.h"
#include "common/uscc.h"

#include <string.h>

#define SPELLINGS_MOST 4096 /* that are remembered; more than forms have headings */
#define DAY_MS ((int64_t)24 * 3600 * 1000)

static const char withdraw_word[] = "撤销", withdraw_all_word[] = "整表撤销", nil_word[] = "本期无数据";

/* --- which rows are units --- */

/* Codes of units are mostly ASCII; words of totals and footers are mostly not. */
static bool looks_like_code(const char *text)
{
  bool any = false; /* "-" alone is no code */
  for (const char *p = text; *p; p++) {
    if (!g_ascii_isalnum(*p) && *p != '-' && *p != '_' && *p != '.') return false;
    any = any || g_ascii_isalnum(*p);
  }
  if (!any) return false;
  return g_ascii_strcasecmp(text, "total") != 0 && g_ascii_strcasecmp(text, "subtotal") != 0;
}

bool cells_have_number(const struct mapping *mapping)
{
  const struct source_row *row = mapping->row;
  bool is_long = mapping->indicator_at != NOWHERE;
  for (size_t i = 0; i < (is_long ? 1 : mapping->figure_count); i++) {
    size_t at = is_long ? mapping->value_at : mapping->figures[i].at;
    if (at >= row->count || row->cells[at].length == 0) continue;
    int64_t value;
    if (decimal_parse(row->cells[at].text, row->cells[at].length, 0, 1, 1, &value) != DECIMAL_TEXT)
      return true;
    g_autofree char *text = text_fold(g_strdup(row->cells[at].text));
    if (strcmp(text, withdraw_word) == 0 || strcmp(text, withdraw_all_word) == 0 ||
        strcmp(text, nil_word) == 0)
      return true;
  }
  return false;
}

static bool is_footer(const struct source_row *row)
{
  for (size_t i = 0; i < row->count; i++)
    if (row->cells[i].length > 0) return words_is_footer(row->cells[i].text);
  return false;
}

static bool is_skipped(const struct mapping *mapping)
{
  for (size_t i = 0; mapping->has_skip && i < MIN(mapping->width, mapping->row->count); i++) {
    if (!mapping->bindings[i].skip) continue;
    g_autofree char *text = text_fold(g_strdup(mapping->row->cells[i].text));
    if (g_hash_table_contains(mapping->bindings[i].skip, text)) return true;
  }
  return false;
}

/* The row below the header, and that of its letters, go with it. */
static bool is_second_level_again(struct mapping *mapping)
{
  const struct source_row *row = mapping->row;
  if (!mapping->below_header) return false;
  if (mapping->unit_at < row->count && words_is_letter_row(row->cells[mapping->unit_at].text)) {
    mapping->below_header = false;
    return true;
  }
  if (!mapping->second) return false;
  size_t count = g_strv_length(mapping->second);
  for (size_t i = 0; i < MAX(count, row->count); i++) {
    g_autofree char *found = text_key(i < row->count ? row->cells[i].text : "");
    g_autofree char *first = text_key(i < count ? mapping->second[i] : "");
    if (strcmp(found, first) != 0) return false;
  }
  return true;
}

/* The header again, as on each page of a printed table; its columns may not change their places. */
static bool is_header_again(struct mapping *mapping, const char *unit)
{
  if (!*unit || g_ascii_isdigit(*unit) || !header_is_unit_heading(mapping, unit)) return false;
  const struct source_row *row = mapping->row;
  size_t count = g_strv_length(mapping->top);
  for (size_t i = 0; i < MAX(count, row->count); i++) {
    g_autofree char *found = text_key(i < row->count ? row->cells[i].text : "");
    g_autofree char *first = text_key(i < count ? mapping->top[i] : "");
    if (strcmp(found, first) == 0) continue;
    g_autofree char *expected =
        g_strdup_printf(_("“%s”, as in the header in row %zu: the columns stay in their places"), first,
                        mapping->header.number);
    mapping_say(mapping, FINDING_COLUMN_UNKNOWN, i, found, expected);
    return true;
  }
  mapping->below_header = true;
  return true;
}

/* Rows of a table that are no unit's: totals, footers, those that configuration passes over. Below a footer a
 * row is a unit's if it has a code or figures: nothing is lost in silence. */
static bool is_passed_over(struct mapping *mapping, const char *unit, bool is_code)
{
  if (is_skipped(mapping) || is_header_again(mapping, unit)) return true;
  if (!is_code) {
    if (totals_row(mapping) || measure_row(mapping) || is_second_level_again(mapping)) return true;
    bool footer = is_footer(mapping->row);
    if (footer) mapping->phase = PHASE_FOOTER;
    if (footer || (mapping->phase == PHASE_FOOTER && !cells_have_number(mapping))) {
      measure_footer(mapping);
      return true;
    }
  }
  mapping->phase = PHASE_ROWS;
  mapping->below_header = false;
  return false;
}

/* The number of cells must be the header's; empty ones behind it do no harm. */
static bool check_width(struct mapping *mapping)
{
  const struct source_row *row = mapping->row;
  size_t count = row->count;
  while (count > mapping->width && row->cells[count - 1].length == 0) count--;
  if (count == mapping->width) return true;
  g_autofree char *found = g_strdup_printf(_("%zu cells"), count);
  g_autofree char *expected = g_strdup_printf(_("%zu cells"), mapping->width);
  mapping_say(mapping, count < mapping->width && row->open ? FINDING_FILE_CUT : FINDING_ROW_SHORT, NOWHERE,
              found, expected);
  totals_unsound(mapping, NULL);
  return false;
}

/* A figure in a column that has no heading must not be lost in silence. */
static void check_unnamed(struct mapping *mapping)
{
  for (size_t i = 0; mapping->has_unnamed && i < MIN(mapping->width, mapping->row->count); i++)
    if (!*mapping->bindings[i].heading && mapping->row->cells[i].length > 0)
      mapping_say(mapping, FINDING_COLUMN_UNKNOWN, i, mapping->row->cells[i].text,
                  _("a heading over every column that has cells"));
}

/* `is_code`: what it looks like. */
static void take_unit(struct mapping *mapping, char *unit, bool is_code)
{
  if (!*unit) {
    mapping_say(mapping, FINDING_UNIT_MISSING, mapping->unit_at, NULL, NULL);
    return;
  }
  size_t length = strlen(unit);
  if (length > LIMIT_CODE_BYTES || (!is_code && !text_is_clean(unit, length))) {
    mapping_say(mapping, FINDING_UNIT_SHAPE, mapping->unit_at, unit, NULL);
    return;
  }
  /* People write the letters of a credit code small; free codes are taken as they are. */
  char upper[LIMIT_CODE_BYTES + 1];
  for (size_t i = 0; i <= length; i++) upper[i] = g_ascii_toupper(unit[i]);
  if (uscc_check(upper) != USCC_SHAPE || uscc_is_establishment(upper)) memcpy(unit, upper, length);
  mapping->unit = unit;
}

/* --- periods --- */

static void note_future(struct mapping *mapping, struct period period)
{
  if (!g_hash_table_add(mapping->periods, GINT_TO_POINTER(period_key(period)))) return;
  int64_t today = clock_wall().ms / DAY_MS + 1; /* it may be tomorrow already where the park is */
  if (period_first_day(period) <= today) return;
  char text[PERIOD_TEXT_SIZE];
  mapping_say(mapping, FINDING_PERIOD_FUTURE, mapping->period_at, period_format(period, text), NULL);
}

/* What the row's cell, --period or a title says. */
static bool read_period(struct mapping *mapping, struct period *ret_period)
{
  const struct source_cell *cell =
      mapping->period_at == NOWHERE ? NULL : &mapping->row->cells[mapping->period_at];
  if (!cell || cell->length == 0) {
    if (mapping->has_wanted_period)
      *ret_period = mapping->wanted_period;
    else if (mapping->has_title_period)
      *ret_period = mapping->title_period;
    else
      mapping_say(mapping, FINDING_PERIOD_MISSING, mapping->period_at, NULL, NULL);
    return mapping->has_title_period || mapping->has_wanted_period;
  }
  if (!mapping->period_seen.text || strcmp(mapping->period_seen.text, cell->text) != 0) {
    g_free(mapping->period_seen.text);
    mapping->period_seen.text = g_strdup(cell->text);
    g_autofree char *folded = text_fold(g_strdup(cell->text));
    mapping->period_seen.readable =
        period_read(folded, mapping->rules ? mapping->rules->year_offset : 0, &mapping->period_seen.period);
  }
  *ret_period = mapping->period_seen.period;
  if (!mapping->period_seen.readable)
    mapping_say(mapping, FINDING_PERIOD_SHAPE, mapping->period_at, cell->text, NULL);
  return mapping->period_seen.readable;
}

/* Whether the form, and --period, want it. */
static void judge_period(struct mapping *mapping, struct period period)
{
  char text[PERIOD_TEXT_SIZE], wanted[PERIOD_TEXT_SIZE];
  if (mapping->has_wanted_period && !period_equal(period, mapping->wanted_period)) {
    mapping_say(mapping, FINDING_PERIOD_WRONG, mapping->period_at, period_format(period, text),
                period_format(mapping->wanted_period, wanted));
    return;
  }
  if (!mapping->period_judged.known || !period_equal(mapping->period_judged.period, period)) {
    g_free(mapping->period_judged.objection);
    mapping->period_judged.objection = catalogue_period_objection(mapping->catalogue, mapping->form, period);
    mapping->period_judged.period = period;
    mapping->period_judged.known = true;
    note_future(mapping, period);
  }
  if (mapping->period_judged.objection)
    mapping_say(mapping, FINDING_PERIOD_WRONG, mapping->period_at, period_format(period, text),
                mapping->period_judged.objection);
}

/* --- figures --- */

static void refuse_cell(struct mapping *mapping, const struct figure *figure, enum decimal_status status,
                        const char *text)
{
  const struct catalogue *catalogue = mapping->catalogue;
  const struct column *column = &catalogue->forms[mapping->form].columns[figure->column];
  const struct indicator *indicator = &catalogue->indicators[column->indicator];
  g_autofree char *expected = NULL;
  enum finding_code code = FINDING_VALUE_TEXT;
  switch (status) {
  case DECIMAL_TINY:
    code = FINDING_VALUE_TINY;
    break;
  case DECIMAL_DECIMALS:
    code = FINDING_VALUE_DECIMALS;
    expected = g_strdup_printf(_("at most %u decimals in %s"), indicator->decimals,
                               catalogue->measures[indicator->measure].code);
    break;
  case DECIMAL_RANGE: {
    char least[DECIMAL_TEXT_SIZE], most[DECIMAL_TEXT_SIZE];
    code = FINDING_VALUE_RANGE;
    expected = g_strdup_printf(_("%s to %s"), decimal_format(indicator->least, indicator->decimals, least),
                               decimal_format(indicator->most, indicator->decimals, most));
    break;
  }
  default:
    expected = g_strdup_printf(_("a number in %s"), catalogue->measures[indicator->measure].code);
    break;
  }
  mapping_say(mapping, code, figure->at, text, expected);
}

/* A cell that is no figure. The words for nil and for a whole withdrawal set *ret_kind. */
static void take_word(struct mapping *mapping, struct figure *figure, enum decimal_status status,
                      enum report_kind *ret_kind)
{
  struct source_cell *cell = &mapping->row->cells[figure->at];
  if (status == DECIMAL_TEXT) {
    char *text = text_fold(cell->text);
    if (strcmp(text, withdraw_word) == 0) {
      column_set_add(&mapping->entry.change.withdrawn, (unsigned)figure->column);
      return;
    }
    if (strcmp(text, withdraw_all_word) == 0 || strcmp(text, nil_word) == 0) {
      enum report_kind kind = strcmp(text, nil_word) == 0 ? KIND_NIL : KIND_WITHDRAWAL;
      if (*ret_kind != KIND_FIGURES && *ret_kind != kind)
        mapping_say(mapping, FINDING_VALUE_NIL, figure->at, text, NULL);
      *ret_kind = kind;
      return;
    }
  }
  totals_unsound(mapping, figure);
  refuse_cell(mapping, figure, status, cell->text);
}

/* Takes a cell into the entry. */
static inline void take_figure(struct mapping *mapping, struct figure *figure, enum report_kind *ret_kind)
{
  const struct source_cell *cell = &mapping->row->cells[figure->at];
  if (cell->length == 0) return;
  struct report_change *change = &mapping->entry.change;
  int64_t *value = &change->figures.value[figure->column];
  enum decimal_status status = decimal_parse(cell->text, cell->length, figure->decimals, figure->numerator,
                                             figure->denominator, value);
  if (status == DECIMAL_OK) {
    column_set_add(&change->figures.present, (unsigned)figure->column);
    figure->sum += *value;
  } else if (status != DECIMAL_MISSING) {
    take_word(mapping, figure, status, ret_kind);
  }
}

/* Nil and withdrawal say everything of a report: no figure may stand beside them. */
static void settle_kind(struct mapping *mapping, enum report_kind kind, const struct column_set *asked)
{
  struct report_change *change = &mapping->entry.change;
  change->kind = kind;
  if (kind == KIND_FIGURES) {
    change->asked = *asked;
    return;
  }
  memset(&change->asked, 0, sizeof change->asked);
  if (column_set_is_empty(&change->figures.present) && column_set_is_empty(&change->withdrawn)) return;
  mapping_say(mapping, FINDING_VALUE_NIL, NOWHERE, kind == KIND_NIL ? nil_word : withdraw_all_word,
              _("the other cells of the row empty"));
}

static void take_wide(struct mapping *mapping)
{
  enum report_kind kind = KIND_FIGURES;
  for (size_t i = 0; i < mapping->figure_count; i++) take_figure(mapping, &mapping->figures[i], &kind);
  settle_kind(mapping, kind, &mapping->asked);
}

/* What the row's own cell states of the measure, beside what its indicator may state in brackets. */
static int long_measure(struct mapping *mapping, int bracketed)
{
  const struct source_cell *cell =
      mapping->measure_at == NOWHERE ? NULL : &mapping->row->cells[mapping->measure_at];
  if (!cell || cell->length == 0) return bracketed;
  g_autofree char *key = text_key(cell->text);
  int measure = measure_by_text(mapping, key);
  if (measure == CATALOGUE_NONE || (bracketed != CATALOGUE_NONE && bracketed != measure))
    mapping_say(mapping, FINDING_COLUMN_MEASURE, mapping->measure_at, cell->text,
                bracketed == CATALOGUE_NONE ? _("a measure of the catalogue, such as 千元")
                                            : mapping->catalogue->measures[bracketed].code);
  return measure;
}

/* The figure that a long table's row is about, NULL if there is none. Spellings are remembered with the
 * measure that each of them states. */
static struct figure *long_figure(struct mapping *mapping, struct period period)
{
  const struct source_cell *cell = &mapping->row->cells[mapping->indicator_at];
  const char *stated = mapping->measure_at == NOWHERE ? "" : mapping->row->cells[mapping->measure_at].text;
  g_autofree char *spelling = g_strconcat(cell->text, "\n", stated, NULL);
  struct figure *known = g_hash_table_lookup(mapping->spellings, spelling);
  if (known) return known;
  g_autofree char *key = text_key(cell->text);
  int measure = CATALOGUE_NONE, column = CATALOGUE_NONE;
  g_autoptr(GArray) candidates = header_candidates(mapping, key, &measure);
  if (candidates && mapping->form == CATALOGUE_NONE && !form_infer_long(mapping, candidates, period))
    return NULL;
  bool prepared = mapping->figure_count > 0 || form_prepare_figures(mapping);
  if (prepared && candidates) column = form_column(mapping, candidates);
  if (column == CATALOGUE_NONE) {
    g_autofree char *nearest = form_nearest(mapping, key);
    mapping_say(mapping, FINDING_INDICATOR_UNKNOWN, mapping->indicator_at, cell->text, nearest);
    return NULL;
  }
  measure = long_measure(mapping, measure);
  mapping->spelled = mapping->figures[column];
  if (measure != CATALOGUE_NONE) form_convert(mapping, &mapping->spelled, measure, mapping->indicator_at);
  if (mapping->refused) return NULL;
  if (g_hash_table_size(mapping->spellings) >= SPELLINGS_MOST) return &mapping->spelled;
  known = g_memdup2(&mapping->spelled, sizeof mapping->spelled);
  g_hash_table_insert(mapping->spellings, g_steal_pointer(&spelling), known);
  return known;
}

static void take_long(struct mapping *mapping, struct figure *figure)
{
  struct column_set asked = {0};
  column_set_add(&asked, (unsigned)figure->column);
  enum report_kind kind = KIND_FIGURES;
  take_figure(mapping, figure, &kind);
  settle_kind(mapping, kind, &asked);
}

/* A row of a wrong width has no figures that could be trusted, but its unit's other rows go with it. */
static void give_refused(struct mapping *mapping, char *unit, bool is_code)
{
  struct entry *entry = &mapping->entry;
  bool has_period_cell = mapping->period_at == NOWHERE || mapping->period_at < mapping->row->count;
  if (mapping->refused || !*unit || !has_period_cell) return;
  take_unit(mapping, unit, is_code);
  if (!mapping->unit || !read_period(mapping, &entry->period)) return;
  memset(&entry->change, 0, sizeof entry->change);
  entry->unit = mapping->unit;
  entry->row = mapping->row->number;
  entry->whole = mapping->indicator_at == NOWHERE;
  entry->refused = true;
  if (!mapping->entries(entry, mapping->data)) mapping->refused = true;
}

void cells_row(struct mapping *mapping)
{
  const struct source_row *row = mapping->row;
  char *unit = mapping->unit_at < row->count ? text_fold(row->cells[mapping->unit_at].text) : (char[]){""};
  bool is_code = looks_like_code(unit);
  if (is_passed_over(mapping, unit, is_code)) return;
  if (mapping->name_at < row->count) mapping->unit_name = row->cells[mapping->name_at].text;
  mapping->rows++;
  if (!check_width(mapping)) {
    give_refused(mapping, unit, is_code);
    return;
  }
  check_unnamed(mapping);
  take_unit(mapping, unit, is_code);

  struct entry *entry = &mapping->entry;
  bool is_long = mapping->indicator_at != NOWHERE;
  bool has_period = read_period(mapping, &entry->period);
  struct figure *figure = NULL;
  if (is_long) {
    if (!has_period && mapping->form == CATALOGUE_NONE) return; /* the next row will tell the form */
    figure = long_figure(mapping, entry->period);
    if (!figure) return;
  }
  if (has_period) judge_period(mapping, entry->period);
  memset(&entry->change.figures.present, 0, sizeof entry->change.figures.present);
  memset(&entry->change.withdrawn, 0, sizeof entry->change.withdrawn);
  if (is_long)
    take_long(mapping, figure);
  else
    take_wide(mapping);
  if (mapping->refused || !mapping->unit || !has_period) return;
  entry->unit = mapping->unit;
  entry->row = row->number;
  entry->whole = !is_long;
  entry->refused = mapping->row_refused;
  if (!mapping->entries(entry, mapping->data)) mapping->refused = true;
}
