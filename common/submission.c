#include "common/submission.h"

#include "common/codec_private.h"
#include "common/limits.h"
#include "common/period.h"
#include "common/varint.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)KIND_FIGURES == (int)PARKTALLY__REPORT_KIND__REPORT_FIGURES &&
                  (int)KIND_NIL == (int)PARKTALLY__REPORT_KIND__REPORT_NIL &&
                  (int)KIND_WITHDRAWAL == (int)PARKTALLY__REPORT_KIND__REPORT_WITHDRAWAL,
              "our kinds are the wire's");
static_assert(SUBMISSION_ID_SIZE == SEAL_HASH_SIZE && CATALOGUE_HASH_SIZE == SEAL_HASH_SIZE,
              "one hash everywhere");

#define PAYLOAD_MOST (LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE)
#define SET_WORDS (LIMIT_FORM_COLUMNS / 64)
#define SET_BYTES (LIMIT_FORM_COLUMNS / 8)

/* --- writing ---
 *
 * The head is packed by protobuf-c. Reports, the last field, are written by hand behind it, as protobuf-c
 * would: so the size of each is known before it is added, and adding one costs no allocation. */

#define TAG(field) (uint8_t)((field) << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
enum {
  TAG_REPORT = TAG(13), /* of Submission; the others are of Report */
  TAG_UNIT = TAG(1),
  TAG_KIND = 2 << 3 | PROTOBUF_C_WIRE_TYPE_VARINT,
  TAG_BASE = TAG(3),
  TAG_PRESENT = TAG(4),
  TAG_WITHDRAWN = TAG(5),
  TAG_VALUE = TAG(6),
};

/* Most bytes of a head: texts with tag and length, numbers with tag and ten bytes. */
#define HEAD_MOST                                                                                            \
  (2 * (2 + LIMIT_CODE_BYTES) + 4 * (3 + LIMIT_NAME_BYTES) + (2 + CATALOGUE_HASH_SIZE) +                     \
   (2 + PERIOD_TEXT_SIZE) + 3 * 11)
#define REPORT_MOST                                                                                          \
  ((1 + 3) + (2 + LIMIT_CODE_BYTES) + 2 + (2 + SUBMISSION_ID_SIZE) + 2 * (2 + SET_BYTES) + (1 + 3) +         \
   LIMIT_FORM_COLUMNS * 10)
static_assert(HEAD_MOST + LIMIT_FORM_COLUMNS * (2 + CODEC_COLUMN_BYTES) + REPORT_MOST <= PAYLOAD_MOST,
              "an empty submission takes any report");

struct submission_writer {
  struct catalogue *catalogue;
  const struct form *form;
  bool has_columns; /* the first report of figures names them */
  struct column_set asked;
  size_t columns_size;
  uint8_t bit[LIMIT_FORM_COLUMNS]; /* of a column among those asked */
  bool asks_first;                 /* the form's first columns, up to one: each has its own number as bit */
  GByteArray *reports;
  size_t count;
  char last_unit[LIMIT_CODE_BYTES + 1];
};

struct submission_writer *submission_writer_new(const struct catalogue *catalogue, int form)
{
  struct submission_writer *writer = g_new0(struct submission_writer, 1);
  writer->catalogue = catalogue_ref((struct catalogue *)catalogue);
  writer->form = &catalogue->forms[form];
  writer->reports = g_byte_array_sized_new(4 * LIMIT_KIB);
  return writer;
}

void submission_writer_free(struct submission_writer *writer)
{
  if (writer == NULL) return;
  catalogue_unref(writer->catalogue);
  g_byte_array_unref(writer->reports);
  g_free(writer);
}

size_t submission_writer_count(const struct submission_writer *writer)
{
  return writer->count;
}

static uint8_t *put_bytes(uint8_t *at, uint8_t tag, const void *bytes, size_t length)
{
  *at++ = tag;
  at = varint_put(at, length);
  memcpy(at, bytes, length);
  return at + length;
}

/* A report as the wire has it: sets of columns become bits among those asked. */
struct wire_report {
  size_t unit_length, present_size, withdrawn_size, values_size;
  size_t size; /* of the whole message, without tag and length */
  uint8_t present[SET_BYTES], withdrawn[SET_BYTES];
  uint8_t values[LIMIT_FORM_COLUMNS * VARINT_MOST];
};

