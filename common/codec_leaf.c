#include "common/codec_private.h"
#include "common/period.h"
#include "common/varint.h"

#include <string.h>

/* A leaf is ours, so it is bounded by its own length alone. The factor is the dearest message that it may
 * consist of: a Release of 6 bytes takes its struct and piece (56), its pointer and our copy (24), and a
 * scanned field of 32, whose table doubles, so up to 128: 208 bytes, 35 for one. */
#define ARENA_FACTOR 64
#define ARENA_LEAST (64 * LIMIT_KIB)

/* --- decoding: a function per kind, false if a field is not what it must be --- */

static bool take_genesis(const Parktally__Genesis *message, struct leaf *leaf)
{
  leaf->kind = LEAF_GENESIS;
  leaf->genesis.curve_key = codec_view(message->curve_key);
  leaf->genesis.sign_key = codec_view(message->sign_key);
  return codec_is_hash(message->curve_key) && codec_is_hash(message->sign_key); /* keys of 32 bytes too */
}

static bool take_invitation(const Parktally__InvitationLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_INVITATION;
  leaf->invitation.secret_hash = codec_view(message->secret_hash);
  leaf->invitation.area = message->area;
  leaf->invitation.role = (enum agent_role)message->role;
  leaf->invitation.forms = (const char *const *)message->form;
  leaf->invitation.form_count = message->n_form;
  leaf->invitation.expires_at_ms = message->expires_at_ms;
  return codec_is_hash(message->secret_hash) && codec_text_fits(message->area, 1, LIMIT_CODE_BYTES) &&
         ((int)message->role == AGENT_OF_PARK || (int)message->role == AGENT_OF_BUREAU) &&
         codec_texts_fit(message->form, message->n_form, 1, LIMIT_CODE_BYTES);
}

static bool take_enrolment(const Parktally__EnrolmentLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_ENROLMENT;
  leaf->enrolment.certificate = codec_view(message->certificate);
  leaf->enrolment.secret_hash = codec_view(message->secret_hash);
  leaf->enrolment.entry = (enum agent_entry)message->entry;
  return message->certificate.len >= SEAL_HEADER_SIZE && codec_is_hash_or_empty(message->secret_hash) &&
         (int)message->entry >= ENTRY_IS_FIRST && (int)message->entry <= ENTRY_IS_SUCCESSION;
}

static bool take_revocation(const Parktally__RevocationLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_REVOCATION;
  leaf->revocation.agent = message->agent;
  leaf->revocation.doubtful_since_ms = message->doubtful_since_ms;
  return codec_text_fits(message->agent, 1, LIMIT_CODE_BYTES);
}

static bool take_releases(struct leaf *leaf, Parktally__Release *const *messages, size_t count,
                          const struct release **ret_releases)
{
  struct release *releases = arena_take(leaf, count * sizeof *releases);
  if (releases == NULL) return false;
  for (size_t i = 0; i < count; i++) {
    const Parktally__Release *release = messages[i];
    if ((int)release->verdict < VERDICT_IS_COUNTED || (int)release->verdict > VERDICT_IS_REFUSED)
      return false;
    releases[i] = (struct release){release->position, release->row, (enum verdict)release->verdict};
  }
  *ret_releases = releases;
  return true;
}

static bool take_register(const Parktally__RegisterLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_REGISTER;
  leaf->register_.text = codec_view(message->text);
  leaf->register_.release_count = message->n_release;
  return take_releases(leaf, message->release, message->n_release, &leaf->register_.releases);
}

static bool take_decline(const Parktally__DeclineLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_DECLINE;
  leaf->decline.application = message->application;
  leaf->decline.release_count = message->n_release;
  return take_releases(leaf, message->release, message->n_release, &leaf->decline.releases);
}

