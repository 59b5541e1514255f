#include "aggregator/commands.h"
#include "aggregator/folder.h"
#include "aggregator/store/store.h"
#include "common/calendar.h"
#include "common/catalogue.h"
#include "common/command.h"
#include "common/text.h"

#include <glib.h>

/* The catalogue that the folder's reports were taken under; NULL without error where there is none yet. */
static struct catalogue *catalogue_in_force(const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(store_close) struct store *store = NULL;
  g_autoptr(GPtrArray) texts = NULL;
  GBytes *text;

  if (!g_file_test(path, G_FILE_TEST_EXISTS)) return NULL;
  store = store_open(path, STORE_READ, error);
  if (!store) return NULL;
  texts = store_catalogues(store);
  if (store_error(store)) {
    g_propagate_error(error, g_error_copy(store_error(store)));
    return NULL;
  }
  if (texts->len == 0) return NULL;
  text = texts->pdata[texts->len - 1];
  return catalogue_compile("catalogue.yaml", g_bytes_get_data(text, NULL), g_bytes_get_size(text), error);
}

/* What would change the meaning of stored reports is no mistake of the file, but a reload would refuse it. */
static bool check_may_follow(const char *folder, const struct catalogue *catalogue, GError **error)
{
  GError *failure = NULL;
  CLEANUP(catalogue_unref) struct catalogue *current = catalogue_in_force(folder, &failure);

  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  return !current || catalogue_may_follow(current, catalogue, error);
}

/* `folder` NULL: only the file itself. */
static bool check_catalogue(const char *path, const char *folder, GError **error)
{
  CLEANUP(catalogue_unref) struct catalogue *catalogue = catalogue_read(path, error);

  if (!catalogue || (folder && !check_may_follow(folder, catalogue, error))) return false;
  g_print(_("%s: no mistakes: %zu areas, %zu indicators, %zu forms, %zu targets\n"), path,
          catalogue->area_count, catalogue->indicator_count, catalogue->form_count, catalogue->target_count);
  if (!calendar_knows_zone(catalogue))
    g_printerr(
        _("warning: this machine does not know the time zone %s, so periods and deadlines go by UTC; install "
          "the package tzdata\n"),
        catalogue->timezone);
  return true;
}

static bool check_folder(const char *config_path, const char *data, const char *catalogue, GError **error)
{
  CLEANUP(aggregator_config_free) struct aggregator_config *config = folder_config(config_path, data, error);

  if (!config) return false;
  if (config_path) g_print(_("%s: no mistakes\n"), config_path);
  return check_catalogue(catalogue ? catalogue : config->catalogue, config->data, error);
}

int command_check(int argc, char **argv)
{
  g_autofree char *config = NULL, *data = NULL, *catalogue = NULL;
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data,
       N_("data folder whose configuration and catalogue to check"), N_("DIR")},
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &config, N_("configuration, with the catalogue that it names"),
       N_("FILE")},
      {"catalogue", 0, 0, G_OPTION_ARG_FILENAME, &catalogue,
       N_("another catalogue; with --data also whether it may follow the one in force"), N_("FILE")},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  g_autoptr(GError) error = NULL;
  bool good;
  int exit_code;

  if (!command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (catalogue && !config && !data)
    good = check_catalogue(catalogue, NULL, &error);
  else
    good = check_folder(config, data, catalogue, &error);
  return good ? 0 : command_fail(error);
}
