/* park-agent key rotate: new keys for this agent. What was made stays sealed with those of before; the old
 * secrets are gone at once, since the new keys prove by themselves, by what the old ones signed, whose they
 * are. */
#include "agent/about.h"
#include "agent/commands.h"
#include "agent/desk.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#define LOOK_US 200000 /* while another process sends */

struct rotation {
  struct desk desk;
  char *reason;
  int timeout; /* GOption's */
};

static bool check_words(const struct rotation *rotation, GError **error)
{
  if (rotation->timeout <= 0) return desk_misused(error, _("--timeout is a number of seconds above 0"));
  if (rotation->reason && *rotation->reason && !desk_text_fits(rotation->reason, LIMIT_KEY_REASON))
    return desk_misused(error, _("--reason is one line of at most 40 characters"));
  if (rotation->desk.home->enrol_endpoint) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
              _("%s does not know where agents enrol, which is where new keys are shown: ask the city for an "
                "invitation, and join in a new folder"),
              rotation->desk.home->folder);
  return false;
}

/* From here on everything is sealed with the new keys, whether the city knows them yet or not. */
static bool change(struct rotation *rotation, GError **error)
{
  struct desk *desk = &rotation->desk;
  int lock = home_lock_to_seal(desk->home, error);
  if (lock < 0) return false;
  uint64_t spent;
  bool changed = outbox_spent(desk->outbox, &spent, error) &&
                 home_change_keys(desk->home, spent, rotation->reason ? rotation->reason : "", error);
  close(lock);
  return changed;
}

static bool is_known(struct rotation *rotation)
{
  return outbox_keys_known(rotation->desk.outbox) == rotation->desk.home->keys->papers->len;
}

/* Shows them to the city, or lets the process do so that sends. */
static bool tell(struct rotation *rotation)
{
  struct desk *desk = &rotation->desk;
  struct mono_time start = clock_mono();
  int64_t left = (int64_t)rotation->timeout * 1000;
  while (!is_known(rotation) && left > 0) {
    delivery_init(&desk->delivery, desk->home, desk->outbox);
    if (desk->delivery.link)
      (void)delivery_run(&desk->delivery, LINK_WELCOMED, left);
    else
      g_usleep(LOOK_US);
    if (desk->delivery.cut_off) break;
    delivery_clear(&desk->delivery);
    left = (int64_t)rotation->timeout * 1000 - clock_since(start);
  }
  return is_known(rotation);
}

static int report(struct rotation *rotation, bool known)
{
  const struct desk *desk = &rotation->desk;
  g_autofree char *key = about_fingerprint(key_chain_present(desk->home->keys)->key_id);
  if (desk->json) {
    json_t *object = json_pack("{s:s, s:s, s:b}", "agent", desk->home->certificate->agent, "key", key,
                               "known_to_the_city", known);
    json_dumpf(object, stdout, JSON_COMPACT);
    json_decref(object);
    putchar('\n');
  } else if (known) {
    printf(_("This agent, %s, has new keys, and the city knows them. Fingerprint: %s\n"),
           desk->home->certificate->agent, key);
  } else {
    printf(_("This agent, %s, has new keys. The city could not be told yet: the next “push”, or the service, "
             "does it before anything is sent. Fingerprint: %s\n"),
           desk->home->certificate->agent, key);
  }
  if (known) return 0;
  return desk->delivery.exit_code ? desk->delivery.exit_code : ERROR_TEMPORARY;
}

static int rotate(struct rotation *rotation)
{
  g_autoptr(GError) error = NULL;
  if (!desk_open(&rotation->desk, &error) || !check_words(rotation, &error) || !change(rotation, &error))
    return command_fail(error);
  return report(rotation, tell(rotation));
}

int command_key_rotate(int argc, char **argv)
{
  struct rotation of = {.timeout = DESK_WAIT_SECONDS};
  const GOptionEntry entries[] = {
      {"reason", 0, 0, G_OPTION_ARG_STRING, &of.reason, N_("why; kept in the ledger"), N_("R")},
      {"timeout", 0, 0, G_OPTION_ARG_INT, &of.timeout, N_("how long to wait (default 120)"), N_("SECONDS")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &of.desk.format, N_("text or json"), N_("FORMAT")},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &of.desk.data, N_("the agent's folder"), N_("DIR")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) exit_code = rotate(&of);
  desk_close(&of.desk);
  g_free(of.reason);
  return exit_code;
}
