#include "agent/delivery.h"

#include "agent/answer.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"

#include <stdio.h>

#define SEND_MS 10000  /* without waiting for answers */
#define LOOK_US 500000 /* while another process sends */

static void say_fault(const char *code, const char *text, void *data)
{
  (void)data;
  g_autofree char *meaning = answer_fault(code, text);
  fprintf(stderr, _("the aggregator: %s [%s]\n"), meaning, code);
}

static void say_clocks(int64_t ahead_ms, void *data)
{
  (void)data;
  g_autofree char *line = answer_clocks(ahead_ms);
  fprintf(stderr, "%s\n", line);
}

static void cut_off(struct delivery *delivery, const GError *error)
{
  int exit_code = command_fail(error);
  delivery->cut_off = true;
  if (delivery->exit_code == 0) delivery->exit_code = exit_code;
}

/* Only one process sends: where another one does, there is no link. */
static void open_link(struct delivery *delivery)
{
  static const struct link_events EVENTS = {.fault = say_fault, .clocks_differ = say_clocks};
  g_autoptr(GError) error = NULL;
  delivery->link = link_new(delivery->home, delivery->outbox, &EVENTS, delivery, &error);
  if (!delivery->link && !g_error_matches(error, PARKTALLY_ERROR, ERROR_TEMPORARY)) cut_off(delivery, error);
}

void delivery_init(struct delivery *delivery, struct home *home, struct outbox *outbox)
{
  *delivery = (struct delivery){.home = home, .outbox = outbox};
  open_link(delivery);
}

void delivery_clear(struct delivery *delivery)
{
  link_free(delivery->link);
  delivery->link = NULL;
}

bool delivery_run(struct delivery *delivery, enum link_until until, int64_t timeout_ms)
{
  g_autoptr(GError) error = NULL;
  bool held = link_run(delivery->link, until, timeout_ms, -1, &error);
  if (error) {
    cut_off(delivery, error);
    delivery_clear(delivery);
  }
  return held;
}

bool delivery_finish(struct delivery *delivery, int64_t seconds, GError **error)
{
  struct mono_time start = clock_mono();
  int64_t time = seconds > 0 ? seconds * 1000 : SEND_MS;
  for (;;) {
    struct outbox_summary sum; /* of all: what is unchanged may stand in a batch that was not sent yet */
    if (!outbox_summary(delivery->outbox, 0, &sum, error)) return false;
    int64_t left = time - clock_since(start);
    if (left <= 0 || delivery->cut_off || (sum.waiting_to_send == 0 && !delivery->link)) return true;
    if (!delivery->link) open_link(delivery);
    if (delivery->link) {
      delivery_run(delivery, LINK_IDLE, left);
      return true;
    }
    if (delivery->cut_off || seconds == 0) return true;
    g_usleep(LOOK_US);
  }
}
