/* From a file to a catalogue: the passes over its sections. */
#include "common/catalogue_private.h"
#include "common/error.h"
#include "common/limits.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define FILE_FORMAT                                                                                          \
  1 /* raised when a file of before would be read with another meaning; refuse what is newer */

#define ITEMS(type, array, count)                                                                            \
  sizeof(struct type), offsetof(struct catalogue, array), offsetof(struct catalogue, count)

static const struct {
  const char *key;
  bool required;
  bool ascii; /* codes that programs and command lines use; others are as written in cells */
  size_t most;
  size_t size, array, count; /* of an item; where the catalogue keeps them */
  void (*read)(struct reader *reader, size_t n);
  void (*check)(struct reader *reader, size_t n);
} sections[SECTION_COUNT] = {
    [SECTION_MEASURES] = {"measures", true, false, LIMIT_CATALOGUE_ITEMS,
                          ITEMS(measure, measures, measure_count), catalogue_read_measure,
                          catalogue_check_measure},
    [SECTION_AREAS] = {"areas", true, true, LIMIT_CATALOGUE_ITEMS, ITEMS(area, areas, area_count),
                       catalogue_read_area, catalogue_check_area},
    [SECTION_CLASSES] = {"classes", true, true, 64 /* bits of form.classes */,
                         ITEMS(unit_class, classes, class_count), catalogue_read_class, NULL},
    [SECTION_CLUSTERS] = {"clusters", false, true, LIMIT_CATALOGUE_ITEMS,
                          ITEMS(named, clusters, cluster_count), catalogue_read_cluster, NULL},
    [SECTION_FLAGS] = {"flags", false, true, LIMIT_CATALOGUE_ITEMS, ITEMS(named, flags, flag_count),
                       catalogue_read_flag, NULL},
    [SECTION_STATUSES] = {"statuses", true, false, LIMIT_CATALOGUE_ITEMS,
                          ITEMS(status, statuses, status_count), catalogue_read_status, NULL},
    [SECTION_SLICES] = {"slices", true, true, LIMIT_SLICES, ITEMS(slice, slices, slice_count),
                        catalogue_read_slice, catalogue_check_slice},
    [SECTION_INDICATORS] = {"indicators", true, true, LIMIT_CATALOGUE_ITEMS,
                            ITEMS(indicator, indicators, indicator_count), catalogue_read_indicator,
                            catalogue_check_indicator},
    [SECTION_FORMS] = {"forms", true, true, LIMIT_CATALOGUE_ITEMS, ITEMS(form, forms, form_count),
                       catalogue_read_form, catalogue_check_form},
    [SECTION_RULES] = {"rules", false, true, LIMIT_CATALOGUE_ITEMS, ITEMS(rule, rules, rule_count),
                       catalogue_read_rule, catalogue_check_rule},
    [SECTION_TARGETS] = {"targets", false, true, LIMIT_CATALOGUE_ITEMS, ITEMS(target, targets, target_count),
                         catalogue_read_target, catalogue_check_target},
    [SECTION_SCORECARDS] = {"scorecards", false, true, LIMIT_CATALOGUE_ITEMS,
                            ITEMS(scorecard, scorecards, scorecard_count), catalogue_read_scorecard,
                            catalogue_check_scorecard},
    [SECTION_GROWTH_PLANS] = {"growth_plans", false, true, LIMIT_CATALOGUE_ITEMS,
                              ITEMS(growth_plan, growth_plans, growth_plan_count), catalogue_read_growth_plan,
                              catalogue_check_growth_plan},
};

/* Every item but a target begins with its code. */
static_assert(offsetof(struct measure, code) == 0 && offsetof(struct area, code) == 0 &&
                  offsetof(struct unit_class, code) == 0 && offsetof(struct named, code) == 0 &&
                  offsetof(struct status, code) == 0 && offsetof(struct slice, code) == 0 &&
                  offsetof(struct indicator, code) == 0 && offsetof(struct form, code) == 0 &&
                  offsetof(struct rule, code) == 0 && offsetof(struct scorecard, code) == 0 &&
                  offsetof(struct growth_plan, code) == 0,
              "declare_item() sets the code");

static bool code_fits(const char *code, bool ascii)
{
  size_t length = strlen(code);
  if (length == 0 || length > LIMIT_CODE_BYTES) return false;
  if (!ascii) return strcspn(code, " ;,\"\t") == length;
  if (!g_ascii_isalnum(*code)) return false;
  for (; *code; code++)
    if (!g_ascii_isalnum(*code) && *code != '_' && *code != '-') return false;
  return true;
}

