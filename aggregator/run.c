#include "aggregator/commands.h"
#include "aggregator/keys.h"
#include "aggregator/server.h"
#include "common/command.h"
#include "common/heap.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/text.h"

#include <glib-unix.h>
#include <glib.h>

struct running {
  struct server *server;
  GMainLoop *loop;
  GMutex mutex; /* over what follows, which a command asks for in another thread */
  bool again;   /* the server is to start anew … */
  bool changes_keys;
  char *by, *reason; /* … with new keys: whose act that is */
};

static gboolean end(void *data)
{
  struct running *running = data;

  log_notify("STOPPING=1");
  running->again = false;
  g_main_loop_quit(running->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean reload(void *data)
{
  struct running *running = data;
  g_autoptr(GError) error = NULL;

  log_notify("RELOADING=1");
  if (server_reload(running->server, "SIGHUP", &error))
    log_say(LOG_LEVEL_NOTICE, "reload.done", "%s", _("configuration and catalogue were read again"));
  else
    log_say(LOG_LEVEL_ERROR, "reload.refused", _("the old catalogue and configuration stay in force:\n%s"),
            error->message);
  log_notify("READY=1");
  return G_SOURCE_CONTINUE;
}

static gboolean quit(void *data)
{
  struct running *running = data;

  g_main_loop_quit(running->loop);
  return G_SOURCE_REMOVE;
}

/* The command that asks is answered before the server ends. */
static void renew(const struct server_renewal *renewal, void *data)
{
  struct running *running = data;

  g_mutex_lock(&running->mutex);
  running->again = true;
  running->changes_keys = renewal->changes_keys;
  g_free(running->by);
  g_free(running->reason);
  running->by = g_strdup(renewal->by);
  running->reason = g_strdup(renewal->reason);
  g_mutex_unlock(&running->mutex);
  g_idle_add(quit, running);
}

/* Between two lives: nobody writes. Where it fails, the keys stay as they were. */
static void change_keys(struct running *running, const char *folder)
{
  g_autoptr(GError) error = NULL;

  if (!running->changes_keys) return;
  if (!keys_change(folder, running->by, running->reason, &error))
    log_say(LOG_LEVEL_ERROR, "keys.unchanged", "%s", error->message);
}

/* What a life has from the one before it: the ports, and the folder's lock, so that nobody gets in between.
 */
struct inheritance {
  char *listen, *enrol;
  int lock;
};

/* One life. False and `error` if it did not start. */
static bool live(struct running *running, struct server_options options, struct inheritance *inheritance,
                 GError **error)
{
  g_autofree char *folder = NULL;

  options.listen = inheritance->listen;
  options.enrol = inheritance->enrol;
  if (running->again) options.lock = &inheritance->lock;
  running->again = false;
  running->server = server_start(&options, error);
  if (!running->server) return false;
  g_free(inheritance->listen);
  g_free(inheritance->enrol);
  inheritance->listen = g_strdup(server_endpoint(running->server));
  inheritance->enrol = g_strdup(server_enrol_endpoint(running->server));
  folder = g_strdup(server_folder(running->server));
  log_say(LOG_LEVEL_NOTICE, "server.ready", _("%s, enrolment at %s"), inheritance->listen,
          inheritance->enrol);
  log_notify("READY=1");
  g_main_loop_run(running->loop);
  if (running->again) log_notify("RELOADING=1");
  if (running->again) inheritance->lock = server_keep_lock(running->server);
  server_stop(g_steal_pointer(&running->server));
  if (running->again) change_keys(running, folder);
  return true;
}

static bool live_on(struct running *running, const struct server_options *options, GError **error)
{
  struct inheritance inheritance = {g_strdup(options->listen), g_strdup(options->enrol), -1};
  bool lived;

  do lived = live(running, *options, &inheritance, error);
  while (lived && running->again);
  g_free(inheritance.listen);
  g_free(inheritance.enrol);
  return lived;
}

int command_run(int argc, char **argv)
{
  g_autofree char *config = NULL, *data = NULL, *listen = NULL, *enrol = NULL;
  const GOptionEntry entries[] = {
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &config, N_("configuration"), N_("FILE")},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("data folder"), N_("DIR")},
      {"listen", 0, 0, G_OPTION_ARG_STRING, &listen, N_("where agents send to"), "tcp://ADDR:7650"},
      {"enrol", 0, 0, G_OPTION_ARG_STRING, &enrol, N_("where agents enrol"), "tcp://ADDR:7651"},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  struct running running = {.server = NULL};
  g_autoptr(GError) error = NULL;
  int exit_code;
  bool lived;

  if (!command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  heap_hold(LIMIT_HEAP_BYTES);
  running.loop = g_main_loop_new(NULL, FALSE);
  g_mutex_init(&running.mutex);
  g_unix_signal_add(SIGTERM, end, &running);
  g_unix_signal_add(SIGINT, end, &running);
  g_unix_signal_add(SIGHUP, reload, &running);
  lived = live_on(&running,
                  &(struct server_options){.config_path = config,
                                           .data = data,
                                           .listen = listen,
                                           .enrol = enrol,
                                           .renew = renew,
                                           .renew_data = &running},
                  &error);
  g_main_loop_unref(running.loop);
  g_mutex_clear(&running.mutex);
  g_free(running.by);
  g_free(running.reason);
  if (!lived) return command_fail(error);
  log_say(LOG_LEVEL_NOTICE, "server.stopped", "%s", _("everything taken was answered"));
  return 0;
}
