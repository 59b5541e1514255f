/* Judging by a snapshot alone: why a submission is refused whole, who has which right, what a rule says of
 * each report. No store, no threads. */
#include "aggregator/judge.h"

#include "aggregator/periods.h"
#include "common/identity.h"
#include "small.h"

#include <glib/gstdio.h>
#include <string.h>

#define NOW_MS 1528070400000
#define OUTPUT 0 /* columns of form `monthly` in small.yaml */
#define SALES 1

enum { EAST, EAST_TOO, BUREAU, PICKED, GONE, AGENTS }; /* agents */

static const struct {
  const char *id;
  enum agent_role role;
  const char *form; /* of explicit rights */
  int64_t revoked_ms;
} agents[AGENTS] = {
    {"east-1", AGENT_OF_PARK, NULL, 0},      {"east-2", AGENT_OF_PARK, NULL, 0},
    {"east-3", AGENT_OF_BUREAU, NULL, 0},    {"east-4", AGENT_OF_PARK, "bureaus", 0},
    {"east-5", AGENT_OF_PARK, NULL, NOW_MS},
};

struct world {
  struct catalogue *catalogue,
      *other; /* other: has a column that the first has not, and was never in force */
  struct snapshot *snapshot;
  struct identity *identity[AGENTS];
};

static const char REGISTER[] = "unit,class,parks,status\n"
                               "a1,code,east,正常\n"
                               "b1,code,west,正常\n";

/* --- a world of snapshots --- */

/* With a form that a bureau fills in; `more` columns on it. */
static struct catalogue *compile(const char *more)
{
  g_autofree char *form = g_strdup_printf(
      "  bureaus:\n    zh: 局报\n    en: Bureaus\n    number: T-9\n    issuer: 测试\n    approval: 示例\n"
      "    legal_basis: administrative\n    filled_by: bureau\n    every: year\n    classes: [code]\n"
      "    columns: [{column: sales}%s]\n",
      more);

  return small_catalogue(NULL, NULL, form);
}

static void unref_catalogue(void *catalogue)
{
  catalogue_unref(catalogue);
}

static struct snapshot *empty_snapshot(void)
{
  struct snapshot *snapshot = g_new0(struct snapshot, 1);

  snapshot->references = 1;
  snapshot->catalogues = g_ptr_array_new_with_free_func(unref_catalogue);
  snapshot->units = register_builder_finish(register_builder_new());
  snapshot->agents = g_array_new(FALSE, FALSE, sizeof(struct agent_record));
  snapshot->period_acts = periods_new();
  return snapshot;
}

static void change(struct snapshot **snapshot, struct catalogue *catalogue, struct unit_register *units,
                   const struct stored_agent *agent)
{
  struct snapshot *next = snapshot_change(*snapshot, catalogue, units, agent);

  snapshot_unref(*snapshot);
  *snapshot = next;
}

static void put_agent(struct world *world, struct snapshot **snapshot, int n, int64_t revoked_ms)
{
  char *forms[] = {(char *)agents[n].form, NULL};
  struct stored_agent agent = {.id = (char *)agents[n].id,
                               .area = (char *)"east",
                               .role = agents[n].role,
                               .forms = forms,
                               .revoked_ms = revoked_ms};

  memcpy(agent.sign_key, identity_sign_public(world->identity[n]), sizeof agent.sign_key);
  memcpy(agent.curve_key, identity_curve_public(world->identity[n]), sizeof agent.curve_key);
  change(snapshot, NULL, NULL, &agent);
}

