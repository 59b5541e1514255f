/* Values of a catalogue file's items. */
#include "common/catalogue_private.h"
#include "common/decimal.h"

#include <string.h>

/* What an item of each section is called in messages. */
static const char *noun(enum section section)
{
  switch (section) {
  case SECTION_MEASURES:
    return _("measure");
  case SECTION_AREAS:
    return _("area");
  case SECTION_CLASSES:
    return _("unit class");
  case SECTION_CLUSTERS:
    return _("cluster");
  case SECTION_FLAGS:
    return _("flag");
  case SECTION_STATUSES:
    return _("status");
  case SECTION_SLICES:
    return _("slice");
  case SECTION_INDICATORS:
    return _("indicator");
  case SECTION_FORMS:
    return _("form");
  default:
    return _("target");
  }
}

const struct yaml_node *reader_item(const struct reader *reader, enum section section, size_t n)
{
  return yaml_item(reader->yaml, reader->section[section], n);
}

const struct yaml_node *reader_key(const struct reader *reader, enum section section, size_t n)
{
  return yaml_item_key(reader->yaml, reader->section[section], n);
}

/* The code of this section that is most like the one that is not there, or NULL. */
static char *nearest_code(const struct reader *reader, enum section section, const char *code)
{
  g_autofree gpointer *codes = g_hash_table_get_keys_as_array(reader->catalogue->index->codes[section], NULL);
  return g_strdup(yaml_nearest(code, (const char *const *)codes));
}

int reader_reference_code(struct reader *reader, enum section section, const struct yaml_node *node,
                          const char *code)
{
  int found = catalogue_find(reader->catalogue, section, code);
  if (found != CATALOGUE_NONE || !reader->section[section])
    return found; /* that the section is missing is said */
  g_autofree char *nearest = nearest_code(reader, section, code);
  if (nearest)
    yaml_mistake(reader->yaml, node, _("there is no %s “%s” in this file; did you mean “%s”?"), noun(section),
                 code, nearest);
  else
    yaml_mistake(reader->yaml, node, _("there is no %s “%s” in this file; correct the name, or add it"),
                 noun(section), code);
  return CATALOGUE_NONE;
}

int reader_reference(struct reader *reader, enum section section, const struct yaml_node *node)
{
  const char *code = node ? yaml_text(reader->yaml, node, NULL) : NULL;
  return code ? reader_reference_code(reader, section, node, code) : CATALOGUE_NONE;
}

int reader_reference_at(struct reader *reader, const struct yaml_node *mapping, const char *key,
                        bool required, enum section section)
{
  return reader_reference(reader, section, yaml_get(reader->yaml, mapping, key, required));
}

char *reader_text(struct reader *reader, const struct yaml_node *mapping, const char *key, bool required)
{
  const struct yaml_node *node = yaml_get(reader->yaml, mapping, key, required);
  const char *text = yaml_text(reader->yaml, node, "");
  if (required && node && *text == '\0') yaml_mistake(reader->yaml, node, _("“%s” may not be empty"), key);
  return g_strdup(text);
}

void reader_label(struct reader *reader, const struct yaml_node *mapping, const char *key, bool required,
                  struct label *ret_label)
{
  static const char *const keys[] = {"zh", "en", NULL};
  const struct yaml_node *label = yaml_get(reader->yaml, mapping, key, required);
  yaml_known_keys(reader->yaml, label, keys);
  if (label) {
    yaml_label(reader->yaml, label, ret_label);
  } else {
    ret_label->zh = g_strdup("");
    ret_label->en = g_strdup("");
  }
}

GStrv reader_texts(struct reader *reader, const struct yaml_node *mapping, const char *key)
{
  const struct yaml_node *list = yaml_get(reader->yaml, mapping, key, false);
  g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
  for (size_t i = 0; i < yaml_size(reader->yaml, list); i++) {
    const struct yaml_node *item = yaml_item(reader->yaml, list, i);
    const char *text = yaml_text(reader->yaml, item, NULL);
    if (text && *text == '\0') yaml_mistake(reader->yaml, item, _("an empty item in “%s”; remove it"), key);
    if (text && *text != '\0') g_strv_builder_add(texts, text);
  }
  return g_strv_builder_end(texts);
}

int64_t reader_amount(struct reader *reader, const struct yaml_node *node, unsigned decimals,
                      int64_t fallback)
{
  const char *text = node ? yaml_text(reader->yaml, node, NULL) : NULL;
  if (!text) return fallback;
  int64_t value;
  switch (decimal_parse(text, strlen(text), decimals, 1, 1, &value)) {
  case DECIMAL_OK:
    return value;
  case DECIMAL_DECIMALS:
    yaml_mistake(reader->yaml, node,
                 _("“%s” has more than the %u decimals that are declared; round it, or declare more"), text,
                 decimals);
    return fallback;
  case DECIMAL_RANGE:
    yaml_mistake(reader->yaml, node,
                 _("“%s” is too large: figures stay below 2^53 (about 9 007 199 254 740 991)"), text);
    return fallback;
  default:
    yaml_mistake(reader->yaml, node, _("found “%s”, expected a number, such as 70 or 2.2"), text);
    return fallback;
  }
}