static void check_code(struct reader *reader, const struct yaml_node *key, const char *code, bool ascii)
{
  if (code_fits(code, ascii)) return;
  if (ascii)
    yaml_mistake(reader->yaml, key,
                 _("“%s” cannot be a code: use letters a–z, digits, _ and -, at most %d of them"), code,
                 LIMIT_CODE_BYTES);
  else
    yaml_mistake(
        reader->yaml, key,
        _("“%s” cannot be a code: no blanks, commas, semicolons or quotation marks, at most %d bytes"), code,
        LIMIT_CODE_BYTES);
}

char *reader_code(struct reader *reader, const struct yaml_node *key)
{
  const char *code = yaml_text(reader->yaml, key, "");
  check_code(reader, key, code, true);
  return g_strdup(code);
}

static void declare_item(struct reader *reader, enum section section, char *item, size_t n)
{
  if (section == SECTION_TARGETS) return; /* numbered, and nothing refers to them */
  const struct yaml_node *key = reader_key(reader, section, n);
  const char *code = yaml_text(reader->yaml, key, "");
  *(char **)item = g_strdup(code);
  check_code(reader, key, code, sections[section].ascii);
  GHashTable *codes = reader->catalogue->index->codes[section];
  if (!g_hash_table_contains(codes, code))
    g_hash_table_insert(codes, *(char **)item, GINT_TO_POINTER((int)n + 1));
}

/* Makes room for the items of a section and enters their codes. */
static void declare_section(struct reader *reader, enum section section, const struct yaml_node *root)
{
  const struct yaml_node *node =
      yaml_get(reader->yaml, root, sections[section].key, sections[section].required);
  if (!node) return;
  if (!yaml_is_mapping(node)) {
    yaml_mistake(reader->yaml, node, _("expected one item per line below “%s”, each as “code: …”"),
                 sections[section].key);
    return;
  }
  size_t count = yaml_size(reader->yaml, node);
  if (count == 0 && sections[section].required)
    yaml_mistake(reader->yaml, node, _("“%s” has no items; add at least one"), sections[section].key);
  if (count > sections[section].most) {
    yaml_mistake(reader->yaml, node, _("“%s” has %zu items, at most %zu are possible; remove some"),
                 sections[section].key, count, sections[section].most);
    return;
  }
  char *items = g_malloc0_n(count, sections[section].size);
  *(void **)((char *)reader->catalogue + sections[section].array) = items;
  *(size_t *)((char *)reader->catalogue + sections[section].count) = count;
  reader->section[section] = node;
  for (size_t n = 0; n < count; n++) declare_item(reader, section, items + n * sections[section].size, n);
}

/* "Asia/Shanghai", "UTC". Whether the machine knows it is another matter: compiling reads nothing but the
 * file. */
static bool timezone_fits(const char *name)
{
  return *name &&
         strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == strlen(name) &&
         (strchr(name, '/') || strcmp(name, "UTC") == 0);
}

/* A code without need of an exemption is misspelt, or what it was meant for is. */
static void read_exempt_codes(struct reader *reader, const struct yaml_node *root)
{
  reader->catalogue->exempt_codes = reader_texts(reader, root, "exempt_codes");
  const struct yaml_node *list = yaml_get(reader->yaml, root, "exempt_codes", false);
  for (size_t i = 0; i < yaml_size(reader->yaml, list); i++) {
    const struct yaml_node *item = yaml_item(reader->yaml, list, i);
    const char *code = yaml_text(reader->yaml, item, "");
    enum uscc_status status = uscc_check(code);
    if (status == USCC_OK)
      yaml_mistake(reader->yaml, item,
                   _("the check character of “%s” agrees, so it needs no exemption; remove it"), code);
    else if (*code && (status == USCC_SHAPE || strlen(code) != USCC_LENGTH))
      yaml_mistake(reader->yaml, item, _("“%s” is no unified social credit code; write its 18 characters"),
                   code);
  }
}

