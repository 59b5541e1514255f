#include "aggregator/group.h"

#include "aggregator/admission.h"
#include "aggregator/application.h"
#include "aggregator/enrolment.h"
#include "aggregator/inquiry.h"
#include "aggregator/ledger.h"
#include "aggregator/posting.h"
#include "aggregator/tables.h"
#include "common/calendar.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#define FINDINGS_MOST 2 /* on a submission as a whole */

/* What a receipt needs to know of a posted submission until the tree head of its group is known. */
struct posted {
  struct job *job;
  int64_t recorded_ms;
  uint32_t counted, unchanged, stale, waiting, refused, refusals;
  GArray *shown; /* struct refusal: the first LIMIT_REFUSALS_INLINE; texts in `texts` */
  GStringChunk *texts;
  const char *findings[FINDINGS_MOST];
  size_t finding_count;
};

struct group {
  struct store *store;
  const struct identity *identity;
  struct ledger *ledger;
  struct tables *tables;
  struct posting posting;
  struct snapshot *snapshot;  /* as it will be after the commit */
  struct snapshot *committed; /* as it was before */
  GPtrArray *jobs;            /* of the transaction under way */
  GPtrArray *posted;          /* of struct posted */
};

static void posted_free(void *data)
{
  struct posted *posted = data;

  g_array_unref(posted->shown);
  g_string_chunk_free(posted->texts);
  g_free(posted);
}

struct group *group_new(struct store *store, const struct identity *identity, struct snapshot *snapshot)
{
  struct group *group = g_new0(struct group, 1);

  group->store = store;
  group->identity = identity;
  group->ledger = ledger_new(store);
  group->tables = tables_new(store);
  group->snapshot = snapshot_ref(snapshot);
  group->jobs = g_ptr_array_new();
  group->posted = g_ptr_array_new_with_free_func(posted_free);
  posting_init(&group->posting);
  tables_use(group->tables, snapshot->catalogue, snapshot->units);
  return group;
}

void group_free(struct group *group)
{
  if (!group) return;
  posting_finish(&group->posting);
  g_ptr_array_unref(group->posted);
  g_ptr_array_unref(group->jobs);
  snapshot_unref(group->committed);
  snapshot_unref(group->snapshot);
  tables_free(group->tables);
  ledger_free(group->ledger);
  g_free(group);
}

struct snapshot *group_snapshot(const struct group *group)
{
  return group->snapshot;
}

void group_begin(struct group *group)
{
  g_ptr_array_set_size(group->jobs, 0);
  g_ptr_array_set_size(group->posted, 0);
  snapshot_unref(group->committed);
  group->committed = snapshot_ref(group->snapshot);
  store_begin(group->store);
}

/* --- submissions --- */

static void fail_job(struct job *job, enum parktally_error code, const char *text)
{
  g_clear_error(&job->error);
  g_set_error_literal(&job->error, PARKTALLY_ERROR, code, text);
}

/* Whether the ledger has the submission already: then it gets its receipt again, whatever is in force now. */
static bool is_known(struct group *group, const struct judged *judged)
{
  uint64_t position;

  if (judged->fault != FINDING_COUNT && !judged_may_be_known(judged)) return false;
  return store_submission_position(group->store, judged->id, &position);
}

/* Whether the agent has used the submission's number before, for another one. */
static bool number_was_used(struct group *group, struct job *job)
{
  struct judged *judged = job->judged;
  uint64_t sequence = judged->sequence;
  uint8_t other[SUBMISSION_ID_SIZE];

  if (store_submission_by_sequence(group->store, judged->agent->stored.id, sequence, other)) {
    judged->fault = FINDING_SEQUENCE_REUSED;
    g_snprintf(judged->fault_text, sizeof judged->fault_text,
               "sequence %" G_GUINT64_FORMAT " of agent %s was used before", sequence,
               judged->agent->stored.id);
    fail_job(job, ERROR_DATA, judged->fault_text);
    return true;
  }
  return false;
}

/* On a submission that was posted. Late is who reports for the first time after the deadline; a correction is
 * not. */
