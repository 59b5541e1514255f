/* What the store keeps beside reports and cells: leaves, submissions, and what submissions are judged by. */
#include "aggregator/store/editions.h"
#include "store_place.h"

#include "common/error.h"

#include <string.h>

static void id_of(unsigned n, uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  memset(ret_id, 0, SUBMISSION_ID_SIZE);
  memcpy(ret_id, &n, sizeof n); /* ids of equal first bytes share a slot of the cache */
}

/* The error that is kept at the commit. */
static void assert_error(struct place *place, int code)
{
  g_autoptr(GError) error = NULL;
  assert_false(store_commit(place->store, &error));
  assert_int_equal(error->code, code);
}

/* --- ledger --- */

static void add_leaf(struct place *place, uint64_t position, int64_t recorded_ms, const char *body,
                     struct merkle *tree)
{
  uint8_t hash[MERKLE_HASH_SIZE];
  merkle_leaf_hash((const uint8_t *)body, strlen(body), hash);
  store_leaf_add(place->store, position, LEAF_REGISTER, recorded_ms, (const uint8_t *)body, strlen(body), 0,
                 hash);
  merkle_append(tree, hash);
}

static void a_tree_that_is_not_that_of_the_leaves_is_an_error(void **state)
{
  struct place *place = (struct place *)*state;
  struct merkle tree, found;
  merkle_init(&tree);
  store_begin(place->store);
  add_leaf(place, 0, 5, "one", &tree);
  store_tree_put(place->store, &tree);
  place_commit(place);
  static const char *const damages[] = {"UPDATE meta SET value = x'00'", "DELETE FROM meta",
                                        "UPDATE meta SET value = zeroblob(8)"};
  for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
    place_sql(place, damages[i]);
    store_begin(place->store);
    store_tree(place->store, &found);
    assert_int_equal(found.size, 0);
    assert_error(place, ERROR_DATA);
  }
}

static void leaves_and_their_tree_come_back(void **state)
{
  struct place *place = (struct place *)*state;
  struct merkle tree, found;
  merkle_init(&tree);
  assert_int_equal(store_leaf_count(place->store), 0);
  assert_int_equal(store_last_recorded(place->store), 0);
  assert_null(store_leaf(place->store, 0));
  store_tree(place->store, &found);
  assert_int_equal(found.size, 0);

  store_begin(place->store);
  for (unsigned n = 0; n < 5; n++) add_leaf(place, n, 100 + n, "a body", &tree);
  store_tree_put(place->store, &tree);
  place_commit(place);
  assert_int_equal(store_leaf_count(place->store), 5);
  assert_int_equal(store_last_recorded(place->store), 104);
  g_autoptr(GBytes) body = store_leaf(place->store, 4);
  assert_int_equal(g_bytes_get_size(body), 6);
  store_tree(place->store, &found);
  uint8_t root[MERKLE_HASH_SIZE], expected[MERKLE_HASH_SIZE];
  merkle_root(&found, root);
  merkle_root(&tree, expected);
  assert_memory_equal(root, expected, sizeof root);

  store_begin(place->store);
  add_leaf(place, 4, 200, "another", &tree); /* a position is taken once */
  assert_error(place, ERROR_INTERNAL);
}

/* --- submissions --- */

static void an_id_and_a_sequence_are_taken_once(void **state)
{
  struct place *place = (struct place *)*state;
  static const struct {
    unsigned id;
    uint64_t position;
    const char *agent;
    uint64_t sequence;
  } cases[] = {{1, 9, "b", 9}, {9, 1, "b", 9}, {9, 9, "a", 1}};
  uint8_t id[SUBMISSION_ID_SIZE];
  id_of(1, id);
  store_begin(place->store);
  store_submission_add(place->store, id, 1, "a", 1);
  place_commit(place);
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    id_of(cases[i].id, id);
    store_begin(place->store);
    store_submission_add(place->store, id, cases[i].position, cases[i].agent, cases[i].sequence);
    assert_error(place, ERROR_INTERNAL);
  }
}

