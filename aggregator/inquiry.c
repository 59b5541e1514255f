#include "aggregator/inquiry.h"

#include "common/decimal.h"
#include "common/error.h"
#include "common/explanation.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  g_propagate_error(error, g_error_new_valist(PARKTALLY_ERROR, ERROR_USAGE, format, arguments));
  va_end(arguments);
  return false;
}

static struct stored_inquiry *nth(const GArray *inquiries, unsigned n)
{
  return &g_array_index(inquiries, struct stored_inquiry, n);
}

const struct stored_report *inquiry_report(struct store *store, int64_t book, const char *unit,
                                           const char *park)
{
  size_t count;
  const struct stored_report *reports = store_reports(store, book, unit, &count);

  for (size_t n = 0; n < count; n++)
    if (strcmp(reports[n].park, park) == 0) return &reports[n];
  return NULL;
}

static bool is_settled(const struct stored_inquiry *inquiry)
{
  return inquiry->state == INQUIRY_ACCEPTED || inquiry->state == INQUIRY_CORRECTED;
}

/* What a change of inquiries works with. */
struct change {
  struct store *store;
  const struct snapshot *snapshot;
  uint64_t position;
  int64_t now_ms;
};

static void settle(const struct change *change, struct stored_inquiry *inquiry, enum inquiry_state state)
{
  inquiry->state = state;
  if (inquiry->settled_ms == 0) inquiry->settled_ms = change->now_ms; /* accepted, it was no more asked */
  store_inquiry_put(change->store, inquiry);
  store_area_state_put(change->store, inquiry->park, change->position + 1);
}

static void open_inquiry(const struct change *change, struct stored_inquiry *inquiry)
{
  inquiry->state = INQUIRY_OPEN;
  inquiry->asked_ms = change->now_ms;
  store_inquiry_add(change->store, inquiry);
  store_area_state_put(change->store, inquiry->park, change->position + 1);
}

/* Open, with no answer. */
static void ask_on(const struct change *change, struct stored_inquiry *inquiry)
{
  inquiry->state = INQUIRY_OPEN;
  g_clear_pointer(&inquiry->answer, g_free);
  g_clear_pointer(&inquiry->answered_by, g_free);
  inquiry->answered_ms = 0;
  store_inquiry_put(change->store, inquiry);
  store_area_state_put(change->store, inquiry->park, change->position + 1);
}

/* --- what the examiner found --- */

static bool is_stale(const struct refusal *finding)
{
  return finding->verdict == VERDICT_IS_STALE;
}

/* The other park, of a finding that two parks report a unit differently; else NULL. */
static const char *other_park(const char *rule)
{
  return finding_from_id(rule) == FINDING_REPORT_OVERLAP ? finding_rule(rule) : NULL;
}

/* Whether the inquiry is about the very same thing. */
static bool asks_the_same(const struct stored_inquiry *inquiry, const char *rule, const char *indicator,
                          const char *found, const char *expected)
{
  return strcmp(inquiry->rule, rule) == 0 && strcmp(inquiry->indicator, indicator) == 0 &&
         strcmp(inquiry->found, found) == 0 && strcmp(inquiry->expected, expected) == 0;
}

bool inquiry_was_opened(struct store *store, int64_t book, const char *unit, const char *park,
                        const char *rule, const char *indicator, const char *found, const char *expected)
{
  g_autoptr(GArray) inquiries = store_inquiries_about(store, book, unit);

  for (unsigned n = 0; n < inquiries->len; n++) {
    const struct stored_inquiry *inquiry = nth(inquiries, n);

    if (inquiry->state != INQUIRY_CORRECTED && strcmp(inquiry->park, park) == 0 &&
        asks_the_same(inquiry, rule, indicator, found, expected))
      return true;
  }
  return false;
}

static void ask_once(const struct change *change, int64_t book, uint64_t about, const char *unit,
                     const char *park, const char *rule, const char *indicator, const char *found,
                     const char *expected)
{
  struct stored_inquiry inquiry = {
      .book = book,
      .about = about,
      .unit = (char *)unit,
      .park = (char *)park,
      .rule = (char *)rule,
      .indicator = (char *)indicator,
      .found = (char *)found,
      .expected = (char *)expected,
  };

  if (!inquiry_was_opened(change->store, book, unit, park, rule, indicator, found, expected))
    open_inquiry(change, &inquiry);
}

