/* park-agent check: reads files as `push` would, offline, and prints every finding. Where this agent has
 * reported before, also what `push` would refuse because of that. */
#include "agent/commands.h"
#include "agent/findings_print.h"
#include "agent/home.h"
#include "agent/outbox.h"
#include "agent/prepare.h"
#include "agent/reading.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"

#include <stdio.h>
#include <string.h>

struct check_options {
  char *form, *period, *data, *config, *format; /* any kind of check */
  char *catalogue, *units, *area;               /* without enrolment */
};

static void clear_options(struct check_options *options)
{
  g_free(options->form);
  g_free(options->period);
  g_free(options->data);
  g_free(options->config);
  g_free(options->format);
  g_free(options->catalogue);
  g_free(options->units);
  g_free(options->area);
}

/* Where catalogue and register come from: the agent's folder, or files that the options name, which make a
 * home that nobody lives in. */
struct ground {
  struct home *home;
  struct outbox *outbox; /* NULL: nothing was reported yet */
  bool from_files;
  struct home made;
  struct certificate certificate;
};

static void clear_ground(struct ground *ground)
{
  outbox_close(ground->outbox);
  if (!ground->from_files) {
    home_free(ground->home);
    return;
  }
  register_unref(ground->made.units);
  catalogue_unref(ground->made.catalogue);
  if (ground->made.config.mappings) g_ptr_array_unref(ground->made.config.mappings);
}

static bool usage(GError **error, const char *message)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, message);
  return false;
}

static bool read_register(struct home *home, const char *path, finding_sink *findings, void *data,
                          GError **error)
{
  g_autofree char *text = NULL, *name = g_path_get_basename(path);
  size_t length;
  if (!g_file_get_contents(path, &text, &length, error)) return false;
  return register_read_csv(home->catalogue, name, text, length, findings, data, &home->units, error);
}

/* With --catalogue, --register and --area files can be checked on any computer. */
static bool find_ground_in_files(const struct check_options *options, const struct findings_printer *printer,
                                 struct ground *ground, GError **error)
{
  struct home *home = ground->home = &ground->made;
  ground->from_files = true;
  if (!options->catalogue || !options->units || !options->area)
    return usage(error, _("--catalogue, --register and --area belong together: give all three"));
  if (options->config)
    return usage(error,
                 _("--config belongs to an agent's folder; leave out --catalogue, --register and --area"));
  home->catalogue = catalogue_read(options->catalogue, error);
  if (!home->catalogue) return false;
  if (!read_register(home, options->units, findings_print, (void *)printer, error)) return false;
  home->area = catalogue_area(home->catalogue, options->area);
  if (home->area == CATALOGUE_NONE) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("the catalogue has no area “%s”"), options->area);
    return false;
  }
  int form = options->form ? catalogue_form(home->catalogue, options->form) : CATALOGUE_NONE;
  bool of_bureau = form != CATALOGUE_NONE && home->catalogue->forms[form].role == ROLE_OF_BUREAU;
  ground->certificate =
      (struct certificate){.area = options->area, .role = of_bureau ? AGENT_OF_BUREAU : AGENT_OF_PARK};
  home->certificate = &ground->certificate;
  home->config.mappings = g_ptr_array_new_null_terminated(0, NULL, TRUE);
  return true;
}

static bool find_ground_at_home(const struct check_options *options, struct ground *ground, GError **error)
{
  g_autofree char *folder = home_folder(options->data);
  ground->home = home_open(folder, options->config, error);
  if (!ground->home) return false;
  if (!ground->home->catalogue || !ground->home->units) {
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
        _("%s: the catalogue and the register have not been fetched yet; start “park-agent run” once, "
          "connected to the city"),
        folder);
    return false;
  }
  g_autofree char *path = g_build_filename(folder, "outbox.db", NULL);
  if (!g_file_test(path, G_FILE_TEST_EXISTS)) return true;
  ground->outbox = outbox_open_to_look(path, error);
  return ground->outbox != NULL;
}

