/* Acts: what operators and enrolments change, and that a refused one leaves no trace. */
#include "aggregator/act.h"

#include "common/error.h"
#include "common/identity.h"
#include "small.h"
#include "store_place.h"

#include <inttypes.h>

struct world {
  struct place *place;
  struct tables *tables;
  struct snapshot *snapshot;
  uint64_t position;
};

/* Everything that an act may change, as one text. */
static const char DIGEST[] =
    "SELECT group_concat(word, ' ') FROM ("
    " SELECT 'catalogue' || position AS word FROM catalogue UNION ALL"
    " SELECT unit || from_day || parks FROM register_version UNION ALL"
    " SELECT id || revoked FROM agent UNION ALL"
    " SELECT hex(secret_hash) || coalesce(used_by, '') FROM invitation UNION ALL"
    " SELECT form || period || position || action || area || by || reason || recorded FROM"
    " period_act UNION ALL"
    " SELECT 'expected' || count(*) FROM expected UNION ALL"
    " SELECT 'cells' || count(*) FROM family)";

static const uint8_t secret_hash[SEAL_HASH_SIZE] = {1, 2, 3};
static const struct bytes_view secret_view = {secret_hash, sizeof secret_hash};

/* --- applying --- */

static struct bytes_view view(const char *text)
{
  return (struct bytes_view){(const uint8_t *)text, strlen(text)};
}

static bool apply(struct world *world, struct leaf *leaf, GError **error)
{
  bool done;

  leaf->recorded_at_ms = 1000 + (int64_t)world->position;
  if (!leaf->by) leaf->by = "test";
  if (!leaf->reason) leaf->reason = "";
  store_begin(world->place->store);
  done = act_apply(world->place->store, world->tables, &world->snapshot, leaf, world->position++, error);
  tables_flush(world->tables);
  place_commit(world->place);
  return done;
}

static void must_apply(struct world *world, struct leaf leaf)
{
  g_autoptr(GError) error = NULL;

  if (!apply(world, &leaf, &error)) fail_msg("%s", error->message);
}

static void must_be_refused(struct world *world, const char *what, struct leaf leaf,
                            enum parktally_error code, const char *word)
{
  g_autofree char *before = place_query(world->place, DIGEST);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = snapshot_ref(world->snapshot);
  g_autoptr(GError) error = NULL;

  if (apply(world, &leaf, &error)) fail_msg("%s: was done", what);
  if (error->code != (int)code || !strstr(error->message, word))
    fail_msg("%s: found code %d: %s", what, error->code, error->message);
  g_autofree char *after = place_query(world->place, DIGEST);
  if (strcmp(before, after) != 0) fail_msg("%s: left a trace: %s, before %s", what, after, before);
  assert_ptr_equal(snapshot, world->snapshot);
}

/* --- leaves --- */

static struct leaf catalogue_leaf(const char *text)
{
  return (struct leaf){.kind = LEAF_CATALOGUE, .catalogue = {view(text)}};
}

static struct leaf register_leaf(const char *text)
{
  return (struct leaf){.kind = LEAF_REGISTER, .register_ = {.text = view(text)}};
}

static struct leaf invitation_leaf(const char *area, const char *const *forms, size_t count)
{
  return (struct leaf){.kind = LEAF_INVITATION,
                       .invitation = {secret_view, area, AGENT_OF_PARK, forms, count, INT64_MAX}};
}

static struct leaf revocation_leaf(const char *agent)
{
  return (struct leaf){.kind = LEAF_REVOCATION, .revocation = {.agent = agent}};
}

static struct leaf period_leaf(enum period_action action, const char *form, const char *period,
                               const char *area)
{
  return (struct leaf){.kind = LEAF_PERIOD, .reason = "why", .period = {form, period, action, area}};
}

/* A certificate as the aggregator seals it; the seal's key does not matter to what is ours already. */
static GByteArray *certificate(const char *agent)
{
  static const uint8_t keys[2][32] = {{7}, {8}};
  static const uint8_t seed_key[SEAL_PUBLIC_KEY_SIZE] = {0}, secret[SEAL_SECRET_KEY_SIZE] = {0};
  g_autoptr(GByteArray) payload = certificate_encode(&(struct certificate){.agent = agent,
                                                                           .area = "east",
                                                                           .curve_key = {keys[0], 32},
                                                                           .sign_key = {keys[1], 32},
                                                                           .issued_at_ms = 1});

  return seal_make(SEAL_CERTIFICATE, seed_key, secret, payload->data, payload->len, NULL);
}

