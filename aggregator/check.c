#include "aggregator/commands.h"
#include "aggregator/folder.h"
#include "common/catalogue.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"

#include <glib.h>

static bool check_catalogue(const char *path, GError **error)
{
  CLEANUP(catalogue_unref) struct catalogue *catalogue = catalogue_read(path, error);

  if (!catalogue) return false;
  g_print(_("%s: no mistakes: %zu areas, %zu indicators, %zu forms, %zu targets\n"), path,
          catalogue->area_count, catalogue->indicator_count, catalogue->form_count, catalogue->target_count);
  return true;
}

static bool check_config(const char *path, GError **error)
{
  CLEANUP(aggregator_config_free) struct aggregator_config *config = folder_config(path, NULL, error);

  if (!config) return false;
  g_print(_("%s: no mistakes\n"), path);
  return check_catalogue(config->catalogue, error);
}

int command_check(int argc, char **argv)
{
  g_autofree char *config = NULL, *catalogue = NULL;
  const GOptionEntry entries[] = {
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &config, N_("configuration, with the catalogue that it names"),
       N_("FILE")},
      {"catalogue", 0, 0, G_OPTION_ARG_FILENAME, &catalogue, N_("catalogue"), N_("FILE")},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  g_autoptr(GError) error = NULL;
  int exit_code;

  if (!command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!config && !catalogue) {
    g_set_error_literal(&error, PARKTALLY_ERROR, ERROR_USAGE,
                        _("say what to check: --config FILE or --catalogue FILE"));
    return command_fail(error);
  }
  if (config && !check_config(config, &error)) return command_fail(error);
  if (catalogue && !check_catalogue(catalogue, &error)) return command_fail(error);
  return 0;
}
