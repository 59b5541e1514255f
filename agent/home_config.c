/* agent.yaml */
#include "agent/home_private.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"
#include "common/yaml.h"

#include <stddef.h>
#include <string.h>

/* Every key that is a text. */
static const struct {
  const char *key;
  size_t offset; /* of a char * in struct agent_config */
  bool is_folder;
} TEXTS[] = {
    {"review_folder", offsetof(struct agent_config, review_folder), true},
    {"submit_folder", offsetof(struct agent_config, submit_folder), true},
    {"approved_by", offsetof(struct agent_config, approved_by), false},
    {"responsible", offsetof(struct agent_config, responsible), false},
    {"filler", offsetof(struct agent_config, filler), false},
    {"telephone", offsetof(struct agent_config, telephone), false},
    {"proxy", offsetof(struct agent_config, proxy), false},
};

static char **text_field(struct agent_config *config, size_t i)
{
  return (char **)((char *)config + TEXTS[i].offset);
}

void home_config_clear(struct agent_config *config)
{
  for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++) g_free(*text_field(config, i));
  if (config->mappings) g_ptr_array_unref(config->mappings);
  *config = (struct agent_config){0};
}

static void free_mapping(gpointer rules)
{
  mapping_rules_free(rules);
}

static void config_init(struct agent_config *config)
{
  for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++) *text_field(config, i) = g_strdup("");
  config->mappings = g_ptr_array_new_null_terminated(0, free_mapping, TRUE);
}

static void check_folders(struct yaml *yaml, const struct yaml_node *root, const struct agent_config *config)
{
  if (config->review_folder[0] && strcmp(config->review_folder, config->submit_folder) == 0)
    yaml_mistake(
        yaml, yaml_get(yaml, root, "submit_folder", false),
        _("review_folder and submit_folder are the same folder; files to be checked only need a folder "
          "of their own"));
  if (config->submit_folder[0] && !config->approved_by[0])
    yaml_mistake(
        yaml, yaml_get(yaml, root, "submit_folder", false),
        _("files from this folder are sent, so somebody must answer for them; add approved_by with the "
          "person's name"));
}

static void read_config(struct yaml *yaml, const char *path, struct agent_config *config)
{
  const struct yaml_node *root = yaml_root(yaml);
  const char *keys[G_N_ELEMENTS(TEXTS) + 2] = {0};
  if (!root) return;
  for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++) keys[i] = TEXTS[i].key;
  keys[G_N_ELEMENTS(TEXTS)] = "mappings";
  yaml_known_keys(yaml, root, keys);
  g_autofree char *beside = g_path_get_dirname(path);
  for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
    const char *text = yaml_text(yaml, yaml_get(yaml, root, TEXTS[i].key, false), "");
    char **field = text_field(config, i);
    g_free(*field);
    *field = TEXTS[i].is_folder && text[0] ? g_canonicalize_filename(text, beside) : g_strdup(text);
  }
  const struct yaml_node *mappings = yaml_get(yaml, root, "mappings", false);
  size_t count = yaml_size(yaml, mappings);
  for (size_t i = 0; i < count; i++)
    g_ptr_array_add(config->mappings, mapping_rules_read(yaml, yaml_item(yaml, mappings, i)));
  check_folders(yaml, root, config);
}

bool home_config_read(const char *path, bool required, struct agent_config *ret_config, GError **error)
{
  g_autofree char *folder = g_path_get_dirname(path);
  g_autofree char *absolute_folder = g_canonicalize_filename(folder, NULL);
  g_autofree char *name = g_path_get_basename(path);
  g_autofree char *absolute = g_build_filename(absolute_folder, name, NULL);
  GError *failure = NULL;
  g_autoptr(GBytes) text = home_read_file(folder, name, LIMIT_CONFIG_BYTES, &failure);
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  if (!text && required) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("%s does not exist; check the path of the configuration"), path);
    return false;
  }
  __attribute__((cleanup(home_config_clear))) struct agent_config config = {0};
  config_init(&config);
  if (text) {
    gsize length;
    const char *data = g_bytes_get_data(text, &length);
    CLEANUP(yaml_free) struct yaml *yaml = yaml_new(path, data ? data : "", length);
    read_config(yaml, absolute, &config);
    if (!yaml_ok(yaml, error)) return false;
  }
  *ret_config = config;
  config = (struct agent_config){0};
  return true;
}

bool home_check_config(const char *path, GError **error)
{
  struct agent_config config;
  if (!home_config_read(path, true, &config, error)) return false;
  home_config_clear(&config);
  return true;
}

char *home_proxy(const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename(folder, "agent.yaml", NULL);
  struct agent_config config;
  if (!home_config_read(path, false, &config, error)) return NULL;
  char *proxy = g_strdup(config.proxy);
  home_config_clear(&config);
  return proxy;
}