static bool check_file(const char *file, const struct ground *ground, const struct check_options *options,
                       const struct period *period, struct findings_printer *printer,
                       struct reading_result *ret_result, GError **error)
{
  const struct prepare_options preparing = {.home = ground->home,
                                            .outbox = ground->outbox,
                                            .check_only = true,
                                            .form = options->form,
                                            .period = period,
                                            .findings = findings_print,
                                            .data = printer};
  struct prepare_result result;
  if (!prepare_file(file, &preparing, &result, error)) return false;
  *ret_result = result.reading;
  ret_result->good -= result.refused;
  ret_result->refused += result.refused;
  return true;
}

/* Every file is checked; the exit code is the first that is not 0. */
static int check_files(char **files, const struct ground *ground, const struct check_options *options,
                       const struct period *period, struct findings_printer *printer)
{
  int exit_code = 0;
  for (char **file = files; *file; file++) {
    struct reading_result result;
    g_autoptr(GError) error = NULL;
    int code;
    if (check_file(*file, ground, options, period, printer, &result, &error)) {
      g_autofree char *name = g_path_get_basename(*file);
      const struct catalogue *catalogue = ground->home->catalogue;
      const char *form = result.form == CATALOGUE_NONE ? NULL : catalogue->forms[result.form].code;
      findings_print_summary(printer, name, form, &result);
      code = reading_exit_code(&result);
    } else {
      code = command_fail(error);
    }
    if (exit_code == 0) exit_code = code;
  }
  return exit_code;
}

static bool read_period(const char *text, struct period *ret_period, GError **error)
{
  g_autofree char *folded = text_fold(g_strdup(text));
  if (period_read(folded, 0, ret_period)) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("--period: “%s” is no period; write it as 2018-05"),
              text);
  return false;
}

static int check(const struct check_options *options, char **files)
{
  g_autoptr(GError) error = NULL;
  struct findings_printer printer = {.stream = stdout};
  if (options->format && strcmp(options->format, "json") == 0)
    printer.json = true;
  else if (options->format && strcmp(options->format, "text") != 0)
    usage(&error, _("--format is text or json"));
  if (!error && !*files) {
    if (options->config)
      home_check_config(options->config, &error);
    else
      usage(&error, _("name a file to check, or a configuration with --config"));
    return error ? command_fail(error) : 0;
  }
  struct period period, *given = NULL;
  if (!error && options->period && read_period(options->period, &period, &error)) given = &period;
  struct ground ground = {0};
  bool from_files = options->catalogue || options->units || options->area;
  if (!error && from_files)
    find_ground_in_files(options, &printer, &ground, &error);
  else if (!error)
    find_ground_at_home(options, &ground, &error);
  int exit_code = error ? command_fail(error) : check_files(files, &ground, options, given, &printer);
  clear_ground(&ground);
  return exit_code;
}

int command_check(int argc, char **argv)
{
  struct check_options options = {0};
  const GOptionEntry entries[] = {
      {"form", 0, 0, G_OPTION_ARG_STRING, &options.form, N_("the form, where the columns fit several"),
       N_("F")},
      {"period", 0, 0, G_OPTION_ARG_STRING, &options.period, N_("the period, where the file does not say it"),
       N_("P")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &options.format, N_("text (default) or json"), N_("FORMAT")},
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &options.config,
       N_("configuration; without files it is checked itself"), N_("FILE")},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &options.data, N_("the agent's folder"), N_("DIR")},
      {"catalogue", 0, 0, G_OPTION_ARG_FILENAME, &options.catalogue, N_("catalogue, without enrolment"),
       N_("FILE")},
      {"register", 0, 0, G_OPTION_ARG_FILENAME, &options.units, N_("register, without enrolment"),
       N_("FILE")},
      {"area", 0, 0, G_OPTION_ARG_STRING, &options.area, N_("the park, without enrolment"), N_("CODE")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (command_options(NULL, entries, 0, -1, &argc, &argv, &exit_code)) exit_code = check(&options, argv + 1);
  clear_options(&options);
  return exit_code;
}