static size_t pack_set(const struct submission_writer *writer, const struct column_set *set,
                       uint8_t ret_bits[static SET_BYTES])
{
  if (writer->asks_first) return column_set_bytes(set, ret_bits);
  struct column_set bits = {0};
  EACH_COLUMN(column, set) column_set_add(&bits, writer->bit[column]);
  return column_set_bytes(&bits, ret_bits);
}

static void plan_report(const struct submission_writer *writer, const char *unit,
                        const struct report_change *change, bool has_base, struct wire_report *ret_plan)
{
  ret_plan->unit_length = strlen(unit);
  ret_plan->present_size = ret_plan->withdrawn_size = ret_plan->values_size = 0;
  ret_plan->size = 2 + ret_plan->unit_length + (change->kind != KIND_FIGURES ? 2 : 0) +
                   (has_base ? 2 + SUBMISSION_ID_SIZE : 0);
  if (change->kind != KIND_FIGURES) return;

  const struct figures *figures = &change->figures;
  uint8_t *at = ret_plan->values;
  EACH_COLUMN(column, &figures->present) at = varint_put(at, zigzag(figures->value[column]));
  ret_plan->values_size = (size_t)(at - ret_plan->values);
  ret_plan->present_size = pack_set(writer, &figures->present, ret_plan->present);
  ret_plan->withdrawn_size = pack_set(writer, &change->withdrawn, ret_plan->withdrawn);
  if (ret_plan->present_size > 0)
    ret_plan->size +=
        2 + ret_plan->present_size + 1 + varint_size(ret_plan->values_size) + ret_plan->values_size;
  if (ret_plan->withdrawn_size > 0) ret_plan->size += 2 + ret_plan->withdrawn_size;
}

static void put_report(GByteArray *reports, const struct wire_report *plan, const char *unit,
                       const struct report_change *change, const uint8_t *base)
{
  size_t start = reports->len, size = 1 + varint_size(plan->size) + plan->size;
  g_byte_array_set_size(reports,
                        (guint)(start + size + VARINT_MOST)); /* a number is put with room behind it */
  uint8_t *at = reports->data + start;
  *at++ = TAG_REPORT;
  at = varint_put(at, plan->size);
  at = put_bytes(at, TAG_UNIT, unit, plan->unit_length);
  if (change->kind != KIND_FIGURES) {
    *at++ = TAG_KIND;
    *at++ = (uint8_t)change->kind;
  }
  if (base != NULL) at = put_bytes(at, TAG_BASE, base, SUBMISSION_ID_SIZE);
  if (plan->present_size > 0) at = put_bytes(at, TAG_PRESENT, plan->present, plan->present_size);
  if (plan->withdrawn_size > 0) at = put_bytes(at, TAG_WITHDRAWN, plan->withdrawn, plan->withdrawn_size);
  if (plan->values_size > 0) at = put_bytes(at, TAG_VALUE, plan->values, plan->values_size);
  assert(at == reports->data + start + size);
  g_byte_array_set_size(reports, (guint)(start + size));
}

/* The columns are those of the first report of figures; a report that asks others belongs in another
 * submission. */
static bool takes_columns(const struct submission_writer *writer, const struct report_change *change)
{
  return change->kind != KIND_FIGURES || !writer->has_columns ||
         memcmp(&writer->asked, &change->asked, sizeof writer->asked) == 0;
}

static void name_columns(struct submission_writer *writer, const struct column_set *asked)
{
  uint8_t bit = 0;
  writer->asked = *asked;
  writer->asks_first = true;
  writer->columns_size = 0;
  EACH_COLUMN(column, asked) {
    writer->columns_size += 2 + strlen(writer->form->columns[column].code);
    writer->asks_first = writer->asks_first && column == bit;
    writer->bit[column] = bit++;
  }
}

