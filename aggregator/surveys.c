#include "aggregator/surveys.h"

#include "common/calendar.h"
#include "common/error.h"
#include "common/text.h"

static struct period last_period(const struct surveys *surveys, int form)
{
  const struct form *of = &surveys->catalogue->forms[form];
  struct period period;
  if (reader_last_of_form(surveys->reader, of->code, &period)) return period;
  return calendar_last_ended(of, reader_today(surveys->reader));
}

static bool refuse_period(const struct surveys *surveys, int form, struct period period, const char *wrong,
                          GError **error)
{
  char text[PERIOD_TEXT_SIZE];
  g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("found %s, form %s expects %s"),
              period_format(period, text), surveys->catalogue->forms[form].code, wrong);
  return false;
}

bool surveys_each(const struct surveys *surveys, survey_sink *sink, void *data, GError **error)
{
  bool fits_one = false;
  for (unsigned n = 0; n < surveys->forms->len; n++) {
    int form = g_array_index(surveys->forms, int, n);
    struct period period = surveys->period ? *surveys->period : last_period(surveys, form);
    g_autofree char *wrong = catalogue_period_objection(surveys->catalogue, form, period);
    if (wrong && surveys->forms_named) return refuse_period(surveys, form, period, wrong, error);
    if (wrong) continue;
    fits_one = true;
    CLEANUP(coverage_report_free)
    struct coverage_report *report = reader_coverage(surveys->reader, form, period, error);
    if (!report) return false;
    sink(form, period, report, data);
  }
  if (!fits_one && surveys->period)
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, _("no form is asked for such a period"));
  return fits_one || !surveys->period;
}

bool surveys_concern(const struct coverage *area)
{
  return area->expected > 0 || area->unexpected > 0;
}

bool surveys_are_about(const struct surveys *surveys, const struct unit_version *version, const GArray *areas)
{
  for (unsigned n = 0; n < areas->len; n++)
    if (reader_is_in_area(surveys->reader, version, g_array_index(areas, int, n))) return true;
  return false;
}
