#include "reference.h"

#include <assert.h>
#include <string.h>

static bool is_asked_of(int form, enum reference_class class)
{
  if (form == REFERENCE_FINANCE) return class != REFERENCE_BY_CODE;
  return form == REFERENCE_MONTHLY || class != REFERENCE_ESTABLISHMENT;
}

/* --- the register --- */

static int first_date(struct reference_period period)
{
  return (period.year * 12 + period.month - 1) * 2;
}

static int last_date(struct reference_period period)
{
  return first_date(period) + period.months * 2 - 1;
}

/* A version is in force until the next one begins. */
static bool is_in_force(const struct reference_city *city, int unit, int version, int date)
{
  const struct reference_version *of = &city->version[unit][version];
  if (date < of->from || date > of->to) return false;
  return version + 1 == city->version_count[unit] || date < city->version[unit][version + 1].from;
}

const struct reference_version *reference_governing(const struct reference_city *city, int unit,
                                                    struct reference_period period)
{
  for (int date = last_date(period); date >= first_date(period); date--)
    for (int n = 0; n < city->version_count[unit]; n++)
      if (is_in_force(city, unit, n, date)) return &city->version[unit][n];
  return NULL;
}

const struct reference_version *reference_at_the_end(const struct reference_city *city, int unit,
                                                     struct reference_period period)
{
  for (int n = 0; n < city->version_count[unit]; n++)
    if (is_in_force(city, unit, n, last_date(period))) return &city->version[unit][n];
  return NULL;
}

bool reference_is_expected(const struct reference_city *city, const struct reference_version *version)
{
  if (version->status == REFERENCE_STOPPED) return !city->rules.stopped_owe_none;
  return version->status != REFERENCE_CLOSED;
}

bool reference_owes(const struct reference_city *city, int unit, int form, struct reference_period period)
{
  const struct reference_version *version = reference_at_the_end(city, unit, period);
  if (!version || !is_asked_of(form, city->class[unit]) || !reference_is_expected(city, version))
    return false;
  return form != REFERENCE_FINANCE || city->rules.finance_from_all || version->above_scale;
}

static void register_version(struct reference_city *city, int unit, const struct reference_version *version)
{
  struct reference_version *versions = city->version[unit];
  int at = 0;
  while (at < city->version_count[unit] && versions[at].from < version->from) at++;
  if (at == city->version_count[unit] || versions[at].from != version->from) {
    assert(city->version_count[unit] < REFERENCE_VERSIONS);
    for (int n = city->version_count[unit]++; n > at; n--) versions[n] = versions[n - 1];
  }
  versions[at] = *version;
}

/* --- where a unit counts --- */

struct reference_membership reference_membership(const struct reference_city *city,
                                                 const struct reference_version *version)
{
  struct reference_membership of = {0, 0};
  if (!version) return of;
  bool east = version->parks & 1, west = version->parks & 2, south = version->parks & 4;
  bool in_group = east || (west && !city->rules.west_beside_group);
  of.areas = (unsigned)east << REFERENCE_EAST | (unsigned)west << REFERENCE_WEST |
             (unsigned)south << REFERENCE_SOUTH;
  if (version->in_boundary) of.areas |= 1u << REFERENCE_ZONE;
  if (in_group && (version->in_boundary || city->rules.group_is_all)) of.areas |= 1u << REFERENCE_GROUP;
  of.slices = 1u << REFERENCE_ALL;
  if (version->cars) of.slices |= 1u << REFERENCE_CARS;
  if (version->steel && (version->above_scale || !city->rules.steel_is_scaled))
    of.slices |= 1u << REFERENCE_STEEL;
  if (version->above_scale) of.slices |= 1u << REFERENCE_ABOVE_SCALE;
  if (!version->in_boundary) of.slices |= 1u << REFERENCE_OUTSIDE;
  bool is_either = (of.slices >> REFERENCE_CARS & 1) || (of.slices >> REFERENCE_STEEL & 1);
  if (is_either || (version->above_scale && city->rules.either_has_scaled))
    of.slices |= 1u << REFERENCE_EITHER;
  return of;
}

bool reference_is_in(struct reference_membership membership, int area, int slice)
{
  return (membership.areas >> area & 1) && (membership.slices >> slice & 1);
}

bool reference_is_child(const struct reference_city *city, int child, int area)
{
  switch (child) {
  case REFERENCE_GROUP:
  case REFERENCE_SOUTH:
    return area == REFERENCE_ZONE;
  case REFERENCE_EAST:
    return area == REFERENCE_GROUP;
  case REFERENCE_WEST:
    return area == (city->rules.west_beside_group ? REFERENCE_ZONE : REFERENCE_GROUP);
  default:
    return false;
  }
}

/* --- reports --- */

const struct reference_current *reference_report_of(const struct reference_city *city, int form,
                                                    struct reference_period period, int unit, int park)
{
  int year = period.year - REFERENCE_FIRST_YEAR;
  static const struct reference_current NOTHING;
  if (year < 0 || year >= REFERENCE_YEARS) return &NOTHING;
  return &city->report[form][year][period.months == 12 ? 0 : period.month][unit][park];
}

/* The designated reporter's; where it is silent, the earliest of the parks that the unit is registered in;
 * else the earliest of those that it has left. */