/* Asserted alone. */
__attribute__((unused)) static bool sets_agree(const struct report_change *change)
{
  for (unsigned w = 0; w < SET_WORDS; w++) {
    uint64_t present = change->figures.present.word[w], withdrawn = change->withdrawn.word[w];
    if (((present | withdrawn) & ~change->asked.word[w]) != 0 || (present & withdrawn) != 0) return false;
  }
  return true;
}

bool submission_writer_add(struct submission_writer *writer, const char *unit,
                           const struct report_change *change, const uint8_t base[SUBMISSION_ID_SIZE])
{
  assert(*unit != '\0' && strlen(unit) <= LIMIT_CODE_BYTES);
  assert(writer->count == 0 || strcmp(writer->last_unit, unit) < 0);
  assert(change->kind != KIND_FIGURES || sets_agree(change));

  if (writer->count == LIMIT_REPORTS || !takes_columns(writer, change)) return false;
  bool names = change->kind == KIND_FIGURES && !writer->has_columns;
  if (names) name_columns(writer, &change->asked);

  struct wire_report plan;
  plan_report(writer, unit, change, base != NULL, &plan);
  size_t size = HEAD_MOST + (names || writer->has_columns ? writer->columns_size : 0) + writer->reports->len +
                1 + varint_size(plan.size) + plan.size;
  if (size > PAYLOAD_MOST) return false;

  put_report(writer->reports, &plan, unit, change, base);
  writer->has_columns = writer->has_columns || names;
  writer->count++;
  memcpy(writer->last_unit, unit, plan.unit_length + 1);
  return true;
}

static void writer_clear(struct submission_writer *writer)
{
  writer->has_columns = false;
  writer->columns_size = 0;
  writer->count = 0;
  g_byte_array_set_size(writer->reports, 0);
}

GByteArray *submission_writer_finish(struct submission_writer *writer, const struct submission_head *head)
{
  Parktally__Submission message = PARKTALLY__SUBMISSION__INIT;
  message.agent = codec_text(head->agent);
  message.sequence = head->sequence;
  message.catalogue_hash = codec_bytes((struct bytes_view){head->catalogue_hash, CATALOGUE_HASH_SIZE});
  message.form = codec_text(head->form);
  message.period = codec_text(head->period);
  message.approved_by = codec_text(head->approved_by);
  message.approved_at_ms = head->approved_at_ms;
  message.responsible = codec_text(head->responsible);
  message.filler = codec_text(head->filler);
  message.telephone = codec_text(head->telephone);
  message.created_at_ms = head->created_at_ms;

  char *indicators[LIMIT_FORM_COLUMNS];
  if (writer->has_columns) {
    const struct column_set *asked = &writer->asked;
    EACH_COLUMN(column, asked) indicators[message.n_indicator++] = writer->form->columns[column].code;
  }
  message.indicator = indicators;
  GByteArray *payload = codec_pack(&message.base);
  g_byte_array_append(payload, writer->reports->data, writer->reports->len);
  assert(payload->len <= PAYLOAD_MOST);
  writer_clear(writer);
  return payload;
}

/* --- reading --- */

struct submission {
  const Parktally__Submission *message;
  struct submission_head head;
  struct period period;
  bool bound;
  struct column_set asked;             /* once bound: the columns of its form that it has … */
  uint16_t column[LIMIT_FORM_COLUMNS]; /* … and which of them each indicator is */
};

/* Bits as words; false if one stands beyond `count`. */
static bool unpack_set(ProtobufCBinaryData bytes, size_t count, uint64_t ret_word[static SET_WORDS])
{
  memset(ret_word, 0, SET_BYTES);
  if (bytes.len == 0) return true;
  if (bytes.len > (count + 7) / 8) return false;
  uint8_t padded[SET_BYTES] = {0};
  memcpy(padded, bytes.data, bytes.len);
  if (count % 8 != 0 && bytes.len == (count + 7) / 8 && padded[bytes.len - 1] >> count % 8 != 0) return false;
  for (unsigned w = 0; w < SET_WORDS; w++) {
    uint64_t word;
    memcpy(&word, padded + sizeof word * w, sizeof word);
    ret_word[w] = le64toh(word);
  }
  return true;
}