static bool take_submission(const Parktally__SubmissionLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_SUBMISSION;
  leaf->submission.sealed = codec_view(message->sealed);
  leaf->submission.exception_count = message->n_exception;
  leaf->submission.findings = (const char *const *)message->finding;
  leaf->submission.finding_count = message->n_finding;
  leaf->submission.release_count = message->n_release;
  return message->sealed.len >= SEAL_HEADER_SIZE &&
         codec_texts_fit(message->finding, message->n_finding, 1, LIMIT_CODE_BYTES) &&
         refusals_decode(leaf, message->exception, message->n_exception, &leaf->submission.exceptions) &&
         take_releases(leaf, message->release, message->n_release, &leaf->submission.releases);
}

static bool take_park_act(const Parktally__ActLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_PARK_ACT;
  leaf->park_act.sealed = codec_view(message->sealed);
  leaf->park_act.exception_count = message->n_exception;
  return message->sealed.len >= SEAL_HEADER_SIZE && message->n_exception <= 1 &&
         refusals_decode(leaf, message->exception, message->n_exception, &leaf->park_act.exceptions);
}

static bool take_period(const Parktally__PeriodLeaf *message, struct leaf *leaf)
{
  struct period period;
  leaf->kind = LEAF_PERIOD;
  leaf->period.form = message->form;
  leaf->period.period = message->period;
  leaf->period.action = (enum period_action)message->action;
  leaf->period.area = message->area;
  return codec_text_fits(message->form, 1, LIMIT_CODE_BYTES) && period_parse(message->period, &period) &&
         (int)message->action >= PERIOD_TO_OPEN && (int)message->action <= PERIOD_TO_REOPEN &&
         codec_text_fits(message->area, 0, LIMIT_CODE_BYTES);
}

static bool take_edition(const Parktally__EditionLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_EDITION;
  leaf->edition.sealed = codec_view(message->sealed);
  return message->sealed.len >= SEAL_HEADER_SIZE;
}

static bool take_epoch(const Parktally__EpochLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_EPOCH;
  leaf->epoch.sealed = codec_view(message->sealed);
  return message->sealed.len >= SEAL_HEADER_SIZE &&
         codec_take_views(leaf, message->key_change, message->n_key_change, LIMIT_KEY_CHANGES,
                          &leaf->epoch.key_changes, &leaf->epoch.key_change_count);
}

static bool take_key(const Parktally__KeyLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_KEY;
  leaf->key.sealed = codec_view(message->sealed);
  return message->sealed.len >= SEAL_HEADER_SIZE;
}

static bool take_body(const Parktally__Leaf *message, struct leaf *leaf)
{
  switch (message->body_case) {
  case PARKTALLY__LEAF__BODY_GENESIS:
    return take_genesis(message->genesis, leaf);
  case PARKTALLY__LEAF__BODY_CATALOGUE:
    leaf->kind = LEAF_CATALOGUE;
    leaf->catalogue.text = codec_view(message->catalogue->text);
    return true;
  case PARKTALLY__LEAF__BODY_REGISTER:
    return take_register(message->register_, leaf);
  case PARKTALLY__LEAF__BODY_INVITATION:
    return take_invitation(message->invitation, leaf);
  case PARKTALLY__LEAF__BODY_ENROLMENT:
    return take_enrolment(message->enrolment, leaf);
  case PARKTALLY__LEAF__BODY_REVOCATION:
    return take_revocation(message->revocation, leaf);
  case PARKTALLY__LEAF__BODY_SUBMISSION:
    return take_submission(message->submission, leaf);
  case PARKTALLY__LEAF__BODY_ACT:
    return take_park_act(message->act, leaf);
  case PARKTALLY__LEAF__BODY_EXAMINATION:
    return examination_decode(message->examination, leaf);
  case PARKTALLY__LEAF__BODY_ASK:
    return ask_decode(message->ask, leaf);
  case PARKTALLY__LEAF__BODY_ACCEPT:
    return accept_decode(message->accept, leaf);
  case PARKTALLY__LEAF__BODY_CONSENT:
    return consent_decode(message->consent, leaf);
  case PARKTALLY__LEAF__BODY_PERIOD:
    return take_period(message->period, leaf);
  case PARKTALLY__LEAF__BODY_DECLINE:
    return take_decline(message->decline, leaf);
  case PARKTALLY__LEAF__BODY_EDITION:
    return take_edition(message->edition, leaf);
  case PARKTALLY__LEAF__BODY_EPOCH:
    return take_epoch(message->epoch, leaf);
  case PARKTALLY__LEAF__BODY_RESUME:
    leaf->kind = LEAF_RESUME;
    leaf->resume.epoch = message->resume->epoch;
    return true;
  case PARKTALLY__LEAF__BODY_NOTE:
    leaf->kind = LEAF_NOTE;
    leaf->note.act = message->note->act;
    leaf->note.detail = message->note->detail;
    return codec_text_fits(message->note->act, 1, LIMIT_CODE_BYTES) &&
           codec_text_fits(message->note->detail, 0, LIMIT_NAME_BYTES);
  case PARKTALLY__LEAF__BODY_KEY:
    return take_key(message->key, leaf);
  default:
    return false; /* a leaf that is not understood cannot be replayed */
  }
}

