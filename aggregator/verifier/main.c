/* parktally-verify: checks an export of the ledger, without the aggregator and without its code. README.md
 * says what it proves. */
#include "aggregator/verifier/summary.h"
#include "aggregator/verifier/verify.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

struct options {
  char *key, *format;
  char **heads, **receipts;
};

static void clear_options(struct options *options)
{
  g_free(options->key);
  g_free(options->format);
  g_strfreev(options->heads);
  g_strfreev(options->receipts);
}

static bool misuse(GError **error, const char *text)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, text);
  return false;
}

static bool prepare(struct verification *verification, const struct options *options, GError **error)
{
  if (options->format && strcmp(options->format, "text") != 0 && strcmp(options->format, "json") != 0)
    return misuse(error, _("--format is text or json"));
  if (options->key && !verification_set_key(verification, options->key))
    return misuse(error, _("--key is a key or a key id: 64 hexadecimal digits"));
  for (char **head = options->heads; head && *head; head++)
    if (!verification_add_head(verification, *head, error)) return false;
  for (char **path = options->receipts; path && *path; path++)
    if (!receipts_read(verification->receipts, *path, error)) return false;
  return true;
}

static bool run(struct verification *verification, const char *path, GError **error)
{
  FILE *file = fopen(path, "rbe");
  bool read = file && verification_run(verification, file);
  if (!read)
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, "%s: %s", path,
                errno ? g_strerror(errno) : _("it cannot be read"));
  if (file) fclose(file);
  return read;
}

static int verify(const struct options *options, const char *path)
{
  CLEANUP(verification_free) struct verification *verification = verification_new();
  g_autoptr(GError) error = NULL;
  if (!prepare(verification, options, &error) || !run(verification, path, &error)) return command_fail(error);
  summary_print(verification, path, options->format && strcmp(options->format, "json") == 0);
  if (fflush(stdout) != 0) return ERROR_IO;
  return verification->faults->count > 0 ? ERROR_DATA : 0;
}

int main(int argc, char **argv)
{
  struct options options = {0};
  const struct command command = {.name = "parktally-verify",
                                  .synopsis = N_("FILE [--key HEX] [--head TEXT]… [--receipts FILE]…"),
                                  .summary = N_("check an export of the ledger")};
  const GOptionEntry entries[] = {
      {"key", 0, 0, G_OPTION_ARG_STRING, &options.key,
       N_("key that must have signed the ledger, or its key id, in hexadecimal"), N_("HEX")},
      {"head", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.heads,
       N_("head that was signed before: its text, or a file that has it"), N_("TEXT")},
      {"receipts", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.receipts, N_("file of parks' receipts"),
       N_("FILE")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &options.format, N_("text or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  text_init();
  if (command_options(&command, entries, 1, 1, &argc, &argv, &exit_code))
    exit_code = verify(&options, argv[1]);
  clear_options(&options);
  return exit_code;
}
