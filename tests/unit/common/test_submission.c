#include "common/submission.h"

#include "common/limits.h"
#include "wire_bytes.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A catalogue of one form whose columns are c000, c001, … : all that a submission asks of one. */
static struct column columns[LIMIT_FORM_COLUMNS];
static char codes[LIMIT_FORM_COLUMNS][LIMIT_CODE_BYTES + 8];
static struct form form = {.code = "output-monthly", .columns = columns};
static struct catalogue catalogue = {.references = 1, .forms = &form, .form_count = 1};

static void use_columns(size_t count, const char *tail)
{
  for (size_t i = 0; i < count; i++) {
    g_snprintf(codes[i], sizeof codes[i], "c%03zu%s", i, tail);
    columns[i].code = codes[i];
  }
  form.column_count = count;
}

static const struct submission_head head = {.agent = "liudong-1",
                                            .sequence = 7,
                                            .catalogue_hash = {1, 2, 3},
                                            .form = "output-monthly",
                                            .period = "2018-05",
                                            .approved_by = "李明",
                                            .approved_at_ms = 1528070400000,
                                            .responsible = "王芳",
                                            .filler = "",
                                            .telephone = "0772",
                                            .created_at_ms = -1};

/* --- bad input --- */

struct draft {
  const char *agent, *form, *period, *approved_by;
  uint64_t sequence;
  size_t catalogue_hash;
};

static GByteArray *payload_of(const struct draft *draft)
{
  GByteArray *bytes = g_byte_array_new();
  put_text(bytes, 1, draft->agent);
  put_number(bytes, 2, draft->sequence);
  put_filled(bytes, 3, 5, draft->catalogue_hash);
  put_text(bytes, 4, draft->form);
  put_text(bytes, 5, draft->period);
  put_text(bytes, 6, draft->approved_by);
  put_text(bytes, 12, "c000");
  put_text(bytes, 12, "c001");
  return bytes;
}

static const struct draft good = {"liudong-1", "output-monthly", "2018-05", "李明", 1, 32};

struct wire_report {
  const char *unit;
  uint64_t kind;
  size_t base;
  const char *present, *withdrawn; /* bytes, closed by NUL */
  const char *values;
};

static void put_report(GByteArray *bytes, const struct wire_report *report)
{
  g_autoptr(GByteArray) message = g_byte_array_new();
  put_text(message, 1, report->unit);
  put_number(message, 2, report->kind);
  put_filled(message, 3, 6, report->base);
  put_text(message, 4, report->present);
  put_text(message, 5, report->withdrawn);
  put_text(message, 6, report->values);
  put_message(bytes, 13, message);
}

static bool decodes(const GByteArray *bytes)
{
  CLEANUP(submission_free) struct submission *submission = submission_decode(bytes->data, bytes->len);
  return submission != NULL;
}

static void heads_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  g_autofree char *long_code = g_strnfill(LIMIT_CODE_BYTES + 1, 'a');
  g_autofree char *long_name = g_strnfill(LIMIT_NAME_BYTES + 1, 'a');
  const struct {
    struct draft draft;
    bool good;
  } cases[] = {
      {good, true},
      {{"", "f", "2018-05", "x", 1, 32}, false},
      {{long_code, "f", "2018-05", "x", 1, 32}, false},
      {{"a", "", "2018-05", "x", 1, 32}, false},
      {{"a", "f", "2018-05", "", 1, 32}, false}, /* nobody answers for it */
      {{"a", "f", "2018-05", long_name, 1, 32}, false},
      {{"a", "f", "2018-05", "x\x1b", 1, 32}, false},
      {{"a", "f", "2018-05", "\xc0\xc1", 1, 32}, false},
      {{"a", "f", "2018-05", "x", 0, 32}, false},
      {{"a", "f", "2018-05", "x", 1, 31}, false},
      {{"a", "f", "2018-05", "x", 1, 0}, false},
      {{"a", "f", "", "x", 1, 32}, false},
      {{"a", "f", "2018-5", "x", 1, 32}, false},
      {{"a", "f", "2018-13", "x", 1, 32}, false},
      {{"a", "f", "2018年5月", "x", 1, 32}, false},
      {{"a", "f", "2018-01-01/P2M", "x", 1, 32}, false}, /* understood, but written otherwise */
      {{"a", "f", "2018-01/P2M", "x", 1, 32}, true},
      {{"a", "f", "2018", "x", 1, 32}, true},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = payload_of(&cases[i].draft);
    put_report(bytes, &(struct wire_report){"u", 0, 0, "\x01", "", "\x02"});
    assert_int_equal(decodes(bytes), cases[i].good);
  }
}

