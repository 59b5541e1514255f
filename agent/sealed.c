#include "agent/sealed.h"

#include "common/merkle.h"
#include "common/text.h"

#include <string.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define LAST_MS ((int64_t)253402300799999) /* of the year 9999: what a period can be of */

static enum sealed_status status_of(enum seal_status status)
{
  static const enum sealed_status statuses[] = {[SEAL_OK] = SEALED_GOOD,
                                                [SEAL_MALFORMED] = SEALED_DAMAGED,
                                                [SEAL_OTHER_KEY] = SEALED_OTHER_KEY,
                                                [SEAL_FORGED] = SEALED_DAMAGED};
  return statuses[status];
}

static enum sealed_status take_submission(const struct home *home, const uint8_t *payload, size_t length,
                                          struct sealed_own *own)
{
  own->submission = submission_decode(payload, length);
  if (!own->submission) return SEALED_MALFORMED;
  const struct submission_head *head = submission_head(own->submission);
  own->lost.sequence = head->sequence;
  own->lost.form = head->form;
  own->lost.period = submission_period(own->submission);
  own->lost.reports = submission_size(own->submission);
  own->lost.first_unit = submission_unit(own->submission, 0);
  own->lost.last_unit = submission_unit(own->submission, own->lost.reports - 1);
  return strcmp(head->agent, home->certificate->agent) == 0 ? SEALED_GOOD : SEALED_FOREIGN;
}

static enum sealed_status take_act(const struct home *home, const uint8_t *payload, size_t length,
                                   struct sealed_own *own)
{
  own->act = park_act_decode(payload, length);
  if (!own->act) return SEALED_MALFORMED;
  own->lost.sequence = own->act->sequence;
  own->lost.form = "";
  own->lost.period = period_of_day((day_number)(CLAMP(own->act->created_at_ms, 0, LAST_MS) / DAY_MS));
  own->lost.reports = 1;
  own->lost.first_unit = own->lost.last_unit =
      own->act->kind == PARK_APPLIES ? own->act->application.unit : "";
  return strcmp(own->act->agent, home->certificate->agent) == 0 ? SEALED_GOOD : SEALED_FOREIGN;
}

enum sealed_status sealed_open_own(const struct home *home, struct bytes_view sealed,
                                   struct sealed_own *ret_own)
{
  struct sealed_own own = {.lost.sealed = sealed};
  const struct key_link *link;
  const uint8_t *payload;
  size_t length;
  if (sealed.length > LIMIT_SEALED_BYTES) return SEALED_DAMAGED;
  bool is_act = seal_claimed_label(sealed.data, sealed.length) == SEAL_ACT;
  enum sealed_status status =
      status_of(key_chain_open(home->keys, sealed.data, sealed.length, is_act ? SEAL_ACT : SEAL_SUBMISSION,
                               &payload, &length, own.lost.id, &link));
  if (status == SEALED_GOOD)
    status = is_act ? take_act(home, payload, length, &own) : take_submission(home, payload, length, &own);
  if (status == SEALED_GOOD && !key_link_may_seal(link, 0, own.lost.sequence)) status = SEALED_OTHER_KEY;
  if (status == SEALED_GOOD)
    *ret_own = own;
  else
    sealed_own_clear(&own);
  return status;
}

void sealed_own_clear(struct sealed_own *own)
{
  submission_free(own->submission);
  park_act_free(own->act);
  *own = (struct sealed_own){0};
}

enum sealed_status sealed_open_receipt(const struct home *home, struct bytes_view sealed,
                                       struct receipt **ret_receipt)
{
  enum seal_status status;
  if (sealed.length > LIMIT_SEALED_BYTES) return SEALED_DAMAGED;
  CLEANUP(receipt_free) struct receipt *receipt = home_open_receipt(home, sealed, &status);
  if (status != SEAL_OK) return status_of(status);
  if (!receipt) return SEALED_MALFORMED;
  if (strcmp(receipt->agent, home->certificate->agent) != 0) return SEALED_FOREIGN;
  if (!merkle_is_included(receipt->leaf_hash.data, receipt->position, receipt->tree_size,
                          receipt->tree_root.data, receipt->path.hash, receipt->path.count))
    return SEALED_UNPROVEN;
  *ret_receipt = g_steal_pointer(&receipt);
  return SEALED_GOOD;
}

const char *sealed_meaning(enum sealed_status status)
{
  static const char *const meanings[] = {
      [SEALED_GOOD] = "",
      [SEALED_DAMAGED] = N_("its bytes are not those that were signed"),
      [SEALED_OTHER_KEY] = N_("it was signed with another key"),
      [SEALED_MALFORMED] = N_("what was signed cannot be read by this program"),
      [SEALED_FOREIGN] = N_("it is another agent's"),
      [SEALED_UNPROVEN] = N_("it does not prove that the submission is in the ledger"),
  };
  return *meanings[status] ? _(meanings[status]) : "";
}
