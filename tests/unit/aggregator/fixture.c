#include "fixture.h"

#include "aggregator/folder.h"
#include "aggregator/ledger.h"
#include "common/catalogue.h"
#include "common/clock.h"
#include "common/uscc.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

const char *fixture_uscc(unsigned n)
{
  static char codes[8][32];
  static unsigned next;
  char *code = codes[next++ % 8];

  g_snprintf(code, sizeof codes[0], "91450200%09u", n);
  code[17] = uscc_check_character(code);
  code[18] = '\0';
  return code;
}

static void store_failed(const GError *error, void *data)
{
  (void)data;
  fail_msg("the store failed: %s", error->message);
}

static void start_writer(struct fixture *fixture)
{
  g_autoptr(GError) error = NULL;

  fixture->writer = writer_new(fixture->folder, fixture->identity, store_failed, NULL, &error);
  if (!fixture->writer) fail_msg("writer_new: %s", error->message);
}

static void make_store(struct fixture *fixture)
{
  g_autofree char *path = folder_path(fixture->folder, "store.db");
  g_autoptr(GError) error = NULL;
  CLEANUP(store_close) struct store *store = store_open(path, STORE_CREATE, &error);
  CLEANUP(ledger_free) struct ledger *ledger = NULL;
  struct leaf leaf = {.kind = LEAF_GENESIS, .by = "test", .reason = ""};

  if (!store) fail_msg("store_open: %s", error->message);
  store_begin(store);
  ledger = ledger_new(store);
  leaf.recorded_at_ms = ledger_time(ledger, 1);
  leaf.genesis.curve_key = (struct bytes_view){identity_curve_public(fixture->identity), 32};
  leaf.genesis.sign_key = (struct bytes_view){identity_sign_public(fixture->identity), 32};
  ledger_append(ledger, &leaf);
  ledger_seal(ledger);
  assert_true(store_commit(store, &error));
}

static void do_act(struct fixture *fixture, const struct act *act, GBytes **ret_result)
{
  g_autoptr(GError) error = NULL;

  if (!writer_act(fixture->writer, act, ret_result, &error)) fail_msg("act: %s", error->message);
}

void fixture_setup(struct fixture *fixture, const char *register_csv)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *key = NULL, *text = NULL;
  g_autofree char *catalogue = g_build_filename(SOURCE_DIR, "tests", "data", "small.yaml", NULL);
  struct act act = {.kind = LEAF_CATALOGUE, .by = "test"};
  size_t length;

  fixture->folder = g_dir_make_tmp("parktally-XXXXXX", NULL);
  key = folder_path(fixture->folder, "identity.key");
  fixture->identity = identity_create(key, &error);
  if (!fixture->identity) fail_msg("identity_create: %s", error->message);
  make_store(fixture);
  start_writer(fixture);
  assert_true(g_file_get_contents(catalogue, &text, &length, NULL));
  act.text = g_bytes_new(text, length);
  do_act(fixture, &act, NULL);
  g_bytes_unref(act.text);
  if (register_csv) fixture_import(fixture, register_csv);
}

void fixture_restart(struct fixture *fixture)
{
  writer_free(fixture->writer);
  start_writer(fixture);
}

void fixture_teardown(struct fixture *fixture)
{
  g_autoptr(GDir) dir = NULL;
  const char *name;

  writer_free(fixture->writer);
  identity_free(fixture->identity);
  dir = g_dir_open(fixture->folder, 0, NULL);
  while ((name = g_dir_read_name(dir))) {
    g_autofree char *path = folder_path(fixture->folder, name);

    g_unlink(path);
  }
  g_rmdir(fixture->folder);
  g_free(fixture->folder);
}

void fixture_import(struct fixture *fixture, const char *register_csv)
{
  struct act act = {
      .kind = LEAF_REGISTER, .by = "test", .text = g_bytes_new(register_csv, strlen(register_csv))};

  do_act(fixture, &act, NULL);
  g_bytes_unref(act.text);
}