static void a_submission_is_found_by_id_position_and_sequence(void **state)
{
  struct place *place = (struct place *)*state;
  struct stored_submission submission;
  uint8_t id[SUBMISSION_ID_SIZE], found[SUBMISSION_ID_SIZE];
  uint64_t position;
  store_begin(place->store);
  for (unsigned n = 0; n < 1000; n++) {
    id_of(n, id);
    store_submission_add(place->store, id, n, n % 2 ? "odd" : "even", n / 2 + (UINT64_C(1) << 40));
  }
  id_of(7, id);
  store_receipt_put(place->store, id, (const uint8_t *)"sealed", 6);
  place_commit(place);

  for (unsigned n = 0; n < 2000; n += 7) {
    id_of(n, id);
    assert_int_equal(store_submission_position(place->store, id, &position), n < 1000);
    if (n >= 1000) continue;
    assert_int_equal(position, n);
    assert_true(store_submission_position(place->store, id, &position)); /* from the cache */
    assert_int_equal(position, n);
    assert_true(store_submission_at(place->store, n, found));
    assert_memory_equal(found, id, sizeof id);
    assert_true(store_submission_by_sequence(place->store, n % 2 ? "odd" : "even",
                                             n / 2 + (UINT64_C(1) << 40), found));
    assert_memory_equal(found, id, sizeof id);
    assert_true(store_submission(place->store, id, &submission));
    assert_int_equal(submission.position, n);
    assert_int_equal(submission.receipt != NULL, n == 7);
    if (submission.receipt) {
      assert_memory_equal(g_bytes_get_data(submission.receipt, NULL), "sealed", 6);
      g_bytes_unref(submission.receipt);
    }
  }
  assert_false(store_submission_at(place->store, 1000, found));
  assert_false(store_submission_by_sequence(place->store, "even", 1, found));
}

static void an_agents_activity_is_its_own(void **state)
{
  struct place *place = (struct place *)*state;
  struct merkle tree;
  merkle_init(&tree);
  uint8_t id[SUBMISSION_ID_SIZE];
  uint64_t count;
  int64_t last;
  store_begin(place->store);
  for (unsigned n = 0; n < 6; n++) {
    id_of(n, id);
    add_leaf(place, n, 1000 + n, "body", &tree);
    store_submission_add(place->store, id, n, n < 4 ? "a" : "b",
                         10 - n); /* sequences need not arrive in order */
  }
  place_commit(place);
  store_agent_activity(place->store, "a", &count, &last);
  assert_int_equal(count, 4);
  assert_int_equal(last, 1003);
  store_agent_activity(place->store, "c", &count, &last);
  assert_int_equal(count, 0);
  assert_int_equal(last, 0);
}

static void what_waits_is_listed_in_the_order_in_which_it_came(void **state)
{
  struct place *place = (struct place *)*state;
  uint8_t base[SUBMISSION_ID_SIZE], other[SUBMISSION_ID_SIZE];
  id_of(1, base);
  id_of(2, other);
  store_begin(place->store);
  store_waiting_add(place->store, base, 20, 1, "U1");
  store_waiting_add(place->store, base, 3, 7, "U2");
  store_waiting_add(place->store, base, 20, 0, "U0");
  store_waiting_add(place->store, other, 4, 0, "U1");
  place_commit(place);
  static const struct waiting expected[] = {{3, 7}, {20, 0}, {20, 1}};
  g_autoptr(GArray) waiting = store_waiting(place->store, base, NULL);
  assert_int_equal(waiting->len, G_N_ELEMENTS(expected));
  for (unsigned n = 0; n < waiting->len; n++) {
    const struct waiting *found = &g_array_index(waiting, struct waiting, n);
    assert_true(found->position == expected[n].position && found->row == expected[n].row);
  }
  assert_true(store_is_waiting(place->store, 20, "U1"));
  assert_false(store_is_waiting(place->store, 20, "U2"));
  store_waiting_remove(place->store, 20, 1);
  assert_false(store_is_waiting(place->store, 20, "U1"));
  assert_true(store_is_waiting(place->store, 20, "U0"));
  g_autoptr(GArray) rest = store_waiting(place->store, base, NULL);
  assert_int_equal(rest->len, 2);
}

/* --- what submissions are judged by --- */

