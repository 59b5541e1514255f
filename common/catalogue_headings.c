/* Headings of spreadsheets: which column of which form does "工业总产值(本年累计)" mean?
 *
 * Only the names without a word for the variant are kept, each with the column it means under every such
 * word; the word is taken off when a heading is looked up. */
#include "common/catalogue_private.h"
#include "common/meaning.h"

#include <string.h>

/* What the words for a variant ask for: a variant, and another where the form has no such column of the
 * indicator. */
enum wish {
  WISH_FIRST, /* no word */
  WISH_PERIOD,
  WISH_YTD,
  WISH_LY,
  WISH_YTD_LY,
  WISH_THIS_YEAR,
  WISH_LAST_YEAR,
  WISH_SAME_LAST_YEAR,
  WISH_COUNT
};

#define VARIANT_END VARIANT_COUNT

/* In the order of preference. */
static const enum variant wishes[WISH_COUNT][VARIANT_COUNT + 1] = {
    [WISH_FIRST] = {VARIANT_PERIOD, VARIANT_YTD, VARIANT_LY, VARIANT_YTD_LY, VARIANT_END},
    [WISH_PERIOD] = {VARIANT_PERIOD, VARIANT_END},
    [WISH_YTD] = {VARIANT_YTD, VARIANT_END},
    [WISH_LY] = {VARIANT_LY, VARIANT_END},
    [WISH_YTD_LY] = {VARIANT_YTD_LY, VARIANT_END},
    [WISH_THIS_YEAR] = {VARIANT_YTD, VARIANT_PERIOD, VARIANT_END},
    [WISH_LAST_YEAR] = {VARIANT_YTD_LY, VARIANT_LY, VARIANT_END},
    [WISH_SAME_LAST_YEAR] = {VARIANT_LY, VARIANT_YTD_LY, VARIANT_END},
};

/* As heading_key() leaves them: no blanks, lower case, one kind of dash. */
static const struct {
  const char *word;
  enum wish wish;
} words[] = {
    {"本月", WISH_PERIOD},
    {"当月", WISH_PERIOD},
    {"本期", WISH_PERIOD},
    {"month", WISH_PERIOD},
    {"thismonth", WISH_PERIOD},
    {"本年累计", WISH_YTD},
    {"累计", WISH_YTD},
    {"1-本月", WISH_YTD},
    {"1至本月", WISH_YTD},
    {"本年1-本月", WISH_YTD},
    {"1-本月累计", WISH_YTD},
    {"ytd", WISH_YTD},
    {"yeartodate", WISH_YTD},
    {"cumulative", WISH_YTD},
    {"上年同月", WISH_LY},
    {"去年同月", WISH_LY},
    {"上年本月", WISH_LY},
    {"上年当月", WISH_LY},
    {"去年当月", WISH_LY},
    {"ly", WISH_LY},
    {"monthlastyear", WISH_LY},
    {"samemonthlastyear", WISH_LY},
    {"上年1-本月", WISH_YTD_LY},
    {"去年1-本月", WISH_YTD_LY},
    {"上年1至本月", WISH_YTD_LY},
    {"上年累计", WISH_YTD_LY},
    {"去年累计", WISH_YTD_LY},
    {"上年同期累计", WISH_YTD_LY},
    {"去年同期累计", WISH_YTD_LY},
    {"上年1-本月累计", WISH_YTD_LY},
    {"ytd_ly", WISH_YTD_LY},
    {"ytdlastyear", WISH_YTD_LY},
    {"lastyearytd", WISH_YTD_LY},
    {"yeartodatelastyear", WISH_YTD_LY},
    {"lastyeartodate", WISH_YTD_LY},
    {"cumulativelastyear", WISH_YTD_LY},
    {"本年", WISH_THIS_YEAR},
    {"thisyear", WISH_THIS_YEAR},
    {"上年", WISH_LAST_YEAR},
    {"去年", WISH_LAST_YEAR},
    {"上年同期", WISH_SAME_LAST_YEAR},
    {"去年同期", WISH_SAME_LAST_YEAR},
    {"lastyear", WISH_SAME_LAST_YEAR},
    {"sameperiodlastyear", WISH_SAME_LAST_YEAR},
};

struct heading {
  GArray *named;              /* struct column_ref: all columns of this name, in the order of forms */
  GArray *wished[WISH_COUNT]; /* struct column_ref: at most one per form; NULL if none */
};

static void heading_free(void *data)
{
  struct heading *heading = data;
  g_array_unref(heading->named);
  for (int wish = 0; wish < WISH_COUNT; wish++)
    if (heading->wished[wish]) g_array_unref(heading->wished[wish]);
  g_free(heading);
}

