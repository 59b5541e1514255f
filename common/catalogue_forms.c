/* Forms of a catalogue file, and which column carries an indicator. */
#include "common/catalogue_private.h"
#include "common/limits.h"

#include <string.h>

static const struct yaml_node *columns_node(const struct reader *reader, size_t form)
{
  return yaml_get(reader->yaml, reader_item(reader, SECTION_FORMS, form), "columns", false);
}

const struct yaml_node *catalogue_column_node(const struct reader *reader, size_t form, size_t column)
{
  const struct yaml_node *item = yaml_item(reader->yaml, columns_node(reader, form), column);
  const struct yaml_node *code = yaml_get(reader->yaml, item, "column", false);
  return code ? code : item;
}

/* --- reading --- */

/* "gross_output.ytd": the indicator before the point, the variant behind it. */
static void read_column_code(struct reader *reader, const struct yaml_node *node, struct column *column)
{
  const char *code = yaml_text(reader->yaml, node, "");
  column->code = g_strdup(code);
  column->indicator = CATALOGUE_NONE;
  if (*code == '\0') return; /* said already */
  const char *suffix = code + strcspn(code, ".");
  int variant = 0;
  while (variant < VARIANT_COUNT && strcmp(catalogue_variant_suffix[variant], suffix) != 0) variant++;
  if (variant == VARIANT_COUNT) {
    yaml_mistake(
        reader->yaml, node,
        _("“%s” is no column; behind the indicator may stand .ytd (January to the month), .ly (last year's) "
          "or .ytd_ly (last year's January to the month)"),
        code);
    return;
  }
  column->variant = variant;
  g_autofree char *indicator = g_strndup(code, (size_t)(suffix - code));
  column->indicator = reader_reference_code(reader, SECTION_INDICATORS, node, indicator);
}

static void read_columns(struct reader *reader, const struct yaml_node *node, struct form *form)
{
  static const char *const keys[] = {"column", "line", "retired", NULL};
  const struct yaml_node *list = yaml_get(reader->yaml, node, "columns", true);
  if (!list) return;
  size_t count = yaml_is_sequence(list) ? yaml_size(reader->yaml, list) : 0;
  if (count == 0) {
    yaml_mistake(reader->yaml, list,
                 _("expected the columns of the form, one per line: “- {column: gross_output}”"));
    return;
  }
  if (count > LIMIT_FORM_COLUMNS) {
    yaml_mistake(reader->yaml, list, _("%zu columns, at most %d are possible; make two forms of it"), count,
                 LIMIT_FORM_COLUMNS);
    return;
  }
  form->columns = g_new0(struct column, count);
  form->column_count = count;
  for (size_t i = 0; i < count; i++) {
    const struct yaml_node *item = yaml_item(reader->yaml, list, i);
    yaml_known_keys(reader->yaml, item, keys);
    read_column_code(reader, yaml_get(reader->yaml, item, "column", true), &form->columns[i]);
    form->columns[i].line = reader_text(reader, item, "line", false);
    form->columns[i].retired = yaml_flag(reader->yaml, yaml_get(reader->yaml, item, "retired", false), false);
  }
}

static void read_classes(struct reader *reader, const struct yaml_node *node, struct form *form)
{
  const struct yaml_node *list = yaml_get(reader->yaml, node, "classes", true);
  size_t count = yaml_size(reader->yaml, list);
  if (list && count == 0) yaml_mistake(reader->yaml, list, _("name the unit classes that report this form"));
  for (size_t i = 0; i < count; i++) {
    int class = reader_reference(reader, SECTION_CLASSES, yaml_item(reader->yaml, list, i));
    if (class != CATALOGUE_NONE) form->classes |= (uint64_t)1 << class;
  }
}

static day_number read_day(struct reader *reader, const struct yaml_node *node)
{
  const char *text = node ? yaml_text(reader->yaml, node, NULL) : NULL;
  day_number day;
  if (!text) return DAY_NONE;
  if (day_parse(text, &day)) return day;
  yaml_mistake(reader->yaml, node, _("“%s” is no day; write it as 2020-12-31"), text);
  return DAY_NONE;
}

static void read_schedule(struct reader *reader, const struct yaml_node *node, struct form *form)
{
  static const char *const frequencies[] = {"month", "quarter", "year", NULL};
  static const unsigned months[] = {1, 3, 12};
  static const char *const januaries[] = {"separate", "joint", "exempt", NULL}; /* enum january */
  const struct yaml_node *every = yaml_get(reader->yaml, node, "every", true);
  form->months = months[yaml_word(reader->yaml, every, frequencies, 0)];
  const struct yaml_node *january = yaml_get(reader->yaml, node, "january", false);
  form->january = yaml_word(reader->yaml, january, januaries, JANUARY_SEPARATE);
  if (january && form->months != 1)
    yaml_mistake(reader->yaml, january, _("only a monthly form has a rule for January; remove it"));
  catalogue_read_due(reader, node, &form->due);
}