static void add_findings(const struct group *group, struct posted *posted)
{
  const struct judged *judged = posted->job->judged;
  const struct catalogue *catalogue = group->snapshot->catalogue;

  if (judged->act) return;
  int form = catalogue_form(catalogue, judged->catalogue->forms[judged->form].code);
  if (judged->clock_off) posted->findings[posted->finding_count++] = finding_id(FINDING_CLOCK_OFF);
  if (group->posting.first > 0 && posted->recorded_ms > calendar_due(catalogue, form, judged->period))
    posted->findings[posted->finding_count++] = finding_id(FINDING_REPORT_LATE);
}

static void append_submission(struct group *group, const struct posted *posted)
{
  const struct judged *judged = posted->job->judged;
  struct leaf leaf = {
      .kind = LEAF_SUBMISSION,
      .recorded_at_ms = posted->recorded_ms,
      .by = "",
      .reason = "",
      .submission =
          {
              .exceptions = (const struct refusal *)(const void *)group->posting.exceptions->data,
              .exception_count = group->posting.exceptions->len,
              .releases = (const struct release *)(const void *)group->posting.releases->data,
              .release_count = group->posting.releases->len,
              .findings = posted->findings,
              .finding_count = posted->finding_count,
          },
  };

  leaf.submission.sealed.data = g_bytes_get_data(judged->sealed, &leaf.submission.sealed.length);
  ledger_append(group->ledger, &leaf);
}

/* False, and why, if it is refused. */
static bool do_park_act(struct group *group, const struct judged *judged, uint64_t position, int64_t now_ms,
                        struct refusal *ret_refusal)
{
  const struct stored_agent *agent = &judged->agent->stored;

  switch (judged->act->kind) {
  case PARK_ANSWERS:
    return inquiry_answer(group->store, group->snapshot, judged->act, agent->area, now_ms, position,
                          ret_refusal);
  case PARK_APPLIES:
    return application_apply(group->store, group->snapshot, judged->act, agent->area, now_ms, position,
                             ret_refusal);
  case PARK_ADMITS:
    return admission_admit(group->store, &group->snapshot, judged->act, agent, now_ms, position, ret_refusal);
  }
  g_assert_not_reached();
}

/* Carries out an act of a park; what refuses it is its only exception. */
static void post_park_act(struct group *group, const struct judged *judged, uint64_t position, int64_t now_ms)
{
  struct posting *posting = &group->posting;
  struct refusal refusal = {0};

  posting_clear(posting);
  if (do_park_act(group, judged, position, now_ms, &refusal)) {
    posting->counted = 1;
  } else {
    posting->refused = 1;
    posting_refuse(posting, &refusal);
  }
  store_submission_add(group->store, judged->id, position, judged->agent->stored.id, judged->sequence);
}

static void append_park_act(struct group *group, const struct posted *posted)
{
  const struct judged *judged = posted->job->judged;
  const struct posting *posting = &group->posting;
  struct leaf leaf = {
      .kind = LEAF_PARK_ACT,
      .recorded_at_ms = posted->recorded_ms,
      .by = "",
      .reason = "",
      .park_act = {.exceptions = (const struct refusal *)(const void *)posting->exceptions->data,
                   .exception_count = posting->exceptions->len},
  };

  leaf.park_act.sealed.data = g_bytes_get_data(judged->sealed, &leaf.park_act.sealed.length);
  ledger_append(group->ledger, &leaf);
}

static const struct posted *remember_posted(struct group *group, struct job *job, int64_t recorded_ms)
{
  const struct posting *posting = &group->posting;
  struct posted *posted = g_new0(struct posted, 1);

  posted->job = job;
  posted->recorded_ms = recorded_ms;
  posted->counted = posting->counted;
  posted->unchanged = posting->unchanged;
  posted->stale = posting->stale;
  posted->waiting = posting->waiting;
  posted->refused = posting->refused;
  posted->refusals = posting->exceptions->len;
  add_findings(group, posted);
  posted->shown = g_array_new(FALSE, TRUE, sizeof(struct refusal));
  posted->texts = g_string_chunk_new(1024);
  for (unsigned n = 0; n < posting->exceptions->len && n < LIMIT_REFUSALS_INLINE; n++) {
    struct refusal refusal = g_array_index(posting->exceptions, struct refusal, n);

    refusal.rule = g_string_chunk_insert_const(posted->texts, refusal.rule);
    refusal.unit = g_string_chunk_insert_const(posted->texts, refusal.unit);
    refusal.found = g_string_chunk_insert_const(posted->texts, refusal.found);
    refusal.expected = g_string_chunk_insert_const(posted->texts, refusal.expected);
    refusal.indicator = g_string_chunk_insert_const(posted->texts, refusal.indicator);
    g_array_append_val(posted->shown, refusal);
  }
  g_ptr_array_add(group->posted, posted);
  return posted;
}

