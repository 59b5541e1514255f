#include "aggregator/examine.h"

#include "aggregator/history.h"
#include "aggregator/inquiry.h"
#include "aggregator/judge.h"
#include "common/decimal.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/rule.h"
#include "common/suspicion.h"
#include "common/text.h"

#include <string.h>

struct examination *examination_new(void)
{
  struct examination *examination = g_new0(struct examination, 1);

  examination->submissions = g_array_new(FALSE, FALSE, sizeof(struct examined));
  examination->findings = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
  examination->texts = g_string_chunk_new(4096);
  examination->asked = g_hash_table_new(g_str_hash, g_str_equal);
  return examination;
}

void examination_free(struct examination *examination)
{
  if (!examination) return;
  g_array_unref(examination->submissions);
  g_ptr_array_unref(examination->findings);
  g_hash_table_unref(examination->asked);
  g_string_chunk_free(examination->texts);
  g_free(examination);
}

/* A submission that is being looked at. */
struct look {
  struct store *store;
  struct examination *examination;
  const struct judged *judged;
  const struct form *form;
  int64_t book;
  uint64_t position;
  GArray *findings; /* struct refusal */
  uint64_t more;    /* that there was no room for */
};

static const char *keep(const struct look *look, const char *text)
{
  return g_string_chunk_insert_const(look->examination->texts, text ? text : "");
}

/* How many inquiries the area has that are not settled, with those that follow from what is listed. */
static size_t asked_of(const struct look *look, const char *area)
{
  GHashTable *asked = look->examination->asked;
  void *known;

  if (g_hash_table_lookup_extended(asked, area, NULL, &known)) return GPOINTER_TO_SIZE(known);
  size_t count = store_inquiries_count(look->store, area);
  g_hash_table_insert(asked, (char *)keep(look, area), GSIZE_TO_POINTER(count));
  return count;
}

/* An inquiry that would follow from a finding. */
struct question {
  const char *area, *rule, *found, *expected;
};

/* Whether one would be opened. */
static bool is_new(const struct look *look, const char *unit, const char *indicator,
                   const struct question *question)
{
  return !inquiry_was_opened(look->store, look->book, unit, question->area, question->rule, indicator,
                             question->found, question->expected);
}

/* Whether there is room for what would be opened of one or two inquiries, which takes it. */
static bool takes_room(const struct look *look, const char *unit, const char *indicator,
                       const struct question *questions, size_t count)
{
  bool opens[2];

  for (size_t n = 0; n < count; n++) {
    opens[n] = is_new(look, unit, indicator, &questions[n]);
    if (opens[n] && asked_of(look, questions[n].area) >= LIMIT_INQUIRIES_OPEN) return false;
  }
  for (size_t n = 0; n < count; n++)
    if (opens[n])
      g_hash_table_insert(look->examination->asked, (char *)keep(look, questions[n].area),
                          GSIZE_TO_POINTER(asked_of(look, questions[n].area) + 1));
  return true;
}

/* `other`: the park that is asked the same from its side, or NULL. */
static void add_finding(struct look *look, uint32_t row, const char *unit, const char *rule,
                        const char *indicator, const char *found, const char *expected, const char *other,
                        enum verdict verdict)
{
  const char *area = look->judged->agent->stored.area;
  g_autofree char *mirrored = other ? finding_rule_id(FINDING_REPORT_OVERLAP, area) : NULL;
  if (!found) found = "";
  const struct question questions[] = {{area, rule, found, expected}, {other, mirrored, expected, found}};

  if (!takes_room(look, unit, indicator, questions, other ? 2 : 1)) {
    look->more++;
    return;
  }
  struct refusal finding = {
      .row = row,
      .unit = keep(look, unit),
      .rule = keep(look, rule),
      .indicator = keep(look, indicator),
      .found = keep(look, found),
      .expected = keep(look, expected),
      .verdict = verdict,
  };

  g_array_append_val(look->findings, finding);
}

/* --- rules to verify --- */

static void verify(struct look *look, uint32_t row, const char *unit, struct formula_facts *facts)
{
  struct rule_breach breach;
  size_t next = 0;

  while (rule_next_breach(look->form, RULES_ALL, RULE_VERIFY, facts, &next, &breach)) {
    if (breach.rule->weight != RULE_VERIFY) continue; /* consented to */
    int column = breach.failure.column;
    g_autofree char *rule = finding_rule_id(FINDING_RULE_VERIFY, breach.rule->code);

    add_finding(look, row, unit, rule, column < 0 ? "" : look->form->columns[column].code,
                breach.failure.found, breach.failure.expected, NULL, VERDICT_IS_COUNTED);
  }
}