static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);
  g_autofree char *folder = g_dir_make_tmp("parktally-XXXXXX", NULL);
  CLEANUP(register_unref) struct unit_register *units = NULL;

  world->catalogue = compile("");
  world->other = compile(", {column: staff}");
  world->snapshot = empty_snapshot();
  units = small_register(world->catalogue, REGISTER);
  change(&world->snapshot, world->catalogue, units, NULL);
  for (int n = 0; n < AGENTS; n++) {
    g_autofree char *path = g_build_filename(folder, "key", NULL);

    world->identity[n] = identity_create(path, NULL);
    assert_non_null(world->identity[n]);
    g_unlink(path);
    put_agent(world, &world->snapshot, n, agents[n].revoked_ms);
  }
  g_rmdir(folder);
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;

  for (int n = 0; n < AGENTS; n++) identity_free(world->identity[n]);
  snapshot_unref(world->snapshot);
  catalogue_unref(world->catalogue);
  catalogue_unref(world->other);
  g_free(world);
  return 0;
}

/* --- submissions --- */

/* What a submission says; zeros mean what is right for agent east-1. */
struct said {
  int agent;
  const char *name; /* of the agent that it names */
  const char *form, *period;
  bool other_catalogue, other_columns; /* names the other catalogue; has its columns */
  unsigned column;
  int64_t value;
  int64_t created_ms;
  uint64_t sequence; /* 0: 1 */
};

/* One unit: a1; `units` more, b1 and zz. */
static GByteArray *payload_of(struct world *world, const struct said *said, bool more)
{
  const struct catalogue *columns = said->other_columns ? world->other : world->catalogue;
  const char *form = said->form ? said->form : "monthly";
  int index = catalogue_form(columns, form);
  CLEANUP(submission_writer_free)
  struct submission_writer *writer = submission_writer_new(columns, index == CATALOGUE_NONE ? 0 : index);
  struct report_change reported = {.kind = KIND_FIGURES};
  struct submission_head head = {
      .agent = said->name ? said->name : agents[said->agent].id,
      .sequence = said->sequence ? said->sequence : 1,
      .form = form,
      .period = said->period ? said->period : "2018-05",
      .approved_by = "张三",
      .approved_at_ms = 1,
      .responsible = "",
      .filler = "",
      .telephone = "",
      .created_at_ms = said->created_ms ? said->created_ms : NOW_MS,
  };

  column_set_add(&reported.asked, said->column);
  figures_set(&reported.figures, said->column, said->value);
  memcpy(head.catalogue_hash, said->other_catalogue ? world->other->hash : world->catalogue->hash,
         sizeof head.catalogue_hash);
  assert_true(submission_writer_add(writer, "a1", &reported, NULL));
  if (more) {
    assert_true(submission_writer_add(writer, "b1", &reported, NULL));
    assert_true(submission_writer_add(writer, "zz", &reported, NULL));
  }
  return submission_writer_finish(writer, &head);
}

static GBytes *seal(const struct identity *identity, enum seal_label label, GByteArray *payload)
{
  GByteArray *sealed = identity_seal(identity, label, payload->data, payload->len, NULL);

  g_byte_array_unref(payload);
  return g_byte_array_free_to_bytes(sealed);
}

static GBytes *sealed_of(struct world *world, const struct said *said)
{
  return seal(world->identity[said->agent], SEAL_SUBMISSION, payload_of(world, said, false));
}

/* --- faults --- */

/* The sound one, cut to `length` bytes or with zeros behind up to it. */
static GBytes *of_length(struct world *world, size_t length)
{
  g_autoptr(GBytes) sealed = sealed_of(world, &(struct said){.agent = EAST});
  uint8_t *bytes = g_malloc0(MAX(length, 1));

  memcpy(bytes, g_bytes_get_data(sealed, NULL), MIN(length, g_bytes_get_size(sealed)));
  return g_bytes_new_take(bytes, length);
}

static GBytes *garbage(size_t length)
{
  uint8_t *bytes = g_malloc(length);

  memset(bytes, 0xA5, length);
  return g_bytes_new_take(bytes, length);
}

static GByteArray *garbage_array(void)
{
  return g_bytes_unref_to_array(garbage(100));
}

/* With one bit of the byte at `place` turned; counted from the end if it is negative. */
static GBytes *flipped(GBytes *sealed, int place)
{
  GByteArray *bytes = g_bytes_unref_to_array(sealed);

  bytes->data[place < 0 ? (int)bytes->len + place : place] ^= 1;
  return g_byte_array_free_to_bytes(bytes);
}

