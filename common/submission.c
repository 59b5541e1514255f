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