static bool stands(struct store *store, int64_t book, const char *unit, const char *park, uint64_t position)
{
  const struct stored_report *report = inquiry_report(store, book, unit, park);

  return report && report->position == position;
}

/* Whether the examined submission found in the report what the inquiry, of its own park or of the other one
 * in an overlap, asks about. */
static bool is_found_again(const struct examined *examined, const struct stored_inquiry *inquiry)
{
  bool mine = strcmp(inquiry->park, examined->area) == 0;

  for (size_t n = 0; n < examined->finding_count; n++) {
    const struct refusal *finding = &examined->findings[n];
    const char *other = other_park(finding->rule);

    if (strcmp(finding->unit, inquiry->unit) != 0) continue;
    if (mine && asks_the_same(inquiry, finding->rule, finding->indicator, finding->found, finding->expected))
      return true;
    if (!mine && other && strcmp(other, inquiry->park) == 0 &&
        strcmp(finding->indicator, inquiry->indicator) == 0 &&
        strcmp(finding->expected, inquiry->found) == 0 && strcmp(finding->found, inquiry->expected) == 0)
      return true;
  }
  return false;
}

/* The report's figure in this column as text, "" if there is none. */
static void current_figure(const struct change *change, int64_t book, const char *unit, const char *park,
                           int form, const char *column_code, char ret_text[DECIMAL_TEXT_SIZE])
{
  const struct catalogue *catalogue = change->snapshot->catalogue;
  int column = catalogue_column(catalogue, form, column_code);
  const struct stored_report *report = inquiry_report(change->store, book, unit, park);
  struct figures figures;

  ret_text[0] = '\0';
  if (report && figures_unpack(report->figures, report->figures_length, &figures) &&
      column_set_has(&figures.present, (unsigned)column))
    decimal_format(figures.value[column],
                   catalogue->indicators[catalogue->forms[form].columns[column].indicator].decimals,
                   ret_text);
}

/* An operator's question about a figure is settled when that figure has changed; one about a whole report,
 * and one about a stale report, by any later correction. What was found, when it is not found again. */
static bool is_corrected(const struct change *change, const struct examined *examined,
                         const struct stored_inquiry *inquiry, int form)
{
  enum finding_code code = finding_from_id(inquiry->rule);
  bool asked = code == FINDING_INQUIRY_ASKED;
  char now[DECIMAL_TEXT_SIZE];

  if (!asked && code != FINDING_REPORT_STALE) return !is_found_again(examined, inquiry);
  if (examined->position <= inquiry->about) return false;
  if (!asked || !*inquiry->indicator) return true;
  current_figure(change, inquiry->book, inquiry->unit, inquiry->park, form, inquiry->indicator, now);
  return strcmp(now, inquiry->found) != 0;
}

/* Of those in its book, whether an examined submission has to do with the inquiry: its own park's, or that of
 * an overlap with it, while the report stands as it says. */
static bool concerns(struct store *store, const struct stored_inquiry *inquiry, const char *area,
                     uint64_t position)
{
  const char *other = other_park(inquiry->rule);

  if (inquiry->state == INQUIRY_CORRECTED) return false;
  if (strcmp(inquiry->park, area) != 0 && (!other || strcmp(other, area) != 0)) return false;
  return stands(store, inquiry->book, inquiry->unit, area, position);
}

bool inquiry_is_touched(struct store *store, int64_t book, const char *area, uint64_t position)
{
  if (!store_has_inquiries(store, book)) return false;
  g_autoptr(GArray) inquiries = store_inquiries_in_book(store, book);

  for (unsigned n = 0; n < inquiries->len; n++)
    if (concerns(store, nth(inquiries, n), area, position)) return true;
  return false;
}

/* Closes what the examined reports no longer give reason to ask. */
static void close_corrected(const struct change *change, const struct examined *examined, int64_t book,
                            int form)
{
  if (!store_has_inquiries(change->store, book)) return;
  g_autoptr(GArray) inquiries = store_inquiries_in_book(change->store, book);

  for (unsigned n = 0; n < inquiries->len; n++) {
    struct stored_inquiry *inquiry = nth(inquiries, n);

    if (concerns(change->store, inquiry, examined->area, examined->position) &&
        is_corrected(change, examined, inquiry, form))
      settle(change, inquiry, INQUIRY_CORRECTED);
  }
}

