#include "aggregator/read_unit.h"

#include "aggregator/read_private.h"
#include "common/error.h"
#include "common/text.h"

static bool is_administrative(const struct catalogue *catalogue, const char *code)
{
  int form = catalogue_form(catalogue, code);
  return form == CATALOGUE_NONE || catalogue->forms[form].legal_basis == BASIS_ADMINISTRATIVE;
}

static bool may_serve(const struct reader *reader, const char *form, GError **error)
{
  const GPtrArray *catalogues = reader->snapshot->catalogues;
  bool may = is_administrative(reader->catalogue, form);
  for (unsigned n = 0; may && n < catalogues->len; n++) may = is_administrative(catalogues->pdata[n], form);
  if (!may)
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_PERMISSION,
        _("the form “%s” is or was statistical, and statistical returns may not serve to assess single "
          "enterprises (统计法 §25); read a form of administrative basis"),
        form);
  return may;
}

struct looking {
  enum unit_report report;
  struct figures *figures;
};

static bool look(const struct stored_report *report, void *data)
{
  struct looking *looking = data;
  if (!report->counted) return true;
  if (report->kind == KIND_NIL)
    looking->report = UNIT_REPORTED_NIL;
  else if (report->kind == KIND_FIGURES &&
           figures_unpack(report->figures, report->figures_length, looking->figures))
    looking->report = UNIT_REPORTED_FIGURES;
  return false;
}

bool reader_unit(struct reader *reader, int form, struct period period, const char *unit,
                 enum unit_report *ret_report, struct figures *ret_figures, GError **error)
{
  const char *code = reader->catalogue->forms[form].code;
  if (!may_serve(reader, code, error)) return false;
  struct looking looking = {.report = UNIT_REPORTED_NOTHING, .figures = ret_figures};
  int64_t book = store_find_book(reader->store, code, period);
  if (book != 0) store_look_at(reader->store, book, unit, look, &looking);
  const GError *failure = store_error(reader->store);
  if (failure) {
    g_propagate_error(error, g_error_copy(failure));
    return false;
  }
  *ret_report = looking.report;
  return true;
}