static void the_register_comes_back_by_unit_and_day(void **state)
{
  struct place *place = (struct place *)*state;
  struct unit_version version = {.unit = "U1",
                                 .class = "enterprise",
                                 .parent = "U1",
                                 .name = "柳钢",
                                 .parks = "east;west",
                                 .reporter = "east",
                                 .in_boundary = false,
                                 .industry = "C31",
                                 .clusters = "steel",
                                 .flags = "above_scale;high_tech",
                                 .status = "正常",
                                 .succeeds = "U0",
                                 .from = DAY_MIN,
                                 .to = DAY_NONE};
  store_begin(place->store);
  store_version_put(place->store, &version);
  version.from = 17000;
  version.to = 17999;
  version.name = "old";
  store_version_put(place->store, &version);
  version.name = "柳钢集团"; /* of the same day: replaced */
  store_version_put(place->store, &version);
  version.unit = "U0";
  store_version_put(place->store, &version);
  place_commit(place);

  CLEANUP(register_unref) struct unit_register *units = store_register(place->store);
  assert_int_equal(register_size(units), 3);
  const struct unit_version *first;
  assert_int_equal(register_unit(units, "U1", &first), 2);
  assert_int_equal(first[0].from, DAY_MIN);
  assert_int_equal(first[0].to, DAY_NONE);
  assert_string_equal(first[0].name, "柳钢");
  assert_string_equal(first[0].class, "enterprise");
  assert_string_equal(first[0].parent, "U1");
  assert_string_equal(first[0].parks, "east;west");
  assert_string_equal(first[0].reporter, "east");
  assert_false(first[0].in_boundary);
  assert_string_equal(first[0].industry, "C31");
  assert_string_equal(first[0].clusters, "steel");
  assert_string_equal(first[0].flags, "above_scale;high_tech");
  assert_string_equal(first[0].status, "正常");
  assert_string_equal(first[0].succeeds, "U0");
  assert_string_equal(first[1].name, "柳钢集团");
  assert_int_equal(first[1].to, 17999);
}

static void put_catalogue(struct place *place, uint8_t hash, uint64_t position, const char *text)
{
  uint8_t bytes[CATALOGUE_HASH_SIZE] = {hash};
  store_catalogue_put(place->store, bytes, position, text, strlen(text));
}

static void the_catalogue_in_force_is_last_also_when_it_returns(void **state)
{
  struct place *place = (struct place *)*state;
  store_begin(place->store);
  put_catalogue(place, 1, 1, "A");
  put_catalogue(place, 2, 5, "B");
  put_catalogue(place, 1, 9, "A");
  place_commit(place);
  g_autoptr(GPtrArray) texts = store_catalogues(place->store);
  assert_int_equal(texts->len, 2);
  assert_memory_equal(g_bytes_get_data((GBytes *)texts->pdata[0], NULL), "B", 1);
  assert_memory_equal(g_bytes_get_data((GBytes *)texts->pdata[1], NULL), "A", 1);
}

static void agents_come_back_by_id(void **state)
{
  struct place *place = (struct place *)*state;
  char *forms[] = {(char *)"monthly", (char *)"yearly", NULL};
  struct stored_agent agent = {.id = (char *)"west-1",
                               .area = (char *)"west",
                               .role = AGENT_OF_BUREAU,
                               .forms = forms,
                               .enrolled_ms = 5,
                               .certificate = g_bytes_new_static("cert", 4)};
  memset(agent.curve_key, 1, sizeof agent.curve_key);
  memset(agent.sign_key, 2, sizeof agent.sign_key);
  store_begin(place->store);
  store_agent_put(place->store, &agent);
  agent.revoked_ms = 9;
  agent.entry = ENTRY_IS_WAITING;
  agent.admission = (struct stored_admission){7, (char *)"west-0", (char *)"李四", (char *)"office", 8};
  store_agent_put(place->store, &agent);
  agent.admission = (struct stored_admission){0};
  agent.id = (char *)"east-1";
  agent.enrolled_ms = 6;
  agent.forms = NULL;
  store_agent_put(place->store, &agent);
  place_commit(place);
  g_bytes_unref(agent.certificate);

  g_autoptr(GArray) agents = store_agents(place->store);
  assert_int_equal(agents->len, 2);
  const struct stored_agent *found = &g_array_index(agents, struct stored_agent, 0);
  assert_string_equal(found->id, "east-1");
  assert_non_null(found->forms);
  assert_null(found->forms[0]);
  assert_true(stored_agent_waits(found));
  assert_string_equal(found->admission.by, "");
  found++;
  assert_false(stored_agent_waits(found));
  assert_true(found->admission.position == 7 && found->admission.recorded_ms == 8);
  assert_string_equal(found->admission.by, "west-0");
  assert_string_equal(found->admission.approved_by, "李四");
  assert_string_equal(found->admission.reason, "office");
  assert_string_equal(found->area, "west");
  assert_int_equal(found->role, AGENT_OF_BUREAU);
  assert_string_equal(found->forms[1], "yearly");
  assert_null(found->forms[2]);
  assert_memory_equal(found->curve_key, agent.curve_key, 32);
  assert_memory_equal(found->sign_key, agent.sign_key, 32);
  assert_int_equal(found->enrolled_ms, 5);
  assert_int_equal(found->revoked_ms, 9);
  assert_int_equal(g_bytes_get_size(found->certificate), 4);
  assert_true(store_in_force_changed(place->store, 7)); /* an admission is no leaf of a kind of its own */
  assert_false(store_in_force_changed(place->store, 8));

  g_autoptr(GArray) western = store_agents_page(place->store, "west", 0, 9);
  assert_int_equal(western->len, 2);
  g_autoptr(GArray) eastern = store_agents_page(place->store, "east", 0, 9);
  assert_int_equal(eastern->len, 0);
  g_autoptr(GArray) first = store_agents_page(place->store, "west", 0, 1);
  assert_int_equal(first->len, 1);
  assert_string_equal(g_array_index(first, struct stored_agent, 0).id, "west-1");
  g_autoptr(GArray) second = store_agents_page(place->store, "west", 5, 9);
  assert_int_equal(second->len, 1);
  assert_string_equal(g_array_index(second, struct stored_agent, 0).id, "east-1");
}

