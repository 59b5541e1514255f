#include "agent/desk.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/finding.h"
#include "common/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define REFRESH_MS 5000 /* for the newest list */

bool desk_misused(GError **error, const char *message)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, message);
  return false;
}

bool desk_text_fits(const char *text, size_t most)
{
  size_t length = text ? strlen(text) : 0;
  return length > 0 && length <= most && text_is_clean(text, length);
}

bool desk_open(struct desk *desk, GError **error)
{
  desk->json = g_strcmp0(desk->format, "json") == 0;
  if (desk->format && !desk->json && strcmp(desk->format, "text") != 0)
    return desk_misused(error, _("--format is text or json"));
  g_autofree char *folder = home_folder(desk->data);
  desk->home = home_open(folder, NULL, error);
  if (!desk->home) return false;
  g_autofree char *path = g_build_filename(folder, "outbox.db", NULL);
  desk->outbox = outbox_open(path, error);
  return desk->outbox != NULL;
}

void desk_close(struct desk *desk)
{
  delivery_clear(&desk->delivery);
  outbox_close(desk->outbox);
  home_free(desk->home);
  g_free(desk->data);
  g_free(desk->format);
}

void desk_refresh(struct desk *desk)
{
  delivery_init(&desk->delivery, desk->home, desk->outbox);
  if (desk->delivery.link && !delivery_run(&desk->delivery, LINK_WELCOMED, REFRESH_MS)) {
    int64_t at_ms;
    (void)outbox_state(desk->outbox, &at_ms);
    g_autofree char *at = at_ms ? clock_format((struct wall_time){at_ms}) : g_strdup(_("never"));
    fprintf(stderr, _("the city cannot be reached now; the list was fetched last: %s\n"), at);
  }
}

/* --- acts of this park --- */

bool desk_check_answerable(const struct desk *desk, int timeout, char **by, const char *nobody,
                           GError **error)
{
  if (timeout <= 0) return desk_misused(error, _("--timeout is a number of seconds above 0"));
  if (!*by) *by = g_strdup(desk->home->config.approved_by);
  text_fold(*by);
  return desk_text_fits(*by, LIMIT_NAME_BYTES) || desk_misused(error, nobody);
}

struct period desk_today(void)
{
  return period_of_day((day_number)(clock_wall().ms / DAY_MS));
}

bool desk_make_acts(struct desk *desk, const char *name, desk_adder *add, void *data, int64_t *ret_batch,
                    GError **error)
{
  int lock = home_lock_to_seal(desk->home, error);
  if (lock < 0) return false;
  bool made = outbox_batch_begin(desk->outbox, name, clock_wall().ms, ret_batch, error) &&
              add(desk, *ret_batch, data, error) && outbox_batch_commit(desk->outbox, *ret_batch, error);
  if (!made) outbox_batch_drop(desk->outbox);
  close(lock);
  return made;
}

bool desk_add_act(struct desk *desk, int64_t batch, struct park_act *act, struct period period,
                  const char *unit, GError **error)
{
  act->agent = desk->home->certificate->agent;
  act->sequence = outbox_sequence(desk->outbox);
  act->created_at_ms = clock_wall().ms;
  g_autoptr(GByteArray) payload = park_act_encode(act);
  uint8_t id[SUBMISSION_ID_SIZE];
  g_autoptr(GByteArray) sealed =
      identity_seal(desk->home->identity, SEAL_ACT, payload->data, payload->len, id);
  return outbox_batch_add(desk->outbox, batch, act->sequence, id, "", period, unit, unit, 1, sealed, error);
}

struct single {
  struct park_act *act;
  const char *unit;
};

static bool add_single(struct desk *desk, int64_t batch, void *data, GError **error)
{
  const struct single *single = data;
  return desk_add_act(desk, batch, single->act, desk_today(), single->unit, error);
}

bool desk_make_act(struct desk *desk, const char *name, struct park_act *act, const char *unit,
                   int64_t *ret_batch, GError **error)
{
  return desk_make_acts(desk, name, add_single, &(struct single){act, unit}, ret_batch, error);
}

static bool print_refusal(const char *form, const char *period, const struct refusal *refusal, void *data)
{
  (void)form, (void)period, (void)data;
  enum finding_code code = finding_from_id(refusal->rule);
  if (code == FINDING_COUNT) { /* of a newer aggregator */
    printf("%s [%s]\n", refusal->expected, refusal->rule);
    return true;
  }
  g_autofree char *line =
      finding_format(&(struct finding){.code = code, .unit = refusal->unit, .found = refusal->found});
  printf("%s\n", line);
  return true;
}

bool desk_outcome(struct desk *desk, int64_t batch, enum desk_outcome *ret_outcome, GError **error)
{
  struct outbox_summary sum;
  if (!outbox_summary(desk->outbox, batch, &sum, error) ||
      !outbox_each_refusal(desk->outbox, batch, print_refusal, NULL, error))
    return false;
  *ret_outcome = sum.refused + sum.refused_whole > 0 ? DESK_REFUSED
                 : sum.counted > 0                   ? DESK_ARRIVED
                                                     : DESK_WAITING;
  return true;
}

int desk_exit_code(enum desk_outcome outcome)
{
  static const int codes[] = {
      [DESK_ARRIVED] = 0, [DESK_REFUSED] = ERROR_DATA, [DESK_WAITING] = ERROR_TEMPORARY};
  return codes[outcome];
}
