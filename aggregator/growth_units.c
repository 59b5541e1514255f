#include "aggregator/growth_units.h"

#include <string.h>

/* A walk over the register. */
struct walk {
  struct reader *reader;
  const struct catalogue *catalogue;
  const struct unit_register *units;
  const struct growth_plan *plan;
  struct period period, before;
  GPtrArray
      *sources;    /* of the unit at hand: whose figures of the year before are its base; of the register */
  GArray *figures; /* of struct figures, theirs */
};

/* The version in force on the day, of those of one unit; NULL if none. */
static const struct unit_version *version_on(const struct unit_version *versions, size_t count,
                                             day_number day)
{
  const struct unit_version *found = NULL;
  for (size_t n = 0; n < count && versions[n].from <= day; n++) found = &versions[n];
  return found && found->to >= day ? found : NULL;
}

static bool is_open(const struct catalogue *catalogue, const struct unit_version *version)
{
  int status = catalogue_status(catalogue, version->status);
  return status == CATALOGUE_NONE || catalogue->statuses[status].expected;
}

static bool has_flag(const struct catalogue *catalogue, const struct unit_version *version, int flag)
{
  return flag == CATALOGUE_NONE || register_list_has(version->flags, catalogue->flags[flag].code);
}

/* Of those that are no members: whom it makes sense to ask. */
static bool may_join(const struct walk *walk, const struct unit_version *version)
{
  int class = catalogue_class(walk->catalogue, version->class);
  return class != CATALOGUE_NONE && ((walk->catalogue->forms[walk->plan->form].classes >> class) & 1) &&
         is_open(walk->catalogue, version) && has_flag(walk->catalogue, version, walk->plan->candidates);
}

/* --- the year before --- */

static void add_source(struct walk *walk, const char *unit)
{
  for (unsigned n = 0; n < walk->sources->len; n++)
    if (strcmp(walk->sources->pdata[n], unit) == 0) return; /* a chain that bites its tail ends here */
  g_ptr_array_add(walk->sources, g_strdup(unit));
}

/* The units that one continues by versions of the time between; a later version that repeats what an earlier
 * one said is no merger. */
static void add_predecessors(struct walk *walk, const char *unit)
{
  const struct unit_version *versions;
  size_t count = register_unit(walk->units, unit, &versions);
  for (size_t n = 0; n < count; n++) {
    const char *before = n > 0 ? versions[n - 1].succeeds : "";
    if (versions[n].from <= period_first_day(walk->before) ||
        versions[n].from > period_last_day(walk->period))
      continue;
    g_auto(GStrv) codes = g_strsplit(versions[n].succeeds, ";", -1);
    for (char **code = codes; *code; code++)
      if (**code && !register_list_has(before, *code)) add_source(walk, *code);
  }
}

static bool existed(const struct walk *walk, const char *unit)
{
  const struct unit_version *versions;
  size_t count = register_unit(walk->units, unit, &versions);
  const struct unit_version *version = version_on(versions, count, period_last_day(walk->before));
  return version && is_open(walk->catalogue, version);
}

/* Whoever there was at the end of the year before is a part of the base, and so is everybody else who
 * reported. */
static bool read_before(struct walk *walk, const char *unit, struct growth_facts *facts, GError **error)
{
  g_ptr_array_set_size(walk->sources, 0);
  g_array_set_size(walk->figures, 0);
  facts->before_complete = true;
  add_source(walk, unit);
  for (unsigned n = 0; n < walk->sources->len; n++) {
    const char *source = walk->sources->pdata[n];
    enum unit_report report;
    struct figures figures;
    add_predecessors(walk, source);
    if (!reader_unit(walk->reader, walk->plan->form, walk->before, source, &report, &figures, error))
      return false;
    if (report == UNIT_REPORTED_FIGURES)
      g_array_append_val(walk->figures, figures);
    else if (existed(walk, source))
      facts->before_complete = false;
  }
  facts->before = (const struct figures *)(void *)walk->figures->data;
  facts->before_count = walk->figures->len;
  return true;
}

/* --- the year --- */

static bool judge(struct walk *walk, const struct unit_version *version, bool is_member,
                  struct growth_judgement *ret_judgement, GError **error)
{
  struct figures figures;
  struct growth_facts facts = {.period = walk->period,
                               .is_member = is_member,
                               .idle = is_open(walk->catalogue, version) ? NULL : version->status,
                               .figures = &figures};
  if (!reader_unit(walk->reader, walk->plan->form, walk->period, version->unit, &facts.report, &figures,
                   error))
    return false;
  if (facts.report == UNIT_REPORTED_FIGURES && !read_before(walk, version->unit, &facts, error)) return false;
  growth_plan_judge(walk->catalogue, walk->plan, &facts, ret_judgement);
  return true;
}

/* False at the end: `error` tells whether by one. */
static bool take(struct walk *walk, const struct unit_version *version, growth_unit_sink *sink, void *data,
                 GError **error)
{
  struct growth_judgement judgement;
  bool is_member = has_flag(walk->catalogue, version, walk->plan->members);
  if (!is_member && !may_join(walk, version)) return true;
  if (!judge(walk, version, is_member, &judgement, error)) return false;
  bool going = judgement.verdict == MEMBER_NOT_QUALIFIED || sink(version, is_member, &judgement, data);
  growth_judgement_clear(&judgement);
  return going;
}

static bool walk_register(struct walk *walk, int area, growth_unit_sink *sink, void *data, GError **error)
{
  size_t size = register_size(walk->units);
  for (size_t n = 0, count; n < size; n += count) {
    const struct unit_version *versions = register_nth(walk->units, n);
    for (count = 1; n + count < size && strcmp(versions[count].unit, versions->unit) == 0; count++) continue;
    const struct unit_version *version = version_on(versions, count, period_last_day(walk->period));
    if (!version || (area != CATALOGUE_NONE && !unit_version_within(version, walk->catalogue, area)))
      continue;
    if (!take(walk, version, sink, data, error)) return false;
  }
  return true;
}

bool growth_units(struct reader *reader, const struct snapshot *snapshot, const struct growth_plan *plan,
                  int year, int area, growth_unit_sink *sink, void *data, GError **error)
{
  GError *failure = NULL;
  struct walk walk = {.reader = reader,
                      .catalogue = snapshot->catalogue,
                      .units = snapshot->units,
                      .plan = plan,
                      .period = {.year = (int16_t)year, .month = 1, .months = 12},
                      .sources = g_ptr_array_new_with_free_func(g_free),
                      .figures = g_array_new(FALSE, FALSE, sizeof(struct figures))};
  walk.before = period_last_year(walk.period);
  walk_register(&walk, area, sink, data, &failure);
  g_ptr_array_unref(walk.sources);
  g_array_unref(walk.figures);
  if (failure) g_propagate_error(error, failure);
  return !failure;
}
