/* Good reports of a file against what was reported before, and against the rules of the catalogue: what
 * passes is to be sent. */
#include "agent/prepare_private.h"

#include "common/decimal.h"
#include "common/rule.h"
#include "common/text.h"

/* Compared at a time with what was reported before: so many that a submission of before is seldom read for
 * two blocks. At most 0.5 MiB for the reports and 1 MiB for their figures, and of each period before that is
 * known, 0.5 MiB and their figures packed. */
#define BLOCK_REPORTS 4096
#define BLOCK_FIGURES ((size_t)128 * 1024)

/* A good report that waits for its block. Of its change it keeps the figures that are present, not one for
 * each column that a form could have. */
struct good_row {
  const char *unit; /* in `texts` */
  size_t row;
  size_t figures; /* where its first one stands in `figures` */
  enum report_kind kind;
  struct column_set asked, withdrawn, present;
};

/* Says what is to be said of a row, with its place. */
static void say(struct judging *judging, const struct good_report *report, int column,
                struct finding *finding)
{
  const struct form *form = &judging->catalogue->forms[judging->parcels->form];
  const struct unit_version *version =
      register_version(judging->units, report->unit, judging->parcels->period);
  finding->file = judging->file;
  finding->row = report->row;
  finding->unit = report->unit;
  finding->unit_name = version ? version->name : NULL;
  if (column != CATALOGUE_NONE) {
    finding->indicator = form->columns[column].code;
    finding->column = judging->places[column].column;
    finding->heading = judging->places[column].heading;
  }
  judging->findings(finding, judging->data);
}

/* Refuses a row because of what was reported before. */
static void refuse(struct judging *judging, const struct good_report *report, enum finding_code code,
                   int column, const char *expected)
{
  judging->result->refused++;
  say(judging, report, column, &(struct finding){.code = code, .expected = expected});
}

/* --- against what was reported before --- */

static void refuse_blank(struct judging *judging, const struct good_report *report, int column,
                         int64_t figure)
{
  const struct catalogue *catalogue = judging->catalogue;
  int indicator = catalogue->forms[judging->parcels->form].columns[column].indicator;
  char expected[DECIMAL_TEXT_SIZE];
  decimal_format(figure, catalogue->indicators[indicator].decimals, expected);
  refuse(judging, report, FINDING_VALUE_BLANK, column, expected);
}

/* A withdrawal of the whole report, or of figures without giving any. */
static bool only_takes_back(const struct report_change *change)
{
  return change->kind == KIND_WITHDRAWAL ||
         (change->kind == KIND_FIGURES && column_set_is_empty(&change->figures.present));
}

/* True if the report is to be sent; else it was refused or is what was reported before. `ret_merged` is what
 * it comes to, where that is known. */
static bool is_to_be_sent(struct judging *judging, const struct good_report *report,
                          const struct prior *prior, struct figures *ret_merged)
{
  struct figures current;
  figures_clear(&current);
  if (!prior->exists) {
    bool takes_back = only_takes_back(report->change);
    if (takes_back)
      refuse(judging, report, FINDING_REPORT_NOTHING, CATALOGUE_NONE, NULL);
    else
      report_apply(&current, report->change, ret_merged);
    return !takes_back;
  }
  if (!prior->known) return true;
  prior_figures(prior, &current);
  int column = report_apply(&current, report->change, ret_merged);
  if (column != CHANGE_FITS) {
    refuse_blank(judging, report, column, current.value[column]);
    return false;
  }
  bool is_same = prior->kind == report->change->kind && figures_equal(&current, ret_merged);
  if (is_same) judging->result->unchanged++;
  return !is_same;
}

static void say_breach(struct judging *judging, const struct good_report *report,
                       const struct rule_breach *breach)
{
  static const enum finding_code codes[] = {[RULE_MANDATORY] = FINDING_RULE_MANDATORY,
                                            [RULE_QUASI] = FINDING_RULE_QUASI,
                                            [RULE_VERIFY] = FINDING_RULE_VERIFY};
  struct finding finding = {.code = codes[breach->rule->weight],
                            .found = breach->failure.found,
                            .expected = breach->failure.expected,
                            .rule = breach->rule->code,
                            .rule_says = text_label(&breach->rule->name)};
  say(judging, report, breach->failure.column, &finding);
}

/* Whether no rule of the catalogue refuses what the report comes to. Every rule that it breaks is said. */
static bool obeys(struct judging *judging, const struct good_report *report, const struct figures *merged)
{
  const struct form *form = &judging->catalogue->forms[judging->parcels->form];
  const struct suspicion_facts *before = &judging->lookback.facts;
  struct formula_facts facts = {.figures = {merged, before->past[0].figures, suspicion_year_ago(before)},
                                .month = period_last_month(judging->parcels->period)};
  struct rule_breach breach;
  bool refused = false;
  for (size_t next = 0; rule_next_breach(form, RULES_ALL, RULE_VERIFY, &facts, &next, &breach);) {
    if (breach.rule->weight == RULE_QUASI && judging->outbox &&
        outbox_has_consent(judging->outbox, form->code, judging->parcels->period, report->unit,
                           breach.rule->code))
      continue;
    say_breach(judging, report, &breach);
    refused |= breach.rule->weight != RULE_VERIFY;
  }
  judging->result->refused += refused;
  return !refused;
}

