#include "aggregator/commands.h"
#include "aggregator/folder.h"
#include "aggregator/ledger.h"
#include "aggregator/writer.h"
#include "common/catalogue.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"
#include "common/who.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first leaf says whose ledger it is. */
static bool make_store(const char *folder, const struct identity *identity, const char *by, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_CREATE, error);
  CLEANUP(ledger_free) struct ledger *ledger = NULL;
  struct leaf leaf = {.kind = LEAF_GENESIS, .by = by, .reason = ""};

  if (!store) return false;
  store_begin(store);
  ledger = ledger_new(store);
  leaf.recorded_at_ms = ledger_time(ledger, clock_wall().ms);
  leaf.genesis.curve_key = (struct bytes_view){identity_curve_public(identity), CURVE_KEY_SIZE};
  leaf.genesis.sign_key = (struct bytes_view){identity_sign_public(identity), SEAL_PUBLIC_KEY_SIZE};
  ledger_append(ledger, &leaf);
  ledger_seal(ledger);
  return store_commit(store, error);
}

static void keep_error(const GError *error, void *data)
{
  GError **kept = data;

  if (!*kept) *kept = g_error_copy(error);
}

static bool write_catalogue(const char *path, const struct catalogue *catalogue, GError **error)
{
  g_autoptr(GError) failure = NULL;

  if (g_file_set_contents_full(path, catalogue->text, (gssize)catalogue->text_length,
                               G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, &failure))
    return true;
  g_set_error_literal(error, PARKTALLY_ERROR,
                      g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOSPC) ? ERROR_TEMPORARY : ERROR_IO,
                      failure->message);
  return false;
}

static bool take_catalogue(const char *folder, const struct identity *identity,
                           const struct catalogue *catalogue, const char *by, GError **error)
{
  g_autofree char *path = folder_path(folder, "catalogue.yaml");
  g_autoptr(GError) failure = NULL;
  g_autoptr(GBytes) text = g_bytes_new(catalogue->text, catalogue->text_length);
  CLEANUP(writer_free) struct writer *writer = NULL;
  struct act act = {.kind = LEAF_CATALOGUE, .by = by, .text = text};

  if (!write_catalogue(path, catalogue, error)) return false;
  writer = writer_new(folder, identity, keep_error, &failure, error);
  return writer && writer_act(writer, &act, NULL, error);
}

static bool fill(const char *folder, void *data, GError **error)
{
  const struct catalogue *catalogue = data;
  g_autofree char *key = folder_path(folder, "identity.key");
  CLEANUP(identity_free) struct identity *identity = identity_create(key, error);
  g_autofree char *by = who_is(getuid(), 0);

  return identity && make_store(folder, identity, by, error) &&
         take_catalogue(folder, identity, catalogue, by, error);
}

int command_init(int argc, char **argv)
{
  g_autofree char *data = NULL, *path = NULL, *folder = NULL;
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("data folder to make"), N_("DIR")},
      {"catalogue", 0, 0, G_OPTION_ARG_FILENAME, &path, N_("the zone's catalogue"), N_("FILE")},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  CLEANUP(catalogue_unref) struct catalogue *catalogue = NULL;
  g_autoptr(GError) error = NULL;
  int exit_code;

  if (!command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!data || !path) {
    g_set_error_literal(&error, PARKTALLY_ERROR, ERROR_USAGE,
                        _("name the folder with --data and the catalogue with --catalogue"));
    return command_fail(error);
  }
  catalogue = catalogue_read(path, &error);
  if (!catalogue) return command_fail(error);
  folder = g_canonicalize_filename(data, NULL);
  if (!folder_make(folder, fill, catalogue, &error)) return command_fail(error);
  g_print(_("made %s with the catalogue of %s; start the server with: park-aggregator run --data %s\n"),
          folder, text_label(&catalogue->name), folder);
  return 0;
}
