/* The reading half. The head is unpacked by protobuf-c. The reports, of which there are thousands, are read
 * by hand: what they take is known before it is taken, and their figures leave the varints once. */
#include "common/submission.h"

#include "common/codec_private.h"
#include "common/limits.h"
#include "common/period.h"
#include "common/text.h"
#include "common/varint.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MOST (LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE)
#define SET_WORDS (LIMIT_FORM_COLUMNS / 64)

/* Bytes of a head with the longest texts and the most columns, and some to spare: a field may be said again,
 * but not without end, for each time costs up to forty times its bytes. */
#define GATHERED_MOST (16 * LIMIT_NAME_BYTES + LIMIT_FORM_COLUMNS * (2 + CODEC_COLUMN_BYTES))

enum {
  HEAD_FIELD_LAST = 12, /* of Submission; an unknown one is passed over */
  REPORT = 13,
};

enum { UNIT = 1, KIND, BASE, PRESENT, WITHDRAWN, VALUE, REPORT_FIELDS }; /* of Report */

struct row { /* a report; what it points to lies behind the rows */
  const char *unit;
  const uint8_t *base; /* NULL: the first */
  const uint8_t *present, *withdrawn;
  const int64_t *value;
  const uint8_t *packed; /* the same values in the payload */
  uint16_t packed_size;
  uint8_t present_size, withdrawn_size;
  uint16_t value_count;
  uint8_t kind;
};

struct submission {
  const Parktally__Submission *message; /* its head; without reports */
  struct submission_head head;
  struct period period;
  const struct row *rows;
  size_t row_count;
  bool bound, in_order;                /* in order: indicator n is column n of the form */
  struct column_set asked;             /* once bound: the columns of its form that it has … */
  uint16_t column[LIMIT_FORM_COLUMNS]; /* … and which of them each indicator is */
};

/* --- the wire --- */

struct field {
  uint64_t number, type;
  uint64_t value;          /* of a varint */
  struct bytes_view bytes; /* of what has a length */
};

/* Any length that fits, as other encoders may write tags and lengths. */
static inline bool read_varint(struct bytes_view *rest, uint64_t *ret_value)
{
  uint64_t value = 0;
  if (rest->length > 0 && rest->data[0] < 0x80) { /* nearly all */
    *ret_value = *rest->data++;
    rest->length--;
    return true;
  }
  for (unsigned shift = 0; shift < VARINT_MOST * 7 && rest->length > 0; shift += 7) {
    uint8_t byte = *rest->data++;
    rest->length--;
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte & 0x80) continue;
    *ret_value = value;
    return true;
  }
  return false;
}

static inline bool skip(struct bytes_view *rest, uint64_t length)
{
  if (length > rest->length) return false;
  rest->data += length;
  rest->length -= length;
  return true;
}

/* False if it is malformed. */
static inline bool read_field(struct bytes_view *rest, struct field *ret_field)
{
  uint64_t tag, length;
  if (!read_varint(rest, &tag)) return false;
  *ret_field = (struct field){.number = tag >> 3, .type = tag & 7};
  switch (ret_field->type) {
  case PROTOBUF_C_WIRE_TYPE_VARINT:
    return read_varint(rest, &ret_field->value);
  case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
    if (!read_varint(rest, &length)) return false;
    ret_field->bytes = (struct bytes_view){rest->data, length};
    return skip(rest, length);
  case PROTOBUF_C_WIRE_TYPE_64BIT:
    return skip(rest, 8);
  case PROTOBUF_C_WIRE_TYPE_32BIT:
    return skip(rest, 4);
  default:
    return false;
  }
}

/* The fields of a Report by number; nothing where one is missing. False if it is malformed or one stands
 * twice. */
struct wire_report {
  struct bytes_view field[REPORT_FIELDS];
  uint64_t kind;
};

static bool read_report(struct bytes_view message, struct wire_report *ret_report)
{
  unsigned seen = 0;
  *ret_report = (struct wire_report){0};
  while (message.length > 0) {
    struct field field;
    if (!read_field(&message, &field)) return false;
    if (field.number == 0) return false;
    if (field.number >= REPORT_FIELDS) continue;
    uint64_t type = field.number == KIND ? PROTOBUF_C_WIRE_TYPE_VARINT : PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    if (field.type != type || (seen >> field.number & 1) != 0) return false;
    seen |= 1u << field.number;
    if (field.number == KIND)
      ret_report->kind = field.value;
    else
      ret_report->field[field.number] = field.bytes;
  }
  return true;
}

