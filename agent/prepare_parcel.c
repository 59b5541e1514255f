/* Parcels: reports to be sent become sealed submissions, drafts in the outbox until the whole file is done.
 */
#include "agent/prepare_private.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

/* Rows of a long table may each have other columns: so many combinations are collected side by side, and the
 * oldest is closed for a further one. × 256 KiB of memory. */
#define OPEN_MOST 8

struct parcel {
  struct submission_writer *writer;
  bool has_columns;
  struct column_set asked; /* of its reports of figures */
  char first_unit[LIMIT_CODE_BYTES + 1], last_unit[LIMIT_CODE_BYTES + 1];
};

static void parcel_free(gpointer data)
{
  struct parcel *parcel = data;
  submission_writer_free(parcel->writer);
  g_free(parcel);
}

void parcels_init(struct parcels *parcels)
{
  *parcels = (struct parcels){.form = CATALOGUE_NONE, .open = g_ptr_array_new_with_free_func(parcel_free)};
}

void parcels_clear(struct parcels *parcels)
{
  g_ptr_array_unref(parcels->open);
  if (parcels->batch) outbox_batch_drop(parcels->outbox); /* unless it was committed */
}

static bool begin_batch(struct parcels *parcels, GError **error)
{
  if (parcels->batch) return true;
  if (!outbox_batch_begin(parcels->outbox, parcels->file, clock_wall().ms, &parcels->batch, error))
    return false;
  if (parcels->place) outbox_batch_place(parcels->outbox, parcels->batch, parcels->place);
  return true;
}

static GByteArray *make_payload(const struct parcels *parcels, struct parcel *parcel, uint64_t sequence)
{
  const struct agent_config *config = &parcels->home->config;
  char period[PERIOD_TEXT_SIZE];
  int64_t now = clock_wall().ms;
  struct submission_head head = {.agent = parcels->home->certificate->agent,
                                 .sequence = sequence,
                                 .form = parcels->catalogue->forms[parcels->form].code,
                                 .period = period_format(parcels->period, period),
                                 .approved_by = parcels->approved_by,
                                 .approved_at_ms = now,
                                 .responsible = config->responsible,
                                 .filler = config->filler,
                                 .telephone = config->telephone,
                                 .created_at_ms = now};
  memcpy(head.catalogue_hash, parcels->catalogue->hash, sizeof head.catalogue_hash);
  return submission_writer_finish(parcel->writer, &head);
}

static bool close_parcel(struct parcels *parcels, struct parcel *parcel, GError **error)
{
  if (!begin_batch(parcels, error)) return false;
  size_t reports = submission_writer_count(parcel->writer);
  uint64_t sequence = outbox_sequence(parcels->outbox);
  g_autoptr(GByteArray) payload = make_payload(parcels, parcel, sequence);
  uint8_t id[SUBMISSION_ID_SIZE];
  g_autoptr(GByteArray) sealed =
      identity_seal(parcels->home->identity, SEAL_SUBMISSION, payload->data, payload->len, id);
  if (!outbox_batch_add(parcels->outbox, parcels->batch, sequence, id,
                        parcels->catalogue->forms[parcels->form].code, parcels->period, parcel->first_unit,
                        parcel->last_unit, reports, sealed, error))
    return false;
  parcels->submissions++;
  parcels->reports += reports;
  g_ptr_array_remove(parcels->open, parcel);
  return true;
}

bool parcels_close(struct parcels *parcels, GError **error)
{
  while (parcels->open->len > 0)
    if (!close_parcel(parcels, parcels->open->pdata[0], error)) return false;
  return true;
}

static bool suits(const struct parcel *parcel, const struct report_change *change)
{
  return change->kind != KIND_FIGURES || !parcel->has_columns ||
         memcmp(&parcel->asked, &change->asked, sizeof parcel->asked) == 0;
}

static struct parcel *open_parcel(struct parcels *parcels)
{
  struct parcel *parcel = g_new0(struct parcel, 1);
  parcel->writer = submission_writer_new(parcels->catalogue, parcels->form);
  g_ptr_array_add(parcels->open, parcel);
  return parcel;
}

static bool put(struct parcel *parcel, const char *unit, const struct report_change *change,
                const uint8_t *base)
{
  if (!submission_writer_add(parcel->writer, unit, change, base)) return false;
  if (change->kind == KIND_FIGURES) {
    parcel->has_columns = true;
    parcel->asked = change->asked;
  }
  if (!*parcel->first_unit) g_strlcpy(parcel->first_unit, unit, sizeof parcel->first_unit);
  g_strlcpy(parcel->last_unit, unit, sizeof parcel->last_unit);
  return true;
}

bool parcels_add(struct parcels *parcels, const char *unit, const struct report_change *change,
                 const uint8_t *base, GError **error)
{
  for (guint i = 0; i < parcels->open->len; i++) {
    struct parcel *parcel = parcels->open->pdata[i];
    if (!suits(parcel, change)) continue;
    if (put(parcel, unit, change, base)) return true;
    if (!close_parcel(parcels, parcel, error)) return false; /* it is full */
    break;
  }
  if (parcels->open->len == OPEN_MOST && !close_parcel(parcels, parcels->open->pdata[0], error)) return false;
  if (put(open_parcel(parcels), unit, change, base)) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_INTERNAL, _("the report of unit %s fits no submission"), unit);
  return false;
}
