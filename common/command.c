#include "common/command.h"

#include "common/error.h"
#include "common/text.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 18 /* of the list of commands */

/* What this process is running: set once, before any thread starts. */
static struct {
  const char *program;
  const struct command *command;
} running;

static void print_commands(FILE *stream, const char *summary, const struct command *table)
{
  fprintf(stream, _("Usage: %s COMMAND [OPTION…] [ARGUMENT…]\n\n%s\n\nCommands:\n"), running.program,
          _(summary));
  for (const struct command *command = table; command->name; command++)
    fprintf(stream, "  %-*s %s\n", NAME_WIDTH, command->name, _(command->summary));
  fprintf(stream, _("\n“%s COMMAND --help” tells more of a command.\n"), running.program);
}

/* How many of the words are the command's name; 0 if it is another one. */
static int match(const struct command *command, int count, char **words)
{
  const char *space = strchr(command->name, ' ');
  if (!space) return count >= 1 && strcmp(words[0], command->name) == 0 ? 1 : 0;
  size_t first = (size_t)(space - command->name);
  if (count < 2 || strlen(words[0]) != first || strncmp(words[0], command->name, first) != 0) return 0;
  return strcmp(words[1], space + 1) == 0 ? 2 : 0;
}

int command_main(const char *program, const char *summary, const struct command *table, int argc, char **argv)
{
  running.program = program;
  if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    print_commands(stdout, summary, table);
    return 0;
  }
  if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
    printf("%s %s\n", program, PARKTALLY_VERSION);
    return 0;
  }
  for (const struct command *command = table; command->name; command++) {
    int words = match(command, argc - 1, argv + 1);
    if (words == 0) continue;
    running.command = command;
    argv[words] = (char *)command->name;
    return command->run(argc - words, argv + words);
  }
  if (argc >= 2)
    fprintf(stderr, _("%s: there is no command “%s”; choose one of the list\n\n"), program, argv[1]);
  print_commands(stderr, summary, table);
  return ERROR_USAGE;
}

/* "--area=CODE" */
static char *option_text(const GOptionEntry *entry)
{
  const char *value = entry->arg_description ? _(entry->arg_description) : NULL;
  return g_strdup_printf("--%s%s%s", entry->long_name, value ? "=" : "", value ? value : "");
}

char *command_help(const char *program, const struct command *command, const GOptionEntry *entries)
{
  static const char help_option[] = "-h, --help";
  GString *help = g_string_new(NULL);
  g_string_append_printf(help, _("Usage: %s %s %s\n\n%s\n\nOptions:\n"), program, command->name,
                         _(command->synopsis), _(command->summary));
  size_t width = strlen(help_option);
  for (const GOptionEntry *entry = entries; entry && entry->long_name; entry++) {
    if (entry->flags & G_OPTION_FLAG_HIDDEN) continue;
    g_autofree char *option = option_text(entry);
    width = MAX(width, text_width(option));
  }
  for (const GOptionEntry *entry = entries; entry && entry->long_name; entry++) {
    if (entry->flags & G_OPTION_FLAG_HIDDEN) continue;
    g_autofree char *option = option_text(entry);
    g_string_append_printf(help, "  %s%*s  %s\n", option, (int)(width - text_width(option)), "",
                           _(entry->description));
  }
  g_string_append_printf(help, "  %s%*s  %s\n", help_option, (int)(width - strlen(help_option)), "",
                         _("show this help"));
  return g_string_free(help, FALSE);
}

/* GOption keeps a "--" that guards words which look like options. */
static void drop_guard(int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++) {
    if (strcmp(argv[i], "--") != 0) continue;
    memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof *argv);
    (*argc)--;
    return;
  }
}

static void usage_error(const struct command *command, const char *message)
{
  fprintf(stderr, _("%s: %s\nUsage: %s %s %s\n"), running.program ? running.program : "", message,
          running.program ? running.program : "", command->name, _(command->synopsis));
}

bool command_options(const struct command *command, const GOptionEntry *entries, int least, int most,
                     int *argc, char ***argv, int *ret_exit)
{
  if (!command) command = running.command;
  gboolean help = FALSE;
  const GOptionEntry help_entry[] = {
      {"help", 'h', 0, G_OPTION_ARG_NONE, &help, NULL, NULL},
      G_OPTION_ENTRY_NULL,
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_option_context_set_help_enabled(context, FALSE); /* GLib's own would end the process */
  g_option_context_set_translation_domain(context, GETTEXT_PACKAGE);
  if (entries) g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries(context, help_entry, GETTEXT_PACKAGE);

  g_autoptr(GError) error = NULL;
  if (!g_option_context_parse(context, argc, argv, &error)) {
    usage_error(command, error->message);
    *ret_exit = ERROR_USAGE;
    return false;
  }
  if (help) {
    g_autofree char *text = command_help(running.program ? running.program : "", command, entries);
    fputs(text, stdout);
    *ret_exit = 0;
    return false;
  }
  drop_guard(argc, *argv);
  int count = *argc - 1;
  if (count < least || (most >= 0 && count > most)) {
    usage_error(command, count < least ? _("an argument is missing") : _("there are too many arguments"));
    *ret_exit = ERROR_USAGE;
    return false;
  }
  return true;
}

int command_fail(const GError *error)
{
  fprintf(stderr, "%s: %s\n", running.program ? running.program : "", error->message);
  return error_exit_code(error);
}
