/* Checks who signed (DOMAIN: nobody but the reporting side alters a unit's figures; proto/README.md, "The
 * seal", "Joining", "Admission"): certificates are by the ledger's key and as invited, whoever seals was
 * enrolled, admitted where somebody had its rights already, and not revoked, and no number is used twice.
 * Keys change by who has them alone ("Changes of keys"). */
#include "aggregator/verifier/parties.h"

#include "common/text.h"

#include <inttypes.h>
#include <string.h>

struct invited {
  char *area;
  enum agent_role role;
  GStrv forms;
  bool used; /* or void, since the ledger was restored */
};

static void party_free(void *data)
{
  struct party *party = data;
  g_free(party->id);
  g_free(party->area);
  g_strfreev(party->forms);
  keys_finish(&party->keys);
  g_hash_table_unref(party->used);
  g_free(party);
}

static void invited_free(void *data)
{
  struct invited *invited = data;
  g_free(invited->area);
  g_strfreev(invited->forms);
  g_free(invited);
}

static unsigned key_hash(const void *key)
{
  unsigned hash;
  memcpy(&hash, key, sizeof hash);
  return hash;
}

static int key_equal(const void *a, const void *b)
{
  return memcmp(a, b, SEAL_HASH_SIZE) == 0;
}

void parties_init(struct parties *parties, struct faults *faults)
{
  parties->faults = faults;
  parties->all = g_ptr_array_new_with_free_func(party_free);
  parties->by_key = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
  parties->by_id = g_hash_table_new(g_str_hash, g_str_equal);
  parties->barred = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  parties->invitations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, invited_free);
}

void parties_finish(struct parties *parties)
{
  g_hash_table_unref(parties->by_key);
  g_hash_table_unref(parties->by_id);
  g_hash_table_unref(parties->barred);
  g_hash_table_unref(parties->invitations);
  g_ptr_array_unref(parties->all);
}

static GStrv copy_forms(const char *const *forms, size_t count)
{
  GStrv copy = g_new0(char *, count + 1);
  for (size_t n = 0; n < count; n++) copy[n] = g_strdup(forms[n]);
  return copy;
}

/* --- rights --- */

static bool may_report(const struct party *party, const struct form *form)
{
  if (party->forms[0]) return g_strv_contains((const char *const *)party->forms, form->code);
  return party->role == (form->role == ROLE_OF_BUREAU ? AGENT_OF_BUREAU : AGENT_OF_PARK);
}

bool party_may_report(const struct party *party, const struct catalogue *catalogue, const char *form)
{
  int n = catalogue_form(catalogue, form);
  return n != CATALOGUE_NONE && may_report(party, &catalogue->forms[n]);
}

/* Whether one could say something in the other's name: a park's agents share everything, bureaux the forms
 * that both have. */
static bool share_rights(const struct catalogue *catalogue, const struct party *one,
                         const struct party *other)
{
  if (strcmp(one->area, other->area) != 0) return false;
  if (one->role == AGENT_OF_PARK || other->role == AGENT_OF_PARK) return true;
  for (size_t n = 0; n < catalogue->form_count; n++)
    if (may_report(one, &catalogue->forms[n]) && may_report(other, &catalogue->forms[n])) return true;
  return false;
}

/* What a newcomer finds: somebody with its rights, somebody who had them, or nobody. */
static enum agent_entry entry_of(const struct parties *parties, const struct catalogue *catalogue,
                                 const struct party *newcomer)
{
  enum agent_entry entry = ENTRY_IS_FIRST;
  for (unsigned n = 0; n < parties->all->len; n++) {
    const struct party *party = parties->all->pdata[n];
    if (party->waits || !share_rights(catalogue, party, newcomer)) continue;
    if (!party->revoked) return ENTRY_IS_WAITING;
    entry = ENTRY_IS_SUCCESSION;
  }
  return entry;
}

/* A form of the newcomer that somebody in the area has rights to, and `by` has not; NULL: there is none. */
static const char *form_beyond(const struct parties *parties, const struct catalogue *catalogue,
                               const struct party *by, const struct party *newcomer)
{
  for (size_t f = 0; f < catalogue->form_count; f++) {
    const struct form *form = &catalogue->forms[f];
    if (!may_report(newcomer, form) || may_report(by, form)) continue;
    for (unsigned n = 0; n < parties->all->len; n++) {
      const struct party *party = parties->all->pdata[n];
      if (!party->waits && !party->revoked && strcmp(party->area, newcomer->area) == 0 &&
          may_report(party, form))
        return form->code;
    }
  }
  return NULL;
}

/* --- leaves --- */

void parties_void_invitations(struct parties *parties)
{
  GHashTableIter all;
  void *invited;
  g_hash_table_iter_init(&all, parties->invitations);
  while (g_hash_table_iter_next(&all, NULL, &invited)) ((struct invited *)invited)->used = true;
}

