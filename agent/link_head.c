/* The ledger's head: nothing is submitted to an aggregator that cannot show that its ledger continues all it
 * has signed before. */
#include "agent/link_private.h"

#include "common/error.h"
#include "common/merkle.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

void link_ask_for_head(struct link *link)
{
  uint64_t sizes[LIMIT_HEADS_ASKED];
  struct frame frame = {.kind = FRAME_HEAD_REQUEST};

  if (!link->head.due) return;
  link->asked_count = outbox_open_heads(link->outbox, link->asked, LIMIT_HEADS_ASKED);
  for (size_t n = 0; n < link->asked_count; n++) sizes[n] = link->asked[n].size;
  frame.head_request.from = sizes;
  frame.head_request.count = link->asked_count;
  link_send_request(link, &link->head, &frame);
}

/* Kept as evidence: two seals of the aggregator that cannot both be true. */
void link_refuse_ledger(struct link *link, struct bytes_view sealed, const struct outbox_head *against)
{
  GError *error = NULL;

  if (!outbox_keep_fork(link->outbox, sealed, against, clock_wall().ms, &error)) {
    link_fail(link, error);
    return;
  }
  link_reopen(link);
  link_fail(link,
            g_error_new(PARKTALLY_ERROR, ERROR_DATA,
                        _("the city's ledger does not contain what the city has signed before: the first "
                          "%" PRIu64 " entries are missing or were changed; either another server answers in "
                          "its place, or its data was set back. Nothing is sent; what was made stays in the "
                          "outbox. Tell the city [%s]"),
                        against->size, finding_id(FINDING_LEDGER_FORKED)));
}

static const struct consistency_item *find_item(const struct frame *frame, uint64_t from)
{
  for (size_t n = 0; n < frame->head.count; n++)
    if (frame->head.items[n].from == from) return &frame->head.items[n];
  return NULL;
}

static bool continues(const struct outbox_head *before, const struct signed_head *head,
                      const struct frame *frame)
{
  const struct consistency_item *item = find_item(frame, before->size);

  return item && merkle_is_consistent(before->size, before->root, head->size, head->root.data,
                                      item->path.hash, item->path.count);
}

/* --- restores --- */

/* Those that the answer tells of, opened. */
struct restores {
  struct epoch *epochs[LIMIT_EPOCHS_TOLD];
  const struct bytes_view *sealed[LIMIT_EPOCHS_TOLD];
  size_t count;
  uint64_t before; /* the last one that was signed with keys from before those that we were invited with */
};

static void restores_clear(struct restores *restores)
{
  for (size_t n = 0; n < restores->count; n++) epoch_free(restores->epochs[n]);
}

/* Of keys that we never knew, all that they signed is from before we came: nothing of ours is lost by it. */
static bool pass_over(struct restores *restores, struct bytes_view sealed)
{
  CLEANUP(epoch_free) struct epoch *epoch = NULL;
  const uint8_t *payload;
  size_t length;

  if (restores->count == 0 && seal_peek(sealed.data, sealed.length, SEAL_EPOCH, &payload, &length))
    epoch = epoch_decode(payload, length);
  if (epoch) restores->before = epoch->number;
  return epoch != NULL;
}

static bool open_restore(struct link *link, const struct bytes_view *sealed, struct restores *restores)
{
  struct bytes_view payload;
  enum seal_status status = home_open_sealed(link->home, *sealed, SEAL_EPOCH, &payload, NULL);
  struct epoch *epoch = status == SEAL_OK ? epoch_decode(payload.data, payload.length) : NULL;

  if (status == SEAL_OTHER_KEY) return pass_over(restores, *sealed);
  if (!epoch) return false;
  restores->sealed[restores->count] = sealed;
  restores->epochs[restores->count++] = epoch;
  return restores->count < 2 || epoch->number == restores->epochs[restores->count - 2]->number + 1;
}

static bool open_restores(struct link *link, const struct frame *frame, struct restores *restores)
{
  for (size_t n = 0; n < frame->head.epoch_count; n++)
    if (!open_restore(link, &frame->head.epochs[n], restores)) return false;
  return true;
}

/* The head that an epoch begins with. */
static struct outbox_head begins_with(const struct epoch *epoch)
{
  struct outbox_head head = {.epoch = epoch->number - 1, .size = epoch->size};

