#include "aggregator/folder.h"

#include "common/durable.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"
#include "common/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_FOLDER "/var/lib/park-aggregator"
#define CONFIG_NAME "aggregator.yaml"
#define REPORTS_FOR "reports_for"
#define DISCLOSURE "disclosure"
#define LIMITS "limits"

enum form { FORM_PATH, FORM_BIND, FORM_CONNECT };

/* Every key with one value. deploy/aggregator.example.yaml says what they mean. */
static const struct option {
  const char *key;
  size_t offset; /* of a char * in struct aggregator_config */
  enum form form;
  const char *fallback;
} OPTIONS[] = {
    {"data", offsetof(struct aggregator_config, data), FORM_PATH, NULL},
    {"catalogue", offsetof(struct aggregator_config, catalogue), FORM_PATH, NULL},
    {"listen", offsetof(struct aggregator_config, listen), FORM_BIND, "tcp://0.0.0.0:7650"},
    {"enrol", offsetof(struct aggregator_config, enrol), FORM_BIND, "tcp://0.0.0.0:7651"},
    {"announce", offsetof(struct aggregator_config, announce), FORM_CONNECT, NULL},
    {"announce_enrol", offsetof(struct aggregator_config, announce_enrol), FORM_CONNECT, NULL},
};

/* The keys of DISCLOSURE. */
static const struct {
  const char *key;
  size_t offset; /* of an int in struct disclose_rules */
  int least, most;
} RULES[] = {
    {"threshold", offsetof(struct disclose_rules, threshold), 1, 100},
    {"n", offsetof(struct disclose_rules, dominant), 1, 10},
    {"k", offsetof(struct disclose_rules, percent), 1, 100},
    {"p", offsetof(struct disclose_rules, close_percent), 0, 100},
    {"range", offsetof(struct disclose_rules, range_percent), 1, 100},
    {"known", offsetof(struct disclose_rules, known_percent), 1, 1000},
};

static char **field(struct aggregator_config *config, const struct option *option)
{
  return (char **)(void *)((char *)config + option->offset);
}

void aggregator_config_free(struct aggregator_config *config)
{
  if (!config) return;
  for (size_t i = 0; i < G_N_ELEMENTS(OPTIONS); i++) g_free(*field(config, &OPTIONS[i]));
  g_strfreev(config->reports_for);
  g_free(config);
}

/* --- reading --- */

/* tcp://HOST:PORT; where we bind, the port may be "*": any that is free. */
static bool is_endpoint(const char *text, bool bind)
{
  const char *host = text + strlen("tcp://");
  const char *colon = strrchr(text, ':');
  if (!g_str_has_prefix(text, "tcp://") || !colon || colon <= host) return false;
  size_t host_length = (size_t)(colon - host);
  if (host[0] != '[' && memchr(host, ':', host_length)) return false; /* IPv6 stands in brackets */
  if (strpbrk(host, "/ ;,")) return false;
  if (bind && strcmp(colon + 1, "*") == 0) return true;
  if (!bind && (strncmp(host, "*", host_length) == 0 || strncmp(host, "0.0.0.0", host_length) == 0))
    return false;
  guint64 port;
  return g_ascii_string_to_unsigned(colon + 1, 10, 1, UINT16_MAX, &port, NULL);
}

static void read_option(struct yaml *yaml, const struct option *option, const char *folder,
                        struct aggregator_config *config)
{
  const struct yaml_node *node = yaml_get(yaml, yaml_root(yaml), option->key, false);
  const char *text = yaml_text(yaml, node, "");
  if (!text[0]) return;
  if (option->form == FORM_PATH) {
    *field(config, option) = g_canonicalize_filename(text, folder);
    return;
  }
  if (is_endpoint(text, option->form == FORM_BIND))
    *field(config, option) = g_strdup(text);
  else if (option->form == FORM_BIND)
    yaml_mistake(yaml, node,
                 _("%s: found \"%s\", expected an address to listen at, such as tcp://0.0.0.0:7650"),
                 option->key, text);
  else
    yaml_mistake(yaml, node,
                 _("%s: found \"%s\", expected the address by which parks reach this machine, such as "
                   "tcp://tongji.example.cn:7650"),
                 option->key, text);
}

/* A list of users' names. */
static GStrv read_users(struct yaml *yaml, const struct yaml_node *list)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  size_t count = 0;
  if (list && !yaml_is_sequence(list))
    yaml_mistake(yaml, list, _("%s: expected a list of users' names, such as [zhangsan, lisi]"), REPORTS_FOR);
  else
    count = yaml_size(yaml, list);
  for (size_t n = 0; n < count; n++)
    g_strv_builder_add(builder, yaml_text(yaml, yaml_item(yaml, list, n), ""));
  return g_strv_builder_end(builder);
}