static void reports_whose_parts_do_not_agree_are_refused(void **state)
{
  (void)state;
  g_autofree char *long_unit = g_strnfill(LIMIT_CODE_BYTES + 1, 'a');
  const struct {
    struct wire_report report;
    bool good;
  } cases[] = {
      {{"u", 0, 0, "\x03", "", "\x02\x04"}, true},
      {{"u", 0, 32, "\x01", "\x02", "\x02"}, true},
      {{"u", 0, 0, "", "", ""}, true},         /* blank: the rules have a word for it */
      {{"u", 1, 0, "\x01", "", "\x02"}, true}, /* nil with figures: so too */
      {{"u", 2, 32, "", "", ""}, true},
      {{"", 0, 0, "\x01", "", "\x02"}, false},
      {{long_unit, 0, 0, "\x01", "", "\x02"}, false},
      {{"u\n", 0, 0, "\x01", "", "\x02"}, false},
      {{"u", 3, 0, "", "", ""}, false}, /* kind */
      {{"u", UINT64_MAX, 0, "", "", ""}, false},
      {{"u", 0, 31, "\x01", "", "\x02"}, false}, /* base */
      {{"u", 0, 33, "\x01", "", "\x02"}, false},
      {{"u", 0, 0, "\x03", "", "\x02"}, false},     /* a bit without value */
      {{"u", 0, 0, "\x01", "", "\x02\x04"}, false}, /* a value without bit */
      {{"u", 0, 0, "", "", "\x02"}, false},
      {{"u", 0, 0, "\x04", "", "\x02"}, false}, /* a bit beyond the columns */
      {{"u", 0, 0, "", "\x04", ""}, false},
      {{"u", 0, 0, "", "\x01\x01", ""}, false},
      {{"u", 0, 0, "\x01", "\x01", "\x02"}, false}, /* present and withdrawn */
      {{"u", 0, 0, "\x01", "", "\x82"}, false},     /* half a number */
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = payload_of(&good);
    put_report(bytes, &cases[i].report);
    assert_int_equal(decodes(bytes), cases[i].good);
  }
}

static void units_out_of_order_or_twice_are_refused(void **state)
{
  (void)state;
  static const struct {
    const char *first, *second;
    bool good;
  } cases[] = {{"a", "b", true},   {"b", "a", false}, {"a", "a", false}, {"a", "aa", true},
               {"aa", "a", false}, {"Z", "a", true},  {"z", "市", true}, /* by bytes, not by language */
               {"市", "z", false}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = payload_of(&good);
    put_report(bytes, &(struct wire_report){cases[i].first, 0, 0, "\x01", "", "\x02"});
    put_report(bytes, &(struct wire_report){cases[i].second, 0, 0, "\x01", "", "\x02"});
    assert_int_equal(decodes(bytes), cases[i].good);
  }
}

static void a_column_named_twice_is_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = payload_of(&good);
  put_report(bytes, &(struct wire_report){"u", 0, 0, "\x01", "", "\x02"});
  assert_true(decodes(bytes));
  put_text(bytes, 12, "c000");
  assert_false(decodes(bytes));
}