static struct judged *judge(struct world *world, GBytes *sealed)
{
  struct judged *judged = judge_submission(world->snapshot, sealed, NULL, NOW_MS);

  g_bytes_unref(sealed);
  return judged;
}

static void expect_fault(struct world *world, const char *what, GBytes *sealed, enum finding_code code)
{
  CLEANUP(judged_free) struct judged *judged = judge(world, sealed);

  if (judged->fault != code)
    fail_msg("%s: found %s (%s), expected %s", what,
             judged->fault == FINDING_COUNT ? "no fault" : finding_id(judged->fault), judged->fault_text,
             code == FINDING_COUNT ? "none" : finding_id(code));
  if (code != FINDING_COUNT) assert_true(judged->fault_text[0] != '\0');
}

static void bytes_that_are_no_sealed_submission_are_refused(void **state)
{
  struct world *world = *state;
  const struct identity *east = world->identity[EAST];
  const struct said sound = {.agent = EAST};
  g_autofree char *folder = g_dir_make_tmp("parktally-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "key", NULL);
  CLEANUP(identity_free) struct identity *stranger = identity_create(path, NULL);

  g_unlink(path);
  g_rmdir(folder);
  expect_fault(world, "nothing", of_length(world, 0), FINDING_MESSAGE_MALFORMED);
  expect_fault(world, "cut within the header", of_length(world, SEAL_HEADER_SIZE - 1),
               FINDING_MESSAGE_MALFORMED);
  expect_fault(world, "garbage", garbage(1000), FINDING_MESSAGE_MALFORMED);
  expect_fault(world, "too large", of_length(world, LIMIT_SEALED_BYTES + 1), FINDING_MESSAGE_SIZE);
  expect_fault(world, "as large as may be", of_length(world, LIMIT_SEALED_BYTES), FINDING_SEAL_FORGED);
  expect_fault(world, "an unknown suite", flipped(sealed_of(world, &sound), 4), FINDING_MESSAGE_MALFORMED);
  expect_fault(world, "a stranger's", seal(stranger, SEAL_SUBMISSION, payload_of(world, &sound, false)),
               FINDING_SEAL_UNKNOWN);
  expect_fault(world, "another key id", flipped(sealed_of(world, &sound), 8), FINDING_SEAL_UNKNOWN);
  expect_fault(world, "no payload", of_length(world, SEAL_HEADER_SIZE), FINDING_SEAL_FORGED);
  expect_fault(world, "a changed signature", flipped(sealed_of(world, &sound), 50), FINDING_SEAL_FORGED);
  expect_fault(world, "a changed figure", flipped(sealed_of(world, &sound), -1), FINDING_SEAL_FORGED);
  expect_fault(world, "a receipt", seal(east, SEAL_RECEIPT, payload_of(world, &sound, false)),
               FINDING_SEAL_FORGED);
  expect_fault(world, "sealed garbage", seal(east, SEAL_SUBMISSION, garbage_array()),
               FINDING_MESSAGE_MALFORMED);
  expect_fault(world, "sealed nothing", seal(east, SEAL_SUBMISSION, g_byte_array_new()),
               FINDING_MESSAGE_MALFORMED);
  expect_fault(world, "the sound one", sealed_of(world, &sound), FINDING_COUNT);
}

static void nothing_is_decoded_before_the_seal_holds(void **state)
{
  struct world *world = *state;
  const struct said wrong = {.agent = EAST, .form = "nonsense"};
  const struct {
    const char *what;
    GBytes *sealed;
  } cases[] = {
      {"garbage", flipped(seal(world->identity[EAST], SEAL_SUBMISSION, garbage_array()), -1)},
      {"a wrong form", flipped(sealed_of(world, &wrong), -1)},
      {"of one revoked", flipped(sealed_of(world, &(struct said){.agent = GONE}), -1)},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    CLEANUP(judged_free) struct judged *judged = judge(world, cases[i].sealed);

    if (judged->fault != FINDING_SEAL_FORGED || judged->submission)
      fail_msg("%s: the payload was looked at: %s", cases[i].what, judged->fault_text);
  }
}

static void an_id_beside_it_that_is_not_its_own_is_refused(void **state)
{
  struct world *world = *state;
  g_autoptr(GBytes) sealed = sealed_of(world, &(struct said){.agent = EAST});
  uint8_t id[SUBMISSION_ID_SIZE];
  const uint8_t *bytes = g_bytes_get_data(sealed, NULL);

  seal_hash(bytes + SEAL_HEADER_SIZE, g_bytes_get_size(sealed) - SEAL_HEADER_SIZE, id);
  CLEANUP(judged_free) struct judged *right = judge_submission(world->snapshot, sealed, id, NOW_MS);
  assert_int_equal(right->fault, FINDING_COUNT);
  assert_memory_equal(right->id, id, sizeof id);
  id[31] ^= 1;
  CLEANUP(judged_free) struct judged *wrong = judge_submission(world->snapshot, sealed, id, NOW_MS);
  assert_int_equal(wrong->fault, FINDING_MESSAGE_MALFORMED);
  assert_null(wrong->submission);
}

static void a_head_that_does_not_fit_is_refused_whole(void **state)
{
  struct world *world = *state;
  static const struct {
    const char *what;
    struct said said;
    enum finding_code code;
    const char *text; /* which says what was found */
  } cases[] = {
      {"another's name", {.agent = EAST, .name = "east-2"}, FINDING_AGENT_OTHER, "east-2"},
      {"nobody's name", {.agent = EAST, .name = "east-99"}, FINDING_AGENT_OTHER, "east-99"},
      {"revoked", {.agent = GONE}, FINDING_AGENT_REVOKED, "east-5"},
      {"revoked, and another's name", {.agent = GONE, .name = "east-1"}, FINDING_AGENT_REVOKED, "east-5"},
      {"a catalogue never in force", {.agent = EAST, .other_catalogue = true}, FINDING_CATALOGUE_UNKNOWN, ""},
      {"no such form", {.agent = EAST, .form = "weekly"}, FINDING_FORM_UNKNOWN, "weekly"},
      {"another's form", {.agent = EAST, .form = "bureaus"}, FINDING_FORM_RIGHT, "bureaus"},
      {"a quarter", {.agent = EAST, .period = "2018-Q1"}, FINDING_PERIOD_WRONG, "2018-Q1"},
      {"a year", {.agent = EAST, .period = "2018"}, FINDING_PERIOD_WRONG, "2018"},
      {"January and February", {.agent = EAST, .period = "2018-01/P2M"}, FINDING_PERIOD_WRONG, "2018-01/P2M"},
      {"a month that is exempt",
       {.agent = EAST, .form = "finance", .period = "2018-01"},
       FINDING_PERIOD_WRONG,
       "finance"},
      {"a month of a yearly form", {.agent = EAST, .form = "yearly"}, FINDING_PERIOD_WRONG, "yearly"},
      {"a column of another catalogue",
       {.agent = BUREAU, .form = "bureaus", .period = "2018", .other_columns = true, .column = 1},
       FINDING_INDICATOR_UNKNOWN,
       "staff"},
      {"nothing wrong", {.agent = EAST}, FINDING_COUNT, ""},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    CLEANUP(judged_free) struct judged *judged = judge(world, sealed_of(world, &cases[i].said));

    if (judged->fault != cases[i].code || !strstr(judged->fault_text, cases[i].text))
      fail_msg("%s: found %s: %s", cases[i].what,
               judged->fault == FINDING_COUNT ? "no fault" : finding_id(judged->fault), judged->fault_text);
    /* Rights that an agent had once. */
    assert_int_equal(judged_may_be_known(judged), judged->fault == FINDING_AGENT_OTHER ||
                                                      judged->fault == FINDING_AGENT_REVOKED ||
                                                      judged->fault == FINDING_FORM_RIGHT);
  }
}

static void rights_go_by_form_where_forms_are_named_and_by_role_elsewhere(void **state)
{
  struct world *world = *state;
  static const struct {
    int agent;
    const char *form;
    bool right;
  } cases[] = {
      {EAST, "yearly", true},    {EAST, "bureaus", false},  {BUREAU, "bureaus", true},
      {BUREAU, "yearly", false}, {PICKED, "bureaus", true}, /* whatever its role */
      {PICKED, "yearly", false},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    const struct said said = {.agent = cases[i].agent, .form = cases[i].form, .period = "2018"};

    expect_fault(world, agents[cases[i].agent].id, sealed_of(world, &said),
                 cases[i].right ? FINDING_COUNT : FINDING_FORM_RIGHT);
  }
}

/* --- reports --- */

static void each_report_that_a_rule_refuses_is_named_and_holds_up_no_other(void **state)
{
  struct world *world = *state;
  const struct said said = {.agent = EAST};
  CLEANUP(judged_free)
  struct judged *judged =
      judge(world, seal(world->identity[EAST], SEAL_SUBMISSION, payload_of(world, &said, true)));

  assert_int_equal(judged->fault, FINDING_COUNT);
  assert_int_equal(submission_size(judged->submission), 3);
  assert_int_equal(judged->refusals->len, 2);
  const struct row_refusal *elsewhere = &g_array_index(judged->refusals, struct row_refusal, 0);
  const struct row_refusal *unknown = &g_array_index(judged->refusals, struct row_refusal, 1);
  assert_int_equal(elsewhere->row, 1);
  assert_int_equal(elsewhere->code, FINDING_UNIT_ELSEWHERE);
  assert_int_equal(unknown->row, 2);
  assert_int_equal(unknown->code, FINDING_UNIT_UNKNOWN);
  struct rule_result why;
  judged_explain(judged, elsewhere, &why);
  assert_int_equal(why.code, FINDING_UNIT_ELSEWHERE);
  assert_string_equal(why.found, "west");
  assert_string_equal(why.expected, "east");
  judged_explain(judged, unknown, &why);
  assert_string_equal(why.found, "zz");
  assert_in_range(judged_memory(judged), submission_memory(judged->submission), JUDGED_MOST);
  assert_string_equal(judged->versions[0]->unit, "a1");
  assert_null(judged->versions[1]); /* known, but refused */
  assert_null(judged->versions[2]);
}

static void a_clock_that_is_ahead_is_a_finding_and_one_behind_is_none(void **state)
{
  struct world *world = *state;
  static const struct {
    int64_t created_ms;
    bool off;
  } cases[] = {
      {NOW_MS + LIMIT_CLOCK_SKEW_MS, false},
      {NOW_MS + LIMIT_CLOCK_SKEW_MS + 1, true},
      {NOW_MS - 10 * LIMIT_CLOCK_SKEW_MS, false}, /* it may have waited in the outbox */
      {INT64_MAX, true},
      {INT64_MIN, false},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    const struct said said = {.agent = EAST, .created_ms = cases[i].created_ms};
    CLEANUP(judged_free) struct judged *judged = judge(world, sealed_of(world, &said));

    assert_int_equal(judged->fault, FINDING_COUNT); /* never a reason to refuse */
    if (judged->clock_off != cases[i].off) fail_msg("case %zu", i);
  }
}

/* --- again, by another snapshot --- */

/* The park east changes its keys after `until`. */
static void change_keys(struct world *world, struct snapshot **snapshot, const struct identity *next,
                        uint64_t until)
{
  const struct agent_record *east = snapshot_agent(*snapshot, agents[EAST].id);
  const struct key_change of = {.agent = agents[EAST].id, .until = until, .by = "", .reason = ""};
  g_autoptr(GByteArray) sealed = key_change_seal(world->identity[EAST], next, &of);
  struct key_chain *keys = key_chain_copy(east->keys);
  struct stored_agent changed = east->stored;
  struct snapshot *later;

  assert_true(key_chain_add(keys, sealed->data, sealed->len));
  memcpy(changed.sign_key, identity_sign_public(next), sizeof changed.sign_key);
  memcpy(changed.curve_key, identity_curve_public(next), sizeof changed.curve_key);
  later = snapshot_change_agent_keys(*snapshot, &changed, keys);
  snapshot_unref(*snapshot);
  *snapshot = later;
}

static void a_key_that_was_changed_seals_numbers_up_to_the_change_alone(void **state)
{
  struct world *world = *state;
  CLEANUP(identity_free) struct identity *next = identity_new(NULL);
  CLEANUP(snapshot_unref) struct snapshot *before = snapshot_ref(world->snapshot);
  const struct said at = {.agent = EAST, .sequence = 7}, beyond = {.agent = EAST, .sequence = 8};

  CLEANUP(judged_free) struct judged *waits = judge(world, sealed_of(world, &beyond)); /* for the writer */
  assert_int_equal(waits->fault, FINDING_COUNT);
  change_keys(world, &world->snapshot, next, 7);
  expect_fault(world, "the last one", sealed_of(world, &at), FINDING_COUNT);
  expect_fault(world, "one more", sealed_of(world, &beyond), FINDING_SEAL_RETIRED);
  expect_fault(world, "the new key", seal(next, SEAL_SUBMISSION, payload_of(world, &beyond, false)),
               FINDING_COUNT);
  judge_again(waits, world->snapshot, NOW_MS);
  assert_int_equal(waits->fault, FINDING_SEAL_RETIRED);
  /* Who connects is known by the present key alone. */
  assert_null(snapshot_agent_by_curve(world->snapshot, identity_curve_public(world->identity[EAST])));
  assert_non_null(snapshot_agent_by_curve(world->snapshot, identity_curve_public(next)));
  assert_non_null(snapshot_agent_by_curve(before, identity_curve_public(world->identity[EAST])));
}

static void what_has_changed_since_decides(void **state)
{
  struct world *world = *state;
  const struct said said = {.agent = EAST};
  CLEANUP(judged_free)
  struct judged *judged =
      judge(world, seal(world->identity[EAST], SEAL_SUBMISSION, payload_of(world, &said, true)));
  CLEANUP(snapshot_unref) struct snapshot *later = snapshot_ref(world->snapshot);
  CLEANUP(register_unref)
  struct unit_register *units =
      small_register(world->catalogue, "unit,class,parks\nb1,code,east\nzz,code,east\n");

  change(&later, NULL, units, NULL);
  judge_again(judged, later, NOW_MS);
  assert_int_equal(judged->fault, FINDING_COUNT);
  assert_ptr_equal(judged->snapshot, later);
  assert_int_equal(judged->refusals->len, 1); /* a1 is gone, and nothing is left of what was found before */
  assert_int_equal(g_array_index(judged->refusals, struct row_refusal, 0).row, 0);
  assert_null(judged->versions[0]);
  assert_ptr_equal(judged->versions[1], register_find(units, "b1", DAY_MIN)); /* of the later register */

  put_agent(world, &later, EAST, NOW_MS);
  judge_again(judged, later, NOW_MS);
  assert_int_equal(judged->fault, FINDING_AGENT_REVOKED);
  assert_null(judged->versions);

  judge_again(judged, world->snapshot, NOW_MS); /* and back: no fault is kept */
  assert_int_equal(judged->fault, FINDING_COUNT);
  assert_int_equal(judged->refusals->len, 2);
}

static void a_catalogue_that_was_replaced_still_judges_what_names_it(void **state)
{
  struct world *world = *state;
  CLEANUP(judged_free) struct judged *judged = judge(world, sealed_of(world, &(struct said){.agent = EAST}));
  CLEANUP(snapshot_unref) struct snapshot *later = snapshot_ref(world->snapshot);

  change(&later, world->other, NULL, NULL);
  judge_again(judged, later, NOW_MS);
  assert_int_equal(judged->fault, FINDING_COUNT);
  assert_ptr_equal(judged->catalogue, world->catalogue);
}

static void what_was_refused_unread_stays_refused(void **state)
{
  struct world *world = *state;
  CLEANUP(judged_free)
  struct judged *judged = judge(world, flipped(sealed_of(world, &(struct said){.agent = EAST}), -1));
  CLEANUP(snapshot_unref) struct snapshot *later = snapshot_ref(world->snapshot);

  put_agent(world, &later, EAST, NOW_MS);
  judge_again(judged, later, NOW_MS);
  assert_int_equal(judged->fault, FINDING_SEAL_FORGED);
}

/* --- periods --- */

static void act_on(struct snapshot **snapshot, enum period_action action, const char *area,
                   const char *reason)
{
  struct stored_period_act act = {.position = (*snapshot)->version,
                                  .form = (char *)"monthly",
                                  .period = {2018, 5, 1},
                                  .action = action,
                                  .area = (char *)area,
                                  .by = (char *)"李明",
                                  .reason = (char *)reason,
                                  .recorded_ms = 1528693200000}; /* 2018-06-11 13:00 in Shanghai */
  struct snapshot *next = snapshot_change_period(*snapshot, &act);

  snapshot_unref(*snapshot);
  *snapshot = next;
}

static enum finding_code fault_at(struct snapshot *snapshot, GBytes *sealed, int64_t now_ms,
                                  char ret_text[256])
{
  CLEANUP(judged_free) struct judged *judged = judge_submission(snapshot, sealed, NULL, now_ms);

  g_strlcpy(ret_text, judged->fault_text, 256);
  if (judged->fault == FINDING_PERIOD_CLOSED || judged->fault == FINDING_PERIOD_NOT_BEGUN)
    assert_true(judged_may_be_known(judged));
  return judged->fault;
}

static void a_period_that_has_not_begun_by_the_citys_clock_is_refused_whole(void **state)
{
  struct world *world = *state;
  /* the park's clock is years ahead: it is never asked */
  const struct said june = {.agent = EAST, .period = "2018-06", .created_ms = 1893456000000};
  g_autoptr(GBytes) sealed = sealed_of(world, &june);
  int64_t midnight = 1527782400000; /* 2018-06-01 00:00 in Shanghai, where UTC still has May */
  char text[256];

  assert_int_equal(fault_at(world->snapshot, sealed, midnight - 1, text), FINDING_PERIOD_NOT_BEGUN);
  assert_non_null(strstr(text, "2018-06"));
  assert_int_equal(fault_at(world->snapshot, sealed, midnight, text), FINDING_COUNT);
}

static void a_closed_period_is_refused_with_when_and_why_but_for_whom_it_was_reopened(void **state)
{
  struct world *world = *state;
  g_autofree char *endless = g_strnfill(400, 'x');
  g_autoptr(GBytes) may = sealed_of(world, &(struct said){.agent = EAST});
  g_autoptr(GBytes) april = sealed_of(world, &(struct said){.agent = EAST, .period = "2018-04"});
  CLEANUP(snapshot_unref) struct snapshot *later = snapshot_ref(world->snapshot);
  char text[256];

  act_on(&later, PERIOD_TO_CLOSE, "", "已汇总");
  assert_int_equal(fault_at(later, may, NOW_MS, text), FINDING_PERIOD_CLOSED);
  assert_string_equal(text, "2018-05 of form monthly, on 2018-06-11 13:00: 已汇总");
  assert_int_equal(fault_at(later, april, NOW_MS, text), FINDING_COUNT);
  act_on(&later, PERIOD_TO_REOPEN, "west", "not this one");
  assert_int_equal(fault_at(later, may, NOW_MS, text), FINDING_PERIOD_CLOSED);
  act_on(&later, PERIOD_TO_REOPEN, "group", "both parks of it"); /* east is a part of it */
  assert_int_equal(fault_at(later, may, NOW_MS, text), FINDING_COUNT);
  act_on(&later, PERIOD_TO_CLOSE, "east", endless);
  assert_int_equal(fault_at(later, may, NOW_MS, text), FINDING_PERIOD_CLOSED);
  assert_true(text_is_clean(text, strlen(text)));
  act_on(&later, PERIOD_TO_REOPEN, "", "");
  assert_int_equal(fault_at(later, may, NOW_MS, text), FINDING_COUNT);
}

static void what_waits_for_its_judge_is_judged_again_when_its_period_was_closed(void **state)
{
  struct world *world = *state;
  CLEANUP(judged_free) struct judged *judged = judge(world, sealed_of(world, &(struct said){.agent = EAST}));
  CLEANUP(snapshot_unref) struct snapshot *later = snapshot_ref(world->snapshot);

  assert_false(judged_may_be_known(judged));
  act_on(&later, PERIOD_TO_CLOSE, "", "");
  judge_again(judged, later, NOW_MS);
  assert_int_equal(judged->fault, FINDING_PERIOD_CLOSED);
  assert_null(judged->versions);
}

/* --- out of the ledger --- */

static void a_damaged_leaf_gives_nothing(void **state)
{
  struct world *world = *state;
  const struct said unknown[] = {
      {.agent = EAST, .name = "east-99"},
      {.agent = EAST, .form = "weekly"},
      {.agent = EAST, .other_catalogue = true},
      {.agent = BUREAU, .form = "bureaus", .period = "2018", .other_columns = true, .column = 1},
  };
  g_autoptr(GBytes) sound = sealed_of(world, &(struct said){.agent = EAST});
  const uint8_t *bytes = g_bytes_get_data(sound, NULL);

  assert_null(judge_recorded(world->snapshot, bytes, 0));
  assert_null(judge_recorded(world->snapshot, bytes, SEAL_HEADER_SIZE));
  assert_null(judge_recorded(world->snapshot, bytes, g_bytes_get_size(sound) - 1));
  for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++) {
    g_autoptr(GBytes) sealed = sealed_of(world, &unknown[i]);

    assert_null(judge_recorded(world->snapshot, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed)));
  }
}

