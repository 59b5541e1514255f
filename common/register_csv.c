#include "common/register.h"

#include "common/register_private.h"

#include "common/error.h"
#include "common/uscc.h"

#include <csv.h>
#include <string.h>

/* The columns of the file, in the order in which they are written. */
#define REGISTER_COLUMNS(X)                                                                                  \
  X(UNIT, "unit")                                                                                            \
  X(CLASS, "class")                                                                                          \
  X(PARENT, "parent")                                                                                        \
  X(NAME, "name")                                                                                            \
  X(PARKS, "parks")                                                                                          \
  X(REPORTER, "reporter")                                                                                    \
  X(IN_BOUNDARY, "in_boundary")                                                                              \
  X(INDUSTRY, "industry")                                                                                    \
  X(CLUSTERS, "clusters")                                                                                    \
  X(FLAGS, "flags")                                                                                          \
  X(STATUS, "status")                                                                                        \
  X(SUCCEEDS, "succeeds")                                                                                    \
  X(FROM, "from")                                                                                            \
  X(TO, "to")

enum register_column {
#define X(name, heading) COLUMN_##name,
  REGISTER_COLUMNS(X)
#undef X
      COLUMN_COUNT
};

static const char *const headings[] = {
#define X(name, heading) heading,
    REGISTER_COLUMNS(X)
#undef X
};

static const char header_line[] =
    "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,"
    "succeeds,from,to";

enum { NO_COLUMN = -1 };

struct reader {
  const struct catalogue *catalogue;
  const char *name;
  finding_sink *sink;
  void *data;
  struct register_builder *builder;
  GString *cells;                             /* of the row, each with its end */
  size_t starts[LIMIT_ROW_CELLS], cell_count; /* where each cell starts in `cells` */
  uint32_t line;                              /* from 1, where the parser is */
  uint32_t row;                               /* where the row began */
  bool after_return;                          /* the last end of line was \r: a \n belongs to it */
  bool has_header, stopped;
  int column_of[COLUMN_COUNT]; /* in the file, or NO_COLUMN */
  size_t file_columns;
  const char *cell[COLUMN_COUNT]; /* of the row; "" where the file lacks the column */
  char owner[USCC_LENGTH + 1];    /* of the row's establishment */
  size_t refusals;
  char *first_refusal; /* a line for people */
};

/* --- saying what is wrong --- */

static void say(struct reader *reader, const struct finding *finding)
{
  if (reader->sink) reader->sink(finding, reader->data);
  if (finding_severity(finding->code) == SEVERITY_NOTE) return;
  if (!reader->refusals++) reader->first_refusal = finding_format(finding);
}

static void say_row(struct reader *reader, enum finding_code code, size_t column, const char *found,
                    const char *expected)
{
  struct finding finding = {.code = code,
                            .file = reader->name,
                            .row = reader->row,
                            .column = column,
                            .found = found,
                            .expected = expected};
  say(reader, &finding);
}

static void say_cell(struct reader *reader, enum finding_code code, enum register_column column,
                     const char *found, const char *expected)
{
  int at = reader->column_of[column];
  struct finding finding = {.code = code,
                            .file = reader->name,
                            .row = reader->row,
                            .column = at == NO_COLUMN ? 0 : (size_t)at + 1,
                            .heading = headings[column],
                            .unit = column == COLUMN_UNIT ? NULL : reader->cell[COLUMN_UNIT],
                            .unit_name = reader->cell[COLUMN_NAME],
                            .found = found,
                            .expected = expected};
  say(reader, &finding);
}

/* "a, b or c" would need grammar in every language: "a, b, c". */
static char *join_codes(const void *items, size_t count, size_t size)
{
  GString *codes = g_string_new(NULL);
  for (size_t i = 0; i < count; i++) {
    /* Each item of the catalogue starts with its code. */
    const char *code = *(char *const *)((const char *)items + i * size);
    g_string_append_printf(codes, "%s%s", i ? ", " : "", code);
  }
  return g_string_free(codes, FALSE);
}

/* --- the cells of a row --- */

static char *raw_cell(struct reader *reader, size_t n)
{
  return reader->cells->str + reader->starts[n];
}