static void more_columns_or_reports_than_there_may_be_are_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = payload_of(&good);
  assert_false(decodes(bytes)); /* no report at all */
  for (unsigned i = 0; i < LIMIT_REPORTS; i++) {
    char unit[8];
    g_snprintf(unit, sizeof unit, "u%05u", i);
    put_report(bytes, &(struct wire_report){unit, 1, 0, "", "", ""});
  }
  assert_true(decodes(bytes));
  put_report(bytes, &(struct wire_report){"v", 1, 0, "", "", ""});
  assert_false(decodes(bytes));

  g_autoptr(GByteArray) wide = payload_of(&good);
  put_report(wide, &(struct wire_report){"u", 0, 0, "", "", ""});
  for (unsigned i = 2; i <= LIMIT_FORM_COLUMNS; i++) {
    char code[8];
    assert_true(decodes(wide));
    g_snprintf(code, sizeof code, "c%03u", i);
    put_text(wide, 12, code);
  }
  assert_false(decodes(wide));
}

/* A report of unit "u" with a figure, and one field more behind it or before it. */
static GByteArray *with_a_field_more(const GByteArray *field, bool first, bool in_report)
{
  GByteArray *bytes = g_byte_array_new();
  g_autoptr(GByteArray) message = g_byte_array_new(), rest = payload_of(&good);
  if (in_report && first) g_byte_array_append(message, field->data, field->len);
  put_text(message, 1, "u");
  put_text(message, 4, "\x01");
  put_text(message, 6, "\x02");
  if (in_report && !first) g_byte_array_append(message, field->data, field->len);
  if (!in_report && first) g_byte_array_append(bytes, field->data, field->len);
  if (first) put_message(bytes, 13, message); /* before the head: any order is one message */
  g_byte_array_append(bytes, rest->data, rest->len);
  if (!first) put_message(bytes, 13, message);
  if (!in_report && !first) g_byte_array_append(bytes, field->data, field->len);
  return bytes;
}

