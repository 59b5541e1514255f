#include "aggregator/export/topic.h"

#include "common/error.h"
#include "common/text.h"

#include <string.h>

const struct export_topic export_topics[] = {
    {"totals", N_("Totals"), EXPORT_AREA | EXPORT_INDICATOR | EXPORT_SLICE | EXPORT_CUMULATIVE,
     .columns = export_totals_columns, .fill = export_totals},
    {"reports", N_("Reports of units"), EXPORT_AREA | EXPORT_FORM, .columns = export_reports_columns,
     .fill = export_reports},
    {"targets", N_("Targets"), EXPORT_AREA, .columns = export_targets_columns, .fill = export_targets,
     .chart = &export_targets_chart},
    {"completeness", N_("Completeness"), EXPORT_AREA | EXPORT_FORM, .columns = export_completeness_columns,
     .fill = export_completeness},
    {"missing", N_("Missing units"), EXPORT_AREA | EXPORT_FORM, .columns = export_missing_columns,
     .fill = export_missing},
    {"editions", N_("Edition"), EXPORT_AREA | EXPORT_INDICATOR | EXPORT_SLICE | EXPORT_FORM | EXPORT_EDITION,
     .columns = export_editions_columns, .fill = export_editions},
    {.id = NULL},
};

const struct export_topic *export_topic_find(const char *id, GError **error)
{
  g_autoptr(GString) list = g_string_new(NULL);
  for (const struct export_topic *topic = export_topics; topic->id; topic++) {
    if (strcmp(topic->id, id) == 0) return topic;
    g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", topic->id);
  }
  g_autofree char *shown = text_excerpt(id, strlen(id), LIMIT_CODE_BYTES);
  g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("“%s” cannot be exported; there are: %s"), shown,
              list->str);
  return NULL;
}

struct export_table *export_topic_read(const struct export_topic *topic, const struct export_scope *scope,
                                       GError **error)
{
  CLEANUP(export_table_free)
  struct export_table *table = export_table_new(topic->id, _(topic->title), error);
  if (!table) return NULL;
  export_table_add_columns(table, topic->columns);
  export_table_set_chart(table, topic->chart);
  if (!topic->fill(scope, table, error) || !export_table_end(table, error)) return NULL;
  return g_steal_pointer(&table);
}

const char *export_status(bool reported)
{
  return reported ? "A" : "O";
}

const char *export_confidentiality(void)
{
  return "N";
}
