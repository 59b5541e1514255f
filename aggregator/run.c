#include "aggregator/commands.h"
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
};

static gboolean end(void *data)
{
  struct running *running = data;

  log_notify("STOPPING=1");
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
  struct running running = {NULL, NULL};
  g_autoptr(GError) error = NULL;
  int exit_code;

  if (!command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  heap_hold(LIMIT_HEAP_BYTES);
  running.server = server_start(config, data, listen, enrol, &error);
  if (!running.server) return command_fail(error);
  running.loop = g_main_loop_new(NULL, FALSE);
  g_unix_signal_add(SIGTERM, end, &running);
  g_unix_signal_add(SIGINT, end, &running);
  g_unix_signal_add(SIGHUP, reload, &running);
  log_say(LOG_LEVEL_NOTICE, "server.ready", _("%s, enrolment at %s"), server_endpoint(running.server),
          server_enrol_endpoint(running.server));
  log_notify("READY=1");
  g_main_loop_run(running.loop);
  g_main_loop_unref(running.loop);
  server_stop(running.server);
  log_say(LOG_LEVEL_NOTICE, "server.stopped", "%s", _("everything taken was answered"));
  return 0;
}