struct leaf *leaf_decode(const uint8_t *data, size_t length)
{
  CLEANUP(leaf_free)
  struct leaf *leaf = arena_record(sizeof *leaf, ARENA_LEAST + length * ARENA_FACTOR, false);
  const Parktally__Leaf *message = arena_unpack(leaf, &parktally__leaf__descriptor, data, length);
  if (message == NULL || !codec_text_fits(message->by, 0, LIMIT_NAME_BYTES) ||
      !codec_text_fits(message->reason, 0, LIMIT_NAME_BYTES))
    return NULL;
  leaf->recorded_at_ms = message->recorded_at_ms;
  leaf->by = message->by;
  leaf->reason = message->reason;
  return take_body(message, leaf) ? g_steal_pointer(&leaf) : NULL;
}

void leaf_free(struct leaf *leaf)
{
  arena_record_free(leaf);
}

/* --- encoding --- */

static GByteArray *pack_leaf(Parktally__Leaf *message, Parktally__Leaf__BodyCase body)
{
  message->body_case = body;
  return codec_pack(&message->base);
}

static GByteArray *encode_genesis(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__Genesis genesis = PARKTALLY__GENESIS__INIT;
  genesis.curve_key = codec_bytes(leaf->genesis.curve_key);
  genesis.sign_key = codec_bytes(leaf->genesis.sign_key);
  message->genesis = &genesis;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_GENESIS);
}

static GByteArray *encode_catalogue(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__CatalogueLeaf catalogue = PARKTALLY__CATALOGUE_LEAF__INIT;
  catalogue.text = codec_bytes(leaf->catalogue.text);
  message->catalogue = &catalogue;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_CATALOGUE);
}

/* For packing. */
struct release_messages {
  Parktally__Release *message;
  Parktally__Release **pointer;
};

static void release_messages_init(struct release_messages *messages, const struct release *releases,
                                  size_t count)
{
  messages->message = g_new(Parktally__Release, count);
  messages->pointer = g_new(Parktally__Release *, count);
  for (size_t i = 0; i < count; i++) {
    Parktally__Release *message = messages->pointer[i] = &messages->message[i];
    parktally__release__init(message);
    message->position = releases[i].position;
    message->row = releases[i].row;
    message->verdict = (Parktally__Verdict)releases[i].verdict;
  }
}

static void release_messages_finish(struct release_messages *messages)
{
  g_free(messages->pointer);
  g_free(messages->message);
}

static GByteArray *encode_register(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__RegisterLeaf changes = PARKTALLY__REGISTER_LEAF__INIT;
  struct release_messages releases;
  release_messages_init(&releases, leaf->register_.releases, leaf->register_.release_count);
  changes.text = codec_bytes(leaf->register_.text);
  changes.n_release = leaf->register_.release_count;
  changes.release = releases.pointer;
  message->register_ = &changes;
  GByteArray *packed = pack_leaf(message, PARKTALLY__LEAF__BODY_REGISTER);
  release_messages_finish(&releases);
  return packed;
}