static void read_disclosure(struct yaml *yaml, const struct yaml_node *node, struct disclose_rules *rules)
{
  const char *keys[G_N_ELEMENTS(RULES) + 1] = {NULL};
  for (size_t n = 0; n < G_N_ELEMENTS(RULES); n++) keys[n] = RULES[n].key;
  if (!node) return;
  if (!yaml_is_mapping(node)) {
    yaml_mistake(yaml, node, _("%s: expected numbers by name, such as {threshold: 3, n: 2, k: 85, p: 10}"),
                 DISCLOSURE);
    return;
  }
  yaml_known_keys(yaml, node, keys);
  for (size_t n = 0; n < G_N_ELEMENTS(RULES); n++) {
    int *value = (int *)(void *)((char *)rules + RULES[n].offset);
    *value = (int)yaml_integer(yaml, yaml_get(yaml, node, RULES[n].key, false), RULES[n].least, RULES[n].most,
                               *value);
  }
}

/* Those of the table of bounds.h that may be set. */
static void read_limits(struct yaml *yaml, const struct yaml_node *node, int64_t limits[static BOUND_COUNT])
{
  const char *keys[BOUND_COUNT + 1] = {NULL};
  size_t count = 0;
  for (int n = 0; n < BOUND_COUNT; n++)
    if (bound_kinds[n].most != 0) keys[count++] = bound_kinds[n].name;
  if (!node) return;
  if (!yaml_is_mapping(node)) {
    yaml_mistake(yaml, node, _("%s: expected numbers by name, such as {connections: 4096}"), LIMITS);
    return;
  }
  yaml_known_keys(yaml, node, keys);
  for (int n = 0; n < BOUND_COUNT; n++) {
    const struct bound_kind *kind = &bound_kinds[n];
    if (kind->most != 0)
      limits[n] = yaml_integer(yaml, yaml_get(yaml, node, kind->name, false), kind->least, kind->most, 0);
  }
}

static bool read_text(const char *path, char **ret_text, size_t *ret_length, GError **error)
{
  GStatBuf status;
  g_autoptr(GError) reason = NULL;
  if (g_stat(path, &status) == 0 && status.st_size > (off_t)LIMIT_CONFIG_BYTES) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("%s: %" PRId64 " bytes are too many for a configuration; is this the right file?"), path,
                (int64_t)status.st_size);
    return false;
  }
  if (g_file_get_contents(path, ret_text, ret_length, &reason)) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG, _("the configuration cannot be read: %s"),
              reason->message);
  return false;
}

static bool read_config(const char *path, struct aggregator_config *config, GError **error)
{
  g_autofree char *text = NULL;
  size_t length;
  if (!read_text(path, &text, &length, error)) return false;
  g_autofree char *absolute = g_canonicalize_filename(path, NULL);
  g_autofree char *folder = g_path_get_dirname(absolute);
  CLEANUP(yaml_free) struct yaml *yaml = yaml_new(path, text, length);
  const char *keys[G_N_ELEMENTS(OPTIONS) + 4] = {REPORTS_FOR, DISCLOSURE, LIMITS};
  for (size_t i = 0; i < G_N_ELEMENTS(OPTIONS); i++) keys[i + 3] = OPTIONS[i].key;
  if (yaml_root(yaml)) {
    yaml_known_keys(yaml, yaml_root(yaml), keys);
    for (size_t i = 0; i < G_N_ELEMENTS(OPTIONS); i++) read_option(yaml, &OPTIONS[i], folder, config);
    config->reports_for = read_users(yaml, yaml_get(yaml, yaml_root(yaml), REPORTS_FOR, false));
    read_disclosure(yaml, yaml_get(yaml, yaml_root(yaml), DISCLOSURE, false), &config->disclosure);
    read_limits(yaml, yaml_get(yaml, yaml_root(yaml), LIMITS, false), config->limits);
  }
  return yaml_ok(yaml, error);
}

static char *default_folder(void)
{
  const char *folder = g_getenv("PARKTALLY_DATA");
  return g_canonicalize_filename(folder && *folder ? folder : DEFAULT_FOLDER, NULL);
}

