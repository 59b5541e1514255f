/* park-aggregator key backup: the keys, protected by a passphrase, for another place than the data. */
#include "aggregator/folder.h"
#include "aggregator/office.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/passphrase.h"
#include "common/text.h"

static int run(struct office *office, struct control_request *request, const char *path)
{
  g_autofree char *key = folder_path(office->config->data, "identity.key");
  GError *error = NULL;
  CLEANUP(identity_free) struct identity *identity = identity_load(key, &error);
  CLEANUP(passphrase_free) struct passphrase *passphrase = identity ? passphrase_read(true, &error) : NULL;

  if (!passphrase || !identity_back_up(identity, path, passphrase_text(passphrase), &error))
    return office_fail(request, error);
  control_out(request->output,
              _("%s holds the keys, and is good for nothing without the passphrase. Keep the two apart from "
                "each other "
                "and from the data; without them no backup can be restored.\n"),
              path);
  return 0;
}

int office_key_backup(struct office *office, struct control_request *request, int argc, char **argv)
{
  const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
  int exit_code;

  if (!office_options(request, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  return run(office, request, argv[1]);
}