  memcpy(head.root, epoch->root.data, sizeof head.root);
  return head;
}

/* What is told of restores must be what was told before, lead up to the head, and be where its ledger goes
 * on. False and what it contradicts, if not. */
static bool restores_fit(struct link *link, const struct restores *restores, const struct signed_head *head,
                         const struct frame *frame, struct outbox_head *ret_against)
{
  uint64_t last = restores->count > 0 ? restores->epochs[restores->count - 1]->number : restores->before;
  uint64_t known = outbox_last_epoch(link->outbox);

  for (size_t n = 0; n < restores->count; n++) {
    struct outbox_head begins = begins_with(restores->epochs[n]);

    *ret_against = begins;
    if (!continues(&begins, head, frame)) return false;
    if (outbox_epoch(link->outbox, restores->epochs[n]->number, ret_against) &&
        (ret_against->size != begins.size || memcmp(ret_against->root, begins.root, sizeof begins.root) != 0))
      return false;
  }
  *ret_against = (struct outbox_head){.epoch = head->epoch, .size = head->size};
  if (head->epoch != last) return false;
  (void)outbox_epoch(link->outbox, known, ret_against);
  return head->epoch >= known;
}

/* A head of an epoch before is lost if a restore went back behind it. */
static bool is_lost(const struct outbox_head *before, const struct restores *restores)
{
  for (size_t n = 0; n < restores->count; n++)
    if (restores->epochs[n]->number > before->epoch && before->size > restores->epochs[n]->size) return true;
  return false;
}

static bool keep_restores(struct link *link, const struct restores *restores, GError **error)
{
  uint64_t last = outbox_last_epoch(link->outbox);

  for (size_t n = 0; n < restores->count; n++) {
    const struct epoch *epoch = restores->epochs[n];

    if (epoch->number <= last) continue;
    if (!outbox_begin_epoch(link->outbox, epoch, *restores->sealed[n], error)) return false;
    link_forget_flights(link); /* there may be more to be sent, of before */
    link_report(link, finding_id(FINDING_LEDGER_RESTORED),
                _("the city's server was restored from a backup; what it no longer has is sent again"));
  }
  return true;
}

/* --- the answer --- */

/* What was not asked about would be taken on trust. */
static void keep(struct link *link, const struct signed_head *head, const struct restores *restores,
                 const struct frame *frame)
{
  struct outbox_continuation continued[LIMIT_HEADS_ASKED];
  size_t count = 0;
  GError *error = NULL;

  for (size_t n = 0; n < link->asked_count; n++)
    if (!is_lost(&link->asked[n], restores))
      continued[count++] =
          (struct outbox_continuation){link->asked[n], find_item(frame, link->asked[n].size)->path};
  link->trusted = true;
  link->untied |= link->asked_count == LIMIT_HEADS_ASKED; /* there may be more */
  if (!keep_restores(link, restores, &error) ||
      !outbox_head(link->outbox, head, frame->head.sealed, continued, count, clock_wall().ms, &error))
    link_fail(link, error);
}

static void weigh(struct link *link, const struct signed_head *head, const struct restores *restores,
                  const struct frame *frame)
{
  struct outbox_head against;

  if (!restores_fit(link, restores, head, frame, &against)) {
    link_refuse_ledger(link, frame->head.sealed, &against);
    return;
  }
  for (size_t n = 0; n < link->asked_count; n++)
    if (!is_lost(&link->asked[n], restores) && !continues(&link->asked[n], head, frame)) {
      link_refuse_ledger(link, frame->head.sealed, &link->asked[n]);
      return;
    }
  keep(link, head, restores, frame);
}

void link_take_head(struct link *link, const struct frame *frame)
{
  struct bytes_view sealed = frame->head.sealed;
  CLEANUP(signed_head_free) struct signed_head *head = NULL;
  struct restores restores = {.count = 0};

  if (!link->head.awaited) return;
  link->head = (struct request){0};
  head = home_open_head(link->home, sealed);
  if (!head || !open_restores(link, frame, &restores)) {
    link_report(
        link, finding_id(FINDING_SEAL_FORGED),
        _("the ledger's head was not signed by the aggregator; nothing is sent over this connection"));
    link_reopen(link);
  } else {
    weigh(link, head, &restores, frame);
  }
  restores_clear(&restores);
}
