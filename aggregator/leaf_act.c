#include "aggregator/leaf_act.h"

#include "aggregator/edition.h"
#include "aggregator/key_change.h"
#include "common/clock.h"
#include "common/text.h"

#include <inttypes.h>

static char *join(const char *first, const char *second, const char *third)
{
  GString *text = g_string_new(first);

  if (*second) g_string_append_printf(text, " %s", second);
  if (*third) g_string_append_printf(text, " %s", third);
  return g_string_free(text, FALSE);
}

static char *describe_certificate(const struct bytes_view *sealed)
{
  CLEANUP(certificate_free) struct certificate *certificate = NULL;
  const uint8_t *payload;
  size_t length;

  if (seal_peek(sealed->data, sealed->length, SEAL_CERTIFICATE, &payload, &length))
    certificate = certificate_decode(payload, length);
  return g_strdup(certificate ? certificate->agent : "");
}

static char *describe_edition(const struct leaf *leaf)
{
  CLEANUP(edition_free) struct edition *edition = edition_of_leaf(leaf, NULL);

  return edition ? g_strdup_printf("%" PRIu64 " %s %s %c", edition->number, edition->form, edition->period,
                                   (char)edition->vintage)
                 : g_strdup("");
}

static char *describe_inquiries(const struct leaf *leaf)
{
  GString *text = g_string_new(NULL);

  if (leaf->accept.inquiry_count == 0) {
    g_string_free(text, TRUE);
    return join(leaf->accept.form, leaf->accept.period, leaf->accept.area);
  }
  for (size_t n = 0; n < leaf->accept.inquiry_count; n++)
    g_string_append_printf(text, "%s%" PRIu64, n > 0 ? ", " : "", leaf->accept.inquiries[n]);
  return g_string_free(text, FALSE);
}

static char *describe_question(const struct leaf *leaf)
{
  g_autofree char *report = join(leaf->ask.form, leaf->ask.period, leaf->ask.unit);

  return leaf->ask.inquiry > 0 ? g_strdup_printf("%" PRIu64, leaf->ask.inquiry) : g_steal_pointer(&report);
}

static char *describe_consent(const struct leaf *leaf)
{
  g_autofree char *report = join(leaf->consent.form, leaf->consent.period, leaf->consent.unit);

  return join(report, leaf->consent.rule, "");
}

/* In UTC, as no catalogue is at hand that would know the zone's clock. */
static char *describe_revocation(const struct leaf *leaf)
{
  g_autofree char *since = leaf->revocation.doubtful_since_ms
                               ? clock_format((struct wall_time){leaf->revocation.doubtful_since_ms})
                               : g_strdup("");

  return join(leaf->revocation.agent, since, "");
}

/* The new signing key; the leaf's doer tells whose. */
static char *describe_keys(const struct bytes_view *sealed)
{
  CLEANUP(key_change_free) struct key_change *change = key_change_peek(sealed);
  uint8_t id[SEAL_HASH_SIZE];

  if (!change) return g_strdup("");
  seal_key_id(change->sign_key.data, id);
  return text_hex(id, sizeof id);
}

const char *leaf_act(const struct leaf *leaf, char **ret_about)
{
  static const char *const PERIODS[] = {[PERIOD_TO_OPEN] = "period open",
                                        [PERIOD_TO_CLOSE] = "period close",
                                        [PERIOD_TO_REOPEN] = "period reopen"};

  switch (leaf->kind) {
  case LEAF_GENESIS:
    *ret_about = g_strdup("");
    return "init";
  case LEAF_CATALOGUE:
    *ret_about = g_strdup_printf("catalogue.yaml, %zu", leaf->catalogue.text.length);
    return "catalogue";
  case LEAF_REGISTER:
    *ret_about = g_strdup_printf("CSV, %zu", leaf->register_.text.length);
    return "register import";
  case LEAF_INVITATION:
    *ret_about = g_strdup(leaf->invitation.area);
    return "invite";
  case LEAF_ENROLMENT:
    *ret_about = describe_certificate(&leaf->enrolment.certificate);
    return leaf->enrolment.secret_hash.length > 0 ? "join" : "return";
  case LEAF_REVOCATION:
    *ret_about = describe_revocation(leaf);
    return "revoke";
  case LEAF_PERIOD:
    *ret_about = join(leaf->period.form, leaf->period.period, leaf->period.area);
    return PERIODS[leaf->period.action];
  case LEAF_ASK:
    *ret_about = describe_question(leaf);
    return "ask";
  case LEAF_ACCEPT:
    *ret_about = describe_inquiries(leaf);
    return "accept";
  case LEAF_CONSENT:
    *ret_about = describe_consent(leaf);
    return "consent";
  case LEAF_DECLINE:
    *ret_about = g_strdup_printf("%" PRIu64, leaf->decline.application);
    return "decline";
  case LEAF_EDITION:
    *ret_about = describe_edition(leaf);
    return "period publish";
  case LEAF_EPOCH:
    *ret_about = g_strdup("");
    return "restore";
  case LEAF_RESUME:
    *ret_about = g_strdup_printf("%" PRIu64, leaf->resume.epoch);
    return "resume";
  case LEAF_KEY:
    *ret_about = describe_keys(&leaf->key.sealed);
    return "key rotate";
  case LEAF_NOTE:
    *ret_about = g_strdup(leaf->note.detail);
    return leaf->note.act;
  case LEAF_SUBMISSION: /* what parks and the examiner did is told elsewhere */
  case LEAF_PARK_ACT:
  case LEAF_EXAMINATION:
    break;
  }
  return NULL;
}
