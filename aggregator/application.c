#include "aggregator/application.h"

#include "aggregator/store/inquiries.h"
#include "common/error.h"
#include "common/rule.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define PAGE 256 /* applications in memory */
#define MOST_PENDING "≤ " G_STRINGIFY(LIMIT_APPLICATIONS_PENDING)

static const struct stored_application *nth(const GArray *applications, unsigned n)
{
  return &g_array_index(applications, struct stored_application, n);
}

/* --- is it registered? --- */

/* Whether the register has the unit in the area, on this day or later. */
static bool is_registered(const struct snapshot *snapshot, const char *unit, const char *area_code,
                          const char *from)
{
  const struct unit_version *versions;
  size_t count = register_unit(snapshot->units, unit, &versions);
  int area = catalogue_area(snapshot->catalogue, area_code);
  day_number day = DAY_MIN;

  if (*from) (void)day_parse(from, &day);
  for (size_t n = 0; n < count; n++) {
    day_number end = versions[n].to;

    if (n + 1 < count && versions[n + 1].from <= end) end = versions[n + 1].from - 1;
    if (end >= day && area != CATALOGUE_NONE && unit_version_within(&versions[n], snapshot->catalogue, area))
      return true;
  }
  return false;
}

/* --- a park applies --- */

/* FINDING_COUNT where nothing is against it. */
static enum finding_code find_objection(struct store *store, const struct snapshot *snapshot,
                                        const struct park_act *act, const char *area)
{
  int class = catalogue_class(snapshot->catalogue, act->application.class);

  if (class == CATALOGUE_NONE || !rule_unit_fits(snapshot->catalogue, class, act->application.unit))
    return FINDING_APPLICATION_CLASS;
  if (is_registered(snapshot, act->application.unit, area, act->application.from))
    return FINDING_APPLICATION_REGISTERED;
  if (store_is_applied_for(store, area, act->application.unit)) return FINDING_APPLICATION_PENDING;
  if (store_applications_pending(store, area) >= LIMIT_APPLICATIONS_PENDING) return FINDING_APPLICATION_MANY;
  return FINDING_COUNT;
}

bool application_apply(struct store *store, const struct snapshot *snapshot, const struct park_act *act,
                       const char *area, int64_t now_ms, uint64_t position, struct refusal *ret_refusal)
{
  enum finding_code objection = snapshot ? find_objection(store, snapshot, act, area) : FINDING_COUNT;
  struct stored_application application = {
      .park = (char *)area,
      .unit = (char *)act->application.unit,
      .class = (char *)act->application.class,
      .name = (char *)act->application.name,
      .industry = (char *)act->application.industry,
      .parent = (char *)act->application.parent,
      .from = (char *)act->application.from,
      .text = (char *)act->application.text,
      .applied_by = (char *)act->application.applied_by,
      .state = APPLICATION_IS_PENDING,
      .applied_ms = now_ms,
  };

  if (objection != FINDING_COUNT) {
    bool many = objection == FINDING_APPLICATION_MANY;

    *ret_refusal = (struct refusal){.unit = act->application.unit,
                                    .rule = finding_id(objection),
                                    .indicator = "",
                                    .found = many ? "" : act->application.class,
                                    .expected = many ? MOST_PENDING : "",
                                    .verdict = VERDICT_IS_REFUSED};
    return false;
  }
  store_application_add(store, &application);
  store_area_state_put(store, area, position + 1);
  return true;
}

/* --- and what becomes of it --- */

void application_settle_registered(struct store *store, const struct snapshot *snapshot, int64_t now_ms,
                                   uint64_t position)
{
  uint64_t behind = 0;
  unsigned count;

  do {
    g_autoptr(GArray) pending = store_applications(store, NULL, true, behind, PAGE);

    count = pending->len;
    for (unsigned n = 0; n < count; n++) {
      const struct stored_application *application = nth(pending, n);

      behind = application->number;
      if (!is_registered(snapshot, application->unit, application->park, application->from)) continue;
      store_application_settle(store, application->number, APPLICATION_IS_REGISTERED, "", now_ms);
      store_area_state_put(store, application->park, position + 1);
    }
  } while (count == PAGE);
}

bool application_decline(struct store *store, const struct leaf *leaf, uint64_t position, GError **error)
{
  g_autoptr(GArray) found = store_application(store, leaf->decline.application);

  if (found->len == 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("there is no application %" PRIu64 ": “park-aggregator applications” lists them"),
                leaf->decline.application);
    return false;
  }
  const struct stored_application *application = nth(found, 0);
  g_autoptr(GArray) waiting = store_waiting_of_unit(store, application->unit, application->park);

  /* What is registered from a later day on leaves reports waiting: those can be declined still. */
  if (application->state != APPLICATION_IS_PENDING && waiting->len == 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("application %" PRIu64 " is settled already"),
                application->number);
    return false;
  }
  store_application_settle(store, application->number, APPLICATION_IS_DECLINED, leaf->reason,
                           leaf->recorded_at_ms);
  store_area_state_put(store, application->park, position + 1);
  return true;
}

/* --- for comparing two stores --- */

static void add_applications(struct store *store, GPtrArray *lines)
{
  g_autoptr(GArray) all = store_applications(store, NULL, false, 0, SIZE_MAX);

  for (unsigned n = 0; n < all->len; n++) {
    const struct stored_application *of = nth(all, n);

    g_ptr_array_add(lines, g_strdup_printf("application %" PRIu64 " %s %s %s “%s” %s %s %s “%s” “%s” %d “%s”"
                                           " %" PRId64 " %" PRId64,
                                           of->number, of->park, of->unit, of->class, of->name, of->industry,
                                           of->parent, of->from, of->text, of->applied_by, (int)of->state,
                                           of->reason, of->applied_ms, of->settled_ms));
  }
}

static void add_decided(struct store *store, GPtrArray *lines)
{
  g_autoptr(GArray) decided = store_decided(store, NULL);

  for (unsigned n = 0; n < decided->len; n++) {
    const struct decided *of = &g_array_index(decided, struct decided, n);

    g_ptr_array_add(lines, g_strdup_printf("decided %" PRIu64 " %" PRIu32 " %d", of->at.position, of->at.row,
                                           (int)of->verdict));
  }
}

static void add_waiting(struct store *store, GPtrArray *lines)
{
  g_autoptr(GArray) waiting = store_waiting_units(store, (struct waiting){0}, SIZE_MAX);

  for (unsigned n = 0; n < waiting->len; n++) {
    const struct waiting_unit *of = &g_array_index(waiting, struct waiting_unit, n);
    char period[PERIOD_TEXT_SIZE];

    g_ptr_array_add(lines,
                    g_strdup_printf("waiting %s %s %s %s %" PRIu64 " %" PRIu32, of->unit, of->park, of->form,
                                    period_format(of->period, period), of->at.position, of->at.row));
  }
}

GPtrArray *application_lines(struct store *store)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

  add_applications(store, lines);
  add_waiting(store, lines);
  add_decided(store, lines);
  return lines;
}
