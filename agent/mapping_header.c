#include "agent/mapping_private.h"
#include "common/text.h"

#include <string.h>

/* The cells of the row at hand as texts, without the empty ones at the end. */
static GStrv row_texts(const struct source_row *row)
{
  size_t count = row->count;
  while (count > 0 && row->cells[count - 1].length == 0) count--;
  GStrv texts = g_new0(char *, count + 1);
  for (size_t i = 0; i < count; i++)
    texts[i] = text_fold(g_strndup(row->cells[i].text, row->cells[i].length));
  return texts;
}

/* Removes the brackets that hold a measure, such as (万元) or (单位:万元), and says which. */
static bool strip_measure(const struct mapping *mapping, char *key, int *ret_measure)
{
  for (char *open = strpbrk(key, "(["); open; open = strpbrk(open + 1, "([")) {
    char *close = strpbrk(open, ")]");
    if (!close) return false;
    const char *word = open + 1;
    bool sure;
    g_autofree char *inside = g_strndup(word, (size_t)(close - word));
    const char *measure_text = inside;
    words_are_measure_title(inside, &measure_text, &sure);
    int measure = measure_by_text(mapping, measure_text);
    if (measure == CATALOGUE_NONE) continue;
    memmove(open, close + 1, strlen(close + 1) + 1);
    *ret_measure = measure;
    return true;
  }
  return false;
}

static GArray *copy_candidates(const GArray *candidates)
{
  GArray *copy = g_array_new(FALSE, FALSE, sizeof(struct column_ref));
  return g_array_append_vals(copy, candidates->data, candidates->len);
}

/* Configuration names columns by their code. */
static GArray *candidates_by_code(const struct mapping *mapping, const char *code)
{
  GArray *candidates = g_array_new(FALSE, FALSE, sizeof(struct column_ref));
  for (size_t f = 0; f < mapping->catalogue->form_count; f++) {
    struct column_ref ref = {.form = (int)f, .column = catalogue_column(mapping->catalogue, (int)f, code)};
    if (ref.column != CATALOGUE_NONE) g_array_append_val(candidates, ref);
  }
  if (candidates->len > 0) return candidates;
  g_array_unref(candidates);
  return NULL;
}

GArray *header_candidates(const struct mapping *mapping, const char *key, int *ret_measure)
{
  const char *code = mapping->rules ? g_hash_table_lookup(mapping->rules->columns, key) : NULL;
  if (code) return candidates_by_code(mapping, code);
  const GArray *found = catalogue_headings(mapping->catalogue, key);
  if (found) return copy_candidates(found);
  g_autofree char *plain = g_strdup(key);
  if (!strip_measure(mapping, plain, ret_measure)) return NULL;
  found = catalogue_headings(mapping->catalogue, plain);
  return found ? copy_candidates(found) : NULL;
}

/* Fills in what a heading means; `key` is its text_key(). */
static void resolve(const struct mapping *mapping, const char *key, struct binding *binding)
{
  const struct mapping_rules *rules = mapping->rules;
  binding->measure = CATALOGUE_NONE;
  if (rules && g_hash_table_contains(rules->ignore, key)) {
    binding->meaning = MEANING_IGNORED;
    return;
  }
  const char *word = rules ? g_hash_table_lookup(rules->columns, key) : NULL;
  binding->meaning = !word || words_is_meaning(word) ? meaning_of(word ? word : key) : MEANING_NONE;
  if (binding->meaning != MEANING_NONE) return;
  binding->candidates = header_candidates(mapping, key, &binding->measure);
  if (binding->candidates) binding->meaning = MEANING_FIGURE;
}

bool header_is_unit_heading(const struct mapping *mapping, const char *text)
{
  g_autofree char *key = text_key(text);
  const char *word = mapping->rules ? g_hash_table_lookup(mapping->rules->columns, key) : NULL;
  return meaning_of(word ? word : key) == MEANING_UNIT;
}

static void clear_binding(struct binding *binding)
{
  g_clear_pointer(&binding->candidates, g_array_unref);
  g_clear_pointer(&binding->heading, g_free);
}

/* A header has the unit's column and at least one other that is known. */
static bool is_header(const struct mapping *mapping, GStrv texts)
{
  bool unit = false;
  size_t others = 0;
  for (GStrv text = texts; *text; text++) {
    if (!**text) continue;
    g_autofree char *key = text_key(*text);
    struct binding binding = {0};
    resolve(mapping, key, &binding);
    if (binding.meaning == MEANING_UNIT)
      unit = true;
    else if (binding.meaning != MEANING_NONE)
      others++;
    clear_binding(&binding);
  }
  return unit && others > 0;
}