static struct leaf enrolment_leaf(const GByteArray *sealed)
{
  return (struct leaf){.kind = LEAF_ENROLMENT,
                       .enrolment = {{sealed->data, sealed->len}, secret_view, ENTRY_IS_FIRST}};
}

static void enrol(struct world *world, const char *agent)
{
  g_autoptr(GByteArray) sealed = certificate(agent);

  must_apply(world, invitation_leaf("east", NULL, 0));
  must_apply(world, enrolment_leaf(sealed));
}

/* --- the world --- */

static int set_up_empty(void **state)
{
  struct world *world = g_new0(struct world, 1);
  void *place;

  place_set_up(&place);
  world->place = place;
  world->tables = tables_new(world->place->store);
  world->snapshot = snapshot_load(world->place->store, NULL);
  world->position = 1;
  *state = world;
  return 0;
}

static int set_up(void **state)
{
  g_autofree char *text = small_text(NULL, NULL, "");

  set_up_empty(state);
  must_apply(*state, catalogue_leaf(text));
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;
  void *place = world->place;

  tables_free(world->tables);
  snapshot_unref(world->snapshot);
  g_free(world);
  return place_tear_down(&place);
}

/* --- refusals --- */

static void a_catalogue_that_is_wrong_or_breaks_what_was_stored_is_refused(void **state)
{
  struct world *world = *state;
  g_autofree char *renamed = small_text("  output: {", "  out: {", "");
  g_autofree char *moved =
      small_text("[{column: output}, {column: sales}, ", "[{column: sales}, {column: output}, ", "");
  g_autofree char *decimals = small_text("decimals: 1", "decimals: 2", "");

  must_be_refused(world, "nothing", catalogue_leaf(""), ERROR_CONFIG, "catalogue.yaml");
  must_be_refused(world, "no YAML", catalogue_leaf("a: [b"), ERROR_CONFIG, "catalogue.yaml:2:1:");
  must_be_refused(world, "a lost indicator", catalogue_leaf(renamed), ERROR_CONFIG, "output");
  must_be_refused(world, "columns that changed places", catalogue_leaf(moved), ERROR_CONFIG, "output");
  must_be_refused(world, "other decimals", catalogue_leaf(decimals), ERROR_CONFIG, "output");
}

static void a_register_with_one_mistake_changes_nothing(void **state)
{
  struct world *world = *state;

  must_be_refused(world, "nothing", register_leaf(""), ERROR_DATA, "register.csv");
  must_be_refused(world, "another file", register_leaf("uscc,period,output\n"), ERROR_DATA, "register.csv");
  must_be_refused(world, "a park that is none",
                  register_leaf("unit,class,parks\na1,code,east\nb1,code,north\n"), ERROR_DATA, "north");
}

static void an_invitation_to_where_nobody_reports_is_refused(void **state)
{
  struct world *world = *state;
  static const char *const forms[] = {"monthly", "weekly"};

  must_be_refused(world, "no such area", invitation_leaf("north", NULL, 0), ERROR_USAGE, "north");
  must_be_refused(world, "a group of parks", invitation_leaf("group", NULL, 0), ERROR_USAGE, "group");
  must_be_refused(world, "no such form", invitation_leaf("east", forms, 2), ERROR_USAGE, "weekly");
}

static void an_agent_that_is_not_there_or_gone_cannot_be_revoked(void **state)
{
  struct world *world = *state;

  must_be_refused(world, "nobody", revocation_leaf("east-1"), ERROR_USAGE, "east-1");
  enrol(world, "east-1");
  must_apply(world, revocation_leaf("east-1"));
  must_be_refused(world, "twice", revocation_leaf("east-1"), ERROR_USAGE, "already");
}

static void a_damaged_ledger_is_told_and_not_applied(void **state)
{
  struct world *world = *state;
  g_autoptr(GByteArray) sealed = certificate("east-1");
  g_autoptr(GByteArray) other = g_byte_array_new();
  struct leaf cut = enrolment_leaf(sealed);
  struct leaf submission = {.kind = LEAF_SUBMISSION};
  struct leaf unknown = {.kind = LEAF_PERIOD + 1};

  must_be_refused(world, "an enrolment without invitation", enrolment_leaf(sealed), ERROR_DATA, "damaged");
  must_apply(world, invitation_leaf("east", NULL, 0));
  cut.enrolment.certificate.length--;
  must_be_refused(world, "half a certificate", cut, ERROR_DATA, "damaged");
  must_be_refused(world, "no certificate", enrolment_leaf(other), ERROR_DATA, "damaged");
  must_be_refused(world, "a submission", submission, ERROR_DATA, "damaged");
  must_be_refused(world, "a leaf of a later version", unknown, ERROR_DATA, "damaged");
}

