#include "agent/reading.h"

#include "agent/spill.h"
#include "common/error.h"
#include "common/rule.h"
#include "common/uscc.h"

#include <string.h>

struct reading {
  const struct reading_options *options;
  const char *file; /* name, for findings */
  struct mapping *mapping;
  struct spill *spill;
  report_sink *reports;
  finding_sink *findings;
  void *data;
  struct rule_context context;
  struct reading_result result;
  size_t refused_row; /* the row that was refused last: its findings count once */
  GError *error;      /* of the spill, met while rows were coming */
};

static void take_finding(const struct finding *finding, void *data)
{
  struct reading *reading = data;
  switch (finding_severity(finding->code)) {
  case SEVERITY_NOTE:
    reading->result.notes++;
    break;
  case SEVERITY_REPORT:
    if (finding->row == 0 || finding->row != reading->refused_row) reading->result.refused++;
    reading->refused_row = finding->row;
    break;
  case SEVERITY_FILE:
    reading->result.whole = false;
    break;
  }
  reading->findings(finding, reading->data);
}

static bool take_row(struct source_row *row, void *data)
{
  struct reading *reading = data;
  return mapping_row(reading->mapping, row);
}

static bool take_entry(const struct entry *entry, void *data)
{
  struct reading *reading = data;
  return spill_add(reading->spill, entry, &reading->error);
}

/* Says what a rule found, with the place of the file that it is about. */
static void say_rule(struct reading *reading, const struct entry *entry, const struct rule_result *rule)
{
  struct finding finding = {.code = rule->code,
                            .file = reading->file,
                            .row = entry->row,
                            .unit = entry->unit,
                            .unit_name = rule->version ? rule->version->name : NULL,
                            .found = *rule->found ? rule->found : NULL,
                            .expected = *rule->expected ? rule->expected : NULL};
  bool about_unit = rule->code >= FINDING_UNIT_MISSING && rule->code <= FINDING_UNIT_CLASS;
  if (about_unit) finding.column = mapping_unit_column(reading->mapping, &finding.heading);
  if (rule->column != CATALOGUE_NONE) {
    finding.column = mapping_column(reading->mapping, rule->column, &finding.heading);
    finding.indicator = reading->options->catalogue->forms[reading->context.form].columns[rule->column].code;
  }
  take_finding(&finding, reading);
}

/* A registered code whose check character fails is on record as it is; of an unknown one it is the likely
 * mistake. */
static void note_check_character(struct reading *reading, const struct entry *entry)
{
  if (catalogue_check_uscc(reading->options->catalogue, entry->unit) != USCC_CHECK) return;
  char expected[2] = {uscc_check_character(entry->unit), '\0'};
  struct finding finding = {.code = FINDING_UNIT_CHECK,
                            .file = reading->file,
                            .row = entry->row,
                            .unit = entry->unit,
                            .found = entry->unit + strlen(entry->unit) - 1,
                            .expected = expected};
  finding.column = mapping_unit_column(reading->mapping, &finding.heading);
  take_finding(&finding, reading);
}

static bool take_merged(const struct entry *entry, void *data)
{
  struct reading *reading = data;
  struct rule_result rule;
  reading->context.period = entry->period;
  rule_check_report(&reading->context, entry->unit, &entry->change, &rule);
  if (rule.code != FINDING_COUNT) {
    if (rule.code == FINDING_UNIT_UNKNOWN) note_check_character(reading, entry);
    say_rule(reading, entry, &rule);
    if (finding_severity(rule.code) != SEVERITY_NOTE) return true;
  }
  struct good_report report = {.form = reading->context.form,
                               .period = entry->period,
                               .unit = entry->unit,
                               .row = entry->row,
                               .change = &entry->change,
                               .mapping = reading->mapping};
  reading->result.good++;
  return reading->reports(&report, reading->data);
}

static const struct mapping_rules *find_rules(const struct reading_options *options, const char *file)
{
  for (const struct mapping_rules *const *rules = options->rules; rules && *rules; rules++)
    if (!(*rules)->files || g_pattern_match_simple((*rules)->files, file)) return *rules;
  return NULL;
}

/* From the first byte to the last: rows go to the spill. */
static bool read_rows(struct reading *reading, const struct source *source, const char *path,
                      const struct mapping_rules *rules, GError **error)
{
  struct source_options source_options = {.encoding = rules ? rules->encoding : NULL};
  g_autoptr(GError) failure = NULL;
  bool whole = source->read(path, &source_options, take_row, take_finding, reading, &failure);
  if (!failure) failure = g_steal_pointer(&reading->error);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!whole || !mapping_finish(reading->mapping)) reading->result.whole = false;
  reading->result.rows = mapping_rows(reading->mapping);
  reading->result.form = mapping_form(reading->mapping);
  return true;
}

bool reading_run(const char *path, const struct reading_options *options, report_sink *reports,
                 finding_sink *findings, void *data, struct reading_result *ret_result, GError **error)
{
  const struct source *source = source_for(path, error);
  if (!source) return false;
  g_autofree char *file = g_path_get_basename(path);
  const struct mapping_rules *rules = find_rules(options, file);
  struct reading reading = {.options = options,
                            .file = file,
                            .reports = reports,
                            .findings = findings,
                            .data = data,
                            .context = {.catalogue = options->catalogue,
                                        .is_applied_for = options->is_applied_for,
                                        .data = options->applied_data,
                                        .units = options->units,
                                        .area = options->area,
                                        .form = CATALOGUE_NONE},
                            .result = {.whole = true, .form = CATALOGUE_NONE}};
  const struct mapping_options mapping_options = {.catalogue = options->catalogue,
                                                  .form = options->form,
                                                  .period = options->period,
                                                  .rules = rules,
                                                  .role_forms = options->role};
  CLEANUP(mapping_free)
  struct mapping *mapping = mapping_new(&mapping_options, file, take_entry, take_finding, &reading);
  const char *temporary = options->temporary ? options->temporary : g_get_tmp_dir();
  CLEANUP(spill_free)
  struct spill *spill = spill_new(temporary, file, options->catalogue, take_finding, &reading);
  reading.mapping = mapping;
  reading.spill = spill;
  if (!read_rows(&reading, source, path, rules, error)) return false;
  reading.context.form = reading.result.form;
  reading.refused_row = 0;
  if (reading.result.whole && reading.result.form != CATALOGUE_NONE &&
      !spill_each(spill, reading.result.form, take_merged, &reading, error))
    return false;
  *ret_result = reading.result;
  return true;
}

int reading_exit_code(const struct reading_result *result)
{
  return result->whole && result->refused == 0 ? 0 : ERROR_DATA;
}