static void open_found(const struct change *change, const struct examined *examined, int64_t book)
{
  for (size_t n = 0; n < examined->finding_count; n++) {
    const struct refusal *finding = &examined->findings[n];
    const char *other = other_park(finding->rule);

    if (!is_stale(finding) && !stands(change->store, book, finding->unit, examined->area, examined->position))
      continue; /* corrected since */
    ask_once(change, book, examined->position, finding->unit, examined->area, finding->rule,
             finding->indicator, finding->found, finding->expected);
    if (other) {
      g_autofree char *mirrored = finding_rule_id(FINDING_REPORT_OVERLAP, examined->area);

      ask_once(change, book, examined->position, finding->unit, other, mirrored, finding->indicator,
               finding->expected, finding->found);
    }
  }
}

/* The one about the form and period that counts what is not asked about one by one, if it is not settled. */
static struct stored_inquiry *find_more(GArray *inquiries, const char *park)
{
  for (unsigned n = 0; n < inquiries->len; n++) {
    struct stored_inquiry *inquiry = nth(inquiries, n);

    if (strcmp(inquiry->park, park) == 0 && finding_from_id(inquiry->rule) == FINDING_INQUIRY_MORE &&
        !is_settled(inquiry))
      return inquiry;
  }
  return NULL;
}

/* What was answered is open again: the answer was about less. */
static void count_more(const struct change *change, const struct examined *examined, int64_t book)
{
  g_autoptr(GArray) inquiries = store_inquiries_about(change->store, book, "");
  struct stored_inquiry *open = find_more(inquiries, examined->area);
  uint64_t before = open ? g_ascii_strtoull(open->found, NULL, 10) : 0;
  char *found = g_strdup_printf("%" PRIu64, before + examined->more);

  if (!open) {
    struct stored_inquiry inquiry = {
        .book = book,
        .about = examined->position,
        .unit = (char *)"",
        .park = (char *)examined->area,
        .rule = (char *)finding_id(FINDING_INQUIRY_MORE),
        .found = found,
    };

    open_inquiry(change, &inquiry);
    g_free(found);
    return;
  }
  g_free(open->found);
  open->found = found;
  ask_on(change, open);
}

static bool apply_examination(const struct change *change, const struct leaf *leaf, GError **error)
{
  for (size_t n = 0; n < leaf->examination.submission_count; n++) {
    const struct examined *examined = &leaf->examination.submissions[n];
    int form = catalogue_form(change->snapshot->catalogue, examined->form);
    struct period period;
    int64_t book;

    if (form == CATALOGUE_NONE || !period_parse(examined->period, &period))
      return refuse(error, _("the examination names a form or period that is not there: %s %s"),
                    examined->form, examined->period);
    book = store_book(change->store, examined->form, period);
    close_corrected(change, examined, book, form);
    open_found(change, examined, book);
    if (examined->more > 0) count_more(change, examined, book);
  }
  store_examined_put(change->store, leaf->examination.examined);
  return true;
}

/* --- answers --- */

static bool refuse_answer(struct refusal *refusal, enum finding_code code, const struct park_act *act)
{
  refusal->rule = finding_id(code);
  refusal->found = act->answer.text;
  return false;
}

bool inquiry_answer(struct store *store, const struct snapshot *snapshot, const struct park_act *act,
                    const char *area, int64_t now_ms, uint64_t position, struct refusal *ret_refusal)
{
  g_autoptr(GArray) found = store_inquiry(store, act->answer.inquiry);
  struct stored_inquiry *inquiry = found->len > 0 ? nth(found, 0) : NULL;

  *ret_refusal = (struct refusal){.unit = "", .indicator = "", .expected = "", .verdict = VERDICT_IS_REFUSED};
  if (!inquiry || strcmp(inquiry->park, area) != 0 || inquiry->asked_ms != act->answer.asked_at_ms)
    return refuse_answer(ret_refusal, FINDING_INQUIRY_UNKNOWN, act);
  if (is_settled(inquiry)) return refuse_answer(ret_refusal, FINDING_INQUIRY_SETTLED, act);
  if (snapshot && !explanation_is_real(snapshot->catalogue, act->answer.text))
    return refuse_answer(ret_refusal, FINDING_ANSWER_EMPTY, act);
  g_free(inquiry->answer);
  g_free(inquiry->answered_by);
  inquiry->answer = g_strdup(act->answer.text);
  inquiry->answered_by = g_strdup(act->answer.answered_by);
  inquiry->answered_ms = now_ms;
  inquiry->state = INQUIRY_ANSWERED;
  store_inquiry_put(store, inquiry);
  store_area_state_put(store, inquiry->park, position + 1);
  return true;
}