void parties_restore(struct parties *parties)
{
  parties->restored = true;
  parties_void_invitations(parties);
}

void parties_invite(struct parties *parties, uint64_t at, const struct leaf *leaf)
{
  struct invited *invited = g_new0(struct invited, 1);
  char *secret = text_hex(leaf->invitation.secret_hash.data, leaf->invitation.secret_hash.length);
  invited->area = g_strdup(leaf->invitation.area);
  invited->role = leaf->invitation.role;
  invited->forms = copy_forms(leaf->invitation.forms, leaf->invitation.form_count);
  if (g_hash_table_contains(parties->invitations, secret))
    faults_add(parties->faults, at, _("this invitation was given before"));
  g_hash_table_replace(parties->invitations, secret, invited);
}

static struct party *party_of(uint64_t at, const struct certificate *certificate)
{
  struct party *party = g_new0(struct party, 1);
  party->id = g_strdup(certificate->agent);
  party->area = g_strdup(certificate->area);
  party->role = certificate->role;
  party->forms = copy_forms(certificate->forms, certificate->form_count);
  keys_init(&party->keys, certificate->agent);
  keys_begin(&party->keys, at, certificate->curve_key.data, certificate->sign_key.data);
  party->used = g_hash_table_new(g_direct_hash, g_direct_equal);
  return party;
}

/* A backup did not know it, and the certificate was given before. */
static bool returns(const struct parties *parties, const struct leaf *leaf)
{
  return parties->restored && leaf->enrolment.secret_hash.length == 0;
}

static void check_invitation(struct parties *parties, uint64_t at, struct bytes_view secret_hash,
                             const struct party *party)
{
  g_autofree char *secret = text_hex(secret_hash.data, secret_hash.length);
  struct invited *invited = g_hash_table_lookup(parties->invitations, secret);
  if (!invited || invited->used) {
    faults_add(parties->faults, at,
               invited ? _("agent %s came in with an invitation that was used before, or is void")
                       : _("agent %s came in with an invitation that nobody gave"),
               party->id);
    return;
  }
  invited->used = true;
  if (strcmp(invited->area, party->area) != 0 || invited->role != party->role ||
      !g_strv_equal((const char *const *)invited->forms, (const char *const *)party->forms))
    faults_add(parties->faults, at, _("the certificate of agent %s gives other rights than its invitation"),
               party->id);
}

/* Whether an agent has, or had, one of the two. */
static const struct party *whose(const struct parties *parties, const uint8_t *curve_key,
                                 const uint8_t *sign_key)
{
  for (unsigned n = 0; n < parties->all->len; n++) {
    const struct party *party = parties->all->pdata[n];
    if (keys_have(&party->keys, curve_key, sign_key)) return party;
  }
  return NULL;
}

static bool is_new(const struct parties *parties, const struct party *party)
{
  const struct key *key = keys_present(&party->keys);
  return !g_hash_table_contains(parties->by_id, party->id) &&
         !g_hash_table_contains(parties->barred, party->id) && !whose(parties, key->curve_key, key->sign_key);
}

static void note_key(struct parties *parties, struct party *party)
{
  g_hash_table_insert(parties->by_key, g_memdup2(keys_present(&party->keys)->key_id, SEAL_HASH_SIZE), party);
}

/* By the key that the ledger had there; of who returns, by any that it had so far. */
static bool is_ours(const struct parties *parties, uint64_t at, const struct keys *ledger,
                    const struct leaf *leaf)
{
  struct bytes_view sealed = leaf->enrolment.certificate, payload;
  const struct key *key;
  if (!returns(parties, leaf)) return keys_open_at(ledger, at, sealed, SEAL_CERTIFICATE, &payload) == SEAL_OK;
  return keys_open(ledger, sealed, SEAL_CERTIFICATE, &payload, &key) == SEAL_OK && key->since <= at;
}

void parties_enrol(struct parties *parties, uint64_t at, const struct catalogue *catalogue,
                   const struct keys *ledger, const struct leaf *leaf)
{
  const struct bytes_view *sealed = &leaf->enrolment.certificate;
  CLEANUP(certificate_free) struct certificate *certificate = NULL;
  const uint8_t *payload;
  size_t length;
  if (!is_ours(parties, at, ledger, leaf))
    faults_add(parties->faults, at, _("the certificate is not signed by the ledger's key"));
  if (seal_peek(sealed->data, sealed->length, SEAL_CERTIFICATE, &payload, &length))
    certificate = certificate_decode(payload, length);
  if (!certificate) {
    faults_add(parties->faults, at, _("the certificate cannot be read"));
    return;
  }
  struct party *party = party_of(at, certificate);
  if (!is_new(parties, party)) {
    faults_add(parties->faults, at, _("the name or a key of agent %s is another agent's already, or revoked"),
               party->id);
    party_free(party);
    return;
  }
  if (!returns(parties, leaf)) check_invitation(parties, at, leaf->enrolment.secret_hash, party);
  if (entry_of(parties, catalogue, party) != leaf->enrolment.entry)
    faults_add(parties->faults, at,
               _("agent %s is not entered as it came in: whether it needs an admission is recorded wrongly"),
               party->id);
  party->waits = leaf->enrolment.entry == ENTRY_IS_WAITING;
  g_ptr_array_add(parties->all, party);
  g_hash_table_insert(parties->by_id, party->id, party);
  note_key(parties, party);
}