/* --- sets of columns --- */

/* Bits as words. */
static struct column_set unpack_set(const uint8_t *bytes, size_t length)
{
  struct column_set set = {0};
  if (length == 0) return set;
  memcpy(set.word, bytes, length);
  for (unsigned w = 0; w < SET_WORDS; w++) set.word[w] = le64toh(set.word[w]);
  return set;
}

/* Whether no bit stands beyond `count`. */
static bool set_fits(struct bytes_view bytes, size_t count)
{
  size_t most = (count + 7) / 8;
  if (bytes.length == 0) return true;
  if (bytes.length > most) return false;
  return count % 8 == 0 || bytes.length < most || bytes.data[bytes.length - 1] >> count % 8 == 0;
}

static size_t count_bits(struct bytes_view bytes)
{
  struct column_set set = unpack_set(bytes.data, bytes.length);
  size_t count = 0;
  for (size_t w = 0; w * 8 < bytes.length; w++) count += (size_t)__builtin_popcountll(set.word[w]);
  return count;
}

/* --- reports --- */

/* What all reports take. */
struct room {
  size_t rows, values, bytes;
};

static bool measure_report(struct bytes_view message, size_t columns, struct room *room)
{
  struct wire_report report;
  if (++room->rows > LIMIT_REPORTS || !read_report(message, &report)) return false;
  if (!set_fits(report.field[PRESENT], columns) || !set_fits(report.field[WITHDRAWN], columns)) return false;
  room->values += count_bits(report.field[PRESENT]);
  room->bytes += report.field[UNIT].length + 1 + report.field[BASE].length + report.field[PRESENT].length +
                 report.field[WITHDRAWN].length;
  return true;
}

/* Where the next report's parts go. */
struct place {
  struct row *row;
  int64_t *value;
  uint8_t *bytes;
};

static const uint8_t *put_bytes(struct place *place, struct bytes_view bytes)
{
  uint8_t *at = place->bytes;
  if (bytes.length > 0) memcpy(at, bytes.data, bytes.length);
  place->bytes += bytes.length;
  return at;
}

static bool put_unit(struct place *place, struct bytes_view unit)
{
  if (unit.length == 0 || unit.length > LIMIT_CODE_BYTES) return false;
  if (!text_is_clean((const char *)unit.data, unit.length)) return false;
  place->row->unit = (const char *)put_bytes(place, unit);
  *place->bytes++ = '\0';
  return true;
}

/* Exactly one for each column present. */
static bool put_values(struct place *place, struct bytes_view packed)
{
  place->row->value = place->value;
  place->row->packed = packed.data;
  place->row->packed_size = (uint16_t)packed.length;           /* at most 256 × 10, as the end is met */
  if (packed.length == 0) return place->row->value_count == 0; /* no data at all where the field is missing */
  const uint8_t *at = packed.data, *end = packed.data + packed.length;
  for (unsigned n = 0; n < place->row->value_count; n++) {
    uint64_t coded;
    if (!varint_get(&at, end, &coded)) return false;
    *place->value++ = unzigzag(coded);
  }
  return at == end;
}

/* A nil report with figures is one report's mistake, named by the rules; here it would refuse the others with
 * it. */
static bool put_report(struct place *place, struct bytes_view message)
{
  struct wire_report report;
  struct row *row = place->row;
  if (!read_report(message, &report)) return false;
  struct bytes_view base = report.field[BASE], present = report.field[PRESENT],
                    withdrawn = report.field[WITHDRAWN];
  if ((base.length > 0 && base.length != SUBMISSION_ID_SIZE) || report.kind > KIND_WITHDRAWAL) return false;
  for (size_t i = 0; i < MIN(present.length, withdrawn.length); i++)
    if ((present.data[i] & withdrawn.data[i]) != 0) return false;

  row->kind = (uint8_t)report.kind;
  row->present_size = (uint8_t)present.length;
  row->withdrawn_size = (uint8_t)withdrawn.length;
  row->value_count = (uint16_t)count_bits(present);
  row->base = base.length > 0 ? put_bytes(place, base) : NULL;
  row->present = put_bytes(place, present);
  row->withdrawn = put_bytes(place, withdrawn);
  return put_unit(place, report.field[UNIT]) && put_values(place, report.field[VALUE]);
}