static void add_submission(struct group *group, struct job *job)
{
  struct judged *judged = job->judged;
  int64_t now_ms = ledger_time(group->ledger, clock_wall().ms);

  if (judged->snapshot != group->snapshot) judge_again(judged, group->snapshot, clock_wall().ms);
  if (is_known(group, judged)) return;
  if (judged->fault != FINDING_COUNT) {
    fail_job(job, ERROR_DATA, judged->fault_text);
    return;
  }
  if (group->snapshot->paused) {
    fail_job(job, ERROR_TEMPORARY,
             _("the city was restored from a backup and takes nothing until it is resumed"));
    return;
  }
  if (number_was_used(group, job)) return;
  job->position = ledger_size(group->ledger);
  if (judged->act) {
    post_park_act(group, judged, job->position, now_ms);
    append_park_act(group, remember_posted(group, job, now_ms));
    return;
  }
  posting_run(&group->posting, group->store, group->tables, group->snapshot, judged, job->position);
  append_submission(group, remember_posted(group, job, now_ms));
}

/* --- acts --- */

/* The leaf of an act as it was asked for; of an enrolment see below. */
static struct leaf leaf_of_act(const struct act *act, int64_t recorded_ms)
{
  struct leaf leaf = {.kind = act->kind, .recorded_at_ms = recorded_ms, .by = act->by, .reason = act->reason};

  if (act->leaf) {
    leaf = *act->leaf;
    leaf.recorded_at_ms = recorded_ms;
  }
  if (!leaf.by) leaf.by = "";
  if (!leaf.reason) leaf.reason = "";
  switch (act->kind) {
  case LEAF_CATALOGUE:
    leaf.catalogue.text.data = g_bytes_get_data(act->text, &leaf.catalogue.text.length);
    break;
  case LEAF_REGISTER:
    leaf.register_.text.data = g_bytes_get_data(act->text, &leaf.register_.text.length);
    break;
  case LEAF_INVITATION:
    leaf.invitation.secret_hash = (struct bytes_view){act->invitation.secret_hash, SEAL_HASH_SIZE};
    leaf.invitation.area = act->invitation.area;
    leaf.invitation.role = act->invitation.role;
    leaf.invitation.forms = act->invitation.forms;
    leaf.invitation.form_count = act->invitation.form_count;
    leaf.invitation.expires_at_ms = act->invitation.expires_ms;
    break;
  case LEAF_REVOCATION:
    leaf.revocation.agent = act->agent;
    break;
  case LEAF_EXAMINATION:
  case LEAF_ASK:
  case LEAF_ACCEPT:
  case LEAF_CONSENT:
  case LEAF_DECLINE:
  case LEAF_EDITION:
  case LEAF_EPOCH:
  case LEAF_RESUME:
  case LEAF_NOTE:
  case LEAF_KEY:
    break; /* as it is */
  case LEAF_PERIOD:
    leaf.period.form = act->period.form;
    leaf.period.period = act->period.period;
    leaf.period.action = act->period.action;
    leaf.period.area = act->period.area;
    break;
  case LEAF_GENESIS:
  case LEAF_ENROLMENT:
  case LEAF_SUBMISSION:
  case LEAF_PARK_ACT:
    g_assert_not_reached();
  }
  return leaf;
}

