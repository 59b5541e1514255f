#include "agent/mapping_private.h"
#include "common/text.h"

#include <string.h>

/* What a title, a footer or a row of measures says of measures. */
enum saying {
  SAYS_NOTHING,
  SAYS_MEASURES, /* those that were found hold */
  SAYS_NOT_UNDERSTOOD,
};

struct saying_text {
  GArray *measures; /* of int */
  char *word;       /* that was not understood */
  bool loose;       /* within a sentence: it may speak of something else */
};

/* An amount's measure that the catalogue may lack: 百万元, 美元. */
static bool is_currency(const char *word)
{
  return g_regex_match_simple("^(人民币)?([十百千万亿]+(美|港|欧|日)?元|元|美元|港元|欧元|日元|yuan|rmb|cny)",
                              word, 0, 0);
}

/* A measure within a sentence; 2000万元 is an amount, and 亿元企业 are enterprises. */
static char *currency_within(const char *key)
{
  g_autoptr(GRegex) regex =
      g_regex_new("(?<![0-9.十百千万亿零一二三四五六七八九两数几])[十百千万亿]+(美|港|欧|日)?元"
                  "(?!以上|及以上|以下|企业|工程|项目|产业|园区|户|店|级|gdp)"
                  "|(?<=[以按])元|(yuan|rmb|cny)(?![a-z])",
                  0, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  return g_regex_match(regex, key, 0, &match) ? g_match_info_fetch(match, 0) : NULL;
}

int measure_by_text(const struct mapping *mapping, const char *text)
{
  int measure = catalogue_measure(mapping->catalogue, text);
  if (measure != CATALOGUE_NONE) return measure;
  for (size_t i = 0; i < mapping->catalogue->measure_count; i++) { /* kWh, of which a key makes kwh */
    g_autofree char *key = text_key(mapping->catalogue->measures[i].code);
    if (strcmp(key, text) == 0) return (int)i;
  }
  return CATALOGUE_NONE;
}

/* 千元、人 — each word holds for the indicators that it converts to. */
static enum saying read_words(const struct mapping *mapping, const char *text, bool sure,
                              struct saying_text *ret_text)
{
  g_autofree char *plain = g_strdup(text + strspn(text, ":([-"));
  if (g_str_has_prefix(plain, "为") || g_str_has_prefix(plain, "是"))
    memmove(plain, plain + strlen("为"), strlen(plain + strlen("为")) + 1);
  g_strdelimit(plain, ")]", '\0');
  if (g_str_has_suffix(plain, "。")) plain[strlen(plain) - strlen("。")] = '\0';
  g_autoptr(GRegex) between = g_regex_new("[、,/;和]", 0, 0, NULL);
  g_auto(GStrv) words = g_regex_split(between, plain, 0);
  enum saying saying = SAYS_NOTHING;
  for (GStrv word = words; *word; word++) {
    if (!**word) continue;
    int measure = measure_by_text(mapping, *word);
    if (measure != CATALOGUE_NONE) {
      g_array_append_val(ret_text->measures, measure);
      if (saying == SAYS_NOTHING) saying = SAYS_MEASURES;
    } else if (sure || is_currency(*word)) {
      g_free(ret_text->word);
      ret_text->word = g_strdup(*word);
      saying = SAYS_NOT_UNDERSTOOD;
    } else if (saying == SAYS_NOTHING) {
      return SAYS_NOTHING; /* 单位:柳州某公司 */
    }
  }
  return saying;
}

/* 月报(万元): brackets that hold nothing else. */
static enum saying read_brackets(const struct mapping *mapping, const char *key, struct saying_text *ret_text)
{
  enum saying all = SAYS_NOTHING;
  for (const char *open = strpbrk(key, "(["); open; open = strpbrk(open + 1, "([")) {
    const char *close = strpbrk(open, ")]");
    g_autofree char *inside = close ? g_strndup(open + 1, (size_t)(close - open - 1)) : g_strdup(open + 1);
    enum saying saying = read_words(mapping, inside, false, ret_text);
    all = MAX(all, saying);
  }
  return all;
}

/* What a cell (its text_key()) says: 万元, (万元), 计量单位:千元、人, 单位 万元, 月报(万元). */
static enum saying read_saying(const struct mapping *mapping, const char *key, struct saying_text *ret_text)
{
  *ret_text = (struct saying_text){.measures = g_array_new(FALSE, FALSE, sizeof(int))};
  const char *rest = key;
  bool sure = false;
  enum saying saying = SAYS_NOTHING;
  if (words_are_measure_title(key, &rest, &sure)) saying = read_words(mapping, rest, sure, ret_text);
  if (saying == SAYS_NOTHING) saying = read_words(mapping, key, false, ret_text);
  if (saying == SAYS_NOTHING) saying = read_brackets(mapping, key, ret_text);
  if (saying != SAYS_NOTHING) return saying;
  ret_text->word = currency_within(key);
  ret_text->loose = true;
  return ret_text->word ? SAYS_NOT_UNDERSTOOD : SAYS_NOTHING;
}

static void saying_clear(struct saying_text *text)
{
  g_array_unref(text->measures);
  g_free(text->word);
}

static bool same_base(const struct mapping *mapping, int a, int b)
{
  return strcmp(mapping->catalogue->measures[a].base, mapping->catalogue->measures[b].base) == 0;
}

static const char *code_of(const struct mapping *mapping, int measure)
{
  return mapping->catalogue->measures[measure].code;
}

/* Two titles that contradict each other say nothing that could be trusted. */
static void take_title(struct mapping *mapping, int measure, size_t at)
{
  for (guint i = 0; i < mapping->measures->len; i++) {
    int other = g_array_index(mapping->measures, int, i);
    if (other == measure) return;
    if (!same_base(mapping, measure, other)) continue;
    g_autofree char *expected =
        g_strdup_printf(_("one measure for all amounts; another title says %s"), code_of(mapping, other));
    mapping_say(mapping, FINDING_COLUMN_MEASURE, at, code_of(mapping, measure), expected);
    return;
  }
  g_array_append_val(mapping->measures, measure);
}

void measure_title(struct mapping *mapping, const char *key, size_t at)
{
  int ignored = CATALOGUE_NONE;
  g_autoptr(GArray) heading = header_candidates(mapping, key, &ignored);
  if (heading) return; /* 工业总产值(万元) above 本月 and 本年累计: it is theirs alone */
  struct saying_text text;
  enum saying saying = read_saying(mapping, key, &text);
  if (saying == SAYS_NOT_UNDERSTOOD)
    mapping_say(mapping, FINDING_COLUMN_MEASURE, at, text.loose ? key : text.word,
                _("a measure of the catalogue, such as 千元, written as 计量单位:千元"));
  for (guint i = 0; saying == SAYS_MEASURES && i < text.measures->len && !mapping->refused; i++)
    take_title(mapping, g_array_index(text.measures, int, i), at);
  saying_clear(&text);
}

/* --- below the header --- */

/* True if the figure is read in this measure already, or measures something else. */
static bool agrees(const struct mapping *mapping, const struct figure *figure, int measure)
{
  const struct catalogue *catalogue = mapping->catalogue;
  const struct column *column = &catalogue->forms[mapping->form].columns[figure->column];
  int own = catalogue->indicators[column->indicator].measure;
  return !same_base(mapping, own, measure) ||
         (int128)figure->numerator * catalogue->measures[own].factor ==
             (int128)figure->denominator * catalogue->measures[measure].factor;
}

/* Rows above were read without it: it must agree with how they were read. `at` is the figure's column that it
 * stands in, if it stands in one: then it is about that one alone. */
static void check_late(struct mapping *mapping, int measure, size_t at, bool own_column)
{
  bool agreed = mapping->figure_count > 0;
  for (size_t i = 0; i < mapping->figure_count && agreed; i++)
    if (!own_column || mapping->figures[i].at == at) agreed = agrees(mapping, &mapping->figures[i], measure);
  if (!agreed)
    mapping_say(mapping, FINDING_COLUMN_MEASURE, at, code_of(mapping, measure),
                _("the measure in a title above the table, or in the headings; the figures were read in "
                  "another one"));
}

static struct figure *figure_at(struct mapping *mapping, size_t at)
{
  for (size_t i = 0; mapping->indicator_at == NOWHERE && i < mapping->figure_count; i++)
    if (mapping->figures[i].at == at) return &mapping->figures[i];
  return NULL;
}

static void check_cell(struct mapping *mapping, size_t at, bool only_currency)
{
  g_autofree char *key = text_key(mapping->row->cells[at].text);
  struct saying_text text;
  enum saying saying = read_saying(mapping, key, &text);
  if (saying == SAYS_NOT_UNDERSTOOD) {
    int measure = measure_by_text(mapping, text.word);
    if (measure != CATALOGUE_NONE)
      check_late(mapping, measure, at, false);
    else if (!only_currency || is_currency(text.word))
      mapping_say(mapping, FINDING_COLUMN_MEASURE, at, text.word,
                  _("a measure of the catalogue, such as 千元, written as 计量单位:千元"));
  }
  for (guint i = 0; saying == SAYS_MEASURES && i < text.measures->len && !mapping->refused; i++)
    check_late(mapping, g_array_index(text.measures, int, i), at, figure_at(mapping, at) != NULL);
  saying_clear(&text);
}

void measure_footer(struct mapping *mapping)
{
  for (size_t i = 0; i < mapping->row->count && !mapping->refused; i++)
    if (mapping->row->cells[i].length > 0) check_cell(mapping, i, true);
}

/* (万元) below 工业总产值, before any row was read. */
static void take_column(struct mapping *mapping, struct figure *figure)
{
  struct binding *binding = &mapping->bindings[figure->at];
  const char *cell = mapping->row->cells[figure->at].text;
  g_autofree char *key = text_key(cell);
  if (strspn(key, "-") == strlen(key)) return;
  struct saying_text text;
  enum saying saying = read_saying(mapping, key, &text);
  int measure = saying == SAYS_MEASURES && text.measures->len == 1 ? g_array_index(text.measures, int, 0)
                                                                   : CATALOGUE_NONE;
  bool conflict = binding->measure != CATALOGUE_NONE && binding->measure != measure;
  if (measure == CATALOGUE_NONE || conflict) {
    mapping_say(mapping, FINDING_COLUMN_MEASURE, figure->at, cell,
                conflict ? code_of(mapping, binding->measure)
                         : _("a measure of the catalogue, such as 千元"));
  } else {
    binding->measure = measure;
    form_convert(mapping, figure, measure, figure->at);
  }
  saying_clear(&text);
}

/* The first text of a row of measures is one, or the word for them; and it has no figures. */
static bool is_measure_row(const struct mapping *mapping)
{
  const struct source_row *row = mapping->row;
  size_t first = 0;
  while (first < row->count && row->cells[first].length == 0) first++;
  if (first == row->count || first == mapping->name_at || cells_have_number(mapping)) return false;
  g_autofree char *key = text_key(row->cells[first].text);
  const char *rest = key;
  bool sure = false;
  bool labelled = words_are_measure_title(key, &rest, &sure);
  if (labelled && (sure || meaning_of(key) == MEANING_MEASURE || strcmp(key, "单位") == 0)) return true;
  struct saying_text text = {.measures = g_array_new(FALSE, FALSE, sizeof(int))};
  enum saying saying = read_words(mapping, rest, false, &text);
  saying_clear(&text);
  return saying != SAYS_NOTHING;
}

bool measure_row(struct mapping *mapping)
{
  if (!is_measure_row(mapping)) return false;
  bool early = mapping->rows == 0 && mapping->total_row == 0;
  for (size_t i = 0; i < mapping->row->count && !mapping->refused; i++) {
    if (mapping->row->cells[i].length == 0) continue;
    struct figure *figure = early ? figure_at(mapping, i) : NULL;
    if (figure)
      take_column(mapping, figure);
    else
      check_cell(mapping, i, false);
  }
  return true;
}