static void invite(struct fixture *fixture, const char *area, enum agent_role role, const char *forms,
                   const uint8_t secret[32])
{
  struct act act = {.kind = LEAF_INVITATION, .by = "test"};
  g_auto(GStrv) words = g_strsplit(forms, ";", -1);

  seal_hash(secret, 32, act.invitation.secret_hash);
  act.invitation.area = area;
  act.invitation.role = role;
  act.invitation.forms = (const char *const *)words;
  act.invitation.form_count = g_strv_length(words);
  act.invitation.expires_ms = INT64_MAX;
  do_act(fixture, &act, NULL);
}

void fixture_enrol(struct fixture *fixture, const char *area, struct fixture_agent *ret_agent)
{
  fixture_enrol_for(fixture, area, AGENT_OF_PARK, "", ret_agent);
}

void fixture_enrol_for(struct fixture *fixture, const char *area, enum agent_role role, const char *forms,
                       struct fixture_agent *ret_agent)
{
  static unsigned number;
  g_autofree char *name = g_strdup_printf("agent-%u.key", number);
  g_autofree char *path = folder_path(fixture->folder, name);
  g_autoptr(GBytes) certificate = NULL;
  struct join_record join = {.secret = {0}};
  struct act act = {.kind = LEAF_ENROLMENT, .join = &join};
  const uint8_t *payload;
  size_t length;

  number++;
  memcpy(join.secret, &number, sizeof number);
  invite(fixture, area, role, forms, join.secret);
  ret_agent->identity = identity_create(path, NULL);
  ret_agent->sequence = 0;
  memcpy(join.curve_key, identity_curve_public(ret_agent->identity), 32);
  memcpy(join.sign_key, identity_sign_public(ret_agent->identity), 32);
  do_act(fixture, &act, &certificate);
  assert_int_equal(seal_open(g_bytes_get_data(certificate, NULL), g_bytes_get_size(certificate),
                             SEAL_CERTIFICATE, identity_sign_public(fixture->identity), &payload, &length,
                             NULL),
                   SEAL_OK);
  CLEANUP(certificate_free) struct certificate *decoded = certificate_decode(payload, length);
  ret_agent->id = g_strdup(decoded->agent);
}

void fixture_agent_clear(struct fixture_agent *agent)
{
  identity_free(agent->identity);
  g_free(agent->id);
}

void fixture_revoke(struct fixture *fixture, const struct fixture_agent *agent)
{
  const struct act act = {.kind = LEAF_REVOCATION, .by = "test", .agent = agent->id};

  do_act(fixture, &act, NULL);
}

GBytes *fixture_seal_admission(struct fixture_agent *by, const struct fixture_agent *agent)
{
  uint8_t key_id[SEAL_HASH_SIZE];
  struct park_act act = {.agent = by->id,
                         .sequence = ++by->sequence,
                         .created_at_ms = 1,
                         .kind = PARK_ADMITS,
                         .admission = {agent->id, {key_id, sizeof key_id}, "second office", "李四"}};

  seal_key_id(identity_sign_public(agent->identity), key_id);
  g_autoptr(GByteArray) payload = park_act_encode(&act);
  return g_byte_array_free_to_bytes(identity_seal(by->identity, SEAL_ACT, payload->data, payload->len, NULL));
}

void fixture_admit(struct fixture *fixture, struct fixture_agent *by, const struct fixture_agent *agent)
{
  g_autoptr(GBytes) sealed = fixture_seal_admission(by, agent);
  g_autoptr(GError) error = NULL;
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(fixture, sealed, &error);

  if (!receipt) fail_msg("admission: %s", error->message);
  assert_int_equal(receipt->counted, 1);
}

GBytes *fixture_seal(struct fixture *fixture, struct fixture_agent *agent, const char *form,
                     const char *period, const struct fixture_report *reports, size_t count,
                     uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(fixture->writer));

  return fixture_seal_under(fixture, snapshot->catalogue, agent, form, period, reports, count, ret_id);
}