struct aggregator_config *folder_config(const char *path, const char *data, GError **error)
{
  CLEANUP(aggregator_config_free) struct aggregator_config *config = g_new0(struct aggregator_config, 1);
  g_autofree char *folder = data ? g_canonicalize_filename(data, NULL) : default_folder();
  g_autofree char *beside = folder_path(folder, CONFIG_NAME);
  config->disclosure = DISCLOSE_RULES;
  if (path || g_file_test(beside, G_FILE_TEST_EXISTS)) {
    if (!read_config(path ? path : beside, config, error)) return NULL;
  }
  /* A file found in a data folder is that folder's, whatever it says; elsewhere it may name another. */
  if (data || !path || !config->data) {
    g_free(config->data);
    config->data = g_steal_pointer(&folder);
  }
  if (!config->reports_for) config->reports_for = g_new0(char *, 1);
  if (!config->catalogue) config->catalogue = folder_path(config->data, "catalogue.yaml");
  for (size_t i = 0; i < G_N_ELEMENTS(OPTIONS); i++) {
    char **value = field(config, &OPTIONS[i]);
    if (!*value) *value = g_strdup(OPTIONS[i].fallback);
  }
  return g_steal_pointer(&config);
}

/* --- the folder --- */

char *folder_path(const char *folder, const char *name)
{
  return g_build_filename(folder, name, NULL);
}

int folder_lock(const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, "lock");
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) {
    int code = errno == EACCES || errno == EPERM ? ERROR_PERMISSION
               : errno == ENOENT                 ? ERROR_CONFIG
                                                 : ERROR_IO;
    g_set_error(error, PARKTALLY_ERROR, code,
                errno == ENOENT
                    ? _("%s cannot be opened (%s); make the data folder with \"park-aggregator init\"")
                    : _("%s cannot be opened (%s)"),
                path, g_strerror(errno));
    return -1;
  }
  int result;
  do result = flock(file, LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result == 0) return file;
  if (errno == EWOULDBLOCK)
    g_set_error(error, PARKTALLY_ERROR, ERROR_TEMPORARY,
                _("another park-aggregator is at work in %s; try again when it is done, or stop it first"),
                folder);
  else
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("%s cannot be locked (%s)"), path, g_strerror(errno));
  close(file);
  return -1;
}

/* --- making one --- */

static enum parktally_error code_of(int number)
{
  if (number == EACCES) return ERROR_PERMISSION;
  return number == ENOSPC || number == EDQUOT ? ERROR_TEMPORARY : ERROR_IO;
}

static bool fail_errno(GError **error, const char *what)
{
  int number = errno;

  g_set_error(error, PARKTALLY_ERROR, code_of(number), "%s: %s", what, g_strerror(number));
  return false;
}

static void remove_folder(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = folder_path(folder, name);

    (void)g_unlink(path);
  }
  (void)g_rmdir(folder);
}

/* A folder in the making is locked; one that is not was left by a kill, and may hold a secret. */
static int lock_folder(const char *path)
{
  int file = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  if (file >= 0) close(file);
  return -1;
}

/* Hidden, and no name that anybody gives to a folder of his own. */
static char *name_in_the_making(const char *folder)
{
  g_autofree char *base = g_path_get_basename(folder);

  return g_strdup_printf(".%s.park-aggregator-", base);
}

static void sweep(const char *folder, const char *parent)
{
  g_autofree char *prefix = name_in_the_making(folder);
  g_autoptr(GDir) dir = g_dir_open(parent, 0, NULL);

  for (const char *name; dir && (name = g_dir_read_name(dir));) {
    if (!g_str_has_prefix(name, prefix) || strlen(name) != strlen(prefix) + 6) continue;
    g_autofree char *path = folder_path(parent, name);
    int lock = lock_folder(path);
    if (lock < 0) continue;
    remove_folder(path);
    close(lock);
  }
}

static bool fill_and_rename(const char *temporary, const char *folder,
                            bool (*fill)(const char *folder, void *data, GError **error), void *data,
                            GError **error)
{
  if (!fill(temporary, data, error)) return false;
  if (rename(temporary, folder) == 0) return true;
  if (errno != ENOTEMPTY && errno != EEXIST) return fail_errno(error, folder);
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_CONFIG,
      _("“%s” is not empty; nothing in it was changed. Name another folder, or look at what is there"),
      folder);
  return false;
}

bool folder_make(const char *folder, bool (*fill)(const char *folder, void *data, GError **error), void *data,
                 GError **error)
{
  g_autofree char *parent = g_path_get_dirname(folder), *prefix = name_in_the_making(folder);
  g_autofree char *name = g_strconcat(prefix, "XXXXXX", NULL), *temporary = folder_path(parent, name);

  if (g_mkdir_with_parents(parent, 0755) != 0) return fail_errno(error, parent);
  sweep(folder, parent);
  if (!g_mkdtemp_full(temporary, 0700)) return fail_errno(error, temporary);
  int lock = lock_folder(temporary);
  bool made = fill_and_rename(temporary, folder, fill, data, error);
  if (!made) remove_folder(temporary);
  if (lock >= 0) close(lock);
  return made && (durable_folder(parent) || fail_errno(error, parent));
}