/* A folded heading with one kind of dash: 1—本月, 1–本月 and 1~本月 are the same. */
static char *heading_key(const char *key)
{
  static const char *const dashes[] = {"—", "–", "‐", "−", "―", "～", "~"};
  g_autoptr(GString) folded = g_string_new(key);
  for (size_t i = 0; i < G_N_ELEMENTS(dashes); i++) g_string_replace(folded, dashes[i], "-", 0);
  return g_string_free(g_steal_pointer(&folded), FALSE);
}

/* --- looking up --- */

#define BREAKS ".,:;_-/"

/* "本月工业总产值", "(本月)工业总产值" → "工业总产值"; NULL if the word does not stand before the name. */
static char *without_first(const char *key, const char *word)
{
  key += strspn(key, "([");
  if (!g_str_has_prefix(key, word)) return NULL;
  key += strlen(word);
  return g_strdup(key + strspn(key, BREAKS ")]"));
}

/* "工业总产值本月", "工业总产值(本月)", "gross_output.month" → the name; NULL if the word does not stand
 * behind it. */
static char *without_last(const char *key, const char *word)
{
  size_t end = strlen(key), size = strlen(word);
  while (end > 0 && strchr(")]", key[end - 1])) end--;
  if (end < size || strncmp(key + end - size, word, size) != 0) return NULL;
  end -= size;
  while (end > 0 && strchr(BREAKS "([", key[end - 1])) end--;
  return g_strndup(key, end);
}

/* What the heading means with a word for the variant taken off. Only one word leaves a known name: "累计"
 * taken off "产值上年累计" leaves none. A heading that is nothing but such a word names no indicator: the 1
 * that "本月" leaves of "1-本月" is no form line. */
static const GArray *with_word(GHashTable *headings, const char *key)
{
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
    if (strcmp(key, words[i].word) == 0) return NULL;
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
    g_autofree char *last = without_last(key, words[i].word), *first = without_first(key, words[i].word);
    const struct heading *heading = last ? g_hash_table_lookup(headings, last) : NULL;
    if (!heading && first) heading = g_hash_table_lookup(headings, first);
    if (heading && heading->wished[words[i].wish]) return heading->wished[words[i].wish];
  }
  return NULL;
}

const GArray *catalogue_headings(const struct catalogue *catalogue, const char *key)
{
  g_autofree char *folded = heading_key(key);
  const struct heading *heading = g_hash_table_lookup(catalogue->index->headings, folded);
  if (heading && heading->wished[WISH_FIRST]) return heading->wished[WISH_FIRST];
  return with_word(catalogue->index->headings, folded);
}

/* --- indexing --- */

static const struct column *column_of(const struct catalogue *catalogue, const struct column_ref *ref)
{
  return &catalogue->forms[ref->form].columns[ref->column];
}

/* Enters `name` for the column. Retired columns leave their names to those that are asked for. */
static void enter(struct reader *reader, const char *name, const struct column_ref *ref)
{
  g_autofree char *folded = text_key(name);
  g_autofree char *key = heading_key(folded);
  GHashTable *headings = reader->catalogue->index->headings;
  if (*key == '\0') return;
  struct heading *heading = g_hash_table_lookup(headings, key);
  if (!heading) {
    heading = g_new0(struct heading, 1);
    heading->named = g_array_new(FALSE, FALSE, sizeof(struct column_ref));
    g_hash_table_insert(headings, g_strdup(key), heading);
  }
  for (unsigned i = 0; i < heading->named->len; i++) {
    const struct column_ref *other = &g_array_index(heading->named, struct column_ref, i);
    if (other->form == ref->form && other->column == ref->column) return;
  }
  g_array_append_val(heading->named, *ref);
}

static void enter_column(struct reader *reader, const struct column_ref *ref)
{
  const struct column *column = column_of(reader->catalogue, ref);
  const struct indicator *indicator = &reader->catalogue->indicators[column->indicator];
  enter(reader, indicator->code, ref);
  enter(reader, indicator->name.zh, ref);
  enter(reader, indicator->name.en, ref);
  for (char **alias = indicator->aliases; alias && *alias; alias++) enter(reader, *alias, ref);
  enter(reader, column->line, ref);
  enter(reader, column->line + strspn(column->line, "0"), ref); /* a spreadsheet makes 1 of 01 */
}