static GByteArray *encode_decline(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__DeclineLeaf decline = PARKTALLY__DECLINE_LEAF__INIT;
  struct release_messages releases;
  release_messages_init(&releases, leaf->decline.releases, leaf->decline.release_count);
  decline.application = leaf->decline.application;
  decline.n_release = leaf->decline.release_count;
  decline.release = releases.pointer;
  message->decline = &decline;
  GByteArray *packed = pack_leaf(message, PARKTALLY__LEAF__BODY_DECLINE);
  release_messages_finish(&releases);
  return packed;
}

static GByteArray *encode_invitation(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__InvitationLeaf invitation = PARKTALLY__INVITATION_LEAF__INIT;
  invitation.secret_hash = codec_bytes(leaf->invitation.secret_hash);
  invitation.area = codec_text(leaf->invitation.area);
  invitation.role = (Parktally__Role)leaf->invitation.role;
  invitation.n_form = leaf->invitation.form_count;
  invitation.form = (char **)leaf->invitation.forms;
  invitation.expires_at_ms = leaf->invitation.expires_at_ms;
  message->invitation = &invitation;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_INVITATION);
}

static GByteArray *encode_enrolment(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__EnrolmentLeaf enrolment = PARKTALLY__ENROLMENT_LEAF__INIT;
  enrolment.certificate = codec_bytes(leaf->enrolment.certificate);
  enrolment.secret_hash = codec_bytes(leaf->enrolment.secret_hash);
  enrolment.entry = (Parktally__Entry)leaf->enrolment.entry;
  message->enrolment = &enrolment;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_ENROLMENT);
}

static GByteArray *encode_revocation(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__RevocationLeaf revocation = PARKTALLY__REVOCATION_LEAF__INIT;
  revocation.agent = codec_text(leaf->revocation.agent);
  revocation.doubtful_since_ms = leaf->revocation.doubtful_since_ms;
  message->revocation = &revocation;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_REVOCATION);
}

static GByteArray *encode_period(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__PeriodLeaf period = PARKTALLY__PERIOD_LEAF__INIT;
  period.form = codec_text(leaf->period.form);
  period.period = codec_text(leaf->period.period);
  period.action = (Parktally__PeriodAction)leaf->period.action;
  period.area = codec_text(leaf->period.area);
  message->period = &period;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_PERIOD);
}

static GByteArray *encode_epoch(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__EpochLeaf epoch = PARKTALLY__EPOCH_LEAF__INIT;
  g_autofree ProtobufCBinaryData *changes =
      codec_views(leaf->epoch.key_changes, leaf->epoch.key_change_count);
  epoch.sealed = codec_bytes(leaf->epoch.sealed);
  epoch.n_key_change = leaf->epoch.key_change_count;
  epoch.key_change = changes;
  message->epoch = &epoch;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_EPOCH);
}

static GByteArray *encode_key(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__KeyLeaf key = PARKTALLY__KEY_LEAF__INIT;
  key.sealed = codec_bytes(leaf->key.sealed);
  message->key = &key;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_KEY);
}

static GByteArray *encode_resume(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__ResumeLeaf resume = PARKTALLY__RESUME_LEAF__INIT;
  resume.epoch = leaf->resume.epoch;
  message->resume = &resume;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_RESUME);
}

static GByteArray *encode_note(Parktally__Leaf *message, const struct leaf *leaf)
{
  g_autofree char *detail = codec_presentable(leaf->note.detail, LIMIT_NAME_BYTES);
  Parktally__NoteLeaf note = PARKTALLY__NOTE_LEAF__INIT;
  note.act = codec_text(leaf->note.act);
  note.detail = detail;
  message->note = &note;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_NOTE);
}

static GByteArray *encode_edition(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__EditionLeaf edition = PARKTALLY__EDITION_LEAF__INIT;
  edition.sealed = codec_bytes(leaf->edition.sealed);
  message->edition = &edition;
  return pack_leaf(message, PARKTALLY__LEAF__BODY_EDITION);
}

/* Fields are packed by number, so a submission is the end of its leaf, and the sealed bytes, behind a tag of
 * one byte and their length, are the beginning of that. */