/* What the unit's own history makes suspect. It is said, and the report goes. */
static void say_suspicions(struct judging *judging, const struct good_report *report,
                           const struct figures *merged)
{
  struct suspicion suspicion;
  judging->lookback.facts.now = merged;
  for (size_t next = 0; suspicion_next(&judging->lookback.facts, &next, &suspicion);)
    say(judging, report, suspicion.column,
        &(struct finding){.code = suspicion.code, .found = suspicion.found, .expected = suspicion.expected});
}

/* The nth of its block. True in *ret_good if nothing refuses what it comes to. */
static bool judge_figures(struct judging *judging, const struct good_report *report,
                          const struct figures *merged, size_t n, bool *ret_good, GError **error)
{
  bool has_figures = report->change->kind == KIND_FIGURES;
  if (has_figures && judging->looks_back && !lookback_find(&judging->lookback, n, report->unit, error))
    return false;
  *ret_good = !has_figures || obeys(judging, report, merged);
  if (!*ret_good) return true;
  if (has_figures) say_suspicions(judging, report, merged);
  return !judging->keeps ||
         lookback_keep(&judging->lookback, judging->parcels->period, report->unit, merged, error);
}

/* The nth of its block. */
static bool judge(struct judging *judging, const struct good_report *report, const struct prior *prior,
                  size_t n, GError **error)
{
  struct figures merged;
  if (!is_to_be_sent(judging, report, prior, &merged)) return true;
  bool is_known = !prior->exists || prior->known, is_good = true;
  if (is_known && !judge_figures(judging, report, &merged, n, &is_good, error)) return false;
  if (!is_good || judging->check_only) return true;
  return parcels_add(judging->parcels, report->unit, report->change, prior->exists ? prior->base : NULL,
                     error);
}

static bool judge_row(struct judging *judging, const struct good_row *row, const struct prior *prior,
                      size_t n, GError **error)
{
  struct report_change change;
  change.kind = row->kind;
  change.asked = row->asked;
  change.withdrawn = row->withdrawn;
  change.figures.present = row->present;
  const int64_t *figure = &g_array_index(judging->figures, int64_t, row->figures);
  EACH_COLUMN(column, &row->present) change.figures.value[column] = *figure++;
  return judge(judging, &(struct good_report){.unit = row->unit, .row = row->row, .change = &change}, prior,
               n, error);
}

bool judging_flush(struct judging *judging, GError **error)
{
  const struct good_row *rows = (const struct good_row *)(void *)judging->rows->data;
  size_t count = judging->rows->len;
  g_autofree const char **units = g_new(const char *, count + 1);
  for (size_t i = 0; i < count; i++) units[i] = rows[i].unit;
  const struct parcels *parcels = judging->parcels;
  struct outbox *outbox = judging->outbox;
  struct prior *priors = priors_new(count);
  bool going = !judging->has_priors || outbox_priors(outbox, judging->catalogue, parcels->form,
                                                     parcels->period, units, count, priors, error);
  going = going && (!judging->looks_back || lookback_load(&judging->lookback, units, count, error));
  for (size_t i = 0; going && i < count; i++) going = judge_row(judging, &rows[i], &priors[i], i, error);
  lookback_clear(&judging->lookback);
  priors_free(priors, count);
  if (!going) return false;
  g_array_set_size(judging->rows, 0);
  g_array_set_size(judging->figures, 0);
  g_string_chunk_clear(judging->texts);
  return true;
}

static void keep_row(struct judging *judging, const struct good_report *report)
{
  const struct report_change *change = report->change;
  struct good_row row = {.unit = g_string_chunk_insert(judging->texts, report->unit),
                         .row = report->row,
                         .figures = judging->figures->len,
                         .kind = change->kind,
                         .asked = change->asked,
                         .withdrawn = change->withdrawn,
                         .present = change->figures.present};
  g_array_append_val(judging->rows, row);
  int64_t figures[LIMIT_FORM_COLUMNS];
  guint count = 0;
  EACH_COLUMN(column, &row.present) figures[count++] = change->figures.value[column];
  g_array_append_vals(judging->figures, figures, count);
}

/* --- one after the other --- */

void judging_init(struct judging *judging, struct outbox *outbox, const char *folder)
{
  *judging = (struct judging){.outbox = outbox,
                              .rows = g_array_new(FALSE, FALSE, sizeof(struct good_row)),
                              .figures = g_array_sized_new(FALSE, FALSE, sizeof(int64_t), LIMIT_FORM_COLUMNS),
                              .texts = g_string_chunk_new(64 * 1024)};
  lookback_init(&judging->lookback, outbox, folder);
}

void judging_finish(struct judging *judging)
{
  lookback_finish(&judging->lookback);
  g_string_chunk_free(judging->texts);
  g_array_unref(judging->rows);
  g_array_unref(judging->figures);
}

bool judging_turn(struct judging *judging, GError **error)
{
  const struct parcels *parcels = judging->parcels;
  const char *code = judging->catalogue->forms[parcels->form].code;
  judging->has_priors = judging->outbox && outbox_may_have_priors(judging->outbox, code, parcels->period);
  return lookback_turn(&judging->lookback, judging->catalogue, parcels->form, parcels->period,
                       &judging->looks_back, error);
}

bool judging_take(struct judging *judging, const struct good_report *report, GError **error)
{
  judging->keeps = mapping_has_several_periods(report->mapping);
  if (!judging->has_priors && !judging->looks_back) {
    static const struct prior NOTHING = {.known = true};
    return judge(judging, report, &NOTHING, 0, error);
  }
  keep_row(judging, report);
  bool full =
      judging->rows->len >= BLOCK_REPORTS || judging->figures->len + LIMIT_FORM_COLUMNS > BLOCK_FIGURES;
  return !full || judging_flush(judging, error);
}
