#include "aggregator/act.h"

#include "aggregator/admission.h"
#include "aggregator/application.h"
#include "aggregator/edition.h"
#include "aggregator/epoch.h"
#include "aggregator/inquiry.h"
#include "aggregator/key_change.h"
#include "aggregator/periods.h"
#include "aggregator/store/epochs.h"
#include "aggregator/store/inquiries.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

static bool refuse(GError **error, enum parktally_error code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool refuse(GError **error, enum parktally_error code, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  g_propagate_error(error, g_error_new_valist(PARKTALLY_ERROR, code, format, arguments));
  va_end(arguments);
  return false;
}

static void change_snapshot(struct snapshot **snapshot, uint64_t position, struct catalogue *catalogue,
                            struct unit_register *units, const struct stored_agent *agent)
{
  snapshot_replace(snapshot, position, snapshot_change(*snapshot, catalogue, units, agent));
}

/* --- catalogue --- */

static bool apply_catalogue(struct store *store, struct tables *tables, struct snapshot **snapshot,
                            const struct leaf *leaf, uint64_t position, GError **error)
{
  const struct bytes_view *text = &leaf->catalogue.text;
  CLEANUP(catalogue_unref)
  struct catalogue *catalogue =
      catalogue_compile("catalogue.yaml", (const char *)text->data, text->length, error);

  if (!catalogue) return false;
  if ((*snapshot)->catalogue && !catalogue_may_follow((*snapshot)->catalogue, catalogue, error)) return false;
  store_catalogue_put(store, catalogue->hash, position, catalogue->text, catalogue->text_length);
  change_snapshot(snapshot, position, catalogue, NULL, NULL);
  tables_use(tables, catalogue, (*snapshot)->units);
  tables_catalogue_changed(tables, catalogue);
  return true;
}

/* --- register --- */

/* The register in force with the versions of `imported` put over it; `ret_units` are those that changed. */
static struct unit_register *merge_registers(struct store *store, uint64_t position,
                                             const struct unit_register *units,
                                             const struct unit_register *imported, GPtrArray *ret_units)
{
  struct register_builder *builder = register_builder_new();
  uint64_t before;
  bool is_first = !store_last_leaf_of(store, LEAF_REGISTER, position, &before);

  for (size_t n = 0; n < register_size(units); n++) register_builder_add(builder, register_nth(units, n));
  for (size_t n = 0; n < register_size(imported); n++) {
    const struct unit_version *version = register_nth(imported, n);
    const struct unit_version *known = register_find(units, version->unit, version->from);
    if (known && unit_version_equal(known, version)) continue;
    register_builder_add(builder, version);
    if (!is_first) store_version_keep(store, position, version, known);
    store_version_put(store, version);
    if (ret_units->len == 0 || strcmp(ret_units->pdata[ret_units->len - 1], version->unit) != 0)
      g_ptr_array_add(ret_units, (void *)version->unit);
  }
  return register_builder_finish(builder);
}

static bool apply_register(struct store *store, struct tables *tables, struct snapshot **snapshot,
                           const struct leaf *leaf, uint64_t position, GError **error)
{
  const struct bytes_view *text = &leaf->register_.text;
  CLEANUP(register_unref) struct unit_register *imported = NULL;
  CLEANUP(register_unref) struct unit_register *merged = NULL;
  g_autoptr(GPtrArray) units = g_ptr_array_new();

  if (!register_read_csv((*snapshot)->catalogue, "register.csv", (const char *)text->data, text->length, NULL,
                         NULL, &imported, error))
    return false;
  merged = merge_registers(store, position, (*snapshot)->units, imported, units);
  tables_use(tables, (*snapshot)->catalogue, (*snapshot)->units);
  tables_register_changed(tables, merged, units);
  change_snapshot(snapshot, position, NULL, merged, NULL);
  application_settle_registered(store, *snapshot, leaf->recorded_at_ms, position);
  return true;
}

/* --- invitations, enrolments, revocations --- */

static bool apply_invitation(struct store *store, const struct snapshot *snapshot, const struct leaf *leaf,
                             GError **error)
{
  struct stored_invitation invitation = {
      .area = (char *)leaf->invitation.area,
      .role = leaf->invitation.role,
      .expires_ms = leaf->invitation.expires_at_ms,
  };
  g_autoptr(GPtrArray) forms = g_ptr_array_new();
  int area = catalogue_area(snapshot->catalogue, leaf->invitation.area);

  if (area == CATALOGUE_NONE || !snapshot->catalogue->areas[area].reports)
    return refuse(error, ERROR_USAGE,
                  _("no units report in area “%s”: choose a park or another area that reports"),
                  leaf->invitation.area);
  for (size_t n = 0; n < leaf->invitation.form_count; n++) {
    if (catalogue_form(snapshot->catalogue, leaf->invitation.forms[n]) == CATALOGUE_NONE)
      return refuse(error, ERROR_USAGE, _("the catalogue has no form “%s”"), leaf->invitation.forms[n]);
    g_ptr_array_add(forms, (void *)leaf->invitation.forms[n]);
  }
  g_ptr_array_add(forms, NULL);
  invitation.forms = (GStrv)forms->pdata;
  store_invitation_put(store, leaf->invitation.secret_hash.data, &invitation);
  return true;
}

/* The forms that the invitation named; it is used up. Of an agent that returned those of its certificate. */
static bool take_invitation(struct store *store, const struct snapshot *snapshot, const struct leaf *leaf,
                            const struct certificate *certificate, GStrv *ret_forms)
{
  struct stored_invitation invitation = {0};

  if (leaf->enrolment.secret_hash.length == 0) {
    *ret_forms = g_new0(char *, certificate->form_count + 1);
    for (size_t n = 0; n < certificate->form_count; n++) (*ret_forms)[n] = g_strdup(certificate->forms[n]);
    return snapshot->epoch > 0;
  }
  if (!store_invitation(store, leaf->enrolment.secret_hash.data, &invitation)) return false;
  *ret_forms = g_strdupv(invitation.forms);
  g_free(invitation.used_by);
  invitation.used_by = g_strdup(certificate->agent);
  store_invitation_put(store, leaf->enrolment.secret_hash.data, &invitation);
  stored_invitation_clear(&invitation);
  return true;
}

static bool apply_enrolment(struct store *store, struct snapshot **snapshot, const struct leaf *leaf,
                            uint64_t position, GError **error)
{
  const struct bytes_view *sealed = &leaf->enrolment.certificate;
  const uint8_t *payload = NULL;
  size_t length = 0;
  CLEANUP(certificate_free) struct certificate *certificate = NULL;
  g_autoptr(GBytes) kept = g_bytes_new(sealed->data, sealed->length);
  g_auto(GStrv) forms = NULL;
  struct stored_agent agent = {0};

  if (seal_peek(sealed->data, sealed->length, SEAL_CERTIFICATE, &payload, &length))
    certificate = certificate_decode(payload, length);
  if (!certificate || !take_invitation(store, *snapshot, leaf, certificate, &forms))
    return refuse(error, ERROR_DATA,
                  _("the ledger is damaged at leaf %" PRIu64 ": its enrolment cannot be read"), position);
  agent.id = (char *)certificate->agent;
  agent.area = (char *)certificate->area;
  agent.role = certificate->role;
  agent.forms = forms;
  memcpy(agent.curve_key, certificate->curve_key.data, sizeof agent.curve_key);
  memcpy(agent.sign_key, certificate->sign_key.data, sizeof agent.sign_key);
  agent.enrolled_ms = leaf->recorded_at_ms;
  agent.certificate = kept;
  agent.entry = leaf->enrolment.entry;
  store_agent_put(store, &agent);
  store_area_state_put(store, agent.area, position + 1);
  change_snapshot(snapshot, position, NULL, NULL, &agent);
  return true;
}

static bool apply_revocation(struct store *store, struct snapshot **snapshot, const struct leaf *leaf,
                             uint64_t position, GError **error)
{
  const struct agent_record *agent = snapshot_agent(*snapshot, leaf->revocation.agent);
  struct stored_agent revoked;

  if (!agent && (*snapshot)->epoch > 0) { /* the backup may not have known it */
    if (store_is_barred(store, leaf->revocation.agent))
      return refuse(error, ERROR_USAGE, _("agent “%s” is revoked already"), leaf->revocation.agent);
    store_bar(store, leaf->revocation.agent, leaf->recorded_at_ms);
    return true;
  }
  if (!agent)
    return refuse(error, ERROR_USAGE, _("there is no agent “%s”: “park-aggregator agents” lists them"),
                  leaf->revocation.agent);
  if (agent->stored.revoked_ms != 0)
    return refuse(error, ERROR_USAGE, _("agent “%s” is revoked already"), leaf->revocation.agent);
  revoked = agent->stored;
  revoked.revoked_ms = leaf->recorded_at_ms;
  store_agent_put(store, &revoked);
  store_area_state_put(store, revoked.area, position + 1);
  change_snapshot(snapshot, position, NULL, NULL, &revoked);
  return true;
}

static bool refuse_act(GError **error, uint64_t position)
{
  return refuse(error, ERROR_DATA, _("the ledger is damaged at leaf %" PRIu64 ": its act cannot be read"),
                position);
}

/* An act of a park; what it was refused for is in the leaf. */
static bool apply_park_act(struct store *store, struct snapshot **snapshot, const struct leaf *leaf,
                           uint64_t position, GError **error)
{
  const struct bytes_view *sealed = &leaf->park_act.sealed;
  const uint8_t *payload = NULL;
  size_t length = 0;
  CLEANUP(park_act_free) struct park_act *act = NULL;
  const struct agent_record *agent;
  struct refusal refusal;

  if (seal_peek(sealed->data, sealed->length, SEAL_ACT, &payload, &length))
    act = park_act_decode(payload, length);
  agent = act ? snapshot_agent(*snapshot, act->agent) : NULL;
  if (!agent) return refuse_act(error, position);
  if (leaf->park_act.exception_count > 0) return true;
  switch (act->kind) {
  case PARK_ANSWERS:
    (void)inquiry_answer(store, NULL, act, agent->stored.area, leaf->recorded_at_ms, position, &refusal);
    break;
  case PARK_APPLIES:
    (void)application_apply(store, NULL, act, agent->stored.area, leaf->recorded_at_ms, position, &refusal);
    break;
  case PARK_ADMITS:
    if (!admission_apply(store, snapshot, act, leaf->recorded_at_ms, position))
      return refuse_act(error, position);
    break;
  }
  return true;
}

/* --- periods --- */

static bool apply_period(struct store *store, struct snapshot **snapshot, const struct leaf *leaf,
                         uint64_t position, GError **error)
{
  const struct catalogue *catalogue = (*snapshot)->catalogue;
  int form = catalogue_form(catalogue, leaf->period.form);
  int area = *leaf->period.area ? catalogue_area(catalogue, leaf->period.area) : CATALOGUE_NONE;
  g_autofree char *objection = NULL;
  struct stored_period_act act = {
      .position = position,
      .form = (char *)leaf->period.form,
      .action = leaf->period.action,
      .area = (char *)leaf->period.area,
      .by = (char *)leaf->by,
      .reason = (char *)leaf->reason,
      .recorded_ms = leaf->recorded_at_ms,
  };

  if (form == CATALOGUE_NONE)
    return refuse(error, ERROR_USAGE, _("the catalogue has no form “%s”"), leaf->period.form);
  if (area == CATALOGUE_NONE && *leaf->period.area)
    return refuse(error, ERROR_USAGE, _("the catalogue has no area “%s”"), leaf->period.area);
  if (!period_parse(leaf->period.period, &act.period))
    return refuse(error, ERROR_USAGE, _("“%s” is no period; write 2018-05, 2018-Q2, 2018 or 2018-01/P2M"),
                  leaf->period.period);
  objection =
      periods_objection((*snapshot)->period_acts, catalogue, leaf->period.action, form, act.period, area);
  if (objection) return refuse(error, ERROR_USAGE, "%s", objection);
  store_period_act_add(store, &act);
  snapshot_replace(snapshot, position, snapshot_change_period(*snapshot, &act));
  return true;
}

bool act_apply(struct store *store, struct tables *tables, struct snapshot **snapshot,
               const struct leaf *leaf, uint64_t position, GError **error)
{
  bool reads_catalogue = leaf->kind == LEAF_REGISTER || leaf->kind == LEAF_INVITATION ||
                         leaf->kind == LEAF_EXAMINATION || leaf->kind == LEAF_ASK ||
                         leaf->kind == LEAF_ACCEPT || leaf->kind == LEAF_CONSENT ||
                         leaf->kind == LEAF_PERIOD || leaf->kind == LEAF_EDITION;

  if (reads_catalogue && !(*snapshot)->catalogue)
    return refuse(error, ERROR_DATA,
                  _("the ledger is damaged at leaf %" PRIu64 ": no catalogue is in force before it"),
                  position);
  switch (leaf->kind) {
  case LEAF_NOTE:
    return true;
  case LEAF_GENESIS:
    key_change_begin(snapshot, leaf, position);
    return true;
  case LEAF_KEY:
    return key_change_apply(store, snapshot, &leaf->key.sealed, position, error);
  case LEAF_CATALOGUE:
    return apply_catalogue(store, tables, snapshot, leaf, position, error);
  case LEAF_REGISTER:
    return apply_register(store, tables, snapshot, leaf, position, error);
  case LEAF_INVITATION:
    return apply_invitation(store, *snapshot, leaf, error);
  case LEAF_ENROLMENT:
    return apply_enrolment(store, snapshot, leaf, position, error);
  case LEAF_REVOCATION:
    return apply_revocation(store, snapshot, leaf, position, error);
  case LEAF_PARK_ACT:
    return apply_park_act(store, snapshot, leaf, position, error);
  case LEAF_EXAMINATION:
  case LEAF_ASK:
  case LEAF_ACCEPT:
  case LEAF_CONSENT:
    return inquiry_apply(store, *snapshot, leaf, position, error);
  case LEAF_PERIOD:
    return apply_period(store, snapshot, leaf, position, error);
  case LEAF_DECLINE:
    return application_decline(store, leaf, position, error);
  case LEAF_EDITION:
    return edition_apply(store, *snapshot, leaf, position, error);
  case LEAF_EPOCH:
  case LEAF_RESUME:
    return epoch_apply(store, snapshot, leaf, position, error);
  case LEAF_SUBMISSION:
    break;
  }
  return refuse(error, ERROR_DATA, _("the ledger is damaged at leaf %" PRIu64 ": it is no act"), position);
}