/* Codes with a check character are in upper case, whatever was typed. */
static void raise_case(struct reader *reader, enum register_column column)
{
  int at = reader->column_of[column];
  if (at == NO_COLUMN) return;
  for (char *p = raw_cell(reader, (size_t)at); *p; p++)
    if (g_ascii_islower(*p)) *p = g_ascii_toupper(*p);
}

static int compare_words(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Words ascend, none is empty, none is in blanks: so almost every list is written. */
static bool is_canonical(const char *list)
{
  if (!*list) return true;
  const char *last = "";
  size_t last_length = 0;
  for (const char *word = list;;) {
    size_t length = strcspn(word, ";");
    if (!length || g_ascii_isspace(word[0]) || g_ascii_isspace(word[length - 1])) return false;
    int order = memcmp(last, word, MIN(last_length, length));
    if (order > 0 || (order == 0 && last_length >= length)) return false;
    if (!word[length]) return true;
    last = word;
    last_length = length;
    word += length + 1;
  }
}

/* In byte order, without repetition: the list itself, or one that goes to `ret_made`. */
static const char *canonical_list(const char *list, char **ret_made)
{
  if (is_canonical(list)) return list;
  g_auto(GStrv) words = g_strsplit(list, ";", 0);
  size_t count = g_strv_length(words);
  for (size_t i = 0; i < count; i++) g_strstrip(words[i]);
  qsort(words, count, sizeof *words, compare_words);
  GString *joined = g_string_new(NULL);
  for (size_t i = 0; i < count; i++) {
    if (!*words[i] || (i && !strcmp(words[i], words[i - 1]))) continue;
    if (joined->len) g_string_append_c(joined, ';');
    g_string_append(joined, words[i]);
  }
  return *ret_made = g_string_free(joined, FALSE);
}

/* Names each word of the list that `find` does not know. */
static void check_words(struct reader *reader, enum register_column column, const char *list,
                        int (*find)(const struct catalogue *, const char *), enum finding_code code)
{
  for (const char *word = list; *word;) {
    size_t length = strcspn(word, ";");
    char known[LIMIT_CODE_BYTES + 1];
    bool fits = length < sizeof known; /* no code is longer */
    if (fits) {
      memcpy(known, word, length);
      known[length] = '\0';
    }
    if (!fits || find(reader->catalogue, known) == CATALOGUE_NONE) {
      g_autofree char *found = g_strndup(word, length);
      say_cell(reader, code, column, found, NULL);
    }
    word += length;
    if (*word) word++;
  }
}

static int find_reporting_area(const struct catalogue *catalogue, const char *code)
{
  int area = catalogue_area(catalogue, code);
  return area != CATALOGUE_NONE && catalogue->areas[area].reports ? area : CATALOGUE_NONE;
}

static void check_text(struct reader *reader, enum register_column column, size_t most)
{
  const char *text = reader->cell[column];
  size_t length = strlen(text);
  if (length <= most && text_is_clean(text, length)) return;
  g_autofree char *expected = g_strdup_printf(_("at most %zu bytes on one line"), most);
  say_cell(reader, FINDING_REGISTER_TEXT, column, text, expected);
}

static void check_uscc(struct reader *reader, const char *code)
{
  const char *shown = reader->cell[COLUMN_UNIT];
  switch (catalogue_check_uscc(reader->catalogue, code)) {
  case USCC_OK:
    break;
  case USCC_CHECK: {
    char expected[] = {uscc_check_character(code), '\0'};
    say_cell(reader, FINDING_UNIT_CHECK, COLUMN_UNIT, shown, expected);
    break;
  }
  case USCC_DAMAGED:
    say_cell(reader, FINDING_UNIT_DAMAGED, COLUMN_UNIT, shown, _("18 characters"));
    break;
  case USCC_SHAPE:
    say_cell(reader, FINDING_UNIT_SHAPE, COLUMN_UNIT, shown, _("18 characters"));
    break;
  }
}

/* The unit's code by its class, and the parent that such a code allows. Returns the parent, which belongs to
 * the row.
 */
static const char *check_unit(struct reader *reader, enum id_scheme scheme)
{
  const char *unit = reader->cell[COLUMN_UNIT], *parent = reader->cell[COLUMN_PARENT], *owner = unit;
  if (scheme != ID_CODE) {
    raise_case(reader, COLUMN_UNIT);
    raise_case(reader, COLUMN_PARENT);
  }
  switch (scheme) {
  case ID_USCC:
    check_uscc(reader, unit);
    break;
  case ID_ESTABLISHMENT:
    if (!uscc_is_establishment(unit)) {
      bool damaged = uscc_check(unit) == USCC_DAMAGED;
      say_cell(reader, damaged ? FINDING_UNIT_DAMAGED : FINDING_UNIT_SHAPE, COLUMN_UNIT, unit,
               _("18 characters, then -01"));
      break;
    }
    g_strlcpy(reader->owner, unit, sizeof reader->owner);
    check_uscc(reader, owner = reader->owner);
    break;
  case ID_CODE:
    if (!unit_code_is_valid(unit))
      say_cell(reader, FINDING_UNIT_SHAPE, COLUMN_UNIT, unit, _("letters, digits, “-”, “_” and “.”"));
    if (*parent && !unit_code_is_valid(parent))
      say_cell(reader, FINDING_REGISTER_PARENT, COLUMN_PARENT, parent, NULL);
    return *parent ? parent : unit;
  }
  if (*parent && strcmp(parent, owner))
    say_cell(reader, FINDING_REGISTER_PARENT, COLUMN_PARENT, parent, owner);
  return owner;
}

static day_number read_day(struct reader *reader, enum register_column column, day_number empty)
{
  const char *text = reader->cell[column];
  day_number day = empty;
  if (*text && !day_parse(text, &day)) say_cell(reader, FINDING_REGISTER_DAY, column, text, "2018-06-01");
  return day;
}

static void read_days(struct reader *reader, struct unit_version *version)
{
  size_t before = reader->refusals;
  version->from = read_day(reader, COLUMN_FROM, DAY_MIN);
  version->to = read_day(reader, COLUMN_TO, DAY_NONE);
  if (reader->refusals == before && version->to < version->from)
    say_cell(reader, FINDING_REGISTER_DAYS_REVERSED, COLUMN_TO, reader->cell[COLUMN_TO], NULL);
}

static bool read_boundary(struct reader *reader)
{
  const char *text = reader->cell[COLUMN_IN_BOUNDARY];
  if (*text && strcmp(text, "1") && strcmp(text, "0"))
    say_cell(reader, FINDING_REGISTER_BOUNDARY, COLUMN_IN_BOUNDARY, text, _("1 or 0"));
  return strcmp(text, "0");
}

static const char *read_status(struct reader *reader)
{
  const struct catalogue *catalogue = reader->catalogue;
  const char *text = reader->cell[COLUMN_STATUS];
  if (!*text) return catalogue->status_count ? catalogue->statuses[0].code : "";
  if (catalogue_status(catalogue, text) == CATALOGUE_NONE) {
    g_autofree char *known = join_codes(catalogue->statuses, catalogue->status_count, sizeof(struct status));
    say_cell(reader, FINDING_REGISTER_STATUS, COLUMN_STATUS, text, known);
  }
  return text;
}

/* The class, or none. */
static int read_class(struct reader *reader)
{
  const struct catalogue *catalogue = reader->catalogue;
  const char *text = reader->cell[COLUMN_CLASS];
  int class = catalogue_class(catalogue, text);
  if (class == CATALOGUE_NONE) {
    g_autofree char *known =
        join_codes(catalogue->classes, catalogue->class_count, sizeof(struct unit_class));
    say_cell(reader, FINDING_REGISTER_CLASS, COLUMN_CLASS, text, known);
  }
  return class;
}

static void check_parks(struct reader *reader, const struct unit_version *version)
{
  if (!*version->parks) say_cell(reader, FINDING_REGISTER_AREA, COLUMN_PARKS, NULL, _("at least one park"));
  check_words(reader, COLUMN_PARKS, version->parks, find_reporting_area, FINDING_REGISTER_AREA);
  if (*version->reporter && !register_list_has(version->parks, version->reporter))
    say_cell(reader, FINDING_REGISTER_REPORTER, COLUMN_REPORTER, version->reporter, version->parks);
}

/* Every mistake of the row is said; a row without any becomes a version. */
static void read_version(struct reader *reader)
{
  size_t before = reader->refusals;
  int class = read_class(reader);
  const char *parent = NULL;
  if (!*reader->cell[COLUMN_UNIT])
    say_cell(reader, FINDING_UNIT_MISSING, COLUMN_UNIT, NULL, NULL);
  else if (class != CATALOGUE_NONE)
    parent = check_unit(reader, reader->catalogue->classes[class].scheme);

  g_autofree char *made_parks = NULL, *made_clusters = NULL, *made_flags = NULL;
  struct unit_version version = {
      .unit = reader->cell[COLUMN_UNIT],
      .class = reader->cell[COLUMN_CLASS],
      .parent = parent,
      .name = reader->cell[COLUMN_NAME],
      .parks = canonical_list(reader->cell[COLUMN_PARKS], &made_parks),
      .reporter = reader->cell[COLUMN_REPORTER],
      .in_boundary = read_boundary(reader),
      .industry = reader->cell[COLUMN_INDUSTRY],
      .clusters = canonical_list(reader->cell[COLUMN_CLUSTERS], &made_clusters),
      .flags = canonical_list(reader->cell[COLUMN_FLAGS], &made_flags),
      .status = read_status(reader),
      .succeeds = reader->cell[COLUMN_SUCCEEDS],
  };
  check_text(reader, COLUMN_NAME, LIMIT_NAME_BYTES);
  check_text(reader, COLUMN_INDUSTRY, LIMIT_CODE_BYTES);
  check_text(reader, COLUMN_SUCCEEDS, LIMIT_NAME_BYTES);
  check_parks(reader, &version);
  check_words(reader, COLUMN_CLUSTERS, version.clusters, catalogue_cluster, FINDING_REGISTER_CLUSTER);
  check_words(reader, COLUMN_FLAGS, version.flags, catalogue_flag, FINDING_REGISTER_FLAG);
  read_days(reader, &version);
  if (reader->refusals == before) register_builder_add_row(reader->builder, &version, reader->row);
}

/* --- rows --- */

static int find_heading(const char *text)
{
  for (int i = 0; i < COLUMN_COUNT; i++)
    if (!strcmp(headings[i], text)) return i;
  return NO_COLUMN;
}

static void read_header(struct reader *reader)
{
  reader->has_header = true;
  reader->file_columns = reader->cell_count;
  for (size_t i = 0; i < reader->file_columns; i++) {
    const char *heading = text_fold(raw_cell(reader, i));
    int column = find_heading(heading);
    bool twice = column != NO_COLUMN && reader->column_of[column] != NO_COLUMN;
    if (column == NO_COLUMN || twice)
      say_row(reader, FINDING_REGISTER_HEADER, i + 1, heading, header_line);
    else
      reader->column_of[column] = (int)i;
  }
  static const enum register_column needed[] = {COLUMN_UNIT, COLUMN_CLASS, COLUMN_PARKS};
  for (size_t i = 0; i < G_N_ELEMENTS(needed) && !reader->refusals; i++)
    if (reader->column_of[needed[i]] == NO_COLUMN)
      say_row(reader, FINDING_REGISTER_HEADER, 0, NULL, headings[needed[i]]);
  reader->stopped = reader->refusals > 0;
}

static void read_row(struct reader *reader)
{
  if (reader->cell_count != reader->file_columns) {
    g_autofree char *found = g_strdup_printf("%zu", reader->cell_count);
    g_autofree char *expected = g_strdup_printf("%zu", reader->file_columns);
    say_row(reader, FINDING_ROW_SHORT, 0, found, expected);
    return;
  }
  for (int i = 0; i < COLUMN_COUNT; i++) {
    int at = reader->column_of[i];
    char *cell = at == NO_COLUMN ? NULL : raw_cell(reader, (size_t)at);
    if (!cell || !*cell)
      reader->cell[i] = "";
    else
      reader->cell[i] =
          i == COLUMN_NAME ? g_strstrip(cell) : text_fold(cell); /* a name stays as it is written */
  }
  read_version(reader);
}

static void on_cell(void *text, size_t length, void *data)
{
  struct reader *reader = data;
  reader->after_return = false;
  if (!reader->cell_count) reader->row = reader->line;
  if (reader->cell_count < LIMIT_ROW_CELLS) {
    size_t start = reader->cells->len;
    reader->starts[reader->cell_count++] = start;
    g_string_set_size(reader->cells, start + length + 1);
    memcpy(reader->cells->str + start, text, length);
    reader->cells->str[start + length] = '\0';
  }
  for (const char *p = text, *end = p + length; (p = memchr(p, '\n', (size_t)(end - p))); p++) reader->line++;
}

static void on_row(int end, void *data)
{
  struct reader *reader = data;
  if (reader->cell_count && !reader->stopped) {
    if (reader->has_header)
      read_row(reader);
    else
      read_header(reader);
  }
  reader->cell_count = 0;
  g_string_truncate(reader->cells, 0);
  if (end != '\n' || !reader->after_return) reader->line++;
  reader->after_return = end == '\r';
}

/* --- the file --- */

static bool check_encoding(struct reader *reader, const char *text, size_t length)
{
  const char *bad;
  if (g_utf8_validate_len(text, length, &bad)) return true;
  reader->row = 1;
  for (const char *p = text; (p = memchr(p, '\n', (size_t)(bad - p))); p++) reader->row++;
  say_row(reader, *bad ? FINDING_FILE_ENCODING : FINDING_FILE_BINARY, 0, NULL, "UTF-8");
  return false;
}

static void parse(struct reader *reader, const char *text, size_t length)
{
  struct csv_parser parser;
  if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL)) g_error("csv_init");
  size_t parsed = csv_parse(&parser, text, length, on_cell, on_row, reader);
  if (parsed != length || csv_fini(&parser, on_cell, on_row, reader)) {
    reader->row = reader->cell_count ? reader->row : reader->line;
    say_row(reader, parsed != length ? FINDING_FILE_QUOTES : FINDING_FILE_CUT, 0, NULL, NULL);
  } else if (!reader->has_header) {
    reader->row = 0;
    say_row(reader, FINDING_FILE_EMPTY, 0, NULL, header_line);
  }
  csv_free(&parser);
}

