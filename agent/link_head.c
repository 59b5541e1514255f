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

bool link_head_continues(const struct signed_head *head, const struct frame *frame,
                         const struct outbox_head *before)
{
  const struct consistency_item *item = find_item(frame, before->size);

  return item && merkle_is_consistent(before->size, before->root, head->size, head->root.data,
                                      item->path.hash, item->path.count);
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
    if (!restores_lose(restores, &link->asked[n]))
      continued[count++] =
          (struct outbox_continuation){link->asked[n], find_item(frame, link->asked[n].size)->path};
  link->trusted = true;
  link->untied |= link->asked_count == LIMIT_HEADS_ASKED; /* there may be more */
  if (!restores_keep(link, restores, &error) ||
      !outbox_head(link->outbox, head, frame->head.sealed, continued, count, clock_wall().ms, &error))
    link_fail(link, error);
}

static void weigh(struct link *link, const struct signed_head *head, const struct restores *restores,
                  const struct frame *frame)
{
  struct outbox_head against;

  if (!restores_fit(restores, head, frame, &against)) {
    link_refuse_ledger(link, frame->head.sealed, &against);
    return;
  }
  for (size_t n = 0; n < link->asked_count; n++)
    if (!restores_lose(restores, &link->asked[n]) && !link_head_continues(head, frame, &link->asked[n])) {
      link_refuse_ledger(link, frame->head.sealed, &link->asked[n]);
      return;
    }
  keep(link, head, restores, frame);
}

void link_take_head(struct link *link, const struct frame *frame)
{
  struct bytes_view sealed = frame->head.sealed;
  CLEANUP(signed_head_free) struct signed_head *head = NULL;
  struct restores restores;
  GError *error = NULL;

  if (!link->head.awaited) return;
  link->head = (struct request){0};
  head = home_open_head(link->home, sealed);
  bool opened = restores_open(link, frame, &restores, &error);
  if (error) {
    link_fail(link, error);
  } else if (!opened || !head) {
    link_report(
        link, finding_id(FINDING_SEAL_FORGED),
        _("the ledger's head was not signed by the aggregator; nothing is sent over this connection"));
    link_reopen(link);
  } else {
    weigh(link, head, &restores, frame);
  }
  restores_clear(&restores);
}