/* Of two titles the one that says more holds: 2018年统计报表 above 2018年5月. */
static void take_title_period(struct mapping *mapping, struct period period, bool cumulative)
{
  if (mapping->title_periods_differ) return;
  if (mapping->has_title_period && !period_equal(period, mapping->title_period)) {
    if (period_contains(period, mapping->title_period)) return;
    if (!period_contains(mapping->title_period, period)) {
      mapping->title_periods_differ = true;
      mapping->has_title_period = false;
      return;
    }
    mapping->title_cumulative = false;
  }
  mapping->title_cumulative = cumulative && (!mapping->has_title_period || mapping->title_cumulative);
  mapping->has_title_period = true;
  mapping->title_period = period;
}

/* 2018年1-5月: the first months of a year, which a report of May gives as cumulative figures. */
static bool read_months_to(const char *text, int offset, struct period *ret_period)
{
  g_autoptr(GRegex) regex = g_regex_new("^([0-9]+年)0?1(?:-|—|–|―|~|～|至)([0-9]{1,2}月)$", 0, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  if (!g_regex_match(regex, text, 0, &match)) return false;
  g_autofree char *year = g_match_info_fetch(match, 1), *month = g_match_info_fetch(match, 2);
  g_autofree char *last = g_strconcat(year, month, NULL);
  return period_read(last, offset, ret_period);
}

/* Years with what stands behind them. What goes on as a longer text of time, such as 2018年上半年,
 * 2018年6月8日 or 2018年5月—6月, is no period of a form. */
static void read_periods_within(struct mapping *mapping, const char *key, int offset)
{
  g_autoptr(GRegex) regex = g_regex_new(
      "(?<![0-9])[0-9]{2,4}年(?:第?[一二三四1-4]季度?|[0-9]{1,2}(?:(?:-|—|–|―|~|～|至)[0-9]{1,2})?月)?+"
      "(?!度?(?:上|下)半年|度?前|[0-9一二三四五六七八九十]|第|至|-|—|–|―|~|～|份?(?:至|-|—|–|―|~|～))",
      0, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  for (g_regex_match(regex, key, 0, &match); g_match_info_matches(match); g_match_info_next(match, NULL)) {
    g_autofree char *text = g_match_info_fetch(match, 0);
    struct period period;
    if (period_read(text, offset, &period))
      take_title_period(mapping, period, false);
    else if (read_months_to(text, offset, &period))
      take_title_period(mapping, period, true);
  }
}

/* A period in a title: alone, behind 报告期:, or within a text such as 月报(2018年5月). Other days and years
 * that stand above a table are none. */
static void read_title_period(struct mapping *mapping, const char *key)
{
  static const char *const others[] = {"有效期", "日期", "时间", "批准", "文号",  "印发",
                                       "制表",   "打印", "制定", "date", "国统字"};
  for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
    if (strstr(key, others[i])) return;
  int offset = mapping->rules ? mapping->rules->year_offset : 0;
  struct period period;
  static const char *const words[] = {"报告期:", "报告期", "所属期:", "统计期:", "period:"};
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
    if (g_str_has_prefix(key, words[i]) && period_read(key + strlen(words[i]), offset, &period)) {
      take_title_period(mapping, period, false);
      return;
    }
  const char *dash = strchr(key, '-'); /* a cell that holds nothing else; a bare number says too little */
  bool is_day = dash && strchr(dash + 1, '-') && !strchr(key, '/');
  if (dash && !is_day && period_read(key, offset, &period))
    take_title_period(mapping, period, false);
  else
    read_periods_within(mapping, key, offset);
}

void header_title_row(struct mapping *mapping)
{
  GStrv texts = row_texts(mapping->row);
  mapping->title_rows++;
  if (is_header(mapping, texts)) {
    mapping->top = texts;
    mapping->header = (struct source_row){.number = mapping->row->number, .sheet = mapping->row->sheet};
    mapping->phase = PHASE_HEADER;
    return;
  }
  for (GStrv text = texts; *text && !mapping->refused; text++) {
    g_autofree char *key = text_key(*text);
    measure_title(mapping, key, (size_t)(text - texts));
    read_title_period(mapping, key);
  }
  g_strfreev(mapping->above);
  mapping->above = texts;
  if (mapping->title_rows <= LIMIT_HEADER_ROWS || mapping->refused) return;
  mapping_say(mapping, FINDING_COLUMN_MISSING, NOWHERE, NULL,
              _("a header line with uscc or 统一社会信用代码"));
}

/* The text that stands over column `at`: of merged cells only the first has one. */
static const char *text_over(GStrv texts, size_t at)
{
  size_t count = texts ? g_strv_length(texts) : 0;
  for (size_t i = MIN(at + 1, count); i-- > 0;)
    if (*texts[i]) return texts[i];
  return NULL;
}

bool header_is_second_level(struct mapping *mapping)
{
  g_auto(GStrv) texts = row_texts(mapping->row);
  size_t known = 0;
  for (size_t i = 0; texts[i]; i++) {
    if (!*texts[i]) continue;
    const char *over = text_over(mapping->top, i);
    g_autofree char *both = g_strconcat(over ? over : "", texts[i], NULL);
    g_autofree char *key = text_key(both);
    int measure;
    GArray *candidates = header_candidates(mapping, key, &measure);
    if (!candidates) return false;
    g_array_unref(candidates);
    known++;
  }
  return known > 0;
}

/* 本月 under 工业总产值: read together, before what the lower word alone might mean. */
static bool bind_levels(struct mapping *mapping, struct binding *binding, const char *over, const char *text)
{
  g_autofree char *both = g_strconcat(over, text, NULL);
  g_autofree char *key = text_key(both);
  binding->candidates = header_candidates(mapping, key, &binding->measure);
  if (!binding->candidates) return false;
  binding->meaning = MEANING_FIGURE;
  binding->heading = g_strdup_printf("%s %s", over, text);
  return true;
}

/* True if some form has both columns, and they are not the same. */
static bool differ(const GArray *candidates, const GArray *others)
{
  for (guint i = 0; i < candidates->len; i++)
    for (guint j = 0; j < others->len; j++) {
      const struct column_ref *a = &g_array_index(candidates, struct column_ref, i);
      const struct column_ref *b = &g_array_index(others, struct column_ref, j);
      if (a->form == b->form && a->column != b->column) return true;
    }
  return false;
}

/* The last group of the row above the header has no end: 本年累计 may be over one column or over all that
 * follow. Where a heading has a meaning of its own, and does not stand in the header twice, only the file's
 * author knows. */
static void check_group_end(struct mapping *mapping, size_t at, const char *over)
{
  if (!over || g_strv_length(mapping->above) > at || !*mapping->top[at]) return;
  const struct binding *binding = &mapping->bindings[at];
  g_autofree char *key = text_key(mapping->top[at]);
  int measure;
  g_autoptr(GArray) plain = header_candidates(mapping, key, &measure);
  if (binding->meaning != MEANING_FIGURE || !plain || !differ(plain, binding->candidates)) return;
  for (size_t i = 0; mapping->top[i]; i++) {
    g_autofree char *other = text_key(mapping->top[i]);
    if (i != at && strcmp(other, key) == 0) return;
  }
  g_autofree char *expected =
      g_strdup_printf(_("“%s(%s)” or “%s” in the header itself: nothing tells where “%s” above it ends"),
                      mapping->top[at], over, mapping->top[at], over);
  mapping_say(mapping, FINDING_COLUMN_UNKNOWN, at, binding->heading, expected);
}

static void bind_column(struct mapping *mapping, size_t at, const char *text, const char *over)
{
  struct binding *binding = &mapping->bindings[at];
  binding->measure = CATALOGUE_NONE;
  if (over && *text && bind_levels(mapping, binding, over, text)) return;
  binding->heading = g_strdup(text);
  if (!*text) {
    mapping->has_unnamed = true;
    return;
  }
  g_autofree char *key = text_key(text);
  resolve(mapping, key, binding);
  if (mapping->rules) binding->skip = g_hash_table_lookup(mapping->rules->skip, key);
  if (binding->skip) mapping->has_skip = true;
}

/* Columns that a table has once at most. */
static void place_column(struct mapping *mapping, size_t at)
{
  size_t *places[] = {[MEANING_UNIT] = &mapping->unit_at,     [MEANING_NAME] = &mapping->name_at,
                      [MEANING_PERIOD] = &mapping->period_at, [MEANING_INDICATOR] = &mapping->indicator_at,
                      [MEANING_VALUE] = &mapping->value_at,   [MEANING_MEASURE] = &mapping->measure_at};
  enum meaning meaning = mapping->bindings[at].meaning;
  if (meaning >= G_N_ELEMENTS(places) || !places[meaning]) return;
  if (*places[meaning] == NOWHERE)
    *places[meaning] = at;
  else if (meaning != MEANING_NAME)
    mapping_say(mapping, FINDING_COLUMN_TWICE, at, mapping->bindings[at].heading,
                mapping->bindings[*places[meaning]].heading);
}

static void refuse_unknown(struct mapping *mapping, size_t at)
{
  g_autofree char *key = text_key(mapping->bindings[at].heading);
  g_autofree char *nearest = form_nearest(mapping, key);
  mapping_say(mapping, FINDING_COLUMN_UNKNOWN, at, mapping->bindings[at].heading, nearest);
}

/* 单位 says measures where each row has one indicator; elsewhere it may be anything. */
static void place_bare_measure(struct mapping *mapping)
{
  for (size_t i = 0; i < mapping->width; i++) {
    struct binding *binding = &mapping->bindings[i];
    if (binding->meaning != MEANING_NONE || strcmp(binding->heading, "单位") != 0) continue;
    binding->meaning = MEANING_MEASURE;
    place_column(mapping, i);
  }
}

/* Every mistake of the header is named before the file is given up. */
static void check_header(struct mapping *mapping)
{
  bool is_long = mapping->indicator_at != NOWHERE || mapping->value_at != NOWHERE;
  if (is_long && mapping->measure_at == NOWHERE) place_bare_measure(mapping);
  if (!is_long && mapping->measure_at != NOWHERE)
    mapping_say(mapping, FINDING_COLUMN_MEASURE, mapping->measure_at,
                mapping->bindings[mapping->measure_at].heading,
                _("one measure for each column of figures, in its heading: 工业总产值(万元)"));
  for (size_t i = 0; i < mapping->width; i++) {
    bool figure_in_long = is_long && mapping->bindings[i].meaning == MEANING_FIGURE;
    if ((mapping->bindings[i].meaning == MEANING_NONE && *mapping->bindings[i].heading) || figure_in_long)
      refuse_unknown(mapping, i);
  }
  if (is_long && mapping->indicator_at == NOWHERE)
    mapping_say(mapping, FINDING_COLUMN_MISSING, NOWHERE, NULL, "indicator");
  if (is_long && mapping->value_at == NOWHERE)
    mapping_say(mapping, FINDING_COLUMN_MISSING, NOWHERE, NULL, "value");
  if (mapping->unit_at == NOWHERE) mapping_say(mapping, FINDING_COLUMN_MISSING, NOWHERE, NULL, "uscc");
  if (mapping->period_at == NOWHERE && !mapping->has_wanted_period && !mapping->has_title_period)
    mapping_say(mapping, FINDING_COLUMN_MISSING, NOWHERE, NULL,
                mapping->title_periods_differ
                    ? _("one period; the titles say different ones: give the right one with --period")
                    : _("a column “period” (报告期), or --period"));
}

/* 2018年1-5月 is the report of May where all figures are those of the year so far, and of no period
 * elsewhere. */
static void check_cumulative(struct mapping *mapping)
{
  if (!mapping->title_cumulative || mapping->has_wanted_period) return;
  for (size_t i = 0; i < mapping->figure_count; i++) {
    const struct form *form = &mapping->catalogue->forms[mapping->form];
    const struct column *column = &form->columns[mapping->figures[i].column];
    bool stock = mapping->catalogue->indicators[column->indicator].kind == KIND_STOCK;
    if (stock || column->variant == VARIANT_YTD || column->variant == VARIANT_YTD_LY) continue;
    mapping_say(mapping, FINDING_COLUMN_MISSING, mapping->figures[i].at, column->code,
                _("a period of this figure; the title says the first months of the year: give --period"));
    return;
  }
}

void header_bind(struct mapping *mapping, bool second)
{
  GStrv lower = mapping->second = second ? row_texts(mapping->row) : NULL;
  size_t lower_count = lower ? g_strv_length(lower) : 0;
  size_t upper_count = g_strv_length(mapping->top);
  const struct source_row *row = mapping->row;
  mapping->row = &mapping->header; /* findings are about the header, not about the row below it */
  mapping->below_header = true;
  mapping->width = MAX(lower_count, upper_count);
  mapping->bindings = g_new0(struct binding, mapping->width + 1);
  for (size_t i = 0; i < mapping->width; i++) {
    bool has_lower = i < lower_count && *lower[i];
    GStrv over = has_lower ? mapping->top : mapping->above;
    bind_column(mapping, i,
                has_lower         ? lower[i]
                : i < upper_count ? mapping->top[i]
                                  : "",
                text_over(over, i));
    place_column(mapping, i);
    if (!has_lower && i < upper_count) check_group_end(mapping, i, text_over(over, i));
  }
  check_header(mapping);
  if (!mapping->refused && form_infer(mapping) && form_prepare_figures(mapping)) check_cumulative(mapping);
  mapping->row = row;
}
