#include "agent/findings_print.h"

#include "common/text.h"

#include <jansson.h>

static void print_json(const struct findings_printer *printer, json_t *object)
{
  json_dumpf(object, printer->stream, JSON_COMPACT);
  fputc('\n', printer->stream);
  json_decref(object);
}

/* Absent texts are left out. What is no UTF-8 was made so where the finding was made. */
static void set_text(json_t *object, const char *key, const char *text)
{
  if (text && *text) json_object_set_new(object, key, json_string(text));
}

void findings_print(const struct finding *finding, void *data)
{
  const struct findings_printer *printer = data;
  if (!printer->json) {
    g_autofree char *line = finding_format(finding);
    fprintf(printer->stream, "%s\n", line);
    return;
  }
  static const char *const severities[] = {"note", "report", "file"};
  json_t *object = json_object();
  g_autofree char *code = finding->rule ? finding_rule_id(finding->code, finding->rule) : NULL;
  set_text(object, "code", code ? code : finding_id(finding->code));
  set_text(object, "severity", severities[finding_severity(finding->code)]);
  set_text(object, "file", finding->file);
  set_text(object, "sheet", finding->sheet);
  if (finding->row > 0) json_object_set_new(object, "row", json_integer((json_int_t)finding->row));
  if (finding->column > 0) json_object_set_new(object, "column", json_integer((json_int_t)finding->column));
  set_text(object, "heading", finding->heading);
  set_text(object, "unit", finding->unit);
  set_text(object, "unit_name", finding->unit_name);
  set_text(object, "indicator", finding->indicator);
  set_text(object, "found", finding->found);
  set_text(object, "expected", finding->expected);
  set_text(object, "text", finding_text(finding->code));
  set_text(object, "says", finding->rule_says);
  set_text(object, "advice", finding_advice(finding->code));
  print_json(printer, object);
}

void findings_print_summary(const struct findings_printer *printer, const char *file, const char *form,
                            const struct reading_result *result)
{
  if (printer->json) {
    json_t *object = json_object();
    set_text(object, "file", file);
    set_text(object, "form", form);
    json_object_set_new(object, "whole", json_boolean(result->whole));
    json_object_set_new(object, "rows", json_integer((json_int_t)result->rows));
    json_object_set_new(object, "good", json_integer((json_int_t)result->good));
    json_object_set_new(object, "refused", json_integer((json_int_t)result->refused));
    json_object_set_new(object, "notes", json_integer((json_int_t)result->notes));
    print_json(printer, object);
  } else if (!result->whole) {
    fprintf(printer->stream, _("%s: refused as a whole; nothing of it can be sent\n"), file);
  } else {
    fprintf(printer->stream, _("%s: %zu units, %zu good, %zu refused\n"), file, result->rows, result->good,
            result->refused);
  }
}
