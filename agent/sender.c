#include "agent/sender.h"

#include "agent/answer.h"
#include "agent/link.h"
#include "common/error.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOCKED_MS 2000   /* another process sends: look again */
#define FAILED_MS 10000  /* the disk, or the configuration */
#define DENIED_MS 300000 /* the aggregator refuses this agent; an operator may change that */

struct sender {
  struct home *home;
  struct outbox *outbox;
  pthread_t thread;
  int wake;    /* eventfd: something was asked */
  int answers; /* eventfd: something was answered */

  pthread_mutex_t mutex; /* over what follows */
  pthread_cond_t settled;
  bool stop;
  uint64_t asked, done; /* refreshes */
  int64_t refresh_ms;
  bool fresh; /* how the last one ended */
};

/* --- what the link tells, in the thread --- */

static void on_connected(bool connected, void *data)
{
  const struct sender *sender = data;
  if (connected)
    log_say(LOG_LEVEL_NOTICE, "link.connected", _("connected to %s"), sender->home->endpoint);
  else
    log_say(LOG_LEVEL_WARNING, "link.lost", _("%s does not answer any more; trying again"),
            sender->home->endpoint);
}

static void on_receipt(const struct receipt *receipt, void *data)
{
  (void)data;
  log_say(LOG_LEVEL_NOTICE, "link.receipt",
          _("submission %" PRIu64 ": %u counted, %u unchanged, %u overtaken, %u waiting, %u refused"),
          receipt->sequence, receipt->counted, receipt->unchanged, receipt->stale, receipt->waiting,
          receipt->refused);
}

static void on_fault(const char *code, const char *text, void *data)
{
  (void)data;
  g_autofree char *meaning = answer_fault(code, text);
  log_say(LOG_LEVEL_WARNING, "link.fault", _("the aggregator: %s [%s]"), meaning, code);
}

static void on_document(enum document_kind kind, void *data)
{
  (void)data;
  log_say(LOG_LEVEL_NOTICE, "link.document", "%s",
          kind == DOCUMENT_OF_CATALOGUE ? _("a new catalogue is in use") : _("a new register is in use"));
}

static void on_clocks(int64_t ahead_ms, void *data)
{
  (void)data;
  g_autofree char *line = answer_clocks(ahead_ms);
  log_say(LOG_LEVEL_WARNING, "clock.off", "%s", line);
}

/* Not before: whoever looks then must find it. */
static void on_kept(void *data)
{
  eventfd_write(((const struct sender *)data)->answers, 1);
}

static void on_asked(void *data)
{
  const struct sender *sender = data;
  size_t open = outbox_open_inquiries(sender->outbox);
  size_t waiting = outbox_waiting_agents(sender->outbox, sender->home->certificate->agent);
  if (open > 0)
    log_say(LOG_LEVEL_NOTICE, "link.asked",
            _("the city asks about %zu figures: “park-agent inquiries” shows them"), open);
  if (waiting > 0)
    log_say(LOG_LEVEL_WARNING, "agent.waiting",
            _("%zu agents wait for this park's admission: “park-agent admissions” lists them"), waiting);
}

/* --- the thread --- */

struct order {
  bool stop, refresh;
  int64_t refresh_ms;
};

static struct order take_order(struct sender *sender)
{
  eventfd_t ignored;
  eventfd_read(sender->wake, &ignored);
  pthread_mutex_lock(&sender->mutex);
  struct order order = {sender->stop, sender->asked != sender->done, sender->refresh_ms};
  pthread_mutex_unlock(&sender->mutex);
  return order;
}

static void settle_refresh(struct sender *sender, bool fresh)
{
  pthread_mutex_lock(&sender->mutex);
  sender->done = sender->asked;
  sender->fresh = fresh;
  pthread_cond_broadcast(&sender->settled);
  pthread_mutex_unlock(&sender->mutex);
}

