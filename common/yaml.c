/* YAML nodes with their places, and the list of mistakes. */
#include "common/yaml.h"

#include "common/error.h"
#include "common/limits.h"

#include <string.h>
#include <yaml.h>

struct yaml_node {
  yaml_node_t node; /* the only member: nodes of libyaml are passed on as they are */
};

struct mistake {
  size_t line, column; /* 0: the document as a whole; SIZE_MAX: the last word */
  char *text;
  size_t prefix; /* bytes of text before the message */
};

struct yaml {
  char *name;
  yaml_document_t document;
  bool parsed;
  GPtrArray *mistakes; /* by line and column */
};

static void mistake_free(void *data)
{
  struct mistake *mistake = data;
  g_free(mistake->text);
  g_free(mistake);
}

/* --- mistakes --- */

static bool stands_before(const struct mistake *mistake, size_t line, size_t column)
{
  return mistake->line < line || (mistake->line == line && mistake->column <= column);
}

/* Takes `place`. */
static void insert_mistake(struct yaml *yaml, size_t line, size_t column, char *place, const char *message)
{
  size_t at = yaml->mistakes->len;
  while (at > 0 && !stands_before(yaml->mistakes->pdata[at - 1], line, column)) at--;
  struct mistake *mistake = g_new(struct mistake, 1);
  *mistake = (struct mistake){line, column, g_strconcat(place, message, NULL), strlen(place)};
  g_free(place);
  g_ptr_array_insert(yaml->mistakes, (int)at, mistake);
}

static bool is_noted(const struct yaml *yaml, size_t line, size_t column, const char *message)
{
  for (unsigned i = 0; i < yaml->mistakes->len; i++) {
    const struct mistake *mistake = yaml->mistakes->pdata[i];
    if (mistake->line == line && mistake->column == column &&
        strcmp(mistake->text + mistake->prefix, message) == 0)
      return true;
  }
  return false;
}

static void note(struct yaml *yaml, size_t line, size_t column, const char *message)
{
  if (yaml->mistakes->len > LIMIT_MISTAKES || is_noted(yaml, line, column, message)) return;
  if (yaml->mistakes->len == LIMIT_MISTAKES) {
    insert_mistake(yaml, SIZE_MAX, SIZE_MAX, g_strdup_printf("%s: ", yaml->name),
                   _("there are more mistakes; mend these first"));
    return;
  }
  char *place = line == 0 ? g_strdup_printf("%s: ", yaml->name)
                          : g_strdup_printf("%s:%zu:%zu: ", yaml->name, line, column);
  insert_mistake(yaml, line, column, place, message);
}

void yaml_mistake(struct yaml *yaml, const struct yaml_node *node, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  note(yaml, node ? yaml_line(node) : 0, node ? yaml_column(node) : 0, message);
}

size_t yaml_mistakes(const struct yaml *yaml)
{
  return yaml->mistakes->len;
}

const char *yaml_mistake_text(const struct yaml *yaml, size_t n)
{
  const struct mistake *mistake = yaml->mistakes->pdata[n];
  return mistake->text;
}

bool yaml_ok(const struct yaml *yaml, GError **error)
{
  if (yaml->mistakes->len == 0) return true;
  g_autoptr(GString) all = g_string_new(NULL);
  for (size_t i = 0; i < yaml_mistakes(yaml); i++) {
    if (i > 0) g_string_append_c(all, '\n');
    g_string_append(all, yaml_mistake_text(yaml, i));
  }
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_CONFIG, all->str);
  return false;
}

/* --- parsing --- */

static const struct yaml_node *node_at(const struct yaml *yaml, int index)
{
  const yaml_node_t *node = yaml_document_get_node((yaml_document_t *)&yaml->document, index);
  return (const struct yaml_node *)node;
}

/* What stands in a scalar, for messages. */
static char *shown(const struct yaml_node *node)
{
  switch (node->node.type) {
  case YAML_SCALAR_NODE:
    return text_excerpt((const char *)node->node.data.scalar.value, node->node.data.scalar.length, 60);
  case YAML_SEQUENCE_NODE:
    return g_strdup(_("a list"));
  case YAML_MAPPING_NODE:
    return g_strdup(_("keys with values"));
  default:
    return g_strdup(_("nothing"));
  }
}