static void nothing_goes_before_the_first_catalogue(void **state)
{
  struct world *world = *state;

  must_be_refused(world, "a register", register_leaf("unit,class,parks\na1,code,east\n"), ERROR_DATA,
                  "catalogue");
  must_be_refused(world, "an invitation", invitation_leaf("east", NULL, 0), ERROR_DATA, "catalogue");
  must_be_refused(world, "a period", period_leaf(PERIOD_TO_CLOSE, "monthly", "2018-05", ""), ERROR_DATA,
                  "catalogue");
}

static void a_period_that_is_none_or_stands_so_already_is_refused(void **state)
{
  struct world *world = *state;

  must_be_refused(world, "no form", period_leaf(PERIOD_TO_CLOSE, "weekly", "2018-05", ""), ERROR_USAGE,
                  "weekly");
  must_be_refused(world, "no area", period_leaf(PERIOD_TO_CLOSE, "monthly", "2018-05", "north"), ERROR_USAGE,
                  "north");
  must_be_refused(world, "no period", period_leaf(PERIOD_TO_CLOSE, "monthly", "201805", ""), ERROR_USAGE,
                  "201805");
  must_be_refused(world, "a year", period_leaf(PERIOD_TO_CLOSE, "monthly", "2018", ""), ERROR_USAGE,
                  "expects a month");
  must_be_refused(world, "reopened", period_leaf(PERIOD_TO_REOPEN, "monthly", "2018-05", ""), ERROR_USAGE,
                  "is not closed");
  must_apply(world, period_leaf(PERIOD_TO_CLOSE, "monthly", "2018-05", ""));
  must_be_refused(world, "twice", period_leaf(PERIOD_TO_CLOSE, "monthly", "2018-05", ""), ERROR_USAGE,
                  "closed already");
  must_be_refused(world, "of a park", period_leaf(PERIOD_TO_CLOSE, "monthly", "2018-05", "east"), ERROR_USAGE,
                  "closed already");
  must_be_refused(world, "opened", period_leaf(PERIOD_TO_OPEN, "monthly", "2018-05", ""), ERROR_USAGE,
                  "period reopen");
}

static void a_period_act_is_kept_and_in_force_and_comes_back_at_a_restart(void **state)
{
  struct world *world = *state;
  CLEANUP(snapshot_unref) struct snapshot *before = snapshot_ref(world->snapshot);

  must_apply(world, period_leaf(PERIOD_TO_CLOSE, "monthly", "2018-05", ""));
  must_apply(world, period_leaf(PERIOD_TO_REOPEN, "monthly", "2018-05", "east"));
  assert_int_equal(before->period_acts->len, 0); /* what others judge by does not change under them */
  assert_true(world->snapshot->version > before->version);
  CLEANUP(snapshot_unref) struct snapshot *loaded = snapshot_load(world->place->store, NULL);
  const struct snapshot *both[] = {world->snapshot, loaded};
  for (int n = 0; n < 2; n++) {
    assert_int_equal(both[n]->period_acts->len, 2);
    const struct stored_period_act *acts = (const void *)both[n]->period_acts->data;
    assert_int_equal(acts[0].action, PERIOD_TO_CLOSE);
    assert_string_equal(acts[0].form, "monthly");
    assert_string_equal(acts[0].area, "");
    assert_int_equal(acts[1].action, PERIOD_TO_REOPEN);
    assert_string_equal(acts[1].area, "east");
    assert_string_equal(acts[1].by, "test");
    assert_string_equal(acts[1].reason, "why");
    assert_true(acts[1].position == world->position - 1);
    assert_true(acts[1].recorded_ms == 1000 + (int64_t)world->position - 1);
  }
}

/* --- what is done --- */

static void a_catalogue_comes_into_force_and_the_one_before_is_kept(void **state)
{
  struct world *world = *state;
  g_autofree char *next = small_text(NULL, NULL, "# changed\n");
  CLEANUP(snapshot_unref) struct snapshot *before = snapshot_ref(world->snapshot);

  must_apply(world, catalogue_leaf(next));
  assert_memory_not_equal(world->snapshot->catalogue->hash, before->catalogue->hash, CATALOGUE_HASH_SIZE);
  assert_non_null(snapshot_catalogue(world->snapshot, before->catalogue->hash));
  assert_true(world->snapshot->version > before->version);
  /* as at a restart */
  CLEANUP(snapshot_unref) struct snapshot *loaded = snapshot_load(world->place->store, NULL);
  assert_memory_equal(loaded->catalogue->hash, world->snapshot->catalogue->hash, CATALOGUE_HASH_SIZE);
  assert_int_equal(loaded->catalogues->len, 2);
}

