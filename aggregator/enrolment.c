#include "aggregator/enrolment.h"

#include "aggregator/rights.h"
#include "aggregator/store/epochs.h"
#include "common/clock.h"
#include "common/error.h"

#include <string.h>

#define AREA_OF_NAME 40 /* bytes of it, so that the name is no longer than a code */

/* After a restore names have one more part: the backup may not know who has the next one. */
static char *next_agent_id(const struct snapshot *snapshot, const char *area)
{
  g_autofree char *start =
      snapshot->epoch > 0 ? g_strdup_printf("%.*s-r%" G_GUINT64_FORMAT, AREA_OF_NAME, area, snapshot->epoch)
                          : g_strdup(area);

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
             snapshot_had_curve(snapshot, join->curve_key)) {
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

static bool refuse_return(GError **error, enum finding_code code)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_PERMISSION, finding_id(code));
  return false;
}

/* What an agent shows that returns, opened. */
struct returning {
  struct return_record *record;
  GBytes *sealed; /* the certificate */
  struct certificate *certificate;
  const struct agent_record *known; /* NULL: we do not know it */
  struct key_chain *keys;           /* those that it shows: up to the one that sealed all this */
};

static void returning_clear(struct returning *returning)
{
  return_free(returning->record);
  if (returning->sealed) g_bytes_unref(returning->sealed);
  certificate_free(returning->certificate);
  key_chain_unref(returning->keys);
}

/* The certificate must be ours. */
static bool open_certificate(const struct snapshot *snapshot, struct returning *returning)
{
  const struct bytes_view *sealed = &returning->record->certificate;
  const uint8_t *payload;
  size_t length;

  if (!snapshot->keys || key_chain_open(snapshot->keys, sealed->data, sealed->length, SEAL_CERTIFICATE,
                                        &payload, &length, NULL, NULL) != SEAL_OK)
    return false;
  returning->certificate = certificate_decode(payload, length);
  returning->sealed = g_bytes_new(sealed->data, sealed->length);
  return returning->certificate != NULL;
}

/* From the keys that the certificate gave, or those that we know of, to those that it has now. */
static bool open_keys(const struct snapshot *snapshot, struct returning *returning)
{
  const struct certificate *certificate = returning->certificate;
  CLEANUP(key_chain_unref)
  struct key_chain *first =
      key_chain_new(certificate->agent, certificate->curve_key.data, certificate->sign_key.data);

  returning->known = snapshot_agent(snapshot, certificate->agent);
  if (returning->known && !key_chain_find(returning->known->keys, key_chain_present(first)->key_id))
    return false; /* another one has its name */
  returning->keys = key_chain_copy(returning->known ? returning->known->keys : first);
  return key_chain_extend(returning->keys, returning->record->key_changes,
                          returning->record->key_change_count);
}

/* False unless it shows a certificate of ours, changes of keys that lead on from it, and all that sealed by
 * the last of these keys. */
static bool open_return(const struct snapshot *snapshot, GBytes *sealed, struct returning *returning)
{
  size_t length, payload_length;
  const uint8_t *data = g_bytes_get_data(sealed, &length), *payload;

  if (!seal_peek(data, length, SEAL_RETURN, &payload, &payload_length)) return false;
  returning->record = return_decode(payload, payload_length);
  return returning->record && open_certificate(snapshot, returning) && open_keys(snapshot, returning) &&
         seal_open(data, length, SEAL_RETURN, key_chain_present(returning->keys)->sign_key, &payload,
                   &payload_length, NULL) == SEAL_OK;
}

/* Whether any agent has, or had, one of those that we do not know of this one: the door could not tell them
 * apart. */
static bool keys_are_taken(const struct snapshot *snapshot, const struct returning *returning)
{
  const GArray *links = returning->keys->links;

  for (guint n = returning->known ? returning->known->keys->links->len : 0; n < links->len; n++) {
    const struct key_link *link = &g_array_index(links, struct key_link, n);

    if (snapshot_agent_by_key_id(snapshot, link->key_id) || snapshot_had_curve(snapshot, link->curve_key))
      return true;
  }
  return false;
}

/* Changes that we do not know yet, in order. */
static GPtrArray *new_changes(const struct returning *returning)
{
  GPtrArray *changes = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  guint known = returning->known ? returning->known->keys->papers->len : 0;

  for (guint n = known; n < returning->keys->papers->len; n++)
    g_ptr_array_add(changes, g_bytes_ref(returning->keys->papers->pdata[n]));
  return changes;
}

static bool may_return(struct store *store, const struct snapshot *snapshot,
                       const struct returning *returning, GError **error)
{
  const struct agent_record *known = returning->known;
  bool is_revoked =
      known ? known->stored.revoked_ms != 0 : store_is_barred(store, returning->certificate->agent);

  if (is_revoked) return refuse_return(error, FINDING_AGENT_REVOKED);
  return ((known || snapshot->epoch > 0) && !keys_are_taken(snapshot, returning)) ||
         refuse_return(error, FINDING_INVITATION_REFUSED);
}

bool enrolment_return(struct store *store, const struct snapshot *snapshot, GBytes *sealed,
                      struct enrolment_return *ret_return, GError **error)
{
  struct returning returning = {0};
  bool opened = open_return(snapshot, sealed, &returning) || refuse_return(error, FINDING_INVITATION_REFUSED);
  bool returns = opened && may_return(store, snapshot, &returning, error);

  if (returns) {
    const struct certificate *certificate = returning.certificate;
    g_auto(GStrv) forms = g_new0(char *, certificate->form_count + 1);
    for (size_t n = 0; n < certificate->form_count; n++) forms[n] = g_strdup(certificate->forms[n]);
    *ret_return = (struct enrolment_return){
        .certificate = g_bytes_ref(returning.sealed),
        .is_new = !returning.known,
        .entry = rights_entry(snapshot, &(struct stored_agent){.area = (char *)certificate->area,
                                                               .role = certificate->role,
                                                               .forms = forms}),
        .key_changes = new_changes(&returning),
    };
  }
  returning_clear(&returning);
  return returns;
}