static bool expect_no_change(uint64_t position, const char *unit, day_number from,
                             const struct unit_version *before, void *data)
{
  (void)position, (void)from, (void)before, (void)data;
  fail_msg("there is a change of %s", unit);
  return false;
}

static void a_store_of_a_version_before_gets_what_it_lacks(void **state)
{
  struct place *place = (struct place *)*state;
  store_close(place->store);
  place_sql(
      place,
      "DROP TABLE application; DROP TABLE waiting_unit; DROP TABLE period_act; DROP TABLE register_change;"
      "DROP TABLE edition; DROP TABLE admission; DROP TABLE decided; DROP TABLE node; DROP TABLE epoch;"
      "DROP TABLE barred; DROP TABLE key_change;"
      "DROP INDEX agent_by_area; DROP INDEX leaf_of_act; PRAGMA user_version = 2");
  place->store = place_open(place, STORE_WRITE);
  g_autoptr(GArray) acts = store_period_acts(place->store);
  assert_int_equal(acts->len, 0);
  assert_true(store_each_version_change(place->store, 0, expect_no_change, NULL));
  assert_null(store_error(place->store));
}

static void editions_come_back_by_number(void **state)
{
  struct place *place = (struct place *)*state;
  struct stored_edition edition = {.number = 1,
                                   .form = (char *)"yearly",
                                   .period = {2018, 1, 12},
                                   .vintage = 'P',
                                   .leaves = 7,
                                   .position = 9,
                                   .recorded_ms = 77,
                                   .by = (char *)"b",
                                   .reason = (char *)"r",
                                   .published = 40,
                                   .withheld = 3};
  assert_int_equal(store_last_edition(place->store), 0);
  store_edition_add(place->store, &edition);
  edition.number = 2;
  edition.form = (char *)"monthly";
  edition.vintage = 'F';
  store_edition_add(place->store, &edition);
  assert_int_equal(store_last_edition(place->store), 2);
  g_autoptr(GArray) one = store_edition(place->store, 1), none = store_edition(place->store, 3);
  g_autoptr(GArray) all = store_editions(place->store, NULL),
                    monthly = store_editions(place->store, "monthly");
  assert_int_equal(one->len, 1);
  assert_int_equal(none->len, 0);
  assert_int_equal(all->len, 2);
  assert_int_equal(monthly->len, 1);
  const struct stored_edition *found = &g_array_index(one, struct stored_edition, 0);
  assert_string_equal(found->form, "yearly");
  assert_int_equal(found->period.months, 12);
  assert_int_equal(found->vintage, 'P');
  assert_true(found->leaves == 7 && found->position == 9 && found->recorded_ms == 77);
  assert_true(found->published == 40 && found->withheld == 3);
  assert_string_equal(found->by, "b");
  assert_string_equal(found->reason, "r");
  assert_int_equal(g_array_index(monthly, struct stored_edition, 0).vintage, 'F');
  store_clear(place->store);
  assert_int_equal(store_last_edition(place->store), 0);
}

