/* What is asked of an outbox: the agent's own commands; "outbox", which shows what is to be sent, byte for
 * byte, and what came back. */
#include "rot.h"

#include "agent/commands.h"
#include "agent/home.h"
#include "agent/outbox.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PENDING_MOST 1000

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} commands[] = {
    {"status", command_status},
    {"inquiries", command_inquiries},
    {"applications", command_applications},
    {"admissions", command_admissions},
    {"push", command_push},
    {"answer", command_answer},
    {"apply", command_apply},
};

static struct wall_time started;

static struct wall_time stopped_clock(void)
{
  return started;
}

static int open_park(const char *folder)
{
  g_autoptr(GError) error = NULL;
  text_init();
  clock_replace(stopped_clock); /* the same figures are sealed to the same bytes */
  return home_lock(folder, "link", false, &error) < 0 ? error->code : 0; /* nobody asks the city */
}

static bool print_refusal(const char *form, const char *period, const struct refusal *refusal, void *data)
{
  (void)data;
  printf("%s %s row %u, %s: %u %s %s %s %s\n", form, period, refusal->row, refusal->unit, refusal->verdict,
         refusal->rule, refusal->indicator, refusal->found, refusal->expected);
  return true;
}

static bool print_inquiry(const struct inquiry_item *inquiry, void *data)
{
  (void)data;
  printf("inquiry %" PRIu64 " %s %s %s %s %s %s\n", (uint64_t)inquiry->number, inquiry->form, inquiry->period,
         inquiry->unit, inquiry->rule, inquiry->question, inquiry->answer);
  return true;
}

static bool show(struct outbox *outbox, GError **error)
{
  struct outbox_summary sum;
  size_t waiting = outbox_waiting_agents(outbox, ""), open = outbox_open_inquiries(outbox);
  uint64_t state = outbox_state(outbox, NULL), next = outbox_sequence(outbox); /* their errors are kept */
  uint8_t id[SUBMISSION_ID_SIZE];
  uint32_t offset;
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, PENDING_MOST, error);
  for (guint n = 0; items && n < items->len; n++) {
    const struct outbox_item *item = items->pdata[n];
    g_autofree char *hash = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, item->sealed);
    printf("%" PRIu64 " %s\n", item->sequence, hash);
  }
  if (!items || !outbox_each_refusal(outbox, 0, print_refusal, NULL, error) ||
      !outbox_each_inquiry(outbox, print_inquiry, NULL, error) || !outbox_summary(outbox, 0, &sum, error))
    return false;
  if (outbox_missing_refusals(outbox, id, &offset, error)) printf("more from %u on\n", offset);
  printf("state %" PRIu64 ", next %" PRIu64 ", open %zu, waiting %zu, position %" PRIu64 "\n", state, next,
         open, waiting, sum.last_position);
  return *error == NULL;
}

static int answer(const char *folder, char **words, int count)
{
  g_autoptr(GError) error = NULL;
  if (strcmp(words[0], "outbox") == 0) {
    g_autofree char *path = g_build_filename(folder, "outbox.db", NULL);
    CLEANUP(outbox_close) struct outbox *outbox = outbox_open(path, &error);
    if (outbox) show(outbox, &error);
    return error ? command_fail(error) : 0;
  }
  g_autoptr(GPtrArray) all = g_ptr_array_new();
  for (int n = 0; n < count; n++) g_ptr_array_add(all, words[n]);
  g_ptr_array_add(all, (char *)"--data");
  g_ptr_array_add(all, (char *)folder);
  g_ptr_array_add(all, NULL);
  for (size_t n = 0; n < G_N_ELEMENTS(commands); n++)
    if (strcmp(commands[n].name, words[0]) == 0) return commands[n].run(count + 2, (char **)all->pdata);
  return ERROR_USAGE;
}

int main(int argc, char **argv)
{
  started = clock_wall();
  return rot_main(argc, argv, "outbox.db", open_park, answer);
}