static bool is_sound_report(const Parktally__Report *report, size_t columns)
{
  if (!codec_text_fits(report->unit, 1, LIMIT_CODE_BYTES) || !codec_is_hash_or_empty(report->base_id))
    return false;

  uint64_t present[SET_WORDS], withdrawn[SET_WORDS];
  if (!unpack_set(report->present, columns, present) || !unpack_set(report->withdrawn, columns, withdrawn))
    return false;
  size_t present_count = 0;
  for (unsigned w = 0; w < SET_WORDS; w++) {
    if ((present[w] & withdrawn[w]) != 0) return false;
    present_count += (size_t)__builtin_popcountll(present[w]);
  }
  /* A nil report with figures is one report's mistake, named by the rules; here it would refuse the others
   * with it. */
  return report->n_value == present_count && (int)report->kind >= KIND_FIGURES &&
         (int)report->kind <= KIND_WITHDRAWAL;
}

static bool reports_are_sound(const Parktally__Submission *message)
{
  if (message->n_report == 0 || message->n_report > LIMIT_REPORTS) return false;
  for (size_t i = 0; i < message->n_report; i++) {
    if (!is_sound_report(message->report[i], message->n_indicator)) return false;
    if (i > 0 && strcmp(message->report[i - 1]->unit, message->report[i]->unit) >= 0) return false;
  }
  return true;
}

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
         codec_text_fits(message->telephone, 0, LIMIT_NAME_BYTES);
}

static bool parse_canonical_period(const char *text, struct period *ret_period)
{
  char canonical[PERIOD_TEXT_SIZE];
  return period_parse(text, ret_period) && strcmp(period_format(*ret_period, canonical), text) == 0;
}

struct submission *submission_decode(const uint8_t *payload, size_t length)
{
  if (length > PAYLOAD_MOST) return NULL;
  CLEANUP(submission_free)
  struct submission *submission = arena_record(sizeof *submission, LIMIT_DECODE_ARENA, false);
  const Parktally__Submission *message =
      arena_unpack(submission, &parktally__submission__descriptor, payload, length);
  if (message == NULL || !head_is_sound(message) ||
      !parse_canonical_period(message->period, &submission->period) || !indicators_are_sound(message) ||
      !reports_are_sound(message))
    return NULL;

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
  return g_steal_pointer(&submission);
}

void submission_free(struct submission *submission)
{
  arena_record_free(submission);
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
  return submission->message->n_report;
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
  submission->asked = (struct column_set){0};
  for (size_t i = 0; i < submission->message->n_indicator; i++) {
    size_t column = find_column(columns, submission->message->indicator[i], next);
    if (column == columns->column_count) return (int)i;
    submission->column[i] = (uint16_t)column;
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

static void map_set(const struct submission *submission, const uint64_t word[static SET_WORDS],
                    struct column_set *ret_set)
{
  *ret_set = (struct column_set){0};
  for (unsigned w = 0; w < SET_WORDS; w++)
    for (uint64_t rest = word[w]; rest != 0; rest &= rest - 1)
      column_set_add(ret_set, submission->column[w * 64 + (unsigned)__builtin_ctzll(rest)]);
}

void submission_report(const struct submission *submission, size_t n, struct submission_report *ret_report)
{
  assert(submission->bound);
  const Parktally__Report *message = submission->message->report[n];
  struct report_change *change = &ret_report->change;
  ret_report->unit = message->unit;
  ret_report->has_base = message->base_id.len > 0;
  if (ret_report->has_base) memcpy(ret_report->base, message->base_id.data, SUBMISSION_ID_SIZE);
  change->kind = (enum report_kind)message->kind;
  change->asked = change->kind == KIND_FIGURES ? submission->asked : (struct column_set){0};

  uint64_t word[SET_WORDS];
  unpack_set(message->withdrawn, submission->message->n_indicator, word);
  map_set(submission, word, &change->withdrawn);
  unpack_set(message->present, submission->message->n_indicator, word);
  map_set(submission, word, &change->figures.present);
  const int64_t *value = message->value;
  for (unsigned w = 0; w < SET_WORDS; w++)
    for (uint64_t rest = word[w]; rest != 0; rest &= rest - 1)
      change->figures.value[submission->column[w * 64 + (unsigned)__builtin_ctzll(rest)]] = *value++;
}
