#include "agent/spill_record.h"

#include <assert.h>
#include <string.h>

/* How many columns the set has; *ret_first if they are the first ones, as they mostly are. */
static size_t count_columns(const struct column_set *set, bool *ret_first)
{
  size_t count = 0;
  for (size_t i = 0; i < G_N_ELEMENTS(set->word); i++) count += (size_t)__builtin_popcountll(set->word[i]);
  *ret_first = count == column_set_width(set);
  return count;
}

/* Returns their end. */
static uint8_t *put_figures(uint8_t *at, const struct figures *figures)
{
  const size_t each = sizeof figures->value[0];
  bool first;
  size_t count = count_columns(&figures->present, &first),
         presence = column_set_bytes(&figures->present, at + 1);
  *at = (uint8_t)presence;
  at += 1 + presence;
  if (first)
    memcpy(at, figures->value, count * each);
  else {
    uint8_t *next = at;
    EACH_COLUMN(column, &figures->present) next = mempcpy(next, &figures->value[column], each);
  }
  return at + count * each;
}

/* Returns their end. */
static const uint8_t *take_figures(const uint8_t *at, struct figures *ret_figures)
{
  const size_t each = sizeof ret_figures->value[0];
  size_t presence = *at++;
  column_set_from_bytes(at, presence, &ret_figures->present);
  at += presence;
  bool first;
  size_t count = count_columns(&ret_figures->present, &first);
  if (first)
    memcpy(ret_figures->value, at, count * each);
  else {
    const uint8_t *next = at;
    EACH_COLUMN(column, &ret_figures->present) {
      memcpy(&ret_figures->value[column], next, each);
      next += each;
    }
  }
  return at + count * each;
}

size_t record_pack(const struct entry *entry, uint32_t asked, uint8_t *ret_record)
{
  size_t unit_length = strlen(entry->unit);
  assert(unit_length <= LIMIT_CODE_BYTES);
  struct record_head head = {.period = period_key(entry->period),
                             .row = entry->row,
                             .asked = asked,
                             .kind = (uint8_t)entry->change.kind,
                             .whole = entry->whole,
                             .refused = entry->refused,
                             .withdraws = !column_set_is_empty(&entry->change.withdrawn),
                             .unit_length = (uint16_t)unit_length};
  uint8_t *at = ret_record + sizeof head;
  memcpy(at, entry->unit, unit_length + 1);
  at += unit_length + 1;
  if (head.withdraws) {
    memcpy(at, &entry->change.withdrawn, sizeof entry->change.withdrawn);
    at += sizeof entry->change.withdrawn;
  }
  if (!entry->refused) at = put_figures(at, &entry->change.figures);
  head.size = (uint32_t)(at - ret_record);
  memcpy(ret_record, &head, sizeof head);
  return head.size;
}

void record_unpack(const uint8_t *record, struct entry *ret_entry, uint32_t *ret_asked)
{
  struct record_head head = record_head(record);
  const uint8_t *rest = record + sizeof head + head.unit_length + 1;
  *ret_asked = head.asked;
  bool known = period_from_key(head.period, &ret_entry->period);
  ret_entry->unit = record_unit(record);
  ret_entry->row = head.row;
  ret_entry->whole = head.whole;
  ret_entry->refused = head.refused;
  ret_entry->change.kind = (enum report_kind)head.kind;
  memset(&ret_entry->change.withdrawn, 0, sizeof ret_entry->change.withdrawn);
  if (head.withdraws) {
    memcpy(&ret_entry->change.withdrawn, rest, sizeof ret_entry->change.withdrawn);
    rest += sizeof ret_entry->change.withdrawn;
  }
  if (head.refused)
    figures_clear(&ret_entry->change.figures);
  else
    rest = take_figures(rest, &ret_entry->change.figures);
  assert(known && rest == record + head.size); /* our own file, unlinked, in this process */
  (void)known;
}

int record_compare(const uint8_t *a, const uint8_t *b)
{
  struct record_head first = record_head(a), second = record_head(b);
  if (first.period != second.period) return first.period < second.period ? -1 : 1;
  int order = strcmp(record_unit(a), record_unit(b));
  if (order != 0) return order;
  return first.row == second.row ? 0 : first.row < second.row ? -1 : 1;
}
