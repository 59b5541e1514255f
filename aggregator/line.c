#include "aggregator/line.h"

#include "common/text.h"

static bool has_children(const struct catalogue *catalogue, int area)
{
  for (size_t n = 0; n < catalogue->area_count; n++)
    if (catalogue->areas[n].parent == area) return true;
  return false;
}

static bool read_overlap(struct reader *reader, const struct catalogue *catalogue, int area, int indicator,
                         struct period period, bool cumulative, struct total *ret_total, GError **error)
{
  GError *failure = NULL;

  if (catalogue->indicators[indicator].kind == KIND_RATIO || !has_children(catalogue, area)) return false;
  reader_overlap(reader, area, 0, indicator, period, cumulative, ret_total, &failure);
  if (!failure) return true; /* also where nothing is reported */
  g_propagate_error(error, failure);
  return false;
}

bool line_read(struct reader *reader, const struct catalogue *catalogue, int area, int slice, int indicator,
               struct period period, bool cumulative, struct total *ret_total, int128 *ret_under_inquiry,
               GError **error)
{
  *ret_total = (struct total){.denominator = 1};
  *ret_under_inquiry = 0;
  if (slice == PICK_OVERLAP)
    return read_overlap(reader, catalogue, area, indicator, period, cumulative, ret_total, error);
  if (slice == PICK_ADJUSTMENT)
    return reader_annual_adjustment(reader, area, 0, indicator, period, ret_total, error);
  return reader_total(reader, area, slice, indicator, period, cumulative, ret_total, error) &&
         reader_under_inquiry(reader, area, slice, indicator, period, cumulative, ret_under_inquiry, error);
}

const char *line_slice_code(const struct catalogue *catalogue, int slice)
{
  if (slice == PICK_OVERLAP) return PICK_OVERLAP_CODE;
  if (slice == PICK_ADJUSTMENT) return PICK_ADJUSTMENT_CODE;
  return catalogue->slices[slice].code;
}

const char *line_slice_name(const struct catalogue *catalogue, int slice)
{
  if (slice == PICK_OVERLAP) return _("overlap");
  if (slice == PICK_ADJUSTMENT) return _("annual adjustment");
  return text_label(&catalogue->slices[slice].name);
}