const struct reference_current *reference_counted(const struct reference_city *city, int form,
                                                  struct reference_period period, int unit)
{
  const struct reference_version *version = reference_governing(city, unit, period);
  const struct reference_current *here = NULL, *gone = NULL;
  if (!version) return NULL; /* only registered units count */
  for (int park = 0; park < REFERENCE_PARKS; park++) {
    const struct reference_current *report = reference_report_of(city, form, period, unit, park);
    if (!report->exists || report->kind == REFERENCE_WITHDRAWAL) continue;
    if (park == version->reporter) return report;
    const struct reference_current **best = version->parks >> park & 1 ? &here : &gone;
    if (!*best || report->came < (*best)->came) *best = report;
  }
  return here ? here : gone;
}

/* What the report comes to. False if it leaves blank what was there: that is refused. */
static bool merge(const struct reference_current *own, const struct reference_report *report,
                  struct reference_current *ret_merged)
{
  *ret_merged = *own;
  ret_merged->exists = true;
  ret_merged->kind = report->kind;
  if (report->kind != REFERENCE_FIGURES) ret_merged->present = 0;
  for (int n = 0; report->kind == REFERENCE_FIGURES && n < REFERENCE_COLUMNS; n++) {
    if (!(report->asked >> n & 1)) continue; /* what the file has no column for keeps its value */
    if (report->present >> n & 1) {
      ret_merged->present |= 1u << n;
      ret_merged->value[n] = report->value[n];
    } else if (report->withdrawn >> n & 1) {
      ret_merged->present &= ~(1u << n);
    } else if (own->present >> n & 1) {
      return false;
    }
  }
  return true;
}

static bool says_the_same(const struct reference_current *a, const struct reference_current *b)
{
  if (!a->exists || a->kind != b->kind || a->present != b->present) return false;
  for (int n = 0; n < REFERENCE_COLUMNS; n++)
    if ((a->present >> n & 1) && a->value[n] != b->value[n]) return false;
  return true;
}

static bool is_waiting(const struct reference_city *city, int submission, int unit)
{
  for (int n = 0; n < city->waiting_count; n++) {
    const struct reference_waiting *waiting = &city->waiting[n];
    if (waiting->waits && waiting->event->submission == submission && waiting->report->unit == unit)
      return true;
  }
  return false;
}

/* A report counts if it is built on what is there. False if it waits for its base. */
static bool decide(struct reference_city *city, const struct reference_event *event,
                   const struct reference_report *report, int came)
{
  struct reference_current *own =
      &city->report[event->form][event->period.year - REFERENCE_FIRST_YEAR]
                   [event->period.months == 12 ? 0 : event->period.month][report->unit][event->park];
  bool has_base = report->base != REFERENCE_NONE;
  struct reference_current merged;
  bool fits = merge(own, report, &merged);
  if (has_base && !city->arrived[report->base]) return false;
  if (fits && says_the_same(own, &merged)) return true;
  bool is_built_on_it = has_base ? own->exists && own->submission == report->base : !own->exists;
  if (!is_built_on_it) return !(has_base && is_waiting(city, report->base, report->unit)); /* stale */
  if (!fits || (report->kind == REFERENCE_WITHDRAWAL && !own->exists)) return true;
  merged.submission = event->submission;
  if (!own->exists) merged.came = came;
  *own = merged;
  return true;
}

/* Reports that waited for this one, or (REFERENCE_NONE) for any of its submission: those that came first
 * first, and each before those that wait for it in turn. */
static void let_go(struct reference_city *city, int submission, int unit)
{
  struct {
    int submission, unit;
  } settled[REFERENCE_WAITING + 1];
  int count = 0, next = 0;
  settled[count].submission = submission;
  settled[count++].unit = unit;
  for (; next < count; next++)
    for (int n = 0; n < city->waiting_count; n++) {
      struct reference_waiting *waiting = &city->waiting[n];
      bool is_its = settled[next].unit == REFERENCE_NONE || settled[next].unit == waiting->report->unit;
      if (!waiting->waits || waiting->report->base != settled[next].submission || !is_its) continue;
      waiting->waits = false;
      waiting->waits = !decide(city, waiting->event, waiting->report, waiting->came);
      if (waiting->waits) continue;
      settled[count].submission = waiting->event->submission;
      settled[count++].unit = waiting->report->unit;
    }
}

static void submit(struct reference_city *city, const struct reference_event *event)
{
  for (int n = 0; n < event->count; n++) {
    const struct reference_report *report = &event->report[n];
    const struct reference_version *version = reference_governing(city, report->unit, event->period);
    if (!version || !(version->parks >> event->park & 1)) continue; /* not registered there: refused */
    if (!is_asked_of(event->form, city->class[report->unit])) continue;
    if (decide(city, event, report, city->clock)) continue;
    assert(city->waiting_count < REFERENCE_WAITING);
    city->waiting[city->waiting_count++] =
        (struct reference_waiting){.waits = true, .event = event, .report = report, .came = city->clock};
  }
  city->arrived[event->submission] = true;
  let_go(city, event->submission, REFERENCE_NONE);
}

void reference_apply(struct reference_city *city, const struct reference_event *event)
{
  city->clock++;
  switch (event->what) {
  case REFERENCE_IMPORT:
    for (int n = 0; n < event->count; n++) register_version(city, event->unit[n], &event->version[n]);
    break;
  case REFERENCE_CATALOGUE:
    city->rules = event->rules;
    break;
  case REFERENCE_SUBMISSION:
    submit(city, event);
    break;
  }
}
