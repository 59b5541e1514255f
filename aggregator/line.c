#include "aggregator/line.h"

#include "common/text.h"

static bool has_children(const struct catalogue *catalogue, int area)
{
  for (size_t n = 0; n < catalogue->area_count; n++)
    if (catalogue->areas[n].parent == area) return true;
  return false;
}

/* Of an area's parts, or (`set`) of a set of slices. There is a line also where nothing is reported. */
static bool read_overlap(struct reader *reader, const struct catalogue *catalogue, int area, int set,
                         int indicator, struct period period, bool cumulative, struct total *ret_total,
                         GError **error)
{
  GError *failure = NULL;

  if (catalogue->indicators[indicator].kind == KIND_RATIO) return false;
  if (set != CATALOGUE_NONE)
    reader_set_overlap(reader, area, set, indicator, period, cumulative, ret_total, &failure);
  else if (has_children(catalogue, area))
    reader_overlap(reader, area, 0, indicator, period, cumulative, ret_total, &failure);
  else
    return false;
  if (!failure) return true;
  g_propagate_error(error, failure);
  return false;
}

bool line_read(struct reader *reader, const struct catalogue *catalogue, int area, int slice, int indicator,
               struct period period, bool cumulative, struct total *ret_total, int128 *ret_under_inquiry,
               GError **error)
{
  *ret_total = (struct total){.denominator = 1};
  *ret_under_inquiry = 0;
  int set = pick_overlap_set(slice);
  if (slice == PICK_OVERLAP || set != CATALOGUE_NONE)
    return read_overlap(reader, catalogue, area, set, indicator, period, cumulative, ret_total, error);
  if (slice == PICK_ADJUSTMENT)
    return reader_annual_adjustment(reader, area, 0, indicator, period, ret_total, error);
  return reader_total(reader, area, slice, indicator, period, cumulative, ret_total, error) &&
         reader_under_inquiry(reader, area, slice, indicator, period, cumulative, ret_under_inquiry, error);
}

char *line_slice_code(const struct catalogue *catalogue, int slice)
{
  int set = pick_overlap_set(slice);

  if (set != CATALOGUE_NONE) return g_strconcat(PICK_SET_OVERLAP_CODE, catalogue->slices[set].code, NULL);
  if (slice == PICK_OVERLAP) return g_strdup(PICK_OVERLAP_CODE);
  if (slice == PICK_ADJUSTMENT) return g_strdup(PICK_ADJUSTMENT_CODE);
  return g_strdup(catalogue->slices[slice].code);
}

char *line_slice_name(const struct catalogue *catalogue, int slice)
{
  int set = pick_overlap_set(slice);

  if (set != CATALOGUE_NONE)
    return g_strdup_printf(_("overlap of %s"), text_label(&catalogue->slices[set].name));
  if (slice == PICK_OVERLAP) return g_strdup(_("overlap"));
  if (slice == PICK_ADJUSTMENT) return g_strdup(_("annual adjustment"));
  return g_strdup(text_label(&catalogue->slices[slice].name));
}
