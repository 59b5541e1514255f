/* park-agent run: the service. Watches folders in the main thread; a thread of its own sends. */
#include "agent/admit_again.h"
#include "agent/commands.h"
#include "agent/home.h"
#include "agent/outbox.h"
#include "agent/sender.h"
#include "agent/service.h"
#include "common/command.h"
#include "common/error.h"
#include "common/heap.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SETTLE_MS 3000  /* how long a file that was found must stand unchanged */
#define UNSURE_MS 60000 /* the same where the file system does not tell whether it is still being written */
#define REFRESH_MS                                                                                           \
  2000 /* for the register, before a unit is called unknown; shorter than what ending may take */
#define END_SECONDS                                                                                          \
  4 /* after which the process ends wherever it is; nothing of a transaction is lost by that */

/* --- signals --- */

static atomic_bool must_stop, must_reload;
static int signalled = -1; /* eventfd */

static void on_signal(int number)
{
  int saved = errno;
  atomic_store(number == SIGHUP ? &must_reload : &must_stop, true);
  if (number != SIGHUP) alarm(END_SECONDS);
  eventfd_write(signalled, 1);
  errno = saved;
}

/* Everything that was said to be done is on the disk, so ending here is as good as anywhere. */
static void on_alarm(int number)
{
  (void)number;
  _exit(0);
}

static void catch_signals(void)
{
  signalled = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  action.sa_handler = on_alarm;
  sigaction(SIGALRM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

/* --- the parts, made anew by SIGHUP --- */

struct parts {
  struct home *home;
  struct outbox *outbox;
  struct service *service;
  struct sender *sender;
};

static bool refresh(void *data)
{
  struct parts *parts = data;
  bool fresh = sender_refresh(parts->sender, REFRESH_MS);
  return home_refresh(parts->home, NULL) && fresh;
}

static void wake_sender(void *data)
{
  sender_wake(((struct parts *)data)->sender);
}

static void parts_clear(struct parts *parts)
{
  sender_stop(parts->sender);
  service_free(parts->service);
  outbox_close(parts->outbox);
  home_free(parts->home);
  *parts = (struct parts){0};
}

/* All but the sender, which holds a lock that the old one must give up first. */
static bool open_parts(struct parts *parts, const char *folder, const char *config, GError **error)
{
  parts->home = home_open(folder, config, error);
  if (!parts->home) return false;
  if (parts->home->trouble) log_say(LOG_LEVEL_WARNING, "document.set-aside", "%s", parts->home->trouble);
  g_autofree char *path = g_build_filename(folder, "outbox.db", NULL);
  parts->outbox = outbox_open(path, error);
  if (!parts->outbox) return false;
  const struct service_options options = {.home = parts->home,
                                          .outbox = parts->outbox,
                                          .refresh = refresh,
                                          .sendable = wake_sender,
                                          .data = parts,
                                          .stop = &must_stop,
                                          .settle_ms = SETTLE_MS,
                                          .unsure_ms = UNSURE_MS};
  parts->service = service_new(&options, error);
  return parts->service != NULL;
}

/* A configuration that is wrong is refused, and the old one stays in force. False if the service cannot go
 * on. */
static bool reload(struct parts **parts, const char *folder, const char *config)
{
  g_autoptr(GError) error = NULL;
  struct parts *next = g_new0(struct parts, 1);
  if (!open_parts(next, folder, config, &error)) {
    log_say(LOG_LEVEL_ERROR, "config.refused", _("the old configuration stays in force: %s"), error->message);
    parts_clear(next);
    g_free(next);
    return true;
  }
  parts_clear(*parts); /* its sender gives up the lock */
  g_free(*parts);
  *parts = next;
  next->sender = sender_start(folder, config, &error);
  if (next->sender)
    log_say(LOG_LEVEL_NOTICE, "config.reloaded", _("the configuration was read again"));
  else
    log_say(LOG_LEVEL_ERROR, "run.failed", "%s", error->message);
  return next->sender != NULL;
}

/* --- the loop --- */

static void drain(int file)
{
  eventfd_t ignored;
  eventfd_read(file, &ignored);
}

static void sleep_until_something(const struct parts *parts, int64_t pause)
{
  int answers = sender_answers(parts->sender);
  struct pollfd files[] = {{.fd = signalled, .events = POLLIN},
                           {.fd = answers, .events = POLLIN},
                           {.fd = service_fd(parts->service), .events = POLLIN}};
  poll(files, G_N_ELEMENTS(files), (int)MIN(pause, INT32_MAX));
  drain(signalled);
  drain(answers);
}

static void admit(struct parts *parts)
{
  g_autoptr(GPtrArray) admissions = NULL;
  g_autoptr(GError) error = NULL;
  if (!admit_again(parts->home, parts->outbox, &admissions, &error)) {
    log_say(LOG_LEVEL_WARNING, "admission.later", "%s", error->message);
    return;
  }
  for (guint i = 0; i < admissions->len; i++) {
    const struct park_act *act = admissions->pdata[i];
    log_say(LOG_LEVEL_NOTICE, "admission.again", ADMITTED_AGAIN, act->admission.agent,
            act->admission.approved_by);
  }
  if (admissions->len > 0) wake_sender(parts);
}

static bool loop(struct parts **parts, const char *folder, const char *config)
{
  while (!atomic_load(&must_stop)) {
    if (atomic_exchange(&must_reload, false)) {
      log_notify("RELOADING=1");
      if (!reload(parts, folder, config)) return false;
      log_notify("READY=1");
    }
    service_tell((*parts)->service);
    admit(*parts);
    int64_t pause = service_step((*parts)->service);
    if (!atomic_load(&must_stop)) sleep_until_something(*parts, pause);
  }
  return true;
}

/* False and `error`, or false alone where the log says why. */
static bool serve(const char *folder, const char *config, GError **error)
{
  struct parts *parts = g_new0(struct parts, 1);
  int lock = -1; /* two services would take each other's files */
  bool served = open_parts(parts, folder, config, error) &&
                (lock = home_lock(folder, "run", false, error)) >= 0 &&
                (parts->sender = sender_start(folder, config, error));
  if (served) {
    log_notify("READY=1");
    log_say(LOG_LEVEL_NOTICE, "run.ready", _("agent %s is at work"), parts->home->certificate->agent);
    served = loop(&parts, folder, config);
    log_notify("STOPPING=1");
  }
  parts_clear(parts);
  g_free(parts);
  if (lock >= 0) close(lock);
  return served;
}

int command_run(int argc, char **argv)
{
  g_autofree char *data = NULL, *config = NULL;
  const GOptionEntry entries[] = {
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &config, N_("configuration"), N_("FILE")},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("the agent's folder"), N_("DIR")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  g_autofree char *folder = home_folder(data);
  g_autoptr(GError) error = NULL;
  catch_signals();
  heap_lend(); /* outbox_rest() gives back what a large file needed */
  if (serve(folder, config, &error)) return 0;
  return error ? command_fail(error) : ERROR_UNAVAILABLE;
}