static void acts_on_periods_come_back_by_form_period_and_position(void **state)
{
  struct place *place = (struct place *)*state;
  struct stored_period_act act = {.position = 9,
                                  .form = (char *)"yearly",
                                  .period = {2018, 1, 12},
                                  .action = PERIOD_TO_CLOSE,
                                  .area = (char *)"",
                                  .by = (char *)"b",
                                  .reason = (char *)"r",
                                  .recorded_ms = 77};
  store_begin(place->store);
  store_period_act_add(place->store, &act);
  act.form = (char *)"monthly";
  act.position = 12;
  store_period_act_add(place->store, &act);
  act.area = (char *)"east";
  act.position = 11;
  store_period_act_add(place->store, &act);
  place_commit(place);
  g_autoptr(GArray) acts = store_period_acts(place->store);
  assert_int_equal(acts->len, 3);
  const struct stored_period_act *found = (const struct stored_period_act *)(void *)acts->data;
  assert_int_equal(found[0].position, 11);
  assert_string_equal(found[0].area, "east");
  assert_int_equal(found[1].position, 12);
  assert_string_equal(found[2].form, "yearly");
  assert_true(period_equal(found[2].period, (struct period){2018, 1, 12}));
  assert_int_equal(found[2].action, PERIOD_TO_CLOSE);
  assert_string_equal(found[2].by, "b");
  assert_string_equal(found[2].reason, "r");
  assert_int_equal(found[2].recorded_ms, 77);

  store_begin(place->store);
  store_clear(place->store);
  place_commit(place);
  g_autoptr(GArray) none = store_period_acts(place->store);
  assert_int_equal(none->len, 0);
}

static void a_damaged_period_is_an_error(void **state)
{
  struct place *place = (struct place *)*state;
  place_sql(place, "INSERT INTO period_act VALUES ('monthly', 20181301, 1, 2, '', '', '', 1)");
  store_begin(place->store);
  g_autoptr(GArray) acts = store_period_acts(place->store);
  assert_int_equal(acts->len, 0);
  assert_error(place, ERROR_DATA);
}

static void a_damaged_key_is_an_error(void **state)
{
  struct place *place = (struct place *)*state;
  struct stored_agent agent = {.id = (char *)"a", .area = (char *)"east"};
  store_begin(place->store);
  store_agent_put(place->store, &agent);
  place_commit(place);
  place_sql(place, "UPDATE agent SET sign_key = zeroblob(31)");
  store_begin(place->store);
  g_autoptr(GArray) agents = store_agents(place->store);
  assert_int_equal(agents->len, 0);
  assert_error(place, ERROR_DATA);
}

static void an_invitation_is_open_until_it_is_used(void **state)
{
  struct place *place = (struct place *)*state;
  uint8_t hash[SEAL_HASH_SIZE] = {3};
  struct stored_invitation found,
      invitation = {.area = (char *)"east", .role = AGENT_OF_PARK, .expires_ms = 77};
  assert_false(store_invitation(place->store, hash, &found));
  store_begin(place->store);
  store_invitation_put(place->store, hash, &invitation);
  assert_true(store_invitation(place->store, hash, &found));
  assert_string_equal(found.area, "east");
  assert_int_equal(found.expires_ms, 77);
  assert_null(found.used_by);
  assert_null(found.forms[0]);
  stored_invitation_clear(&found);
  invitation.used_by = (char *)"east-1";
  store_invitation_put(place->store, hash, &invitation);
  place_commit(place);
  assert_true(store_invitation(place->store, hash, &found));
  assert_string_equal(found.used_by, "east-1");
  stored_invitation_clear(&found);
  hash[31] = 1;
  assert_false(store_invitation(place->store, hash, &found));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      CASE(a_tree_that_is_not_that_of_the_leaves_is_an_error),
      CASE(leaves_and_their_tree_come_back),
      CASE(an_id_and_a_sequence_are_taken_once),
      CASE(a_submission_is_found_by_id_position_and_sequence),
      CASE(an_agents_activity_is_its_own),
      CASE(what_waits_is_listed_in_the_order_in_which_it_came),
      CASE(the_register_comes_back_by_unit_and_day),
      CASE(the_catalogue_in_force_is_last_also_when_it_returns),
      CASE(agents_come_back_by_id),
      CASE(a_damaged_key_is_an_error),
      CASE(a_store_of_a_version_before_gets_what_it_lacks),
      CASE(editions_come_back_by_number),
      CASE(acts_on_periods_come_back_by_form_period_and_position),
      CASE(a_damaged_period_is_an_error),
      CASE(an_invitation_is_open_until_it_is_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