void parties_revoke(struct parties *parties, uint64_t at, const char *id)
{
  struct party *party = g_hash_table_lookup(parties->by_id, id);
  if (!party && parties->restored && g_hash_table_add(parties->barred, g_strdup(id))) return;
  if (!party || party->revoked)
    faults_add(parties->faults, at, _("agent %s cannot be revoked: it is unknown, or was revoked before"),
               id);
  if (party) party->revoked = true;
}

void parties_change_keys(struct parties *parties, uint64_t at, struct bytes_view sealed,
                         const struct key_change *change)
{
  struct party *party = g_hash_table_lookup(parties->by_id, change->agent);
  if (!party || party->revoked) {
    faults_add(parties->faults, at,
               _("the keys of agent %s cannot be changed: it is unknown, or was revoked before"),
               change->agent);
    return;
  }
  const struct party *other = whose(parties, change->curve_key.data, change->sign_key.data);
  if (other && other != party) {
    keys_refuse(&party->keys, parties->faults, at, _("another agent has, or had, one of the new ones"));
    return;
  }
  if (!keys_change(&party->keys, parties->faults, at, 0, sealed, change)) return;
  note_key(parties, party);
  parties->key_changes++;
}

void parties_admit(struct parties *parties, uint64_t at, const struct catalogue *catalogue,
                   const struct party *by, const struct park_act *act)
{
  const char *id = act->admission.agent;
  struct party *party = g_hash_table_lookup(parties->by_id, id);
  if (!party || memcmp(keys_present(&party->keys)->key_id, act->admission.key_id.data, SEAL_HASH_SIZE) != 0 ||
      !party->waits || party->revoked || !share_rights(catalogue, by, party) ||
      form_beyond(parties, catalogue, by, party))
    faults_add(parties->faults, at, _("agent %s had no right to admit agent %s with this key"), by->id, id);
  if (party) party->waits = false;
}

/* --- seals --- */

struct party *parties_open(struct parties *parties, uint64_t at, struct bytes_view sealed,
                           enum seal_label label, struct bytes_view *ret_payload,
                           uint8_t ret_id[static SEAL_HASH_SIZE])
{
  const uint8_t *key_id = seal_claimed_key(sealed.data, sealed.length);
  struct party *party = key_id ? g_hash_table_lookup(parties->by_key, key_id) : NULL;
  if (sealed.length > LIMIT_SEALED_BYTES ||
      !seal_peek(sealed.data, sealed.length, label, &ret_payload->data, &ret_payload->length)) {
    faults_add(parties->faults, at, _("what was sent is not sealed as it should be"));
    return NULL;
  }
  seal_hash(ret_payload->data, ret_payload->length, ret_id);
  if (!party) {
    faults_add(parties->faults, at, _("the seal is by a key that no agent is enrolled with"));
    return NULL;
  }
  const struct key *key;
  if (keys_open(&party->keys, sealed, label, ret_payload, &key) != SEAL_OK)
    faults_add(parties->faults, at, _("the signature by agent %s does not hold: what it sent was altered"),
               party->id);
  return party;
}

void parties_check(struct parties *parties, uint64_t at, struct party *party, struct bytes_view sealed,
                   const char *said_by, uint64_t sequence)
{
  const struct key *key = keys_find(&party->keys, seal_claimed_key(sealed.data, sealed.length));
  if (key && !key_may_seal(key, 0, sequence))
    faults_add(parties->faults, at,
               _("agent %s seals the number %" PRIu64 " with a key that was changed after %" PRIu64),
               party->id, sequence, key->until);
  if (strcmp(said_by, party->id) != 0)
    faults_add(parties->faults, at, _("it names agent %s, its seal is by agent %s"), said_by, party->id);
  if (party->revoked) faults_add(parties->faults, at, _("agent %s was revoked before"), party->id);
  if (party->waits) faults_add(parties->faults, at, _("agent %s was not admitted by its area"), party->id);
  if (!g_hash_table_add(party->used, (void *)(uintptr_t)sequence))
    faults_add(parties->faults, at, _("agent %s uses the number %" PRIu64 " twice"), party->id, sequence);
}