/* A payload that was walked through before. */
static bool next_report(struct bytes_view *payload, struct bytes_view *ret_message)
{
  struct field field;
  while (payload->length > 0 && read_field(payload, &field)) {
    if (field.number != REPORT) continue;
    *ret_message = field.bytes;
    return true;
  }
  return false;
}

/* In the submission's arena. */
static bool take_reports(struct submission *submission, struct bytes_view payload)
{
  struct room room = {0};
  struct bytes_view rest = payload, message;
  while (next_report(&rest, &message))
    if (!measure_report(message, submission->message->n_indicator, &room)) return false;
  if (room.rows == 0) return false;

  size_t rows_size = room.rows * sizeof(struct row), values_size = room.values * sizeof(int64_t);
  uint8_t *memory = arena_take(submission, rows_size + values_size + room.bytes);
  if (memory == NULL) return false;
  struct row *rows = (struct row *)(void *)memory;
  struct place place = {rows, (int64_t *)(void *)(memory + rows_size), memory + rows_size + values_size};
  for (rest = payload; next_report(&rest, &message); place.row++) {
    if (!put_report(&place, message)) return false;
    if (place.row > rows && strcmp(place.row[-1].unit, place.row->unit) >= 0) return false;
  }
  submission->rows = rows;
  submission->row_count = room.rows;
  return true;
}

/* --- the head --- */