static void note_parser_error(struct yaml *yaml, const yaml_parser_t *parser)
{
  if (parser->error == YAML_READER_ERROR) {
    g_autofree char *message =
        g_strdup_printf(_("byte %zu is no UTF-8 text (%s); save the file with the encoding UTF-8"),
                        parser->problem_offset + 1, parser->problem ? parser->problem : "");
    note(yaml, 0, 0, message);
    return;
  }
  g_autofree char *message =
      g_strdup_printf(_("this is no YAML (%s%s%s); compare the indentation with the lines above (blanks, no "
                        "tabs), and look for a "
                        "colon without a blank after it and for an open quotation mark or bracket"),
                      parser->context ? parser->context : "", parser->context ? ": " : "",
                      parser->problem ? parser->problem : "");
  note(yaml, parser->problem_mark.line + 1, parser->problem_mark.column + 1, message);
}

static void check_keys_of(struct yaml *yaml, const yaml_node_t *mapping)
{
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
  for (; pair < mapping->data.mapping.pairs.top; pair++) {
    const struct yaml_node *key = node_at(yaml, pair->key);
    if (key->node.type != YAML_SCALAR_NODE) {
      yaml_mistake(yaml, key, _("a key must be a word, not a list or further keys"));
      continue;
    }
    char *word = (char *)key->node.data.scalar.value;
    const struct yaml_node *first = g_hash_table_lookup(seen, word);
    if (first) {
      g_autofree char *found = shown(key);
      yaml_mistake(yaml, key, _("“%s” stands here twice, first in line %zu; remove or rename one of them"),
                   found, yaml_line(first));
    } else {
      g_hash_table_insert(seen, word, (void *)key);
    }
  }
}

static void check_keys(struct yaml *yaml)
{
  const yaml_node_t *node = yaml->document.nodes.start;
  for (; node < yaml->document.nodes.top; node++)
    if (node->type == YAML_MAPPING_NODE) check_keys_of(yaml, node);
}

static void refuse_second_document(struct yaml *yaml, yaml_parser_t *parser)
{
  yaml_document_t second;
  if (!yaml_parser_load(parser, &second)) {
    note_parser_error(yaml, parser);
    return;
  }
  const struct yaml_node *root = (const struct yaml_node *)yaml_document_get_root_node(&second);
  if (root) yaml_mistake(yaml, root, _("a second document begins here; remove the line “---” above it"));
  yaml_document_delete(&second);
}

struct yaml *yaml_new(const char *name, const char *text, size_t length)
{
  struct yaml *yaml = g_new0(struct yaml, 1);
  yaml->name = g_strdup(name);
  yaml->mistakes = g_ptr_array_new_with_free_func(mistake_free);

  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) g_error("out of memory");
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
  yaml->parsed = yaml_parser_load(&parser, &yaml->document);
  if (yaml->parsed) {
    check_keys(yaml);
    if (yaml_root(yaml)) refuse_second_document(yaml, &parser);
  } else {
    note_parser_error(yaml, &parser);
  }
  yaml_parser_delete(&parser);
  return yaml;
}

void yaml_free(struct yaml *yaml)
{
  if (!yaml) return;
  if (yaml->parsed) yaml_document_delete(&yaml->document);
  g_ptr_array_unref(yaml->mistakes);
  g_free(yaml->name);
  g_free(yaml);
}

/* --- nodes --- */