static void a_field_more_is_passed_over_where_it_is_unknown_and_whole(void **state)
{
  (void)state;
  static const struct {
    const char *what, *bytes;
    size_t length;
    bool in_report, in_head; /* taken */
  } cases[] = {
      {"nothing", "", 0, true, true},
      {"an unknown number", "\xF8\x07\x01", 3, true, true},
      {"an unknown number of ten bytes", "\xF8\x07\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12, true, true},
      {"a number without end", "\xF8\x07\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 13, false, false},
      {"an unknown text", "\xFA\x07\x02zz", 5, true, true},
      {"a text with a padded length", "\xFA\x07\x82\x00zz", 6, true, true},
      {"a text that is cut", "\xFA\x07\x7Fzz", 5, false, false},
      {"32 bits", "\xFD\x07zzzz", 6, true, true},
      {"64 bits", "\xF9\x07zzzzzzzz", 10, true, true},
      {"a group", "\xFB\x07\xFC\x07", 4, false, false},
      {"field 0", "\x02\x00", 2, false, false},
      {"a unit or agent of another type", "\x08\x01", 2, false, false},
      {"a kind or sequence of another type", "\x12\x00", 2, false, false},
      {"a base or hash twice", "\x1A\x00\x1A\x00", 4, false, false},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
    for (int where = 0; where < 4; where++) {
      bool first = where % 2 == 0, in_report = where < 2;
      if (first && !in_report && i == G_N_ELEMENTS(cases) - 1) continue; /* of a head the last one counts */
      g_autoptr(GByteArray) field = g_byte_array_new();
      g_byte_array_append(field, (const uint8_t *)cases[i].bytes, (guint)cases[i].length);
      g_autoptr(GByteArray) bytes = with_a_field_more(field, first, in_report);
      if (decodes(bytes) != (in_report ? cases[i].in_report : cases[i].in_head))
        fail_msg("%s, %s in %s", cases[i].what, first ? "first" : "last",
                 in_report ? "a report" : "the head");
    }
}

static void a_head_that_repeats_itself_without_end_is_refused(void **state)
{
  (void)state;
  static const struct {
    unsigned field;
    const char *text;
  } cases[] = {{12, ""}, {12, "c"}, {4, ""}, {7, "王"}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = payload_of(&good);
    while (bytes->len < LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE - 100)
      put_text(bytes, cases[i].field, cases[i].text);
    put_report(bytes, &(struct wire_report){"u", 0, 0, "\x01", "", "\x02"});
    if (decodes(bytes)) fail_msg("case %zu", i);
  }
}

/* The dearest that there can be: figures of a byte each, reports of a few bytes. */
static void what_is_taken_is_told_and_never_beyond_the_arena(void **state)
{
  (void)state;
  static const struct {
    size_t columns, reports;
  } cases[] = {
      {LIMIT_FORM_COLUMNS, LIMIT_REPORTS}, {64, LIMIT_REPORTS}, {1, LIMIT_REPORTS}, {8, 1000}, {1, 1}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = payload_of(&good);
    for (size_t c = 2; c < cases[i].columns; c++) {
      char name[8];
      g_snprintf(name, sizeof name, "c%03zu", c);
      put_text(bytes, 12, name);
    }
    size_t reports = 0, figures = 0;
    for (; reports < cases[i].reports; reports++) {
      char unit[8];
      g_snprintf(unit, sizeof unit, "%04zx", reports);
      g_autoptr(GByteArray) message = g_byte_array_new();
      put_text(message, 1, unit);
      if (cases[i].columns >= 8) put_filled(message, 4, 0xFF, cases[i].columns / 8);
      put_filled(message, 6, 1, cases[i].columns / 8 * 8);
      if (bytes->len + message->len + 4 > LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE) break;
      put_message(bytes, 13, message);
      figures += cases[i].columns / 8 * 8;
    }
    CLEANUP(submission_free) struct submission *submission = submission_decode(bytes->data, bytes->len);
    assert_non_null(submission);
    assert_int_equal(submission_size(submission), reports);
    assert_in_range(submission_memory(submission), figures * sizeof(int64_t), LIMIT_SUBMISSION_ARENA);
  }
}

/* Presence without values costs its reader nothing that it could not have. */
static void figures_that_are_only_claimed_are_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = payload_of(&good);
  for (size_t c = 2; c < LIMIT_FORM_COLUMNS; c++) {
    char name[8];
    g_snprintf(name, sizeof name, "c%03zu", c);
    put_text(bytes, 12, name);
  }
  for (unsigned n = 0; n < 5000; n++) {
    char unit[8];
    g_snprintf(unit, sizeof unit, "%04x", n);
    g_autoptr(GByteArray) message = g_byte_array_new();
    put_text(message, 1, unit);
    put_filled(message, 4, 0xFF, LIMIT_FORM_COLUMNS / 8);
    put_message(bytes, 13, message);
  }
  assert_in_range(bytes->len, 0, LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE);
  assert_false(decodes(bytes));
}

/* Two bytes each. */
static void empty_reports_without_number_are_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = payload_of(&good);
  while (bytes->len < LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE - 2) put_bytes(bytes, 13, "", 0);
  assert_false(decodes(bytes));
}

static void every_length_of_a_cut_payload_is_survived(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = payload_of(&good);
  put_report(bytes, &(struct wire_report){"u", 0, 32, "\x01", "\x02", "\x02"});
  for (guint length = 0; length < bytes->len; length++) {
    g_autofree uint8_t *cut = g_memdup2(bytes->data, length);
    submission_free(submission_decode(cut, length));
  }
}

static void a_column_that_the_form_lacks_is_named(void **state)
{
  (void)state;
  use_columns(1, "");
  g_autoptr(GByteArray) bytes = payload_of(&good);
  put_report(bytes, &(struct wire_report){"u", 0, 0, "\x01", "", "\x02"});
  CLEANUP(submission_free) struct submission *submission = submission_decode(bytes->data, bytes->len);
  int unknown = submission_bind(submission, &catalogue, 0);
  assert_int_equal(unknown, 1);
  assert_string_equal(submission_indicator(submission, 1), "c001");
}

/* --- what was written is read --- */

static void ask(struct report_change *change, unsigned from, unsigned below)
{
  *change = (struct report_change){.kind = KIND_FIGURES};
  for (unsigned c = from; c < below; c++) column_set_add(&change->asked, c);
}

static void assert_change(const struct report_change *read, const struct report_change *written)
{
  assert_int_equal(read->kind, written->kind);
  assert_memory_equal(&read->asked, &written->asked, sizeof read->asked);
  assert_memory_equal(&read->withdrawn, &written->withdrawn, sizeof read->withdrawn);
  assert_memory_equal(&read->figures.present, &written->figures.present, sizeof read->figures.present);
  for (unsigned c = column_set_next(&read->figures.present, 0); c < LIMIT_FORM_COLUMNS;
       c = column_set_next(&read->figures.present, c + 1))
    assert_true(read->figures.value[c] == written->figures.value[c]);
}

static void the_head_comes_through(void **state)
{
  (void)state;
  use_columns(4, "");
  CLEANUP(submission_writer_free) struct submission_writer *writer = submission_writer_new(&catalogue, 0);
  struct report_change nil = {.kind = KIND_NIL};
  assert_true(submission_writer_add(writer, "u", &nil, NULL));
  g_autoptr(GByteArray) payload = submission_writer_finish(writer, &head);
  assert_int_equal(submission_writer_count(writer), 0);
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload->data, payload->len);
  assert_non_null(submission);
  const struct submission_head *read = submission_head(submission);
  assert_string_equal(read->agent, head.agent);
  assert_true(read->sequence == head.sequence);
  assert_memory_equal(read->catalogue_hash, head.catalogue_hash, CATALOGUE_HASH_SIZE);
  assert_string_equal(read->form, head.form);
  assert_string_equal(read->period, head.period);
  assert_string_equal(read->approved_by, head.approved_by);
  assert_true(read->approved_at_ms == head.approved_at_ms && read->created_at_ms == head.created_at_ms);
  assert_string_equal(read->responsible, head.responsible);
  assert_string_equal(read->filler, "");
  assert_string_equal(read->telephone, head.telephone);
  assert_true(period_equal(submission_period(submission), (struct period){2018, 5, 1}));
}