static void read_head(struct reader *reader, const struct yaml_node *root)
{
  static const char *const head[] = {"format",       "catalogue",  "zh",       "en",
                                     "timezone",     "holidays",   "workdays", "empty_answers",
                                     "exempt_codes", "publication"};
  const char *keys[G_N_ELEMENTS(head) + SECTION_COUNT + 1] = {0};
  memcpy(keys, head, sizeof head);
  for (int section = 0; section < SECTION_COUNT; section++)
    keys[G_N_ELEMENTS(head) + section] = sections[section].key;
  yaml_known_keys(reader->yaml, root, keys);
  struct catalogue *catalogue = reader->catalogue;
  yaml_integer(reader->yaml, yaml_get(reader->yaml, root, "format", true), FILE_FORMAT, FILE_FORMAT, 0);
  catalogue->code = reader_text(reader, root, "catalogue", true);
  yaml_label(reader->yaml, root, &catalogue->name);
  catalogue->timezone = reader_text(reader, root, "timezone", true);
  const struct yaml_node *zone = yaml_get(reader->yaml, root, "timezone", false);
  if (zone && !timezone_fits(catalogue->timezone))
    yaml_mistake(reader->yaml, zone, _("“%s” is no time zone; write it as Asia/Shanghai"),
                 catalogue->timezone);
  catalogue->empty_answers = reader_texts(reader, root, "empty_answers");
  catalogue_read_calendar(reader, root);
  read_exempt_codes(reader, root);
  const struct yaml_node *code = yaml_get(reader->yaml, root, "catalogue", false);
  if (code && *catalogue->code && !code_fits(catalogue->code, true))
    yaml_mistake(reader->yaml, code,
                 _("“%s” cannot be a code: use letters a–z, digits, _ and -, at most %d of them"),
                 catalogue->code, LIMIT_CODE_BYTES);
}

/* What is decided about publication. */
static void read_publication(struct reader *reader, const struct yaml_node *root)
{
  static const char *const keys[] = {"consent", NULL};
  const struct yaml_node *node = yaml_get(reader->yaml, root, "publication", false);
  if (!node) return;
  if (!yaml_is_mapping(node)) {
    yaml_mistake(reader->yaml, node, _("expected the flag of units that consented, as {consent: FLAG}"));
    return;
  }
  yaml_known_keys(reader->yaml, node, keys);
  reader->catalogue->consent = reader_reference_at(reader, node, "consent", false, SECTION_FLAGS);
}

static size_t section_size(const struct catalogue *catalogue, enum section section)
{
  return *(const size_t *)((const char *)catalogue + sections[section].count);
}

static void read_all(struct reader *reader, const struct yaml_node *root)
{
  const struct catalogue *catalogue = reader->catalogue;
  read_head(reader, root);
  if (!yaml_is_mapping(root)) return;
  for (int section = 0; section < SECTION_COUNT; section++) declare_section(reader, section, root);
  read_publication(reader, root);
  for (int section = 0; section < SECTION_COUNT; section++)
    for (size_t n = 0; n < section_size(catalogue, section); n++) sections[section].read(reader, n);
  for (int section = 0; section < SECTION_COUNT; section++)
    for (size_t n = 0; sections[section].check && n < section_size(catalogue, section); n++)
      sections[section].check(reader, n);
  catalogue_index_columns(reader);
  catalogue_index_headings(reader);
  catalogue_index_rules(reader->catalogue);
}

struct catalogue *catalogue_compile(const char *name, const char *text, size_t length, GError **error)
{
  if (length > LIMIT_CATALOGUE_BYTES) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG, _("%s: has %zu bytes, a catalogue at most %zu"), name,
                length, LIMIT_CATALOGUE_BYTES);
    return NULL;
  }
  CLEANUP(yaml_free) struct yaml *yaml = yaml_new(name, text, length);
  CLEANUP(catalogue_unref) struct catalogue *catalogue = catalogue_new(text, length);
  struct reader reader = {.yaml = yaml, .catalogue = catalogue};
  if (yaml_root(yaml))
    read_all(&reader, yaml_root(yaml));
  else if (yaml_mistakes(yaml) == 0)
    yaml_mistake(yaml, NULL,
                 _("the file is empty; a catalogue begins with the lines “format: %d” and “catalogue: …”"),
                 FILE_FORMAT);
  if (!yaml_ok(yaml, error)) return NULL;
  return g_steal_pointer(&catalogue);
}

struct catalogue *catalogue_read(const char *path, GError **error)
{
  g_autofree char *text = NULL;
  size_t length;
  if (!g_file_get_contents(path, &text, &length, error)) return NULL;
  return catalogue_compile(path, text, length, error);
}