/* The column of the heading on this form that the wish means: one that is asked for, else a retired one. */
static const struct column_ref *choose(const struct catalogue *catalogue, const struct heading *heading,
                                       int form, enum wish wish)
{
  for (int retired = 0; retired <= 1; retired++)
    for (const enum variant *variant = wishes[wish]; *variant != VARIANT_END; variant++)
      for (unsigned i = 0; i < heading->named->len; i++) {
        const struct column_ref *ref = &g_array_index(heading->named, struct column_ref, i);
        const struct column *column = column_of(catalogue, ref);
        if (ref->form == form && column->variant == *variant && column->retired == retired) return ref;
      }
  return NULL;
}

static void grant_wishes(const struct catalogue *catalogue, struct heading *heading)
{
  int form = CATALOGUE_NONE;
  for (unsigned i = 0; i < heading->named->len; i++) {
    const struct column_ref *ref = &g_array_index(heading->named, struct column_ref, i);
    if (ref->form == form) continue; /* of one form they stand together */
    form = ref->form;
    for (enum wish wish = 0; wish < WISH_COUNT; wish++) {
      const struct column_ref *chosen = choose(catalogue, heading, form, wish);
      if (!chosen) continue;
      if (!heading->wished[wish])
        heading->wished[wish] = g_array_new(FALSE, FALSE, sizeof(struct column_ref));
      g_array_append_val(heading->wished[wish], *chosen);
    }
  }
}

/* --- headings that mean two columns of one form --- */

static const struct yaml_node *node_of(const struct reader *reader, const struct column_ref *ref)
{
  return catalogue_column_node(reader, (size_t)ref->form, (size_t)ref->column);
}

static void note_clash(struct reader *reader, const char *key, const struct column_ref *a,
                       const struct column_ref *b)
{
  const struct column_ref *first = a->column < b->column ? a : b, *second = first == a ? b : a;
  yaml_mistake(
      reader->yaml, node_of(reader, second),
      _("the heading “%s” would mean this column and “%s” in line %zu; give one of them another name, alias "
        "or line"),
      key, column_of(reader->catalogue, first)->code, yaml_line(node_of(reader, first)));
}

/* Two indicators of one form by the same name. */
static void check_names(struct reader *reader, const char *key, const struct heading *heading)
{
  const struct catalogue *catalogue = reader->catalogue;
  const struct column_ref *first = NULL; /* of the form */
  for (unsigned i = 0; i < heading->named->len; i++) {
    const struct column_ref *ref = &g_array_index(heading->named, struct column_ref, i);
    if (column_of(catalogue, ref)->retired) continue;
    if (!first || first->form != ref->form) {
      first = ref;
    } else if (column_of(catalogue, first)->indicator != column_of(catalogue, ref)->indicator) {
      note_clash(reader, key, first, ref);
      return;
    }
  }
}

/* A name that reads as another name and a word for a variant. */
static void check_words(struct reader *reader, const char *key, const struct heading *heading)
{
  const GArray *named = heading->wished[WISH_FIRST];
  const GArray *read = with_word(reader->catalogue->index->headings, key);
  for (unsigned i = 0; named && read && i < named->len; i++)
    for (unsigned j = 0; j < read->len; j++) {
      const struct column_ref *a = &g_array_index(named, struct column_ref, i);
      const struct column_ref *b = &g_array_index(read, struct column_ref, j);
      if (a->form == b->form && a->column != b->column) note_clash(reader, key, a, b);
    }
}

/* A name that heads another column in every table would never be read as the indicator's. */
static void check_meaning(struct reader *reader, const char *key, const struct heading *heading)
{
  if (meaning_of(key) == MEANING_NONE) return;
  const struct column_ref *first = &g_array_index(heading->named, struct column_ref, 0);
  yaml_mistake(
      reader->yaml, node_of(reader, first),
      _("the heading “%s” would mean this column, but in every table it means something else (the unit, "
        "the period, remarks …); give the indicator another name or alias"),
      key);
}

void catalogue_index_headings(struct reader *reader)
{
  const struct catalogue *catalogue = reader->catalogue;
  GHashTable *headings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, heading_free);
  catalogue->index->headings = headings;
  for (size_t form = 0; form < catalogue->form_count; form++)
    for (size_t i = 0; !catalogue->forms[form].retired && i < catalogue->forms[form].column_count; i++)
      if (catalogue->forms[form].columns[i].indicator != CATALOGUE_NONE)
        enter_column(reader, &(struct column_ref){(int)form, (int)i});

  GHashTableIter iterator;
  void *key, *heading;
  g_hash_table_iter_init(&iterator, headings);
  while (g_hash_table_iter_next(&iterator, &key, &heading)) grant_wishes(catalogue, heading);
  g_hash_table_iter_init(&iterator, headings);
  while (g_hash_table_iter_next(&iterator, &key, &heading)) {
    check_names(reader, key, heading);
    check_words(reader, key, heading);
    check_meaning(reader, key, heading);
  }
}
