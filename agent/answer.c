#include "agent/answer.h"

#include "common/finding.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

static const char *unit_name(const struct home *home, const char *unit, const char *period)
{
  struct period parsed;
  if (!home->units || !unit[0] || !period_parse(period, &parsed)) return NULL;
  const struct unit_version *version = register_version(home->units, unit, parsed);
  return version ? version->name : NULL;
}

static const char *or_null(const char *text)
{
  return text[0] ? text : NULL;
}

char *answer_format(const struct home *home, const char *form, const char *period,
                    const struct refusal *refusal)
{
  g_autofree char *place = g_strdup_printf("%s %s", form, period);
  enum finding_code code = finding_from_id(refusal->rule);
  if (strcmp(refusal->rule, OUTBOX_DAMAGED) == 0)
    return g_strdup_printf(_("%s: a submission was damaged on this computer's disk before it was sent; check "
                             "the disk and send the file again [%s]"),
                           place, refusal->rule);
  if (code != FINDING_COUNT && code != FINDING_INQUIRY_MORE && !refusal->unit[0]) { /* refused whole */
    g_autofree char *meaning = answer_fault(refusal->rule, refusal->expected);
    g_autofree char *advice =
        g_strdup(finding_advice(code)[0] ? finding_advice(code) : _("send the file again"));
    advice[0] = g_ascii_toupper(advice[0]);
    return g_strdup_printf("%s: %s. %s. [%s]", place, meaning, advice, refusal->rule);
  }
  if (code == FINDING_COUNT) /* of a newer aggregator */
    return g_strdup_printf(_("%s, unit %s: the aggregator did not count it: found “%s”, expected %s [%s]"),
                           place, refusal->unit, refusal->found, refusal->expected, refusal->rule);
  const char *rule_code = finding_rule(refusal->rule);
  int rule = rule_code && home->catalogue ? catalogue_rule(home->catalogue, rule_code) : CATALOGUE_NONE;
  /* Where one report met another these are ids of submissions, of no use to a person. */
  bool are_ids = refusal->verdict != VERDICT_IS_REFUSED;
  struct finding finding = {
      .code = code,
      .file = place,
      .unit = or_null(refusal->unit),
      .unit_name = unit_name(home, refusal->unit, period),
      .indicator = or_null(refusal->indicator),
      .found = are_ids ? NULL : or_null(refusal->found),
      .expected = are_ids ? NULL : or_null(refusal->expected),
      .rule = rule_code,
      .rule_says = rule == CATALOGUE_NONE ? NULL : text_label(&home->catalogue->rules[rule].name)};
  return finding_format(&finding);
}

char *answer_summary(const struct outbox_summary *summary)
{
  return g_strdup_printf(
      _("of %" PRIu64 " reports sent: %" PRIu64 " counted, %" PRIu64 " unchanged, %" PRIu64
        " overtaken by others, %" PRIu64
        " waiting for the report that they correct or for their unit's registration, %" PRIu64
        " refused; %" PRIu64 " of %" PRIu64 " submissions wait for an answer, %" PRIu64
        " were refused whole"),
      summary->reports, summary->counted, summary->unchanged, summary->stale, summary->waiting_for_base,
      summary->refused, summary->waiting_to_send, summary->submissions, summary->refused_whole);
}

char *answer_fault(const char *code, const char *text)
{
  enum finding_code finding = finding_from_id(code);
  if (finding == FINDING_COUNT) return g_strdup(text); /* of a newer aggregator */
  return text[0] ? g_strdup_printf("%s (%s)", finding_text(finding), text) : g_strdup(finding_text(finding));
}

static const enum finding_code AGENT_FAULTS[] = {FINDING_AGENT_REVOKED, FINDING_AGENT_OTHER,
                                                 FINDING_SEAL_UNKNOWN};

bool answer_is_about_agent(const char *code)
{
  enum finding_code finding = finding_from_id(code);
  for (size_t i = 0; i < G_N_ELEMENTS(AGENT_FAULTS); i++)
    if (finding == AGENT_FAULTS[i]) return true;
  return false;
}

char *answer_clocks(int64_t ahead_ms)
{
  int64_t minutes = (ahead_ms < 0 ? -ahead_ms : ahead_ms) / 60000;
  const char *id = finding_id(FINDING_CLOCK_OFF);
  return ahead_ms > 0 ? g_strdup_printf(_("this computer's clock is %" PRId64
                                          " minutes ahead of the city's; set it right [%s]"),
                                        minutes, id)
                      : g_strdup_printf(_("this computer's clock is %" PRId64
                                          " minutes behind the city's; set it right [%s]"),
                                        minutes, id);
}