static void columns_are_found_by_name_wherever_the_form_has_them(void **state)
{
  (void)state;
  use_columns(4, "");
  CLEANUP(submission_writer_free) struct submission_writer *writer = submission_writer_new(&catalogue, 0);
  struct report_change change;
  ask(&change, 1, 4);
  figures_set(&change.figures, 1, -11);
  figures_set(&change.figures, 3, 33);
  column_set_add(&change.withdrawn, 2);
  assert_true(submission_writer_add(writer, "u", &change, head.catalogue_hash));
  g_autoptr(GByteArray) payload = submission_writer_finish(writer, &head);
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload->data, payload->len);

  struct column reversed[4];
  for (size_t i = 0; i < 4; i++) reversed[i] = columns[3 - i];
  struct form other_form = {.columns = reversed, .column_count = 4};
  struct catalogue other = {.references = 1, .forms = &other_form, .form_count = 1};
  struct submission_report report;
  assert_int_equal(submission_bind(submission, &other, 0), CATALOGUE_NONE);
  submission_report(submission, 0, &report);
  assert_string_equal(report.unit, "u");
  assert_true(report.has_base);
  assert_memory_equal(report.base, head.catalogue_hash, SUBMISSION_ID_SIZE);
  assert_null(report.packed); /* not in this form's order */
  struct report_change expected;
  ask(&expected, 0, 3);
  figures_set(&expected.figures, 2, -11);
  figures_set(&expected.figures, 0, 33);
  column_set_add(&expected.withdrawn, 1);
  assert_change(&report.change, &expected);

  assert_int_equal(submission_bind(submission, &catalogue, 0), CATALOGUE_NONE);
  submission_report(submission, 0, &report);
  assert_change(&report.change, &change);
}