/* Until something goes wrong (returns how long to rest, and says what) or it is to end (returns −1). */
static int64_t run_link(struct sender *sender, struct link *link)
{
  g_autoptr(GError) error = NULL;
  while (!error) {
    link_run(link, LINK_STOPPED, -1, sender->wake, &error);
    struct order order = take_order(sender);
    if (order.stop) return -1;
    if (!order.refresh) continue;
    settle_refresh(sender, !error && link_run(link, LINK_WELCOMED, order.refresh_ms, -1, &error));
  }
  log_say(LOG_LEVEL_ERROR, "link.failed", "%s", error->message);
  return g_error_matches(error, PARKTALLY_ERROR, ERROR_PERMISSION) ? DENIED_MS : FAILED_MS;
}

static int64_t open_and_run(struct sender *sender)
{
  static const struct link_events EVENTS = {on_connected, on_receipt, on_fault, on_document,
                                            on_clocks,    on_kept,    on_asked};
  g_autoptr(GError) error = NULL;
  CLEANUP(link_free) struct link *link = link_new(sender->home, sender->outbox, &EVENTS, sender, &error);
  if (link) return run_link(sender, link);
  if (g_error_matches(error, PARKTALLY_ERROR, ERROR_TEMPORARY)) return LOCKED_MS;
  log_say(LOG_LEVEL_ERROR, "link.failed", "%s", error->message);
  return FAILED_MS;
}

static void *run(void *data)
{
  struct sender *sender = data;
  for (;;) {
    int64_t rest = open_and_run(sender);
    if (rest < 0) return NULL;
    struct pollfd wait = {.fd = sender->wake, .events = POLLIN};
    if (poll(&wait, 1, (int)rest) != 1) continue;
    struct order order = take_order(sender);
    if (order.stop) return NULL;
    if (order.refresh) settle_refresh(sender, false);
  }
}

/* --- the owner's side --- */

static void sender_free(struct sender *sender)
{
  if (sender->wake >= 0) close(sender->wake);
  if (sender->answers >= 0) close(sender->answers);
  pthread_cond_destroy(&sender->settled);
  pthread_mutex_destroy(&sender->mutex);
  outbox_close(sender->outbox);
  home_free(sender->home);
  g_free(sender);
}

static bool open_parts(struct sender *sender, const char *folder, const char *config, GError **error)
{
  sender->home = home_open(folder, config, error);
  if (!sender->home) return false;
  g_autofree char *path = g_build_filename(folder, "outbox.db", NULL);
  sender->outbox = outbox_open(path, error);
  if (!sender->outbox) return false;
  if (sender->wake >= 0 && sender->answers >= 0 && pthread_create(&sender->thread, NULL, run, sender) == 0)
    return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_TEMPORARY, _("the thread that sends cannot be started (%s)"),
              g_strerror(errno));
  return false;
}

struct sender *sender_start(const char *folder, const char *config, GError **error)
{
  struct sender *sender = g_new0(struct sender, 1);
  sender->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  sender->answers = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  pthread_mutex_init(&sender->mutex, NULL);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&sender->settled, &monotonic);
  pthread_condattr_destroy(&monotonic);
  if (open_parts(sender, folder, config, error)) return sender;
  sender_free(sender);
  return NULL;
}

void sender_stop(struct sender *sender)
{
  if (!sender) return;
  pthread_mutex_lock(&sender->mutex);
  sender->stop = true;
  pthread_mutex_unlock(&sender->mutex);
  sender_wake(sender);
  pthread_join(sender->thread, NULL);
  sender_free(sender);
}

void sender_wake(struct sender *sender)
{
  eventfd_write(sender->wake, 1);
}

bool sender_refresh(struct sender *sender, int64_t timeout_ms)
{
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += timeout_ms / 1000 + 1; /* the link keeps the time; a second more for its way here */
  pthread_mutex_lock(&sender->mutex);
  uint64_t ours = ++sender->asked;
  sender->refresh_ms = timeout_ms;
  pthread_mutex_unlock(&sender->mutex);
  sender_wake(sender);
  pthread_mutex_lock(&sender->mutex);
  int result = 0;
  while (sender->done < ours && result == 0)
    result = pthread_cond_timedwait(&sender->settled, &sender->mutex, &end);
  bool fresh = sender->done >= ours && sender->fresh;
  pthread_mutex_unlock(&sender->mutex);
  return fresh;
}

int sender_answers(const struct sender *sender)
{
  return sender->answers;
}