GBytes *fixture_seal_under(struct fixture *fixture, const struct catalogue *catalogue,
                           struct fixture_agent *agent, const char *form, const char *period,
                           const struct fixture_report *reports, size_t count,
                           uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  CLEANUP(submission_writer_free)
  struct submission_writer *writer = submission_writer_new(catalogue, catalogue_form(catalogue, form));
  struct submission_head head = {
      .agent = agent->id,
      .sequence = ++agent->sequence,
      .form = form,
      .period = period,
      .approved_by = "张三",
      .approved_at_ms = 1,
      .responsible = "",
      .filler = "",
      .telephone = "",
      .created_at_ms = 1,
  };
  g_autoptr(GByteArray) payload = NULL;

  (void)fixture;
  memcpy(head.catalogue_hash, catalogue->hash, sizeof head.catalogue_hash);
  for (size_t n = 0; n < count; n++)
    assert_true(submission_writer_add(writer, reports[n].unit, &reports[n].change, reports[n].base));
  payload = submission_writer_finish(writer, &head);
  if (ret_id) seal_hash(payload->data, payload->len, ret_id);
  return g_byte_array_free_to_bytes(
      identity_seal(agent->identity, SEAL_SUBMISSION, payload->data, payload->len, NULL));
}

/* --- submitting --- */

struct answer {
  GMutex mutex;
  GCond cond;
  bool done;
  GBytes *receipt;
  GError *error;
};

static GError *fault_of(const struct judged *judged)
{
  return g_error_new(g_quark_from_static_string("fault"), (int)judged->fault, "%s", judged->fault_text);
}

static void take_answer(const struct judged *judged, GBytes *receipt, const GError *error, void *data)
{
  struct answer *answer = data;

  g_mutex_lock(&answer->mutex);
  answer->receipt = receipt ? g_bytes_ref(receipt) : NULL;
  if (error) answer->error = judged->fault == FINDING_COUNT ? g_error_copy(error) : fault_of(judged);
  answer->done = true;
  g_cond_signal(&answer->cond);
  g_mutex_unlock(&answer->mutex);
}

struct receipt *fixture_submit(struct fixture *fixture, GBytes *sealed, GError **error)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(fixture->writer));

  return fixture_submit_judged(fixture, judge_submission(snapshot, sealed, NULL, clock_wall().ms), error);
}

struct receipt *fixture_submit_judged(struct fixture *fixture, struct judged *judged, GError **error)
{
  struct answer answer = {.done = false};
  struct receipt *receipt = NULL;
  const uint8_t *payload;
  size_t length;

  if (judged->fault != FINDING_COUNT && !judged_may_be_known(judged)) {
    g_propagate_error(error, fault_of(judged));
    judged_free(judged);
    return NULL;
  }
  g_mutex_init(&answer.mutex);
  g_cond_init(&answer.cond);
  writer_submit(fixture->writer, judged, take_answer, &answer);
  g_mutex_lock(&answer.mutex);
  while (!answer.done) g_cond_wait(&answer.cond, &answer.mutex);
  g_mutex_unlock(&answer.mutex);
  if (answer.error) {
    g_propagate_error(error, answer.error);
    return NULL;
  }
  assert_int_equal(seal_open(g_bytes_get_data(answer.receipt, NULL), g_bytes_get_size(answer.receipt),
                             SEAL_RECEIPT, identity_sign_public(fixture->identity), &payload, &length, NULL),
                   SEAL_OK);
  receipt = receipt_decode(payload, length);
  assert_non_null(receipt);
  g_bytes_unref(answer.receipt);
  return receipt;
}

struct report_change fixture_value(unsigned column, int64_t value)
{
  struct report_change change = {.kind = KIND_FIGURES};

  column_set_add(&change.asked, column);
  figures_set(&change.figures, column, value);
  return change;
}