static void a_report_with_other_columns_goes_into_another_submission(void **state)
{
  (void)state;
  use_columns(4, "");
  CLEANUP(submission_writer_free) struct submission_writer *writer = submission_writer_new(&catalogue, 0);
  struct report_change nil = {.kind = KIND_NIL}, three, four;
  ask(&three, 0, 3);
  ask(&four, 0, 4);
  assert_true(submission_writer_add(writer, "a", &nil, NULL)); /* asks nothing */
  assert_true(submission_writer_add(writer, "b", &three, NULL));
  assert_false(submission_writer_add(writer, "c", &four, NULL));
  assert_true(submission_writer_add(writer, "c", &nil, NULL));
  assert_int_equal(submission_writer_count(writer), 3);
  g_autoptr(GByteArray) payload = submission_writer_finish(writer, &head);
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload->data, payload->len);
  assert_int_equal(submission_size(submission), 3);
  assert_true(submission_writer_add(writer, "a", &four, NULL));
}

static uint64_t next_random(uint64_t *seed)
{
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return *seed;
}

static void random_change(uint64_t *seed, size_t column_count, struct report_change *ret_change)
{
  ask(ret_change, 0, (unsigned)column_count);
  uint64_t kind = next_random(seed) % 20;
  if (kind < 2) {
    *ret_change = (struct report_change){.kind = kind == 0 ? KIND_NIL : KIND_WITHDRAWAL};
    return;
  }
  for (unsigned c = 0; c < column_count; c++) {
    int64_t value = (int64_t)(next_random(seed) >> (next_random(seed) % 64));
    switch (next_random(seed) % 8) {
    case 0:
      break; /* blank */
    case 1:
      column_set_add(&ret_change->withdrawn, c);
      break;
    case 2:
      figures_set(&ret_change->figures, c, -value);
      break;
    default:
      figures_set(&ret_change->figures, c, value);
    }
  }
}

struct written {
  char unit[24];
  struct report_change change;
  bool has_base;
};

/* Of a submission in the form's order, what is stored is what came. */
static void assert_packed(const struct submission_report *report)
{
  const struct figures *figures = &report->change.figures;
  uint8_t packed[FIGURES_PACKED_MOST], expected[FIGURES_PACKED_MOST];
  if (!report->packed) {
    assert_true(column_set_is_empty(&figures->present));
    return;
  }
  size_t length = figures_pack_varints(&figures->present, report->packed, report->packed_length, packed);
  assert_int_equal(length, figures_pack_to(figures, expected));
  assert_memory_equal(packed, expected, length);
}

/* Reads one submission and compares it with the `count` reports written last. */
static void assert_reads_back(const GByteArray *payload, const struct written *written, size_t count)
{
  assert_true(payload->len <= LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE);
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload->data, payload->len);
  assert_non_null(submission);
  assert_int_equal(submission_size(submission), count);
  assert_int_equal(submission_bind(submission, &catalogue, 0), CATALOGUE_NONE);
  bool any_figures = false;
  for (size_t i = 0; i < count; i++) any_figures = any_figures || written[i].change.kind == KIND_FIGURES;
  for (size_t i = 0; i < count; i++) {
    struct submission_report report;
    submission_report(submission, i, &report);
    assert_string_equal(report.unit, written[i].unit);
    assert_int_equal(report.has_base, written[i].has_base);
    if (any_figures) assert_change(&report.change, &written[i].change);
    if (any_figures) assert_packed(&report);
  }
}