static void a_register_is_laid_over_the_one_in_force(void **state)
{
  struct world *world = *state;
  static const char first[] = "unit,class,parks,from\na1,code,east,\nb1,code,west,\n";
  static const char second[] =
      "unit,class,parks,from\na1,code,east,\na1,code,south,2018-05-01\nb1,code,south,\n";
  const struct unit_version *versions;
  day_number day;

  must_apply(world, register_leaf(first));
  assert_int_equal(register_size(world->snapshot->units), 2);
  must_apply(world, register_leaf(second));
  assert_int_equal(register_size(world->snapshot->units),
                   3); /* one version new, one replaced, one the same */
  assert_int_equal(register_unit(world->snapshot->units, "b1", &versions), 1);
  assert_string_equal(versions[0].parks, "south");
  assert_true(day_parse("2018-04-30", &day));
  assert_int_equal(store_expected(world->place->store, "monthly", "east", "all", day), 1);
  assert_int_equal(store_expected(world->place->store, "monthly", "south", "all", day), 1);
  assert_int_equal(store_expected(world->place->store, "monthly", "west", "all", day), 0);
  assert_int_equal(store_expected(world->place->store, "monthly", "south", "all", day + 1), 2);
  CLEANUP(register_unref) struct unit_register *loaded = store_register(world->place->store);
  assert_int_equal(register_size(loaded), 3);
}

static void the_same_register_again_changes_no_row(void **state)
{
  struct world *world = *state;
  static const char csv[] = "unit,class,parks\na1,code,east\n";

  must_apply(world, register_leaf(csv));
  g_autofree char *before = place_query(world->place, DIGEST);
  assert_non_null(strstr(before, "a1"));
  must_apply(world, register_leaf(csv));
  g_autofree char *after = place_query(world->place, DIGEST);
  assert_string_equal(before, after);
}

static void an_enrolment_uses_up_its_invitation_and_takes_its_forms(void **state)
{
  struct world *world = *state;
  static const char *const forms[] = {"monthly"};
  g_autoptr(GByteArray) sealed = certificate("east-1");
  struct stored_invitation invitation = {0};
  const struct agent_record *agent;

  must_apply(world, invitation_leaf("east", forms, 1));
  must_apply(world, enrolment_leaf(sealed));
  agent = snapshot_agent(world->snapshot, "east-1");
  assert_non_null(agent);
  assert_string_equal(agent->stored.forms[0], "monthly");
  assert_null(agent->stored.forms[1]);
  assert_int_equal(agent->stored.revoked_ms, 0);
  assert_int_equal(g_bytes_get_size(agent->stored.certificate), sealed->len);
  assert_true(store_invitation(world->place->store, secret_hash, &invitation));
  assert_string_equal(invitation.used_by, "east-1");
  stored_invitation_clear(&invitation);
}

static void a_revocation_is_dated_and_leaves_other_agents_alone(void **state)
{
  struct world *world = *state;

  enrol(world, "east-1");
  enrol(world, "east-2");
  must_apply(world, revocation_leaf("east-1"));
  assert_true(snapshot_agent(world->snapshot, "east-1")->stored.revoked_ms > 0);
  assert_int_equal(snapshot_agent(world->snapshot, "east-2")->stored.revoked_ms, 0);
  assert_int_equal(snapshot_agent(world->snapshot, "east-1")->stored.sign_key[0], 8);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_goes_before_the_first_catalogue, set_up_empty, tear_down),
      TEST(a_catalogue_that_is_wrong_or_breaks_what_was_stored_is_refused),
      TEST(a_register_with_one_mistake_changes_nothing),
      TEST(an_invitation_to_where_nobody_reports_is_refused),
      TEST(an_agent_that_is_not_there_or_gone_cannot_be_revoked),
      TEST(a_damaged_ledger_is_told_and_not_applied),
      TEST(a_period_that_is_none_or_stands_so_already_is_refused),
      TEST(a_period_act_is_kept_and_in_force_and_comes_back_at_a_restart),
      TEST(a_catalogue_comes_into_force_and_the_one_before_is_kept),
      TEST(a_register_is_laid_over_the_one_in_force),
      TEST(the_same_register_again_changes_no_row),
      TEST(an_enrolment_uses_up_its_invitation_and_takes_its_forms),
      TEST(a_revocation_is_dated_and_leaves_other_agents_alone),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
