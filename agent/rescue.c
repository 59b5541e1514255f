/* park-agent outbox check: whether the outbox is what was sealed; with --repair a new one of what is good. */
#include "agent/commands.h"
#include "agent/home.h"
#include "agent/outbox.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void print_line(const char *line, bool is_note, void *data)
{
  (void)data;
  fprintf(is_note ? stdout : stderr, "%s\n", line);
}

/* Nobody else may write meanwhile: who prepares, who sends, and the service. */
static bool take_locks(const struct home *home, int locks[3], GError **error)
{
  static const char *const names[] = {"run", "push", "link"};
  for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
    locks[i] = home_lock(home->folder, names[i], false, error);
    if (locks[i] < 0) return false;
  }
  return true;
}

static bool repair(const struct home *home, const char *path, int *ret_exit, GError **error)
{
  int locks[3] = {-1, -1, -1};
  struct outbox_repair result = {0};
  bool done = take_locks(home, locks, error) && outbox_repair(path, home, print_line, NULL, &result, error);
  for (size_t i = 0; i < G_N_ELEMENTS(locks); i++)
    if (locks[i] >= 0) close(locks[i]);
  if (!done) return false;
  printf(_("a new outbox was made of %" PRIu64 " submissions and %" PRIu64
           " receipts; the damaged one is kept as %s\n"),
         result.submissions, result.receipts, result.aside);
  if (result.lost > 0)
    printf(_("%" PRIu64 " records could not be kept; they are named above\n"), result.lost);
  else
    printf(_("nothing was lost\n"));
  *ret_exit = result.lost > 0 ? ERROR_DATA : 0;
  g_free(result.aside);
  return true;
}

static bool check(const char *data, bool repairing, int *ret_exit, GError **error)
{
  g_autofree char *folder = home_folder(data);
  CLEANUP(home_free) struct home *home = home_open(folder, NULL, error);
  if (!home) return false;
  g_autofree char *path = g_build_filename(folder, "outbox.db", NULL);
  uint64_t damages, records;
  if (!outbox_check(path, home, print_line, NULL, &damages, &records, error)) return false;
  *ret_exit = damages > 0 ? ERROR_DATA : 0;
  if (damages == 0) {
    printf(_("%s: %" PRIu64 " submissions, nothing is damaged\n"), path, records);
    return true;
  }
  if (repairing) return repair(home, path, ret_exit, error);
  printf(_("%s: %" PRIu64
           " damages; “park-agent outbox check --repair” makes a new outbox of all that is good "
           "and keeps this one beside it\n"),
         path, damages);
  return true;
}

int command_outbox_check(int argc, char **argv)
{
  g_autofree char *data = NULL;
  gboolean repairing = FALSE;
  const GOptionEntry entries[] = {
      {"repair", 0, 0, G_OPTION_ARG_NONE, &repairing, N_("make a new outbox of all that is good"), NULL},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("the agent's folder"), N_("DIR")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  g_autoptr(GError) error = NULL;
  return check(data, repairing, &exit_code, &error) ? exit_code : command_fail(error);
}
