/* Targets of the plan: the lines of the command `targets`, and how far each is on its way. */
#include "aggregator/export/topic.h"
#include "aggregator/statistics/target.h"
#include "common/text.h"

const struct export_column export_targets_columns[] = {
    {"target", N_("no."), EXPORT_COUNT, EXPORT_DIMENSION, "TARGET"},
    {"name", N_("target"), .kind = EXPORT_TEXT},
    {"area", N_("area code"), EXPORT_TEXT, EXPORT_DIMENSION, "AREA"},
    {"area_name", N_("area"), .kind = EXPORT_TEXT},
    {"period", N_("period"), EXPORT_PERIOD, EXPORT_DIMENSION, "TIME_PERIOD"},
    {"direction", N_("direction"), .kind = EXPORT_TEXT},
    {"promised", N_("promised"), .kind = EXPORT_DECIMAL},
    {"tolerance", N_("tolerance"), .kind = EXPORT_DECIMAL},
    {"stage", N_("this year"), .kind = EXPORT_DECIMAL},
    {"standing", N_("standing"), EXPORT_DECIMAL, EXPORT_MEASURE, "OBS_VALUE"},
    {"measure", N_("measure"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "UNIT_MEASURE"},
    {"progress", N_("progress (%)"), .kind = EXPORT_DECIMAL},
    {"reported", N_("reported"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "REPORTED"},
    {"expected", N_("expected"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "EXPECTED"},
    {"reached", N_("reached"), EXPORT_FLAG, EXPORT_ATTRIBUTE, "REACHED"},
    {"why_not", N_("why it is not measurable"), .kind = EXPORT_TEXT},
    {"bureau", N_("responsible bureau"), .kind = EXPORT_TEXT},
    {"population", N_("population"), .kind = EXPORT_TEXT},
    {"note", N_("note"), .kind = EXPORT_TEXT},
    {"status", N_("status"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "OBS_STATUS"},
    {"confidentiality", N_("confidentiality"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "CONF_STATUS"},
    {"target_status", N_("target's status"), .kind = EXPORT_TEXT},
    {"reason", N_("reason"), .kind = EXPORT_TEXT},
    {"gap", N_("gap"), .kind = EXPORT_DECIMAL},
    {"due", N_("due by now"), .kind = EXPORT_DECIMAL},
    {"coverage_units", N_("units, percent"), .kind = EXPORT_DECIMAL},
    {"coverage_value", N_("value, percent"), .kind = EXPORT_DECIMAL},
    {"estimate", N_("estimate (E)"), .kind = EXPORT_DECIMAL},
    {"annual_adjustment", N_("annual adjustment"), .kind = EXPORT_DECIMAL},
    {.id = NULL},
};

const struct export_chart export_targets_chart = {
    .title = N_("Progress: the standing as a share of what is promised for the year (%)"),
    .label = "name",
    .value = "progress",
};

static void add_promise(const struct target *target, bool given, int64_t value, struct export_table *table)
{
  char text[DECIMAL_TEXT_SIZE];
  bool shown = given && target->direction != DIRECTION_TRACKED;
  export_table_cell(table, shown ? decimal_format(value, target->decimals, text) : "");
}

static void add_fraction(struct export_table *table, bool given, struct fraction value, unsigned decimals)
{
  char text[DECIMAL_TEXT_SIZE] = "";
  int128 rounded;
  if (given && decimal_divide(value.upper, value.lower, decimals, &rounded))
    decimal_format(rounded, decimals, text);
  export_table_cell(table, text);
}

static void add_percent(struct export_table *table, bool given, int128 percent)
{
  char text[DECIMAL_TEXT_SIZE] = "";
  if (given) decimal_format(percent, COVERAGE_DECIMALS, text);
  export_table_cell(table, text);
}

/* The standing ÷ what is promised for the year, in per cent. Nothing where there is no way to go: a target
 * that is only tracked, a ceiling, growth above zero. */
static void add_progress(const struct target *target, const struct target_standing *standing,
                         struct export_table *table)
{
  enum { DECIMALS = 1 };
  char text[DECIMAL_TEXT_SIZE] = "";
  int64_t promised = standing->promise;
  bool has_way = standing->promised && target->direction != DIRECTION_AT_MOST;
  int128 upper, lower, progress;
  if (standing->measurable && has_way && promised > 0 &&
      !__builtin_mul_overflow(standing->numerator, 100 * decimal_power10(target->decimals), &upper) &&
      !__builtin_mul_overflow(standing->denominator, (int128)promised, &lower) &&
      decimal_divide(upper, lower, DECIMALS, &progress))
    decimal_format(progress, DECIMALS, text);
  export_table_cell(table, text);
}

/* For programs the code, for a spreadsheet's reader the same: it is a column to filter by. */
static void add_course(const struct target *target, const struct target_standing *standing,
                       struct export_table *table)
{
  const struct coverage *coverage = &standing->weakest.coverage;
  int128 units = 0, value = 0;
  bool by_units = coverage_of_units(coverage, &units), by_value = coverage_of_value(coverage, &value);
  export_table_cell(table, target_status_code(standing->status));
  export_table_cell(table, standing->reason ? standing->reason : standing->why_not);
  add_fraction(table, standing->judged, standing->gap, target->decimals);
  add_fraction(table, standing->judged, standing->due, target->decimals);
  add_percent(table, by_units, units);
  add_percent(table, by_value, value);
  add_fraction(table, standing->estimated, standing->estimate, target->decimals);
  add_fraction(table, standing->adjusted, standing->adjustment, target->decimals);
}

static void add_target(const struct export_scope *scope, const struct target *target,
                       const struct target_standing *standing, struct export_table *table)
{
  const struct area *area = &scope->catalogue->areas[standing->area];
  bool whole = standing->area == target->area;
  bool judged = standing->promised && standing->measurable && !standing->too_little;
  char text[PERIOD_TEXT_SIZE];
  export_table_count(table, target->id);
  export_table_cell(table, text_label(&target->name));
  export_table_cell(table, area->code);
  export_table_cell(table, text_label(&area->name));
  export_table_cell(table, period_format(standing->period, text));
  export_table_cell(table, target_direction(target));
  add_promise(target, whole || standing->promised, whole ? target->value : standing->promise, table);
  add_promise(target, true, target->tolerance, table);
  add_promise(target, standing->stage != NULL, standing->stage ? standing->stage->value : 0, table);
  add_fraction(table, standing->measurable, (struct fraction){standing->numerator, standing->denominator},
               target->decimals);
  export_table_cell(table, target->measure);
  add_progress(target, standing, table);
  export_table_count(table, standing->reported);
  export_table_count(table, standing->expected);
  export_table_cell(table, !judged ? "" : standing->reached ? "1" : "0");
  export_table_cell(table, standing->why_not);
  export_table_cell(table, target->bureau);
  export_table_cell(table, text_label(&target->population));
  export_table_cell(table, text_label(&target->note));
  export_table_cell(table, export_status(standing->measurable));
  export_table_cell(table, export_confidentiality());
  add_course(target, standing, table);
}

struct adding {
  const struct export_scope *scope;
  struct period period;
  struct export_table *table;
  GError **error;
};

static bool add_one(const struct target *target, int area, void *data)
{
  const struct adding *to = data;
  struct target_standing standing;
  if (!target_evaluate(to->scope->reader, to->scope->catalogue, target, area, to->period, &standing,
                       to->error))
    return false;
  add_target(to->scope, target, &standing, to->table);
  target_standing_clear(&standing);
  return true;
}

bool export_targets(const struct export_scope *scope, struct export_table *table, GError **error)
{
  struct adding adding = {scope, scope->period, table, error};
  if (!scope->period_named && !target_last_period(scope->reader, scope->catalogue, &adding.period))
    return true;
  export_table_set_period(table, adding.period);
  return target_each(scope->catalogue, scope->areas_named ? scope->areas : NULL, add_one, &adding);
}
