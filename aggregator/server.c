#include "aggregator/server.h"

#include "aggregator/examiner.h"
#include "aggregator/gate.h"
#include "aggregator/keys.h"
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
  struct aggregator_config *config; /* atomic: a reload replaces it while the office reads it */
  GMutex reloading;                 /* by a signal, and by a command */
  GPtrArray *retired;               /* those of before, which a command may still be reading */
  char *listen_asked, *enrol_asked; /* by the configuration, whatever the command line said */
  int lock;
  struct identity *identity;
  struct writer *writer;
  struct bounds *bounds;
  struct gate *gate;
  struct examiner *examiner;
  struct store *reader;
  struct office office;
  struct control_server *control;
  server_renew *renew;
  void *renew_data;
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
  g_autofree char *key = folder_path(server->config->data, KEYS_FILE);

  if (server->lock < 0) server->lock = folder_lock(server->config->data, error);
  if (server->lock < 0) return false;
  server->identity = identity_load(key, error);
  if (!server->identity) {
    g_prefix_error(error, _("“%s” is no aggregator's data folder (make one with “park-aggregator init”): "),
                   server->config->data);
    return false;
  }
  server->writer = writer_new(server->config->data, server->identity, store_failed, server, error);
  return server->writer && keys_catch_up(server->writer, server->identity, error);
}

static bool open_gate(struct server *server, GError **error)
{
  struct gate_options options = {
      .listen = server->config->listen,
      .enrol = server->config->enrol,
      .folder = server->config->data,
      .identity = server->identity,
      .writer = server->writer,
      .bounds = server->bounds,
      .failed = gate_failed,
      .data = server,
  };

  server->gate = gate_new(&options, error);
  return server->gate != NULL;
}

/* A command works with the configuration that was in force when it came. */
static int handle(struct control_request *request, void *data)
{
  struct server *server = data;
  struct office office = server->office;

  office.config = g_atomic_pointer_get(&server->config);
  return office_handle(request, &office);
}

/* In the office's thread. */
static void begin_anew(const struct server_renewal *renewal, void *data)
{
  struct server *server = data;

  server->renew(renewal, server->renew_data);
}

static bool reload_for(const char *by, const char *reason, void *data, GError **error)
{
  return server_reload(data, by, reason, error);
}