static void on_replaced(size_t kept_row, size_t lost_row, const struct unit_version *kept, void *data)
{
  struct reader *reader = data;
  g_autofree char *other = g_strdup_printf(_("row %zu"), lost_row);
  struct finding finding = {.code = FINDING_REGISTER_TWICE,
                            .file = reader->name,
                            .row = kept_row,
                            .unit = kept->unit,
                            .unit_name = kept->name,
                            .found = other};
  say(reader, &finding);
}

static void note_unknown_parents(struct reader *reader, const struct unit_register *reg, const uint32_t *rows)
{
  for (size_t i = 0; i < register_size(reg); i++) {
    const struct unit_version *version = register_nth(reg, i), *parent;
    if (version->parent == version->unit || register_unit(reg, version->parent, &parent)) continue;
    struct finding finding = {.code = FINDING_REGISTER_PARENT_UNKNOWN,
                              .file = reader->name,
                              .row = rows[i],
                              .unit = version->unit,
                              .unit_name = version->name,
                              .found = version->parent};
    say(reader, &finding);
  }
}

bool register_read_csv(const struct catalogue *catalogue, const char *name, const char *text, size_t length,
                       finding_sink *sink, void *data, struct unit_register **ret_register, GError **error)
{
  struct reader reader = {.catalogue = catalogue, .name = name, .sink = sink, .data = data, .line = 1};
  for (int i = 0; i < COLUMN_COUNT; i++) reader.column_of[i] = NO_COLUMN;
  reader.builder = register_builder_new();
  reader.cells = g_string_new(NULL);
  if (length >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) {
    text += 3;
    length -= 3;
  }
  if (check_encoding(&reader, text, length)) parse(&reader, text, length);

  g_autofree uint32_t *rows = NULL;
  CLEANUP(register_unref)
  struct unit_register *reg = register_builder_finish_rows(reader.builder, on_replaced, &reader, &rows);
  note_unknown_parents(&reader, reg, rows);
  g_string_free(reader.cells, TRUE);
  g_autofree char *first = reader.first_refusal;
  if (reader.refusals) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                _("%s: nothing was taken, because of %zu mistakes. The first: %s"), name, reader.refusals,
                first);
    return false;
  }
  *ret_register = g_steal_pointer(&reg);
  return true;
}