void catalogue_read_form(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh",          "en",          "number",    "issuer",     "approval",
                                     "valid_until", "legal_basis", "filled_by", "every",      "january",
                                     "due",         "weighed_by",  "classes",   "population", "retired",
                                     "columns",     NULL};
  static const char *const bases[] = {"statistical", "administrative", NULL}; /* enum legal_basis */
  static const char *const roles[] = {"park", "bureau", NULL};                /* enum role */
  const struct yaml_node *node = reader_item(reader, SECTION_FORMS, n);
  yaml_known_keys(reader->yaml, node, keys);
  struct form *form = &reader->catalogue->forms[n];
  yaml_label(reader->yaml, node, &form->name);
  form->number = reader_text(reader, node, "number", true);
  form->issuer = reader_text(reader, node, "issuer", true);
  form->approval = reader_text(reader, node, "approval", true);
  form->valid_until = read_day(reader, yaml_get(reader->yaml, node, "valid_until", false));
  form->legal_basis = yaml_word(reader->yaml, yaml_get(reader->yaml, node, "legal_basis", true), bases, 0);
  form->role = yaml_word(reader->yaml, yaml_get(reader->yaml, node, "filled_by", true), roles, 0);
  form->retired = yaml_flag(reader->yaml, yaml_get(reader->yaml, node, "retired", false), false);
  form->population = reader_reference_at(reader, node, "population", false, SECTION_FLAGS);
  read_schedule(reader, node, form);
  read_classes(reader, node, form);
  read_columns(reader, node, form);
}

/* --- checking: columns against their indicators --- */

static bool is_cumulative(enum variant variant)
{
  return variant == VARIANT_YTD || variant == VARIANT_YTD_LY;
}

/* Whether the column makes sense for the indicator at this frequency. */
static void check_column(struct reader *reader, size_t n, size_t at)
{
  const struct form *form = &reader->catalogue->forms[n];
  const struct column *column = &form->columns[at];
  const struct indicator *indicator = &reader->catalogue->indicators[column->indicator];
  const struct yaml_node *node = catalogue_column_node(reader, n, at);
  if (indicator->kind == KIND_COUNT || indicator->kind == KIND_RATIO)
    yaml_mistake(reader->yaml, node, _("“%s” is computed, it cannot be reported; remove the column"),
                 indicator->code);
  else if (is_cumulative(column->variant) && indicator->kind == KIND_STOCK)
    yaml_mistake(reader->yaml, node, _("“%s” is a stock, which is not added over months; remove the column"),
                 indicator->code);
  else if (is_cumulative(column->variant) && form->months == 12)
    yaml_mistake(reader->yaml, node, _("a yearly form has no column from January to the month; remove it"));
  else if (is_cumulative(column->variant) && indicator->basis == BASIS_MONTH)
    yaml_mistake(reader->yaml, node,
                 _("“%s” has the basis month; remove the column, or give it the basis both"),
                 indicator->code);
  else if (!is_cumulative(column->variant) && indicator->kind == KIND_FLOW &&
           indicator->basis == BASIS_CUMULATIVE && form->months < 12)
    yaml_mistake(
        reader->yaml, node,
        _("“%s” has the basis cumulative; use the columns .ytd and .ytd_ly, or give it the basis both"),
        indicator->code);
}

/* Whether no column before it is of the same indicator. */
static bool is_first(const struct form *form, size_t at)
{
  for (size_t i = 0; i < at; i++)
    if (form->columns[i].indicator == form->columns[at].indicator) return false;
  return true;
}

static bool has_column(const struct catalogue *catalogue, int form, int indicator, enum variant variant)
{
  g_autofree char *code =
      g_strconcat(catalogue->indicators[indicator].code, catalogue_variant_suffix[variant], NULL);
  return catalogue_column(catalogue, form, code) != CATALOGUE_NONE;
}

/* Last year's figures and totals rest on the columns that the basis promises. Said at the indicator's first
 * column. */
static void check_basis(struct reader *reader, size_t n, size_t at)
{
  const struct catalogue *catalogue = reader->catalogue;
  const struct form *form = &catalogue->forms[n];
  int indicator = form->columns[at].indicator;
  const struct indicator *asked = &catalogue->indicators[indicator];
  bool periods_only = form->months == 12 || asked->kind != KIND_FLOW;
  static const char *const bases[] = {"month", "cumulative", "both"};
  for (enum variant variant = VARIANT_PERIOD; variant <= VARIANT_YTD; variant++) {
    enum basis other = variant == VARIANT_PERIOD ? BASIS_CUMULATIVE : BASIS_MONTH;
    bool needed = periods_only ? variant == VARIANT_PERIOD : asked->basis != other;
    if (!needed || has_column(catalogue, (int)n, indicator, variant)) continue;
    if (periods_only)
      yaml_mistake(reader->yaml, catalogue_column_node(reader, n, at),
                   _("the column “%s” is missing in this form; add it"), asked->code);
    else
      yaml_mistake(
          reader->yaml, catalogue_column_node(reader, n, at),
          _("“%s” has the basis %s, so the form needs the column “%s%s”; add it, or change the basis"),
          asked->code, bases[asked->basis], asked->code, catalogue_variant_suffix[variant]);
  }
}