/* A key with nothing behind it: "name:", "name: ~". */
static bool is_null(const struct yaml_node *node)
{
  if (node->node.type != YAML_SCALAR_NODE || node->node.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
    return false;
  const char *value = (const char *)node->node.data.scalar.value;
  return *value == '\0' || strcmp(value, "~") == 0 || strcmp(value, "null") == 0;
}

const struct yaml_node *yaml_root(const struct yaml *yaml)
{
  if (!yaml->parsed) return NULL;
  const yaml_node_t *root = yaml_document_get_root_node((yaml_document_t *)&yaml->document);
  return (const struct yaml_node *)root;
}

bool yaml_is_mapping(const struct yaml_node *node)
{
  return node && node->node.type == YAML_MAPPING_NODE;
}

bool yaml_is_sequence(const struct yaml_node *node)
{
  return node && node->node.type == YAML_SEQUENCE_NODE;
}

size_t yaml_line(const struct yaml_node *node)
{
  return node->node.start_mark.line + 1;
}

size_t yaml_column(const struct yaml_node *node)
{
  return node->node.start_mark.column + 1;
}

/* True if the node has keys; an empty one has none without being wrong. */
static bool has_keys(struct yaml *yaml, const struct yaml_node *node)
{
  if (!node || is_null(node)) return false;
  if (yaml_is_mapping(node)) return true;
  g_autofree char *found = shown(node);
  yaml_mistake(yaml, node, _("found “%s”, expected keys with values, one per line (key: value)"), found);
  return false;
}

const struct yaml_node *yaml_get(struct yaml *yaml, const struct yaml_node *mapping, const char *key,
                                 bool required)
{
  if (!mapping) return NULL;
  if (has_keys(yaml, mapping)) {
    const yaml_node_pair_t *pair = mapping->node.data.mapping.pairs.start;
    for (; pair < mapping->node.data.mapping.pairs.top; pair++) {
      const struct yaml_node *name = node_at(yaml, pair->key);
      if (name->node.type != YAML_SCALAR_NODE || strcmp((char *)name->node.data.scalar.value, key) != 0)
        continue;
      const struct yaml_node *value = node_at(yaml, pair->value);
      if (!is_null(value)) return value;
      if (required) yaml_mistake(yaml, name, _("“%s” has no value; write one behind the colon"), key);
      return NULL;
    }
  } else if (!is_null(mapping)) {
    return NULL; /* said already */
  }
  if (required) yaml_mistake(yaml, mapping, _("“%s” is missing here; add a line “%s: …”"), key, key);
  return NULL;
}

void yaml_known_keys(struct yaml *yaml, const struct yaml_node *mapping, const char *const *keys)
{
  if (!has_keys(yaml, mapping)) return;
  const yaml_node_pair_t *pair = mapping->node.data.mapping.pairs.start;
  for (; pair < mapping->node.data.mapping.pairs.top; pair++) {
    const struct yaml_node *key = node_at(yaml, pair->key);
    if (key->node.type != YAML_SCALAR_NODE) continue;
    const char *word = (const char *)key->node.data.scalar.value;
    if (g_strv_contains(keys, word)) continue;
    g_autofree char *found = shown(key);
    const char *nearest = yaml_nearest(word, keys);
    if (nearest) {
      yaml_mistake(yaml, key, _("“%s” is no key that is known here; did you mean “%s”?"), found, nearest);
    } else {
      g_autofree char *known = g_strjoinv(", ", (char **)keys);
      yaml_mistake(yaml, key, _("“%s” is no key that is known here; known are: %s"), found, known);
    }
  }
}

size_t yaml_size(struct yaml *yaml, const struct yaml_node *node)
{
  if (!node || is_null(node)) return 0;
  if (yaml_is_sequence(node))
    return node->node.data.sequence.items.top - node->node.data.sequence.items.start;
  if (yaml_is_mapping(node)) return node->node.data.mapping.pairs.top - node->node.data.mapping.pairs.start;
  g_autofree char *found = shown(node);
  yaml_mistake(yaml, node, _("found “%s”, expected a list: [a, b], or one item per line, each behind “- ”"),
               found);
  return 0;
}

const struct yaml_node *yaml_item(const struct yaml *yaml, const struct yaml_node *node, size_t n)
{
  if (yaml_is_sequence(node)) return node_at(yaml, node->node.data.sequence.items.start[n]);
  if (yaml_is_mapping(node)) return node_at(yaml, node->node.data.mapping.pairs.start[n].value);
  return NULL;
}

const struct yaml_node *yaml_item_key(const struct yaml *yaml, const struct yaml_node *node, size_t n)
{
  return yaml_is_mapping(node) ? node_at(yaml, node->node.data.mapping.pairs.start[n].key) : NULL;
}

/* --- scalars --- */

/* The text of a scalar, or NULL after a mistake. */
static const char *scalar(struct yaml *yaml, const struct yaml_node *node)
{
  g_autofree char *found = shown(node);
  if (node->node.type != YAML_SCALAR_NODE) {
    yaml_mistake(yaml, node, _("found %s, expected one value"), found);
    return NULL;
  }
  size_t length = node->node.data.scalar.length;
  if (length > LIMIT_NAME_BYTES) {
    yaml_mistake(yaml, node, _("“%s” has %zu bytes, at most %d are allowed; shorten it"), found, length,
                 LIMIT_NAME_BYTES);
    return NULL;
  }
  const char *value = (const char *)node->node.data.scalar.value;
  if (!text_is_clean(value, length)) {
    yaml_mistake(yaml, node, _("“%s” has a line break, a tab or another control character; remove it"),
                 found);
    return NULL;
  }
  return value;
}

const char *yaml_text(struct yaml *yaml, const struct yaml_node *node, const char *fallback)
{
  if (!node) return fallback;
  const char *text = scalar(yaml, node);
  if (text) return text;
  return node->node.type == YAML_SCALAR_NODE ? "" : fallback;
}

int64_t yaml_integer(struct yaml *yaml, const struct yaml_node *node, int64_t least, int64_t most,
                     int64_t fallback)
{
  const char *text = node ? scalar(yaml, node) : NULL;
  if (!text) return fallback;
  int64_t value;
  if (g_ascii_string_to_signed(text, 10, least, most, &value, NULL)) return value;
  yaml_mistake(yaml, node, _("found “%s”, expected a whole number from %lld to %lld"), text, (long long)least,
               (long long)most);
  return fallback;
}

bool yaml_flag(struct yaml *yaml, const struct yaml_node *node, bool fallback)
{
  static const char *const words[] = {"false", "true", NULL};
  return yaml_word(yaml, node, words, fallback) != 0;
}

int yaml_word(struct yaml *yaml, const struct yaml_node *node, const char *const *words, int fallback)
{
  const char *text = node ? scalar(yaml, node) : NULL;
  if (!text) return fallback;
  for (int i = 0; words[i]; i++)
    if (strcmp(words[i], text) == 0) return i;
  g_autofree char *known = g_strjoinv(", ", (char **)words);
  yaml_mistake(yaml, node, _("found “%s”, expected one of: %s"), text, known);
  return fallback;
}

static char *language(struct yaml *yaml, const struct yaml_node *mapping, const char *key)
{
  const struct yaml_node *node = yaml_get(yaml, mapping, key, true);
  const char *text = yaml_text(yaml, node, NULL);
  if (text && *text == '\0') yaml_mistake(yaml, node, _("“%s” may not be empty"), key);
  return g_strdup(text ? text : "");
}

void yaml_label(struct yaml *yaml, const struct yaml_node *node, struct label *ret_label)
{
  ret_label->zh = language(yaml, node, "zh");
  ret_label->en = language(yaml, node, "en");
}

/* --- guessing what was meant --- */

/* Characters to insert, delete, change or swap with their neighbour. */
static size_t distance(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
  size_t rows[3][LIMIT_CODE_BYTES + 1];
  for (size_t j = 0; j <= m; j++) rows[0][j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
      best = MIN(best, MIN(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = MIN(best, second[j - 2] + 1);
      row[j] = best;
    }
  }
  return rows[n % 3][m];
}

const char *yaml_nearest(const char *word, const char *const *words)
{
  long n, m;
  g_autofree uint32_t *wanted = g_utf8_to_ucs4_fast(word, -1, &n);
  size_t least =
      MIN((size_t)n / 3 + 2, (size_t)n); /* as far off or further it would be a guess in the dark */
  const char *nearest = NULL;
  for (; *words && n <= LIMIT_CODE_BYTES; words++) {
    g_autofree uint32_t *candidate = g_utf8_to_ucs4_fast(*words, -1, &m);
    size_t far = m <= LIMIT_CODE_BYTES ? distance(wanted, (size_t)n, candidate, (size_t)m) : least;
    if (far >= least) continue;
    least = far;
    nearest = *words;
  }
  return nearest;
}