/* Reports that waited for what the act did to the register; the leaf says what became of them. */
static void release_waiting(struct group *group, struct leaf *leaf)
{
  struct posting *posting = &group->posting;
  const struct release *releases;
  uint64_t position = ledger_size(group->ledger);

  if (leaf->kind == LEAF_REGISTER) {
    posting_release_registered(posting, group->store, group->tables, group->snapshot, position);
    releases = (const struct release *)(const void *)posting->releases->data;
    leaf->register_.releases = releases;
    leaf->register_.release_count = posting->releases->len;
  } else if (leaf->kind == LEAF_DECLINE) {
    g_autoptr(GArray) found = store_application(group->store, leaf->decline.application);

    if (found->len == 0) return; /* the store has an error: told at the commit */
    const struct stored_application *application = &g_array_index(found, struct stored_application, 0);
    posting_release_declined(posting, group->store, group->tables, group->snapshot, application->park,
                             application->unit, position);
    releases = (const struct release *)(const void *)posting->releases->data;
    leaf->decline.releases = releases;
    leaf->decline.release_count = posting->releases->len;
  }
}

/* Applies and appends; an act that is refused leaves no trace. */
static bool carry_out(struct group *group, struct leaf *leaf, GError **error)
{
  if (!act_apply(group->store, group->tables, &group->snapshot, leaf, ledger_size(group->ledger), error))
    return false;
  release_waiting(group, leaf);
  tables_flush(group->tables);
  ledger_append(group->ledger, leaf);
  return true;
}

static bool is_paused(const struct group *group, GError **error)
{
  if (!group->snapshot->paused) return false;
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_TEMPORARY,
                      "the city was restored from a backup and takes nothing until it is resumed");
  return true;
}

static bool enrol(struct group *group, struct job *job, GError **error)
{
  uint8_t secret_hash[SEAL_HASH_SIZE];
  int64_t now = ledger_time(group->ledger, clock_wall().ms);
  struct leaf leaf = {.kind = LEAF_ENROLMENT, .recorded_at_ms = now, .by = "", .reason = ""};
  bool is_new = false;

  if (is_paused(group, error)) return false;
  job->result = enrolment_certify(group->store, group->snapshot, group->identity, &job->join, now, &is_new,
                                  &leaf.enrolment.entry, error);
  if (!job->result || !is_new) return job->result != NULL;
  seal_hash(job->join.secret, sizeof job->join.secret, secret_hash);
  leaf.enrolment.certificate.data = g_bytes_get_data(job->result, &leaf.enrolment.certificate.length);
  leaf.enrolment.secret_hash = (struct bytes_view){secret_hash, sizeof secret_hash};
  return carry_out(group, &leaf, error);
}

/* Who returns: an enrolment of a certificate that was given before, and changes of keys. */
static bool take_back(struct group *group, struct job *job, GError **error)
{
  struct enrolment_return returned;
  bool done = true;

  if (is_paused(group, error) ||
      !enrolment_return(group->store, group->snapshot, job->act.text, &returned, error))
    return false;
  job->result = returned.certificate;
  g_autoptr(GPtrArray) changes = returned.key_changes;
  if (returned.is_new) {
    struct leaf leaf = {.kind = LEAF_ENROLMENT, .by = "", .reason = ""};

    leaf.recorded_at_ms = ledger_time(group->ledger, clock_wall().ms);
    leaf.enrolment.entry = returned.entry;
    leaf.enrolment.certificate.data = g_bytes_get_data(job->result, &leaf.enrolment.certificate.length);
    leaf.enrolment.secret_hash = (struct bytes_view){(const uint8_t *)"", 0};
    done = carry_out(group, &leaf, error);
  }
  for (guint n = 0; done && n < changes->len; n++) {
    struct leaf leaf = {.kind = LEAF_KEY, .by = "", .reason = ""};

    leaf.recorded_at_ms = ledger_time(group->ledger, clock_wall().ms);
    leaf.key.sealed.data = g_bytes_get_data(changes->pdata[n], &leaf.key.sealed.length);
    done = carry_out(group, &leaf, error);
  }
  return done;
}

static void add_act(struct group *group, struct job *job)
{
  struct leaf leaf;

  if (job->act.kind == LEAF_ENROLMENT) {
    (void)(job->act.text ? take_back(group, job, &job->error) : enrol(group, job, &job->error));
    return;
  }
  leaf = leaf_of_act(&job->act, ledger_time(group->ledger, clock_wall().ms));
  g_autofree char *by = leaf_words(leaf.by);
  g_autofree char *reason = leaf_words(leaf.reason);
  leaf.by = by; /* what is applied are the words that a replay will find */
  leaf.reason = reason;
  carry_out(group, &leaf, &job->error);
}