/* --- what is suspect by the unit's history --- */

static void suspect(struct look *look, uint32_t row, const char *unit, const struct suspicion_facts *facts)
{
  struct suspicion suspicion;

  for (size_t next = 0; suspicion_next(facts, &next, &suspicion);)
    add_finding(look, row, unit, finding_id(suspicion.code), look->form->columns[suspicion.column].code,
                suspicion.found, suspicion.expected, NULL, VERDICT_IS_COUNTED);
}

/* --- two parks report one unit --- */

/* The first column that both have and in which they differ; CATALOGUE_NONE if there is none. */
static int first_difference(const struct figures *a, const struct figures *b)
{
  EACH_COLUMN(column, &a->present)
    if (column_set_has(&b->present, column) && a->value[column] != b->value[column]) return (int)column;
  return CATALOGUE_NONE;
}

static void compare_parks(struct look *look, uint32_t row, const char *unit, const struct figures *own,
                          const char *park, const struct figures *other)
{
  const struct catalogue *catalogue = look->judged->catalogue;
  int column = first_difference(own, other);
  char found[DECIMAL_TEXT_SIZE], expected[DECIMAL_TEXT_SIZE];
  g_autofree char *rule = NULL;

  if (column == CATALOGUE_NONE) return;
  unsigned decimals = catalogue->indicators[look->form->columns[column].indicator].decimals;
  rule = finding_rule_id(FINDING_REPORT_OVERLAP, park);
  add_finding(look, row, unit, rule, look->form->columns[column].code,
              decimal_format(own->value[column], decimals, found),
              decimal_format(other->value[column], decimals, expected), park, VERDICT_IS_COUNTED);
}

/* --- one report --- */

/* A unit's current reports as they are met: ours, and those of other parks. */
struct meeting {
  const struct look *look;
  uint32_t row;
  bool stands; /* ours is the one that is looked at */
  enum report_kind kind;
  struct figures own;
  GArray *others; /* struct other */
};

struct other {
  const char *park;
  struct figures figures;
};

static bool meet(const struct stored_report *report, void *data)
{
  struct meeting *meeting = data;
  const struct look *look = meeting->look;
  struct other other;

  if (strcmp(report->park, look->judged->agent->stored.area) == 0) {
    meeting->stands = report->position == look->position && report->row == meeting->row;
    meeting->kind = report->kind;
    figures_clear(&meeting->own);
    (void)figures_unpack(report->figures, report->figures_length, &meeting->own); /* checksummed */
  } else if (report->kind == KIND_FIGURES &&
             figures_unpack(report->figures, report->figures_length, &other.figures)) {
    other.park = keep(look, report->park);
    g_array_append_val(meeting->others, other);
  }
  return true;
}

/* What is known of a unit besides the report that is looked at. */
struct known {
  struct formula_facts formula;
  struct suspicion_facts suspicion;
};

static void look_at_report(struct look *look, uint32_t row, struct meeting *meeting, struct known *known)
{
  struct submission_report report;

  submission_report(look->judged->submission, row, &report);
  meeting->row = row;
  meeting->stands = false;
  g_array_set_size(meeting->others, 0);
  store_look_at(look->store, look->book, report.unit, meet, meeting);
  if (!meeting->stands || meeting->kind != KIND_FIGURES) return;
  known->formula.figures[TENSE_NOW] = known->suspicion.now = &meeting->own;
  verify(look, row, report.unit, &known->formula);
  suspect(look, row, report.unit, &known->suspicion);
  for (unsigned n = 0; n < meeting->others->len; n++) {
    const struct other *other = &g_array_index(meeting->others, struct other, n);

    compare_parks(look, row, report.unit, &meeting->own, other->park, &other->figures);
  }
}

static void look_at_reports(struct look *look)
{
  size_t count = submission_size(look->judged->submission);
  CLEANUP(history_free) struct history *history = NULL;
  CLEANUP(history_free) struct history *past = NULL;
  g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(struct other));
  struct meeting meeting = {.look = look, .others = others};
  struct known known = {.formula = {.month = period_last_month(look->judged->period)}};

  suspicion_facts_init(&known.suspicion, look->judged->catalogue, look->judged->form, look->judged->period);
  for (size_t n = 0; n < count && !store_error(look->store); n++) {
    if (n % HISTORY_ROWS == 0) {
      history_free(history);
      history_free(past);
      history = history_read(look->store, look->judged, n, HISTORY_ROWS);
      past = history_read_past(look->store, look->judged, &known.suspicion, n, HISTORY_ROWS);
    }
    history_facts(history, n % HISTORY_ROWS, &known.formula);
    history_past(past, n % HISTORY_ROWS, &known.suspicion);
    look_at_report(look, (uint32_t)n, &meeting, &known);
  }
}