static size_t sealed_at(const Parktally__SubmissionLeaf *submission, size_t leaf_length)
{
  return leaf_length - parktally__submission_leaf__get_packed_size(submission) + 1 +
         varint_size(submission->sealed.len);
}

static GByteArray *encode_submission(Parktally__Leaf *message, const struct leaf *leaf, size_t *ret_sealed)
{
  struct release_messages releases;
  release_messages_init(&releases, leaf->submission.releases, leaf->submission.release_count);
  struct refusal_messages exceptions;
  refusal_messages_init(&exceptions, leaf->submission.exceptions, leaf->submission.exception_count);

  Parktally__SubmissionLeaf submission = PARKTALLY__SUBMISSION_LEAF__INIT;
  submission.sealed = codec_bytes(leaf->submission.sealed);
  submission.n_exception = leaf->submission.exception_count;
  submission.exception = exceptions.pointer;
  submission.n_release = leaf->submission.release_count;
  submission.release = releases.pointer;
  submission.n_finding = leaf->submission.finding_count;
  submission.finding = (char **)leaf->submission.findings;
  message->submission = &submission;
  GByteArray *packed = pack_leaf(message, PARKTALLY__LEAF__BODY_SUBMISSION);
  if (ret_sealed) *ret_sealed = sealed_at(&submission, packed->len);
  refusal_messages_finish(&exceptions);
  release_messages_finish(&releases);
  return packed;
}

static GByteArray *encode_park_act(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__ActLeaf act = PARKTALLY__ACT_LEAF__INIT;
  struct refusal_messages exceptions;
  refusal_messages_init(&exceptions, leaf->park_act.exceptions, leaf->park_act.exception_count);
  act.sealed = codec_bytes(leaf->park_act.sealed);
  act.n_exception = leaf->park_act.exception_count;
  act.exception = exceptions.pointer;
  message->act = &act;
  GByteArray *packed = pack_leaf(message, PARKTALLY__LEAF__BODY_ACT);
  refusal_messages_finish(&exceptions);
  return packed;
}

char *leaf_words(const char *text)
{
  return codec_presentable(text, LIMIT_NAME_BYTES);
}

GByteArray *leaf_encode(const struct leaf *leaf, size_t *ret_sealed)
{
  /* What an operator wrote must never make a leaf that cannot be read again. */
  g_autofree char *by = leaf_words(leaf->by);
  g_autofree char *reason = leaf_words(leaf->reason);
  Parktally__Leaf message = PARKTALLY__LEAF__INIT;
  message.recorded_at_ms = leaf->recorded_at_ms;
  message.by = by;
  message.reason = reason;
  if (ret_sealed) *ret_sealed = 0;
  switch (leaf->kind) {
  case LEAF_GENESIS:
    return encode_genesis(&message, leaf);
  case LEAF_CATALOGUE:
    return encode_catalogue(&message, leaf);
  case LEAF_REGISTER:
    return encode_register(&message, leaf);
  case LEAF_INVITATION:
    return encode_invitation(&message, leaf);
  case LEAF_ENROLMENT:
    return encode_enrolment(&message, leaf);
  case LEAF_REVOCATION:
    return encode_revocation(&message, leaf);
  case LEAF_SUBMISSION:
    return encode_submission(&message, leaf, ret_sealed);
  case LEAF_PARK_ACT:
    return encode_park_act(&message, leaf);
  case LEAF_EXAMINATION:
  case LEAF_ASK:
  case LEAF_ACCEPT:
  case LEAF_CONSENT:
    return inquiry_leaf_encode(&message, leaf);
  case LEAF_PERIOD:
    return encode_period(&message, leaf);
  case LEAF_DECLINE:
    return encode_decline(&message, leaf);
  case LEAF_EDITION:
    return encode_edition(&message, leaf);
  case LEAF_EPOCH:
    return encode_epoch(&message, leaf);
  case LEAF_KEY:
    return encode_key(&message, leaf);
  case LEAF_RESUME:
    return encode_resume(&message, leaf);
  case LEAF_NOTE:
    return encode_note(&message, leaf);
  }
  return pack_leaf(&message, PARKTALLY__LEAF__BODY__NOT_SET);
}