static void any_reports_read_back_as_written_and_none_is_too_large(void **state)
{
  (void)state;
  const char *given = g_getenv("PARKTALLY_SEED");
  uint64_t seed = given ? g_ascii_strtoull(given, NULL, 10) : 20180530;
  print_message("PARKTALLY_SEED=%" PRIu64 "\n", seed);
  static const size_t widths[] = {1, 7, 8, 9, 63, 64, 65, 255, 256};
  static struct written written[LIMIT_REPORTS];
  for (size_t w = 0; w < G_N_ELEMENTS(widths); w++) {
    use_columns(widths[w], w % 2 ? "" : "_an_indicator_with_a_rather_long_code_of_sixty_bytes.ytd_ly");
    CLEANUP(submission_writer_free) struct submission_writer *writer = submission_writer_new(&catalogue, 0);
    size_t count = 0, submissions = 0;
    for (unsigned unit = 0; submissions < 2; unit++) {
      struct written *next = &written[count];
      g_snprintf(next->unit, sizeof next->unit, "9145020000%08u", unit);
      next->has_base = next_random(&seed) % 2;
      random_change(&seed, widths[w], &next->change);
      const uint8_t *base = next->has_base ? head.catalogue_hash : NULL;
      if (count < LIMIT_REPORTS && submission_writer_add(writer, next->unit, &next->change, base)) {
        count++;
        assert_int_equal(submission_writer_count(writer), count);
        if (count < LIMIT_REPORTS) continue;
        struct report_change nil = {.kind = KIND_NIL};
        assert_false(submission_writer_add(writer, "z", &nil, NULL));
      }
      g_autoptr(GByteArray) payload = submission_writer_finish(writer, &head);
      /* full: the next report would not have fitted, but for the reserve of the head */
      assert_true(count == LIMIT_REPORTS || payload->len > LIMIT_SEALED_BYTES - 8 * LIMIT_KIB);
      assert_reads_back(payload, written, count);
      count = 0;
      submissions++;
    }
  }
}

static void the_longest_head_and_report_fit_an_empty_submission(void **state)
{
  (void)state;
  g_autofree char *code = g_strnfill(LIMIT_CODE_BYTES, 'c');
  g_autofree char *name = g_strnfill(LIMIT_NAME_BYTES, 'n');
  use_columns(LIMIT_FORM_COLUMNS, "_an_indicator_with_a_rather_long_code_of_sixty_bytes.ytd_ly");
  struct report_change change;
  ask(&change, 0, LIMIT_FORM_COLUMNS);
  for (unsigned c = 0; c < LIMIT_FORM_COLUMNS; c++) figures_set(&change.figures, c, INT64_MIN);
  struct submission_head longest = {.agent = code,
                                    .sequence = UINT64_MAX,
                                    .form = code,
                                    .period = "2018-01/P2M",
                                    .approved_by = name,
                                    .approved_at_ms = INT64_MIN,
                                    .responsible = name,
                                    .filler = name,
                                    .telephone = name,
                                    .created_at_ms = INT64_MIN};
  CLEANUP(submission_writer_free) struct submission_writer *writer = submission_writer_new(&catalogue, 0);
  char unit[LIMIT_CODE_BYTES + 1];
  size_t count = 0;
  do {
    g_snprintf(unit, sizeof unit, "%064zu", count++);
  } while (submission_writer_add(writer, unit, &change, head.catalogue_hash));
  assert_true(count > 1);
  g_autoptr(GByteArray) payload = submission_writer_finish(writer, &longest);
  assert_true(payload->len <= LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE);
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload->data, payload->len);
  assert_non_null(submission);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(heads_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(reports_whose_parts_do_not_agree_are_refused),
      cmocka_unit_test(units_out_of_order_or_twice_are_refused),
      cmocka_unit_test(a_column_named_twice_is_refused),
      cmocka_unit_test(more_columns_or_reports_than_there_may_be_are_refused),
      cmocka_unit_test(a_field_more_is_passed_over_where_it_is_unknown_and_whole),
      cmocka_unit_test(a_head_that_repeats_itself_without_end_is_refused),
      cmocka_unit_test(what_is_taken_is_told_and_never_beyond_the_arena),
      cmocka_unit_test(figures_that_are_only_claimed_are_refused),
      cmocka_unit_test(empty_reports_without_number_are_refused),
      cmocka_unit_test(every_length_of_a_cut_payload_is_survived),
      cmocka_unit_test(a_column_that_the_form_lacks_is_named),
      cmocka_unit_test(the_head_comes_through),
      cmocka_unit_test(columns_are_found_by_name_wherever_the_form_has_them),
      cmocka_unit_test(a_report_with_other_columns_goes_into_another_submission),
      cmocka_unit_test(any_reports_read_back_as_written_and_none_is_too_large),
      cmocka_unit_test(the_longest_head_and_report_fit_an_empty_submission),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
