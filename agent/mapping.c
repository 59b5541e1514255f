#include "agent/mapping.h"

#include "agent/mapping_private.h"
#include "common/text.h"

#include <string.h>

#define FOUND_SIZE 80 /* bytes of a cell that a finding shows */

struct mapping *mapping_new(const struct mapping_options *options, const char *file, entry_sink *entries,
                            finding_sink *findings, void *data)
{
  struct mapping *mapping = g_new0(struct mapping, 1);
  mapping->catalogue = options->catalogue;
  mapping->rules = options->rules;
  mapping->wanted_form = options->form;
  if (!mapping->wanted_form && options->rules) mapping->wanted_form = options->rules->form;
  mapping->role = options->role_forms;
  if (options->period) {
    mapping->has_wanted_period = true;
    mapping->wanted_period = *options->period;
  }
  mapping->file = g_strdup(file);
  mapping->entries = entries;
  mapping->findings = findings;
  mapping->data = data;
  mapping->measures = g_array_new(FALSE, FALSE, sizeof(int));
  mapping->unit_at = mapping->name_at = mapping->period_at = NOWHERE;
  mapping->indicator_at = mapping->value_at = mapping->measure_at = NOWHERE;
  mapping->form = CATALOGUE_NONE;
  mapping->spellings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  mapping->periods = g_hash_table_new(NULL, NULL);
  return mapping;
}

void mapping_free(struct mapping *mapping)
{
  if (!mapping) return;
  for (size_t i = 0; i < mapping->width; i++) {
    g_free(mapping->bindings[i].heading);
    g_clear_pointer(&mapping->bindings[i].candidates, g_array_unref);
  }
  g_free(mapping->bindings);
  g_free(mapping->figures);
  g_free(mapping->file);
  g_strfreev(mapping->above);
  g_strfreev(mapping->top);
  g_strfreev(mapping->second);
  g_array_unref(mapping->measures);
  g_hash_table_unref(mapping->spellings);
  g_hash_table_unref(mapping->periods);
  g_free(mapping->period_seen.text);
  g_free(mapping->period_judged.objection);
  g_free(mapping);
}

/* The code of the form's column that a cell belongs to. */
static const char *indicator_at(const struct mapping *mapping, size_t at)
{
  if (mapping->form == CATALOGUE_NONE || mapping->indicator_at != NOWHERE) return NULL;
  for (size_t i = 0; i < mapping->figure_count; i++)
    if (mapping->figures[i].at == at)
      return mapping->catalogue->forms[mapping->form].columns[mapping->figures[i].column].code;
  return NULL;
}

void mapping_say(struct mapping *mapping, enum finding_code code, size_t at, const char *found,
                 const char *expected)
{
  g_autofree char *shown = found ? text_excerpt(found, strlen(found), FOUND_SIZE) : NULL;
  struct finding finding = {.code = code,
                            .file = mapping->file,
                            .unit = mapping->unit,
                            .unit_name = mapping->unit_name,
                            .found = shown,
                            .expected = expected};
  if (mapping->row) {
    finding.sheet = mapping->row->sheet;
    finding.row = mapping->row->number;
  }
  if (at != NOWHERE) {
    finding.column = at + 1;
    if (at < mapping->width) finding.heading = mapping->bindings[at].heading;
    finding.indicator = indicator_at(mapping, at);
  }
  enum severity severity = finding_severity(code);
  if (severity == SEVERITY_FILE) mapping->refused = true;
  if (severity == SEVERITY_REPORT) mapping->row_refused = true;
  mapping->findings(&finding, mapping->data);
}

bool mapping_row(struct mapping *mapping, struct source_row *row)
{
  if (mapping->refused) return false;
  mapping->row = row;
  mapping->unit = mapping->unit_name = NULL;
  mapping->row_refused = false;
  if (mapping->phase == PHASE_HEADER) {
    bool second = header_is_second_level(mapping);
    header_bind(mapping, second);
    mapping->phase = PHASE_ROWS;
    bool letters = !second && mapping->unit_at < row->count &&
                   words_is_letter_row(text_fold(row->cells[mapping->unit_at].text));
    if (letters) mapping->below_header = false;
    if (!mapping->refused && !second && !letters) cells_row(mapping);
  } else if (mapping->phase == PHASE_TITLE) {
    header_title_row(mapping);
  } else {
    cells_row(mapping);
  }
  mapping->row = NULL;
  mapping->unit = mapping->unit_name = NULL;
  return !mapping->refused;
}

bool mapping_finish(struct mapping *mapping)
{
  if (mapping->refused) return false;
  if (mapping->phase == PHASE_HEADER) header_bind(mapping, false);
  if (mapping->refused) return false;
  if (mapping->phase == PHASE_TITLE && mapping->title_rows > 0)
    mapping_say(mapping, FINDING_COLUMN_MISSING, NOWHERE, NULL,
                _("a header line with uscc or 统一社会信用代码"));
  else if (mapping->rows == 0)
    mapping_say(mapping, FINDING_FILE_EMPTY, NOWHERE, NULL, NULL);
  else
    totals_compare(mapping);
  return !mapping->refused;
}

size_t mapping_rows(const struct mapping *mapping)
{
  return mapping->rows;
}

bool mapping_has_several_periods(const struct mapping *mapping)
{
  return g_hash_table_size(mapping->periods) > 1;
}

size_t mapping_column(const struct mapping *mapping, int column, const char **ret_heading)
{
  for (size_t i = 0; i < mapping->figure_count; i++) {
    if (mapping->figures[i].column != column) continue;
    *ret_heading = mapping->bindings[mapping->figures[i].at].heading;
    return mapping->figures[i].at + 1;
  }
  *ret_heading = NULL;
  return 0;
}

size_t mapping_unit_column(const struct mapping *mapping, const char **ret_heading)
{
  if (mapping->unit_at == NOWHERE) return 0;
  *ret_heading = mapping->bindings[mapping->unit_at].heading;
  return mapping->unit_at + 1;
}

int mapping_form(const struct mapping *mapping)
{
  return mapping->form;
}
