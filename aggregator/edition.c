#include "aggregator/edition.h"

#include "aggregator/periods.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

/* --- vintages --- */

static bool is_settled(struct store *store, const char *form, struct period period)
{
  g_autoptr(GArray) editions = store_editions(store, form);
  for (unsigned n = 0; n < editions->len; n++) {
    const struct stored_edition *edition = &g_array_index(editions, struct stored_edition, n);
    if (period_key(edition->period) == period_key(period) && edition->vintage != EDITION_PROVISIONAL)
      return true;
  }
  return false;
}

bool edition_next_vintage(struct store *store, const struct snapshot *snapshot, const char *form,
                          struct period period, enum edition_vintage *ret_vintage, GError **error)
{
  bool closed = periods_closed_for_all(snapshot->period_acts, snapshot->catalogue, form, period);
  bool settled = is_settled(store, form, period);
  char text[PERIOD_TEXT_SIZE];
  if (settled && !closed) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("%s of form %s was published as final and takes reports again; close it first (“period "
                  "close”), then publish the revision"),
                period_format(period, text), form);
    return false;
  }
  *ret_vintage = settled ? EDITION_REVISED : closed ? EDITION_FINAL : EDITION_PROVISIONAL;
  return true;
}

/* --- the leaf --- */

struct edition *edition_of_leaf(const struct leaf *leaf, GError **error)
{
  const uint8_t *payload = NULL;
  size_t length = 0;
  if (leaf->kind == LEAF_EDITION &&
      seal_peek(leaf->edition.sealed.data, leaf->edition.sealed.length, SEAL_EDITION, &payload, &length))
    return edition_read((const char *)payload, length, error);
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_DATA,
                      _("the ledger is damaged: what should be an edition is none"));
  return NULL;
}

static bool fits(struct store *store, const struct snapshot *snapshot, const struct edition *edition,
                 struct period period, uint64_t position, GError **error)
{
  enum edition_vintage vintage;
  if (!edition_next_vintage(store, snapshot, edition->form, period, &vintage, error)) return false;
  if (edition->number == store_last_edition(store) + 1 && edition->leaves <= position &&
      edition->vintage == vintage)
    return true;
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_TEMPORARY,
                      _("the period was opened or closed, or another edition was published, meanwhile; "
                        "publish again"));
  return false;
}

bool edition_apply(struct store *store, const struct snapshot *snapshot, const struct leaf *leaf,
                   uint64_t position, GError **error)
{
  CLEANUP(edition_free) struct edition *edition = edition_of_leaf(leaf, error);
  struct period period;
  if (!edition || !period_parse(edition->period, &period) ||
      !fits(store, snapshot, edition, period, position, error))
    return false;
  uint64_t published = edition_published(edition);
  store_edition_add(store, &(struct stored_edition){.number = edition->number,
                                                    .form = edition->form,
                                                    .period = period,
                                                    .vintage = (char)edition->vintage,
                                                    .leaves = edition->leaves,
                                                    .position = position,
                                                    .recorded_ms = leaf->recorded_at_ms,
                                                    .by = (char *)leaf->by,
                                                    .reason = (char *)leaf->reason,
                                                    .published = published,
                                                    .withheld = edition->cells->len - published});
  return true;
}

struct edition *edition_load(struct store *store, uint64_t number, GError **error)
{
  g_autoptr(GArray) found = store_edition(store, number);
  if (store_tell_error(store, error)) return NULL;
  if (found->len == 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("there is no edition %" PRIu64 ": “park-aggregator editions” lists them"), number);
    return NULL;
  }
  g_autoptr(GBytes) body = store_leaf(store, g_array_index(found, struct stored_edition, 0).position);
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;
  if (leaf) return edition_of_leaf(leaf, error);
  if (store_tell_error(store, error)) return NULL;
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA, _("the leaf of edition %" PRIu64 " cannot be read"),
              number);
  return NULL;
}

/* --- comparing --- */

GPtrArray *edition_lines(struct store *store)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GArray) editions = store_editions(store, NULL);
  for (unsigned n = 0; n < editions->len; n++) {
    const struct stored_edition *edition = &g_array_index(editions, struct stored_edition, n);
    char period[PERIOD_TEXT_SIZE];
    g_ptr_array_add(
        lines, g_strdup_printf("%" PRIu64 " %s %s %c %" PRIu64 " @%" PRIu64 " %" PRId64 " %s “%s” %" PRIu64
                               " %" PRIu64,
                               edition->number, edition->form, period_format(edition->period, period),
                               edition->vintage, edition->leaves, edition->position, edition->recorded_ms,
                               edition->by, edition->reason, edition->published, edition->withheld));
  }
  return lines;
}
