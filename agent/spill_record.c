#include "agent/spill_record.h"

#include <assert.h>
#include <string.h>

void record_pack(const struct entry *entry, uint32_t asked, GByteArray *ret_bytes)
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
  g_byte_array_set_size(ret_bytes, 0);
  g_byte_array_append(ret_bytes, (const uint8_t *)&head, sizeof head);
  g_byte_array_append(ret_bytes, (const uint8_t *)entry->unit, (guint)unit_length + 1);
  if (head.withdraws)
    g_byte_array_append(ret_bytes, (const uint8_t *)&entry->change.withdrawn, sizeof entry->change.withdrawn);
  if (!entry->refused) figures_pack(&entry->change.figures, ret_bytes);
  head.size = ret_bytes->len;
  memcpy(ret_bytes->data, &head, sizeof head);
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
    known = known && figures_unpack(rest, head.size - (size_t)(rest - record), &ret_entry->change.figures);
  assert(known); /* our own file, unlinked, in this process */
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
