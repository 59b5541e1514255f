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

/* A command's, that the server start anew. */
struct wish {
  bool changes_keys;
  char *by, *reason;
};

struct running {
  struct server *server;
  GMainLoop *loop;
  bool ending; /* SIGTERM came: there is no further life */
  GMutex mutex;
  struct wish *wish; /* under the mutex: commands have a thread of their own */
};

static void wish_free(struct wish *wish)
{
  if (!wish) return;
  g_free(wish->by);
  g_free(wish->reason);
  g_free(wish);
}

static gboolean end(void *data)
{
  struct running *running = data;

  log_notify("STOPPING=1");
  running->ending = true;
  g_main_loop_quit(running->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean reload(void *data)
{
  struct running *running = data;

  log_notify("RELOADING=1");
  (void)server_reload(running->server, "SIGHUP", "", NULL); /* the log tells */
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
  struct wish *wish = g_new(struct wish, 1);

  *wish = (struct wish){renewal->changes_keys, g_strdup(renewal->by), g_strdup(renewal->reason)};
  g_mutex_lock(&running->mutex);
  wish_free(running->wish);
  running->wish = wish;
  g_mutex_unlock(&running->mutex);
  g_idle_add(quit, running);
}

static struct wish *take_wish(struct running *running)
{
  struct wish *wish;

  g_mutex_lock(&running->mutex);
  wish = g_steal_pointer(&running->wish);
  g_mutex_unlock(&running->mutex);
  return wish;
}

/* Until somebody wants another life, or the end: then NULL. A wish that came just before the last end may
 * have ended the loop once more. */
static struct wish *run_server(struct running *running)
{
  struct wish *wish = NULL;

  while (!running->ending && !wish) {
    g_main_loop_run(running->loop);
    wish = running->ending ? NULL : take_wish(running);
  }
  return wish;
}

/* Between two lives: nobody writes. Where it fails, the keys stay as they were. */
static void fulfil(const struct wish *wish, const char *folder)
{
  g_autoptr(GError) error = NULL;

  if (wish->changes_keys && !keys_change(folder, wish->by, wish->reason, &error))
    log_say(LOG_LEVEL_ERROR, "keys.unchanged", "%s", error->message);
}

/* What a life has from the one before it: the ports, and the folder's lock, so that nobody gets in between.
 */
struct inheritance {
  char *listen, *enrol;
  int lock;
};

/* One life. False and `error` if it did not start. `ret_again`: there is to be another one. */
static bool live(struct running *running, struct server_options options, struct inheritance *inheritance,
                 bool *ret_again, GError **error)
{
  g_autofree char *folder = NULL;
  struct wish *wish;

  options.listen = inheritance->listen;
  options.enrol = inheritance->enrol;
  if (inheritance->lock >= 0) options.lock = &inheritance->lock;
  running->server = server_start(&options, error);
  if (!running->server) return false;
  g_free(inheritance->listen);
  g_free(inheritance->enrol);
  *inheritance = (struct inheritance){g_strdup(server_endpoint(running->server)),
                                      g_strdup(server_enrol_endpoint(running->server)), -1};
  folder = g_strdup(server_folder(running->server));
  log_say(LOG_LEVEL_NOTICE, "server.ready", _("%s, enrolment at %s"), inheritance->listen,
          inheritance->enrol);
  log_notify("READY=1");
  wish = run_server(running);
  if (wish) log_notify("RELOADING=1");
  if (wish) inheritance->lock = server_keep_lock(running->server);
  server_stop(g_steal_pointer(&running->server));
  if (wish) fulfil(wish, folder);
  *ret_again = wish != NULL;
  wish_free(wish);
  return true;
}

static bool live_on(struct running *running, const struct server_options *options, GError **error)
{
  struct inheritance inheritance = {g_strdup(options->listen), g_strdup(options->enrol), -1};
  bool lived, again = false;

  do lived = live(running, *options, &inheritance, &again, error);
  while (lived && again);
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
  wish_free(running.wish);
  if (!lived) return command_fail(error);
  log_say(LOG_LEVEL_NOTICE, "server.stopped", "%s", _("everything taken was answered"));
  return 0;
}