void group_add(struct group *group, struct job *job)
{
  g_ptr_array_add(group->jobs, job);
  if (job->kind == JOB_SUBMISSION)
    add_submission(group, job);
  else
    add_act(group, job);
}

/* --- the end of the transaction --- */

static void make_receipt(struct group *group, const struct posted *posted, uint64_t tree_size,
                         const uint8_t root[MERKLE_HASH_SIZE])
{
  struct merkle_proof path;
  uint8_t leaf_hash[MERKLE_HASH_SIZE];
  const struct judged *judged = posted->job->judged;
  g_autoptr(GByteArray) payload = NULL;
  g_autoptr(GByteArray) sealed = NULL;
  struct receipt receipt = {
      .submission = {judged->id, SUBMISSION_ID_SIZE},
      .agent = judged->agent->stored.id,
      .sequence = judged->sequence,
      .counted = posted->counted,
      .unchanged = posted->unchanged,
      .stale = posted->stale,
      .waiting = posted->waiting,
      .refused = posted->refused,
      .position = posted->job->position,
      .tree_size = tree_size,
      .tree_epoch = group->snapshot->epoch,
      .tree_root = {root, MERKLE_HASH_SIZE},
      .recorded_at_ms = posted->recorded_ms,
      .refusals = (const struct refusal *)(const void *)posted->shown->data,
      .refusal_count = posted->shown->len,
      .refusals_total = posted->refusals,
      .findings = posted->findings,
      .finding_count = posted->finding_count,
      .leaf_hash = {leaf_hash, sizeof leaf_hash},
  };

  if (!ledger_prove(group->ledger, posted->job->position, leaf_hash, &path)) return; /* told at the commit */
  receipt.path = (struct hashes_view){(const uint8_t(*)[SEAL_HASH_SIZE])path.hash, path.count};
  payload = receipt_encode(&receipt);
  sealed = identity_seal(group->identity, SEAL_RECEIPT, payload->data, payload->len, NULL);
  store_receipt_put(group->store, judged->id, sealed->data, sealed->len);
}

/* Every submission without an error gets its receipt from the store: that of today, or the one it got before.
 */
static void fetch_receipts(struct group *group)
{
  for (unsigned n = 0; n < group->jobs->len; n++) {
    struct job *job = group->jobs->pdata[n];
    struct stored_submission stored = {0};

    if (job->kind == JOB_SUBMISSION && !job->error &&
        store_submission(group->store, job->judged->id, &stored))
      job->result = stored.receipt;
  }
}

static void undo(struct group *group, const GError *error)
{
  snapshot_unref(group->snapshot);
  group->snapshot = snapshot_ref(group->committed);
  tables_forget(group->tables);
  tables_use(group->tables, group->snapshot->catalogue, group->snapshot->units);
  ledger_reload(group->ledger);
  for (unsigned n = 0; n < group->jobs->len; n++) {
    struct job *job = group->jobs->pdata[n];

    g_clear_pointer(&job->result, g_bytes_unref);
    g_clear_error(&job->error);
    job->error = g_error_copy(error);
    /* By a job that was undone too. What a snapshot said stands, unless that was undone: then it is asked
     * again. */
    if (job->judged && job->judged->fault == FINDING_SEQUENCE_REUSED) job->judged->fault = FINDING_COUNT;
  }
}

bool group_commit(struct group *group, GError **error)
{
  uint8_t root[MERKLE_HASH_SIZE];
  uint64_t size;
  GError *failure = NULL;

  tables_flush(group->tables);
  ledger_head(group->ledger, &size, root);
  for (unsigned n = 0; n < group->posted->len; n++) make_receipt(group, group->posted->pdata[n], size, root);
  ledger_seal(group->ledger);
  fetch_receipts(group);
  if (store_commit(group->store, &failure)) return true;
  undo(group, failure);
  g_propagate_error(error, failure);
  return false;
}