/* Enters the codes of the form's columns. */
static void index_form(struct reader *reader, size_t n)
{
  struct form *form = &reader->catalogue->forms[n];
  GHashTable *codes = reader->catalogue->index->columns[n];
  for (size_t i = 0; i < form->column_count; i++) {
    char *code = form->columns[i].code;
    int first = GPOINTER_TO_INT(g_hash_table_lookup(codes, code));
    if (first != 0 && *code)
      yaml_mistake(reader->yaml, catalogue_column_node(reader, n, i),
                   _("the column “%s” stands in this form twice, first in line %zu"), code,
                   yaml_line(catalogue_column_node(reader, n, (size_t)first - 1)));
    if (first == 0) g_hash_table_insert(codes, code, GINT_TO_POINTER((int)i + 1));
  }
}

/* The column that is named, else the first of a flow. */
static int weighing_column(struct reader *reader, size_t n)
{
  const struct catalogue *catalogue = reader->catalogue;
  const struct form *form = &catalogue->forms[n];
  const struct yaml_node *node =
      yaml_get(reader->yaml, reader_item(reader, SECTION_FORMS, n), "weighed_by", false);
  const char *code = yaml_text(reader->yaml, node, NULL);
  if (code) {
    int column = catalogue_column(catalogue, (int)n, code);
    if (column == CATALOGUE_NONE)
      yaml_mistake(reader->yaml, node, _("“%s” is no column of this form; name one of those below “columns”"),
                   code);
    return column;
  }
  for (size_t i = 0; i < form->column_count; i++) {
    int indicator = form->columns[i].indicator;
    if (indicator != CATALOGUE_NONE && catalogue->indicators[indicator].kind == KIND_FLOW &&
        !form->columns[i].retired)
      return (int)i;
  }
  return CATALOGUE_NONE;
}

void catalogue_check_form(struct reader *reader, size_t n)
{
  struct catalogue_index *index = reader->catalogue->index;
  if (!index->columns) {
    index->columns = g_new0(GHashTable *, reader->catalogue->form_count);
    for (size_t i = 0; i < reader->catalogue->form_count; i++)
      index->columns[i] = g_hash_table_new(g_str_hash, g_str_equal);
  }
  index_form(reader, n);
  reader->catalogue->forms[n].weighed_by = weighing_column(reader, n);
  for (size_t i = 0; i < reader->catalogue->forms[n].column_count; i++) {
    if (reader->catalogue->forms[n].columns[i].indicator == CATALOGUE_NONE) continue;
    check_column(reader, n, i);
    if (is_first(&reader->catalogue->forms[n], i)) check_basis(reader, n, i);
  }
}

/* --- which column carries an indicator --- */

/* An indicator that stands on two forms of one frequency would have two totals. */
static void check_carrier(struct reader *reader, size_t n, size_t at)
{
  const struct catalogue *catalogue = reader->catalogue;
  int indicator = catalogue->forms[n].columns[at].indicator;
  enum frequency frequency = catalogue_frequency(catalogue->forms[n].months);
  for (enum variant variant = 0; variant < VARIANT_COUNT; variant++) {
    const struct column_ref *other = catalogue_carrier(catalogue, indicator, frequency, variant);
    if (other->form == CATALOGUE_NONE || other->form == (int)n) continue;
    yaml_mistake(
        reader->yaml, catalogue_column_node(reader, n, at),
        _("“%s” is already asked on the form “%s” of the same frequency (line %zu); keep it on one of them, "
          "or make it two indicators"),
        catalogue->indicators[indicator].code, catalogue->forms[other->form].code,
        yaml_line(catalogue_column_node(reader, (size_t)other->form, (size_t)other->column)));
    return;
  }
}

static void carry(struct reader *reader, size_t n, bool retired)
{
  const struct form *form = &reader->catalogue->forms[n];
  enum frequency frequency = catalogue_frequency(form->months);
  for (size_t i = 0; i < form->column_count; i++) {
    const struct column *column = &form->columns[i];
    if (column->indicator == CATALOGUE_NONE || (form->retired || column->retired) != retired) continue;
    if (!retired && is_first(form, i)) check_carrier(reader, n, i);
    struct column_ref *carrier =
        catalogue_carrier(reader->catalogue, column->indicator, frequency, column->variant);
    if (carrier->form == CATALOGUE_NONE) *carrier = (struct column_ref){(int)n, (int)i};
  }
}

void catalogue_index_columns(struct reader *reader)
{
  struct catalogue *catalogue = reader->catalogue;
  size_t count = catalogue->indicator_count * FREQUENCY_COUNT * VARIANT_COUNT;
  catalogue->index->carriers = g_new(struct column_ref, count);
  for (size_t i = 0; i < count; i++)
    catalogue->index->carriers[i] = (struct column_ref){CATALOGUE_NONE, CATALOGUE_NONE};
  for (size_t n = 0; n < catalogue->form_count; n++) carry(reader, n, false);
  for (size_t n = 0; n < catalogue->form_count; n++)
    carry(reader, n, true); /* where nothing took their place */
}