/* --- an operator asks --- */

/* What a leaf names. */
struct names {
  int form;
  struct period period;
};

/* False and `error` if form or area are not there, or the form has no such period. */
static bool read_names(const struct change *change, const char *form_code, const char *period_text,
                       const char *area_code, struct names *ret_names, GError **error)
{
  const struct catalogue *catalogue = change->snapshot->catalogue;
  int area = catalogue_area(catalogue, area_code);
  g_autofree char *objection = NULL;

  ret_names->form = catalogue_form(catalogue, form_code);
  if (ret_names->form == CATALOGUE_NONE) return refuse(error, _("the catalogue has no form “%s”"), form_code);
  if (!period_parse(period_text, &ret_names->period))
    return refuse(error, _("“%s” is no period; write 2018-05, 2018-Q2, 2018 or 2018-01/P2M"), period_text);
  objection = catalogue_period_objection(catalogue, ret_names->form, ret_names->period);
  if (objection)
    return refuse(error, _("form %s has no period %s; it expects %s"), form_code, period_text, objection);
  if (area == CATALOGUE_NONE || !catalogue->areas[area].reports)
    return refuse(error, _("no units report in area “%s”: choose a park or another area that reports"),
                  area_code);
  return true;
}

static bool ask_about_report(const struct change *change, const struct leaf *leaf, GError **error)
{
  struct names names;
  const struct unit_version *versions;
  char found[DECIMAL_TEXT_SIZE] = "";
  struct stored_inquiry inquiry = {
      .about = change->position,
      .unit = (char *)leaf->ask.unit,
      .park = (char *)leaf->ask.area,
      .rule = (char *)finding_id(FINDING_INQUIRY_ASKED),
      .indicator = (char *)leaf->ask.indicator,
      .found = found,
      .question = (char *)leaf->reason,
  };

  if (!read_names(change, leaf->ask.form, leaf->ask.period, leaf->ask.area, &names, error)) return false;
  if (register_unit(change->snapshot->units, leaf->ask.unit, &versions) == 0)
    return refuse(error, _("the register has no unit “%s”"), leaf->ask.unit);
  if (*leaf->ask.indicator &&
      catalogue_column(change->snapshot->catalogue, names.form, leaf->ask.indicator) == CATALOGUE_NONE)
    return refuse(error, _("form %s has no column “%s”"), leaf->ask.form, leaf->ask.indicator);
  inquiry.book = store_book(change->store, leaf->ask.form, names.period);
  if (*leaf->ask.indicator)
    current_figure(change, inquiry.book, leaf->ask.unit, leaf->ask.area, names.form, leaf->ask.indicator,
                   found);
  open_inquiry(change, &inquiry);
  return true;
}

static bool apply_ask(const struct change *change, const struct leaf *leaf, GError **error)
{
  if (leaf->ask.inquiry == 0) return ask_about_report(change, leaf, error);
  g_autoptr(GArray) found = store_inquiry(change->store, leaf->ask.inquiry);
  struct stored_inquiry *inquiry = found->len > 0 ? nth(found, 0) : NULL;

  if (!inquiry) return refuse(error, _("there is no inquiry %" PRIu64), leaf->ask.inquiry);
  if (inquiry->state != INQUIRY_ANSWERED)
    return refuse(error, _("inquiry %" PRIu64 " has no answer to ask on about"), leaf->ask.inquiry);
  g_free(inquiry->question);
  inquiry->question = g_strdup(leaf->reason);
  ask_on(change, inquiry);
  return true;
}

/* --- and accepts --- */

