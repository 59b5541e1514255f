/* Restores of the city's server from backups: what it signs of them explains why heads and receipts of before
 * are worth nothing any more. */
#include "agent/link_private.h"

#include "common/text.h"

#include <string.h>

struct known_restore {
  uint64_t number, before, size;
  uint8_t root[MERKLE_HASH_SIZE];
  bool left;
};

/* --- what is told, and what is known --- */

void restores_clear(struct restores *restores)
{
  for (size_t n = 0; n < restores->count; n++) epoch_free(restores->epochs[n]);
  g_array_unref(restores->known);
}

static void note_known(const struct outbox_restore *restore, void *data)
{
  struct known_restore known = {restore->number, restore->before, restore->size, {0}, restore->left};

  if (restore->root.length != sizeof known.root) return; /* the disk; it is told again */
  memcpy(known.root, restore->root.data, sizeof known.root);
  g_array_append_val((GArray *)data, known);
}

static const struct known_restore *find_known(const struct restores *restores, uint64_t number)
{
  for (guint n = 0; n < restores->known->len; n++) {
    const struct known_restore *known = &g_array_index(restores->known, struct known_restore, n);

    if (known->number == number) return known;
  }
  return NULL;
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

static bool open_restore(const struct link *link, const struct bytes_view *sealed, struct restores *restores)
{
  struct bytes_view payload;
  enum seal_status status = home_open_sealed(link->home, *sealed, SEAL_EPOCH, &payload, NULL);
  struct epoch *epoch = status == SEAL_OK ? epoch_decode(payload.data, payload.length) : NULL;

  if (status == SEAL_OTHER_KEY) return pass_over(restores, *sealed);
  if (!epoch) return false;
  restores->sealed[restores->count] = sealed;
  restores->epochs[restores->count++] = epoch;
  return restores->count < 2 || epoch->before == restores->epochs[restores->count - 2]->number;
}

/* The one that the first of those opened goes on from. */
static uint64_t first_before(const struct restores *restores)
{
  return restores->count > 0 ? restores->epochs[0]->before : restores->before;
}

bool restores_open(const struct link *link, const struct frame *frame, struct restores *ret_restores,
                   GError **error)
{
  bool all = frame->head.epoch_count < LIMIT_EPOCHS_TOLD;

  *ret_restores = (struct restores){.known = g_array_new(FALSE, FALSE, sizeof(struct known_restore))};
  for (size_t n = 0; n < frame->head.epoch_count; n++)
    if (!open_restore(link, &frame->head.epochs[n], ret_restores)) return false;
  if ((all || ret_restores->before > 0) && first_before(ret_restores) != ret_restores->before) return false;
  return outbox_each_epoch(link->outbox, note_known, ret_restores->known, error);
}

/* --- what follows --- */

static uint64_t last_of(const struct restores *restores)
{
  return restores->count > 0 ? restores->epochs[restores->count - 1]->number : restores->before;
}

/* Whether the ledger goes on from that epoch. If not, `*ret_from` is the first that is known to be one of
 * those that it goes on from, 0 if all are known. */
static bool goes_on_from(const struct restores *restores, uint64_t number, uint64_t *ret_from)
{
  const struct known_restore *known;

  for (size_t n = 0; n < restores->count; n++)
    if (restores->epochs[n]->number == number) return true;
  for (*ret_from = first_before(restores); *ret_from != 0; *ret_from = known->before) {
    if (*ret_from == number) return true;
    known = find_known(restores, *ret_from);
    if (!known) break;
  }
  return number == 0;
}

static bool is_left(const struct restores *restores, uint64_t number)
{
  const struct known_restore *known = find_known(restores, number);
  uint64_t from;

  if (number > last_of(restores) || goes_on_from(restores, number, &from)) return false;
  return number > from || (known && known->left);
}

bool restores_lose(const struct restores *restores, const struct outbox_head *head)
{
  if (is_left(restores, head->epoch)) return true;
  for (size_t n = 0; n < restores->count; n++)
    if (restores->epochs[n]->number > head->epoch && head->size > restores->epochs[n]->size) return true;
  return false;
}

bool restores_fit(const struct restores *restores, const struct signed_head *head, const struct frame *frame,
                  struct outbox_head *ret_against)
{
  for (size_t n = 0; n < restores->count; n++) {
    const struct epoch *epoch = restores->epochs[n];
    const struct known_restore *known = find_known(restores, epoch->number);

    *ret_against = (struct outbox_head){.epoch = epoch->before, .size = epoch->size};
    memcpy(ret_against->root, epoch->root.data, sizeof ret_against->root);
    if (!link_head_continues(head, frame, ret_against)) return false;
    if (known &&
        (known->size != epoch->size || memcmp(known->root, ret_against->root, sizeof ret_against->root) != 0))
      return false;
  }
  *ret_against = (struct outbox_head){.epoch = head->epoch, .size = head->size};
  if (head->epoch != last_of(restores)) return false;
  if (restores->known->len == 0) return true;
  const struct known_restore *newest =
      &g_array_index(restores->known, struct known_restore, restores->known->len - 1);
  ret_against->size = newest->size;
  memcpy(ret_against->root, newest->root, sizeof ret_against->root);
  return head->epoch >= newest->number;
}

bool restores_keep(struct link *link, const struct restores *restores, GError **error)
{
  bool changed = false;
  uint64_t from;

  for (guint n = 0; n < restores->known->len; n++) {
    const struct known_restore *known = &g_array_index(restores->known, struct known_restore, n);
    bool left = is_left(restores, known->number);

    if (left == known->left) continue;
    outbox_leave_epoch(link->outbox, known->number, left);
    changed = true;
  }
  for (size_t n = 0; n < restores->count; n++) {
    if (find_known(restores, restores->epochs[n]->number)) continue;
    outbox_add_epoch(link->outbox, restores->epochs[n], *restores->sealed[n]);
    changed = true;
  }
  if (!changed) return true;
  (void)goes_on_from(restores, UINT64_MAX, &from);
  link_forget_flights(link); /* there may be more to be sent, of before */
  link->untied = true;       /* and heads that are not lost any more */
  link_report(link, finding_id(FINDING_LEDGER_RESTORED),
              _("the city's server was restored from a backup; what it no longer has is sent again"));
  return outbox_restored(link->outbox, from, error);
}
