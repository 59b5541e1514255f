/* park-agent status: who we are, what waits, what was counted. Reads only. */
#include "agent/about.h"
#include "agent/commands.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

static bool status(const char *data, const char *format, GError **error)
{
  bool json = g_strcmp0(format, "json") == 0;
  if (format && !json && strcmp(format, "text") != 0) {
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, _("--format is text or json"));
    return false;
  }
  g_autofree char *folder = home_folder(data);
  CLEANUP(home_free) struct home *home = home_open(folder, NULL, error);
  if (!home) return false;
  g_autofree char *path = g_build_filename(folder, "outbox.db", NULL);
  CLEANUP(outbox_close) struct outbox *outbox = NULL;
  if (g_file_test(path, G_FILE_TEST_EXISTS)) {
    outbox = outbox_open_to_look(path, error);
    if (!outbox) return false;
  }
  return about_print(home, outbox, json, error);
}

int command_status(int argc, char **argv)
{
  g_autofree char *data = NULL, *format = NULL;
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("the agent's folder"), N_("DIR")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format, N_("text (default) or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  g_autoptr(GError) error = NULL;
  return status(data, format, &error) ? 0 : command_fail(error);
}
