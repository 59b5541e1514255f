#include "aggregator/choice.h"

#include <string.h>

/* 3: the designated reporter, 2: an area that the unit is registered in, 1: one that it has left since; 0:
 * withdrawn. */
static int standing(const struct catalogue *catalogue, const struct unit_version *version,
                    const struct stored_report *report)
{
  int area = catalogue_area(catalogue, report->park);

  if (report->kind == KIND_WITHDRAWAL) return 0;
  if (version->reporter[0] && strcmp(version->reporter, report->park) == 0) return 3;
  return area != CATALOGUE_NONE && unit_version_within(version, catalogue, area) ? 2 : 1;
}

const struct stored_report *choice_of(const struct catalogue *catalogue, const struct unit_version *version,
                                      const struct stored_report *const *reports, size_t count)
{
  const struct stored_report *chosen = NULL;
  int best = 0;

  if (count == 1) return version && reports[0]->kind != KIND_WITHDRAWAL ? reports[0] : NULL;
  for (size_t n = 0; version && n < count; n++) {
    int mine = standing(catalogue, version, reports[n]);

    if (mine < best || mine == 0 || (mine == best && reports[n]->first > chosen->first)) continue;
    chosen = reports[n];
    best = mine;
  }
  return chosen;
}
