#include "aggregator/server.h"

#include "aggregator/gate.h"
#include "aggregator/office.h"
#include "aggregator/writer.h"
#include "common/control.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/log.h"
#include "common/text.h"

#include <string.h>
#include <unistd.h>

struct server {
  char *config_path, *data;
  struct aggregator_config *config;
  int lock;
  struct identity *identity;
  struct writer *writer;
  struct gate *gate;
  struct store *reader;
  struct office office;
  struct control_server *control;
};

/* A failed sync may not be followed by any acknowledgement, nor by a second attempt that pretends it held:
 * end at once. */
static void store_failed(const GError *error, void *data)
{
  (void)data;
  log_say(LOG_LEVEL_ERROR, "store.failed", "%s", error->message);
  _exit(ERROR_IO);
}

static void gate_failed(const char *why, void *data)
{
  (void)data;
  log_say(LOG_LEVEL_ERROR, "gate.failed", "%s", why);
  _exit(ERROR_INTERNAL);
}

static bool open_folder(struct server *server, GError **error)
{
  g_autofree char *key = folder_path(server->config->data, "identity.key");

  server->lock = folder_lock(server->config->data, error);
  if (server->lock < 0) return false;
  server->identity = identity_load(key, error);
  if (!server->identity) {
    g_prefix_error(error, _("“%s” is no aggregator's data folder (make one with “park-aggregator init”): "),
                   server->config->data);
    return false;
  }
  server->writer = writer_new(server->config->data, server->identity, store_failed, server, error);
  return server->writer != NULL;
}

static bool open_gate(struct server *server, GError **error)
{
  struct gate_options options = {
      .listen = server->config->listen,
      .enrol = server->config->enrol,
      .folder = server->config->data,
      .identity = server->identity,
      .writer = server->writer,
      .failed = gate_failed,
      .data = server,
  };

  server->gate = gate_new(&options, error);
  return server->gate != NULL;
}

static bool open_office(struct server *server, GError **error)
{
  g_autofree char *path = folder_path(server->config->data, "store.db");
  g_autofree char *control = folder_path(server->config->data, "control");

  server->reader = store_open(path, STORE_READ, error);
  if (!server->reader) return false;
  server->office = (struct office){
      .config = server->config,
      .identity = server->identity,
      .writer = server->writer,
      .reader = server->reader,
  };
  server->control = control_server_open(control, office_handle, &server->office, error);
  return server->control != NULL;
}

static void replace(char **text, const char *by)
{
  g_free(*text);
  *text = g_strdup(by);
}

/* Invitations name what was asked for; where the port was left open, with the port that was bound. */
static void note_port(char **endpoint, const char *bound)
{
  g_autofree char *named = NULL;

  if (!g_str_has_suffix(*endpoint, ":*")) return;
  named = g_strndup(*endpoint, strlen(*endpoint) - 2);
  g_free(*endpoint);
  *endpoint = g_strconcat(named, strrchr(bound, ':'), NULL);
}

static void note_ports(struct server *server)
{
  note_port(&server->config->listen, gate_endpoint(server->gate));
  note_port(&server->config->enrol, gate_enrol_endpoint(server->gate));
}

struct server *server_start(const char *config_path, const char *data, const char *listen, const char *enrol,
                            GError **error)
{
  CLEANUP(server_stop) struct server *server = g_new0(struct server, 1);
  g_autoptr(GError) refused = NULL;

  server->lock = -1;
  server->config_path = g_strdup(config_path);
  server->data = g_strdup(data);
  server->config = folder_config(config_path, data, error);
  if (!server->config) return NULL;
  if (listen) replace(&server->config->listen, listen);
  if (enrol) replace(&server->config->enrol, enrol);
  if (!open_folder(server, error)) return NULL;
  if (!server_reload(server, "start", &refused))
    log_say(LOG_LEVEL_WARNING, "catalogue.refused", "%s", refused->message);
  if (!open_gate(server, error)) return NULL;
  note_ports(server);
  if (!open_office(server, error)) return NULL;
  return g_steal_pointer(&server);
}

void server_stop(struct server *server)
{
  if (!server) return;
  if (server->control) control_server_close(server->control);
  gate_free(server->gate);
  store_close(server->reader);
  writer_free(server->writer);
  identity_free(server->identity);
  if (server->lock >= 0) close(server->lock);
  aggregator_config_free(server->config);
  g_free(server->config_path);
  g_free(server->data);
  g_free(server);
}

bool server_reload(struct server *server, const char *by, GError **error)
{
  CLEANUP(aggregator_config_free)
  struct aggregator_config *config = folder_config(server->config_path, server->data, error);
  CLEANUP(catalogue_unref) struct catalogue *catalogue = NULL;
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(server->writer));
  struct act act = {.kind = LEAF_CATALOGUE, .by = by};
  bool done;

  if (!config) return false;
  catalogue = catalogue_read(config->catalogue, error);
  if (!catalogue) return false;
  if (snapshot->catalogue && memcmp(snapshot->catalogue->hash, catalogue->hash, CATALOGUE_HASH_SIZE) == 0)
    return true;
  act.text = g_bytes_new(catalogue->text, catalogue->text_length);
  done = writer_act(server->writer, &act, NULL, error);
  g_bytes_unref(act.text);
  if (done) log_say(LOG_LEVEL_NOTICE, "catalogue.changed", "%s", config->catalogue);
  return done;
}

const char *server_endpoint(const struct server *server)
{
  return server->config->listen;
}

const char *server_enrol_endpoint(const struct server *server)
{
  return server->config->enrol;
}
