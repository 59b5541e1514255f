#include "agent/mapping.h"
#include "common/text.h"

#include <string.h>

#define YEAR_OFFSET_MOST 3000 /* 1911 for ROC years */

static char *optional_text(struct yaml *yaml, const struct yaml_node *mapping, const char *key)
{
  const char *text = yaml_text(yaml, yaml_get(yaml, mapping, key, false), NULL);
  return text && *text ? g_strdup(text) : NULL;
}

static void read_columns(struct yaml *yaml, const struct yaml_node *node, GHashTable *columns)
{
  if (node && !yaml_is_mapping(node)) {
    yaml_mistake(yaml, node,
                 _("“columns” is a list of “heading: meaning”; meanings are unit, name, period, "
                   "indicator, value, or the code of a column"));
    return;
  }
  for (size_t i = 0; i < yaml_size(yaml, node); i++) {
    const struct yaml_node *heading = yaml_item_key(yaml, node, i);
    char *key = text_key(yaml_text(yaml, heading, ""));
    const char *meaning = yaml_text(yaml, yaml_item(yaml, node, i), "");
    if (!*meaning) yaml_mistake(yaml, yaml_item(yaml, node, i), _("the column “%s” has no meaning"), key);
    if (g_hash_table_contains(columns, key))
      yaml_mistake(yaml, heading, _("the heading “%s” stands twice"), key);
    g_hash_table_insert(columns, key, g_strdup(meaning)); /* which may free the key */
  }
}

static void read_ignore(struct yaml *yaml, const struct yaml_node *node, GHashTable *ignore)
{
  for (size_t i = 0; i < yaml_size(yaml, node); i++)
    g_hash_table_add(ignore, text_key(yaml_text(yaml, yaml_item(yaml, node, i), "")));
}

static void read_skip(struct yaml *yaml, const struct yaml_node *node, GHashTable *skip)
{
  if (node && !yaml_is_mapping(node)) {
    yaml_mistake(yaml, node, _("“skip” is a list of “heading: [text, …]”"));
    return;
  }
  for (size_t i = 0; i < yaml_size(yaml, node); i++) {
    GHashTable *texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const struct yaml_node *list = yaml_item(yaml, node, i);
    for (size_t j = 0; j < yaml_size(yaml, list); j++)
      g_hash_table_add(texts, text_fold(g_strdup(yaml_text(yaml, yaml_item(yaml, list, j), ""))));
    g_hash_table_insert(skip, text_key(yaml_text(yaml, yaml_item_key(yaml, node, i), "")), texts);
  }
}

struct mapping_rules *mapping_rules_read(struct yaml *yaml, const struct yaml_node *node)
{
  static const char *const keys[] = {"name",        "files",   "form",   "encoding", "measure",
                                     "year_offset", "columns", "ignore", "skip",     NULL};
  static const char *const encodings[] = {"utf-8", "gb18030", "gbk", NULL};
  yaml_known_keys(yaml, node, keys);
  struct mapping_rules *rules = g_new0(struct mapping_rules, 1);
  rules->name = g_strdup(yaml_text(yaml, yaml_get(yaml, node, "name", false), ""));
  rules->files = optional_text(yaml, node, "files");
  rules->form = optional_text(yaml, node, "form");
  const struct yaml_node *encoding = yaml_get(yaml, node, "encoding", false);
  if (encoding)
    rules->encoding = g_strdup(yaml_word(yaml, encoding, encodings, 0) == 0 ? "utf-8" : "gb18030");
  rules->measure = optional_text(yaml, node, "measure");
  rules->year_offset =
      (int)yaml_integer(yaml, yaml_get(yaml, node, "year_offset", false), 0, YEAR_OFFSET_MOST, 0);
  rules->columns = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  rules->ignore = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  rules->skip = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
  read_columns(yaml, yaml_get(yaml, node, "columns", false), rules->columns);
  read_ignore(yaml, yaml_get(yaml, node, "ignore", false), rules->ignore);
  read_skip(yaml, yaml_get(yaml, node, "skip", false), rules->skip);
  return rules;
}

void mapping_rules_free(struct mapping_rules *rules)
{
  if (!rules) return;
  g_free(rules->name);
  g_free(rules->files);
  g_free(rules->form);
  g_free(rules->encoding);
  g_free(rules->measure);
  g_hash_table_unref(rules->columns);
  g_hash_table_unref(rules->ignore);
  g_hash_table_unref(rules->skip);
  g_free(rules);
}