static int compare_texts(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool indicators_are_sound(const Parktally__Submission *message)
{
  size_t count = message->n_indicator;
  if (count > LIMIT_FORM_COLUMNS || !codec_texts_fit(message->indicator, count, 1, CODEC_COLUMN_BYTES))
    return false;
  if (count < 2) return true;
  const char *sorted[LIMIT_FORM_COLUMNS];
  memcpy(sorted, message->indicator, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, compare_texts);
  for (size_t i = 1; i < count; i++)
    if (strcmp(sorted[i - 1], sorted[i]) == 0) return false;
  return true;
}

static bool head_is_sound(const Parktally__Submission *message)
{
  return codec_text_fits(message->agent, 1, LIMIT_CODE_BYTES) && message->sequence > 0 &&
         codec_is_hash(message->catalogue_hash) && codec_text_fits(message->form, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->period, 1, PERIOD_TEXT_SIZE) &&
         codec_text_fits(message->approved_by, 1, LIMIT_NAME_BYTES) &&
         codec_text_fits(message->responsible, 0, LIMIT_NAME_BYTES) &&
         codec_text_fits(message->filler, 0, LIMIT_NAME_BYTES) &&
         codec_text_fits(message->telephone, 0, LIMIT_NAME_BYTES) && indicators_are_sound(message);
}

static bool parse_canonical_period(const char *text, struct period *ret_period)
{
  char canonical[PERIOD_TEXT_SIZE];
  return period_parse(text, ret_period) && strcmp(period_format(*ret_period, canonical), text) == 0;
}

/* The payload without its reports and what is unknown. False if a field is malformed. */
static bool gather_head(struct bytes_view payload, uint8_t ret_bytes[static GATHERED_MOST],
                        size_t *ret_length)
{
  size_t length = 0;
  while (payload.length > 0) {
    const uint8_t *start = payload.data;
    struct field field;
    if (!read_field(&payload, &field) || field.number == 0) return false;
    if (field.number == REPORT && field.type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) return false;
    if (field.number > HEAD_FIELD_LAST) continue;
    size_t size = (size_t)(payload.data - start);
    if (size > GATHERED_MOST - length) return false;
    memcpy(ret_bytes + length, start, size);
    length += size;
  }
  *ret_length = length;
  return true;
}

static bool take_head(struct submission *submission, struct bytes_view payload)
{
  uint8_t bytes[GATHERED_MOST];
  size_t length;
  if (!gather_head(payload, bytes, &length)) return false;
  const Parktally__Submission *message =
      arena_unpack(submission, &parktally__submission__descriptor, bytes, length);
  if (message == NULL || !head_is_sound(message) ||
      !parse_canonical_period(message->period, &submission->period))
    return false;

  submission->message = message;
  submission->head = (struct submission_head){
      .agent = message->agent,
      .sequence = message->sequence,
      .form = message->form,
      .period = message->period,
      .approved_by = message->approved_by,
      .approved_at_ms = message->approved_at_ms,
      .responsible = message->responsible,
      .filler = message->filler,
      .telephone = message->telephone,
      .created_at_ms = message->created_at_ms,
  };
  memcpy(submission->head.catalogue_hash, message->catalogue_hash.data, CATALOGUE_HASH_SIZE);
  return true;
}

/* --- the submission --- */

struct submission *submission_decode(const uint8_t *payload, size_t length)
{
  if (length > PAYLOAD_MOST) return NULL;
  CLEANUP(submission_free)
  struct submission *submission = arena_record(sizeof *submission, LIMIT_SUBMISSION_ARENA, false);
  struct bytes_view bytes = {payload, length};
  if (!take_head(submission, bytes) || !take_reports(submission, bytes)) return NULL;
  return g_steal_pointer(&submission);
}

void submission_free(struct submission *submission)
{
  arena_record_free(submission);
}

size_t submission_memory(const struct submission *submission)
{
  return arena_memory(submission);
}

const struct submission_head *submission_head(const struct submission *submission)
{
  return &submission->head;
}

struct period submission_period(const struct submission *submission)
{
  return submission->period;
}

size_t submission_size(const struct submission *submission)
{
  return submission->row_count;
}

/* Looks from `from` on, around: who writes in the form's order finds each at once. */
static size_t find_column(const struct form *form, const char *code, size_t from)
{
  for (size_t n = 0; n < form->column_count; n++) {
    size_t column = (from + n) % form->column_count;
    if (strcmp(form->columns[column].code, code) == 0) return column;
  }
  return form->column_count;
}

int submission_bind(struct submission *submission, const struct catalogue *catalogue, int form)
{
  const struct form *columns = &catalogue->forms[form];
  size_t next = 0;
  submission->bound = false;
  submission->in_order = true;
  submission->asked = (struct column_set){0};
  for (size_t i = 0; i < submission->message->n_indicator; i++) {
    size_t column = find_column(columns, submission->message->indicator[i], next);
    if (column == columns->column_count) return (int)i;
    submission->column[i] = (uint16_t)column;
    submission->in_order = submission->in_order && column == i;
    column_set_add(&submission->asked, (unsigned)column);
    next = column + 1;
  }
  submission->bound = true;
  return CATALOGUE_NONE;
}

const char *submission_indicator(const struct submission *submission, size_t n)
{
  return submission->message->indicator[n];
}

const char *submission_unit(const struct submission *submission, size_t n)
{
  return submission->rows[n].unit;
}

static struct column_set map_set(const struct submission *submission, const struct column_set *set)
{
  struct column_set mapped = {0};
  if (submission->in_order) return *set;
  EACH_COLUMN(n, set) column_set_add(&mapped, submission->column[n]);
  return mapped;
}

static void map_values(const struct submission *submission, const struct row *row,
                       const struct column_set *present, struct figures *figures)
{
  const int64_t *value = row->value;
  if (submission->in_order && column_set_next(present, row->value_count) == LIMIT_FORM_COLUMNS)
    memcpy(figures->value, value, row->value_count * sizeof *value); /* the first ones, without a gap */
  else
    EACH_COLUMN(n, present) figures->value[submission->column[n]] = *value++;
}

void submission_report(const struct submission *submission, size_t n, struct submission_report *ret_report)
{
  assert(submission->bound);
  const struct row *row = &submission->rows[n];
  struct report_change *change = &ret_report->change;
  struct column_set present = unpack_set(row->present, row->present_size);
  struct column_set withdrawn = unpack_set(row->withdrawn, row->withdrawn_size);
  ret_report->unit = row->unit;
  ret_report->has_base = row->base != NULL;
  if (ret_report->has_base) memcpy(ret_report->base, row->base, SUBMISSION_ID_SIZE);
  change->kind = (enum report_kind)row->kind;
  change->asked = change->kind == KIND_FIGURES ? submission->asked : (struct column_set){0};
  change->withdrawn = map_set(submission, &withdrawn);
  change->figures.present = map_set(submission, &present);
  map_values(submission, row, &present, &change->figures);
  ret_report->packed = submission->in_order ? row->packed : NULL;
  ret_report->packed_length = row->packed_size;
}