static bool open_office(struct server *server, GError **error)
{
  g_autofree char *path = folder_path(server->config->data, "store.db");
  g_autofree char *control = folder_path(server->config->data, "control");

  server->reader = store_open(path, STORE_READ, error);
  if (!server->reader) return false;
  server->office = (struct office){
      .identity = server->identity,
      .writer = server->writer,
      .reader = server->reader,
      .bounds = server->bounds,
      .begin_anew = begin_anew,
      .begin_anew_data = server,
      .reload = reload_for,
      .reload_data = server,
  };
  server->control =
      control_server_open(control, (const char *const *)server->config->reports_for, handle, server, error);
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

struct server *server_start(const struct server_options *options, GError **error)
{
  CLEANUP(server_stop) struct server *server = g_new0(struct server, 1);

  server->lock = options->lock ? *options->lock : -1;
  server->config_path = g_strdup(options->config_path);
  server->data = g_strdup(options->data);
  server->renew = options->renew;
  server->renew_data = options->renew_data;
  server->retired = g_ptr_array_new_with_free_func((GDestroyNotify)aggregator_config_free);
  server->config = folder_config(options->config_path, options->data, error);
  if (!server->config) return NULL;
  server->listen_asked = g_strdup(server->config->listen);
  server->enrol_asked = g_strdup(server->config->enrol);
  if (options->listen) replace(&server->config->listen, options->listen);
  if (options->enrol) replace(&server->config->enrol, options->enrol);
  server->bounds = bounds_new(server->config->limits);
  if (!open_folder(server, error)) return NULL;
  (void)server_reload(server, SERVER_STARTS, "", NULL); /* the log tells; what was in force stays so */
  if (!open_gate(server, error)) return NULL;
  server->examiner = examiner_new(server->config->data, server->writer, error);
  if (!server->examiner) return NULL;
  note_ports(server);
  if (!open_office(server, error)) return NULL;
  return g_steal_pointer(&server);
}

int server_keep_lock(struct server *server)
{
  int lock = server->lock;

  server->lock = -1;
  return lock;
}

void server_stop(struct server *server)
{
  if (!server) return;
  if (server->control) control_server_close(server->control);
  gate_free(server->gate);
  bounds_free(server->bounds);
  examiner_free(server->examiner);
  store_close(server->reader);
  writer_free(server->writer);
  identity_free(server->identity);
  if (server->lock >= 0) close(server->lock);
  aggregator_config_free(server->config);
  g_ptr_array_unref(server->retired);
  g_mutex_clear(&server->reloading);
  g_free(server->listen_asked);
  g_free(server->enrol_asked);
  g_free(server->config_path);
  g_free(server->data);
  g_free(server);
}

/* The folder is locked and the ports are bound: of these the new configuration keeps what is in force. */
static void take_config(struct server *server, struct aggregator_config *config)
{
  if (strcmp(config->listen, server->listen_asked) != 0 || strcmp(config->enrol, server->enrol_asked) != 0)
    log_say(LOG_LEVEL_WARNING, "reload.later", "%s",
            _("“listen” and “enrol” have changed, which takes effect when the server is started anew"));
  if (memcmp(config->limits, server->config->limits, sizeof config->limits) != 0)
    log_say(LOG_LEVEL_WARNING, "reload.later", "%s",
            _("“limits” have changed, which takes effect when the server is started anew"));
  replace(&config->data, server->config->data);
  replace(&config->listen, server->config->listen);
  replace(&config->enrol, server->config->enrol);
  g_ptr_array_add(server->retired, server->config);
  g_atomic_pointer_set(&server->config, config);
}

static bool take_catalogue(struct server *server, const char *path, const char *by, const char *reason,
                           GError **error)
{
  CLEANUP(catalogue_unref) struct catalogue *catalogue = catalogue_read(path, error);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(server->writer));
  struct act act = {.kind = LEAF_CATALOGUE, .by = by, .reason = reason};
  bool done;

  if (!catalogue) return false;
  if (snapshot->catalogue && memcmp(snapshot->catalogue->hash, catalogue->hash, CATALOGUE_HASH_SIZE) == 0)
    return true;
  act.text = g_bytes_new(catalogue->text, catalogue->text_length);
  done = writer_act(server->writer, &act, NULL, error);
  g_bytes_unref(act.text);
  if (done) log_say(LOG_LEVEL_NOTICE, "catalogue.changed", "%s", path);
  return done;
}

static bool read_again(struct server *server, const char *by, const char *reason, GError **error)
{
  CLEANUP(aggregator_config_free)
  struct aggregator_config *config = folder_config(server->config_path, server->data, error);

  if (!config || !take_catalogue(server, config->catalogue, by, reason, error)) return false;
  if (strcmp(by, SERVER_STARTS) != 0 &&
      !writer_note(server->writer, by, reason, "reload",
                   server->config_path ? server->config_path : "aggregator.yaml", error))
    return false;
  take_config(server, g_steal_pointer(&config));
  return true;
}

bool server_reload(struct server *server, const char *by, const char *reason, GError **error)
{
  g_autoptr(GError) refused = NULL;
  bool starts = strcmp(by, SERVER_STARTS) == 0;

  g_mutex_lock(&server->reloading);
  bool done = read_again(server, by, reason, &refused);
  g_mutex_unlock(&server->reloading);
  const char *why = refused ? refused->message : "";
  if (!done && starts)
    log_say(LOG_LEVEL_WARNING, "catalogue.refused", "%s", why);
  else if (!done)
    log_say(LOG_LEVEL_ERROR, "reload.refused", _("the old catalogue and configuration stay in force:\n%s"),
            why);
  else if (!starts)
    log_say(LOG_LEVEL_NOTICE, "reload.done", "%s", _("configuration and catalogue were read again"));
  if (refused) g_propagate_error(error, g_steal_pointer(&refused));
  return done;
}

const char *server_folder(const struct server *server)
{
  return server->config->data;
}

const char *server_endpoint(const struct server *server)
{
  return server->config->listen;
}

const char *server_enrol_endpoint(const struct server *server)
{
  return server->config->enrol;
}