/* --- one submission --- */

static void add_stale(struct look *look, const struct leaf *leaf)
{
  for (size_t n = 0; n < leaf->submission.exception_count; n++) {
    const struct refusal *exception = &leaf->submission.exceptions[n];

    if (exception->verdict == VERDICT_IS_STALE)
      add_finding(look, exception->row, exception->unit, exception->rule, "", exception->found,
                  exception->expected, NULL, VERDICT_IS_STALE);
  }
}

/* Reports that had waited, and were stale when they were let go. */
static void add_stale_releases(struct look *look, const struct release *releases, size_t count)
{
  for (size_t n = 0; n < count; n++) {
    struct submission_report report;
    g_autofree char *base = NULL;

    if (releases[n].position != look->position || releases[n].verdict != VERDICT_IS_STALE ||
        releases[n].row >= submission_size(look->judged->submission))
      continue;
    submission_report(look->judged->submission, releases[n].row, &report);
    if (report.has_base) base = text_hex(report.base, SUBMISSION_ID_SIZE);
    add_finding(look, releases[n].row, report.unit, finding_id(FINDING_REPORT_STALE), "", base, "", NULL,
                VERDICT_IS_STALE);
  }
}

/* Leaves out what neither asks anything nor may close an inquiry. */
static void finish_look(const struct look *look)
{
  struct examination *examination = look->examination;
  char period[PERIOD_TEXT_SIZE];
  struct examined examined = {
      .position = look->position,
      .form = keep(look, look->form->code),
      .period = keep(look, period_format(look->judged->period, period)),
      .area = keep(look, look->judged->agent->stored.area),
      .findings = (const struct refusal *)(const void *)look->findings->data,
      .finding_count = look->findings->len,
      .more = look->more,
  };

  if (look->findings->len == 0 && look->more == 0 &&
      !inquiry_is_touched(look->store, look->book, examined.area, look->position))
    return;
  g_array_append_val(examination->submissions, examined);
  g_ptr_array_add(examination->findings, g_array_ref(look->findings));
}

/* `releases`: of reports that had waited, some of them of this submission. */
static bool look_at(struct store *store, struct snapshot *snapshot, uint64_t position,
                    const struct leaf *leaf, const struct release *releases, size_t release_count,
                    struct examination *examination)
{
  CLEANUP(judged_free)
  struct judged *judged =
      judge_recorded(snapshot, leaf->submission.sealed.data, leaf->submission.sealed.length);
  g_autoptr(GArray) findings = g_array_new(FALSE, FALSE, sizeof(struct refusal));
  struct look look = {
      .store = store,
      .examination = examination,
      .judged = judged,
      .position = position,
      .findings = findings,
  };

  if (!judged) return false;
  look.form = &judged->catalogue->forms[judged->form];
  look.book = store_find_book(store, look.form->code, judged->period);
  if (!look.book) return !store_error(store);
  look_at_reports(&look);
  add_stale(&look, leaf);
  add_stale_releases(&look, releases, release_count);
  finish_look(&look);
  return !store_error(store);
}

static struct leaf *read_leaf(struct store *store, uint64_t position)
{
  g_autoptr(GBytes) body = store_leaf(store, position);

  return body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;
}

/* The submissions whose waiting reports were let go, each once. */
static bool look_at_releases(struct store *store, struct snapshot *snapshot, const struct release *releases,
                             size_t count, struct examination *examination)
{
  g_autoptr(GHashTable) looked_at = g_hash_table_new(g_int64_hash, g_int64_equal);

  for (size_t n = 0; n < count; n++) {
    uint64_t waited = releases[n].position;

    if (!g_hash_table_add(looked_at, (void *)&releases[n].position)) continue;
    CLEANUP(leaf_free) struct leaf *released = read_leaf(store, waited);
    if (!released || released->kind != LEAF_SUBMISSION ||
        !look_at(store, snapshot, waited, released, releases, count, examination))
      return false;
  }
  return true;
}

bool examine_leaf(struct store *store, struct snapshot *snapshot, uint64_t position,
                  struct examination *examination)
{
  CLEANUP(leaf_free) struct leaf *leaf = read_leaf(store, position);

  if (!leaf) return false;
  if (leaf->kind == LEAF_REGISTER)
    return look_at_releases(store, snapshot, leaf->register_.releases, leaf->register_.release_count,
                            examination);
  if (leaf->kind != LEAF_SUBMISSION) return true;
  return look_at(store, snapshot, position, leaf, NULL, 0, examination) &&
         look_at_releases(store, snapshot, leaf->submission.releases, leaf->submission.release_count,
                          examination);
}
