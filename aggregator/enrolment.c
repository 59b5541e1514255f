#include "aggregator/enrolment.h"

#include "aggregator/rights.h"
#include "aggregator/store/epochs.h"
#include "common/clock.h"
#include "common/error.h"

#include <string.h>

/* After a restore names have one more part: the backup may not know who has the next one. */
static char *next_agent_id(const struct snapshot *snapshot, const char *area)
{
  g_autofree char *start =
      snapshot->epoch > 0 ? g_strdup_printf("%s-r%" G_GUINT64_FORMAT, area, snapshot->epoch) : g_strdup(area);

  for (unsigned number = 1;; number++) {
    g_autofree char *id = g_strdup_printf("%s-%u", start, number);

    if (!snapshot_agent(snapshot, id)) return g_steal_pointer(&id);
  }
}

static GBytes *make_certificate(const struct snapshot *snapshot, const struct identity *identity,
                                const struct stored_invitation *invitation, const struct join_record *join,
                                int64_t now_ms)
{
  g_autofree char *id = next_agent_id(snapshot, invitation->area);
  g_autoptr(GByteArray) payload = NULL;
  struct certificate certificate = {
      .agent = id,
      .area = invitation->area,
      .role = invitation->role,
      .forms = (const char *const *)invitation->forms,
      .form_count = g_strv_length(invitation->forms),
      .curve_key = {join->curve_key, sizeof join->curve_key},
      .sign_key = {join->sign_key, sizeof join->sign_key},
      .issued_at_ms = now_ms,
  };

  payload = certificate_encode(&certificate);
  return g_byte_array_free_to_bytes(
      identity_seal(identity, SEAL_CERTIFICATE, payload->data, payload->len, NULL));
}

static GBytes *refuse(GError **error)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_PERMISSION, finding_text(FINDING_INVITATION_REFUSED));
  return NULL;
}

/* The same secret with the same keys gets the same answer, with other keys none. Keys are one agent's: the
 * door could not tell two with one CURVE key apart. */
GBytes *enrolment_certify(struct store *store, const struct snapshot *snapshot,
                          const struct identity *identity, const struct join_record *join, int64_t now_ms,
                          bool *ret_new, enum agent_entry *ret_entry, GError **error)
{
  uint8_t key_id[SEAL_HASH_SIZE], secret_hash[SEAL_HASH_SIZE];
  struct stored_invitation invitation = {0};
  const struct agent_record *holder;
  GBytes *certificate;

  seal_key_id(join->sign_key, key_id);
  seal_hash(join->secret, sizeof join->secret, secret_hash);
  holder = snapshot_agent_by_key_id(snapshot, key_id);
  if (!store_invitation(store, secret_hash, &invitation)) return refuse(error);
  *ret_new = false;
  if (invitation.used_by && holder && strcmp(invitation.used_by, holder->stored.id) == 0 &&
      memcmp(holder->stored.curve_key, join->curve_key, CURVE_KEY_SIZE) == 0) {
    certificate = g_bytes_ref(holder->stored.certificate);
  } else if (invitation.used_by || holder || invitation.expires_ms < clock_wall().ms ||
             snapshot_agent_by_curve(snapshot, join->curve_key)) {
    certificate = refuse(error);
  } else {
    certificate = make_certificate(snapshot, identity, &invitation, join, now_ms);
    *ret_new = true;
    *ret_entry = rights_entry(
        snapshot,
        &(struct stored_agent){.area = invitation.area, .role = invitation.role, .forms = invitation.forms});
  }
  stored_invitation_clear(&invitation);
  return certificate;
}

/* --- who returns --- */

static GBytes *refuse_return(GError **error, enum finding_code code)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_PERMISSION, finding_id(code));
  return NULL;
}

/* The certificate in it, which must be ours, and sealed by whom it certifies. NULL if it is not. */
static struct certificate *open_return(const struct identity *identity, GBytes *sealed, GBytes **ret_inner)
{
  CLEANUP(certificate_free) struct certificate *certificate = NULL;
  size_t length, inner_length, payload_length;
  const uint8_t *data = g_bytes_get_data(sealed, &length);
  const uint8_t *inner, *payload;

  if (!seal_peek(data, length, SEAL_RETURN, &inner, &inner_length) ||
      seal_open(inner, inner_length, SEAL_CERTIFICATE, identity_sign_public(identity), &payload,
                &payload_length, NULL) != SEAL_OK)
    return NULL;
  certificate = certificate_decode(payload, payload_length);
  if (!certificate || seal_open(data, length, SEAL_RETURN, certificate->sign_key.data, &inner, &inner_length,
                                NULL) != SEAL_OK)
    return NULL;
  *ret_inner = g_bytes_new(inner, inner_length);
  return g_steal_pointer(&certificate);
}

static bool is_same(const struct stored_agent *agent, const struct certificate *certificate)
{
  return memcmp(agent->sign_key, certificate->sign_key.data, sizeof agent->sign_key) == 0 &&
         memcmp(agent->curve_key, certificate->curve_key.data, sizeof agent->curve_key) == 0;
}

static bool keys_are_taken(const struct snapshot *snapshot, const struct certificate *certificate)
{
  uint8_t key_id[SEAL_HASH_SIZE];

  seal_key_id(certificate->sign_key.data, key_id);
  return snapshot_agent_by_key_id(snapshot, key_id) ||
         snapshot_agent_by_curve(snapshot, certificate->curve_key.data);
}

GBytes *enrolment_return(struct store *store, const struct snapshot *snapshot,
                         const struct identity *identity, GBytes *sealed, bool *ret_new,
                         enum agent_entry *ret_entry, GError **error)
{
  g_autoptr(GBytes) inner = NULL;
  CLEANUP(certificate_free) struct certificate *certificate = open_return(identity, sealed, &inner);
  const struct agent_record *known = certificate ? snapshot_agent(snapshot, certificate->agent) : NULL;
  struct stored_agent newcomer;

  *ret_new = false;
  if (!certificate || (known && !is_same(&known->stored, certificate)))
    return refuse_return(error, FINDING_INVITATION_REFUSED);
  if (known ? known->stored.revoked_ms != 0 : store_is_barred(store, certificate->agent))
    return refuse_return(error, FINDING_AGENT_REVOKED);
  if (known) return g_steal_pointer(&inner);
  if (snapshot->epoch == 0 || keys_are_taken(snapshot, certificate))
    return refuse_return(error, FINDING_INVITATION_REFUSED);
  g_auto(GStrv) forms = g_new0(char *, certificate->form_count + 1);
  for (size_t n = 0; n < certificate->form_count; n++) forms[n] = g_strdup(certificate->forms[n]);
  newcomer =
      (struct stored_agent){.area = (char *)certificate->area, .role = certificate->role, .forms = forms};
  *ret_new = true;
  *ret_entry = rights_entry(snapshot, &newcomer);
  return g_steal_pointer(&inner);
}