/* An operator's own question may be taken back before it is answered. */
static bool may_accept(const struct stored_inquiry *inquiry)
{
  return inquiry->state == INQUIRY_ANSWERED ||
         (inquiry->state == INQUIRY_OPEN && finding_from_id(inquiry->rule) == FINDING_INQUIRY_ASKED);
}

static bool accept_inquiries(const struct change *change, const struct leaf *leaf, GError **error)
{
  for (size_t n = 0; n < leaf->accept.inquiry_count; n++) { /* first a look at all: then all, or none */
    uint64_t number = leaf->accept.inquiries[n];
    g_autoptr(GArray) found = store_inquiry(change->store, number);

    if (found->len == 0) return refuse(error, _("there is no inquiry %" PRIu64), number);
    if (is_settled(nth(found, 0))) return refuse(error, _("inquiry %" PRIu64 " is settled already"), number);
    if (!may_accept(nth(found, 0)))
      return refuse(
          error, _("inquiry %" PRIu64 " has no answer yet: the park explains or corrects the figure first"),
          number);
  }
  for (size_t n = 0; n < leaf->accept.inquiry_count; n++) {
    g_autoptr(GArray) found = store_inquiry(change->store, leaf->accept.inquiries[n]);

    if (!is_settled(nth(found, 0))) settle(change, nth(found, 0), INQUIRY_ACCEPTED);
  }
  return true;
}

static bool accept_reports(const struct change *change, const struct leaf *leaf, GError **error)
{
  struct names names;
  int64_t book;

  if (!read_names(change, leaf->accept.form, leaf->accept.period, leaf->accept.area, &names, error))
    return false;
  book = store_find_book(change->store, leaf->accept.form, names.period);
  if (book) {
    g_autoptr(GArray) open = store_inquiries_unsettled(change->store, leaf->accept.area, book, 0, 1);

    if (open->len > 0)
      return refuse(error,
                    _("inquiry %" PRIu64 " about these reports is not settled: “park-aggregator inquiries "
                      "--area %s” lists them"),
                    nth(open, 0)->number, leaf->accept.area);
  }
  store_acceptance_put(change->store, store_book(change->store, leaf->accept.form, names.period),
                       leaf->accept.area, change->position);
  return true;
}

/* --- consents --- */

static bool apply_consent(const struct change *change, const struct leaf *leaf, GError **error)
{
  const struct catalogue *catalogue = change->snapshot->catalogue;
  int rule = catalogue_rule(catalogue, leaf->consent.rule);
  struct names names;
  const struct unit_version *versions;
  struct stored_consent consent = {
      .form = (char *)leaf->consent.form,
      .unit = (char *)leaf->consent.unit,
      .rule = (char *)leaf->consent.rule,
      .area = (char *)leaf->consent.area,
      .position = change->position,
  };

  if (!read_names(change, leaf->consent.form, leaf->consent.period, leaf->consent.area, &names, error))
    return false;
  if (rule == CATALOGUE_NONE || catalogue->rules[rule].form != names.form ||
      catalogue->rules[rule].weight != RULE_QUASI)
    return refuse(error, _("form %s has no quasi-mandatory rule “%s”"), leaf->consent.form,
                  leaf->consent.rule);
  if (register_unit(change->snapshot->units, leaf->consent.unit, &versions) == 0)
    return refuse(error, _("the register has no unit “%s”"), leaf->consent.unit);
  consent.period = names.period;
  store_consent_put(change->store, &consent);
  store_area_state_put(change->store, leaf->consent.area, change->position + 1);
  return true;
}

bool inquiry_apply(struct store *store, const struct snapshot *snapshot, const struct leaf *leaf,
                   uint64_t position, GError **error)
{
  struct change change = {store, snapshot, position, leaf->recorded_at_ms};

  switch (leaf->kind) {
  case LEAF_EXAMINATION:
    return apply_examination(&change, leaf, error);
  case LEAF_ASK:
    return apply_ask(&change, leaf, error);
  case LEAF_ACCEPT:
    return leaf->accept.inquiry_count > 0 ? accept_inquiries(&change, leaf, error)
                                          : accept_reports(&change, leaf, error);
  case LEAF_CONSENT:
    return apply_consent(&change, leaf, error);
  default:
    return refuse(error, "kind %d", (int)leaf->kind);
  }
}