static void a_recorded_submission_is_bound_and_not_judged(void **state)
{
  struct world *world = *state;
  const struct said said = {.agent = GONE, .column = SALES, .value = 7};
  g_autoptr(GBytes) sealed = sealed_of(world, &said);
  CLEANUP(judged_free)
  struct judged *judged =
      judge_recorded(world->snapshot, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
  struct submission_report report;

  assert_non_null(judged); /* although its agent is revoked by now */
  assert_int_equal(judged->fault, FINDING_COUNT);
  assert_int_equal(judged->form, catalogue_form(world->catalogue, "monthly"));
  submission_report(judged->submission, 0, &report);
  assert_int_equal(report.change.figures.value[SALES], 7);
  assert_null(judged->versions);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(bytes_that_are_no_sealed_submission_are_refused),
      TEST(nothing_is_decoded_before_the_seal_holds),
      TEST(an_id_beside_it_that_is_not_its_own_is_refused),
      TEST(a_head_that_does_not_fit_is_refused_whole),
      TEST(rights_go_by_form_where_forms_are_named_and_by_role_elsewhere),
      TEST(each_report_that_a_rule_refuses_is_named_and_holds_up_no_other),
      TEST(a_clock_that_is_ahead_is_a_finding_and_one_behind_is_none),
      TEST(what_has_changed_since_decides),
      TEST(a_key_that_was_changed_seals_numbers_up_to_the_change_alone),
      TEST(a_catalogue_that_was_replaced_still_judges_what_names_it),
      TEST(what_was_refused_unread_stays_refused),
      TEST(a_period_that_has_not_begun_by_the_citys_clock_is_refused_whole),
      TEST(a_closed_period_is_refused_with_when_and_why_but_for_whom_it_was_reopened),
      TEST(what_waits_for_its_judge_is_judged_again_when_its_period_was_closed),
      TEST(a_damaged_leaf_gives_nothing),
      TEST(a_recorded_submission_is_bound_and_not_judged),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
