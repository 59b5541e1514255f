/* The office's commands from their words to what they print, over a real writer and store. */
#include "aggregator/office.h"

#include "common/clock.h"
#include "common/db.h"
#include "common/error.h"
#include "common/text.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT 0 /* columns of form `monthly` in small.yaml */

static const char REGISTER[] =
    "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
    "a1,code,,甲,east,,1,,cars,,正常,,,\n"
    "b1,code,,乙,east;west,west,1,,,,正常,,,\n"
    "c1,code,,丙,west,,0,,,,正常,,,\n";

struct world {
  struct fixture fixture;
  struct aggregator_config *config;
  struct office office;
  struct fixture_agent east, west;
};

static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);
  fixture_setup(&world->fixture, REGISTER);
  g_autofree char *path = folder_path(world->fixture.folder, "store.db");
  world->config = folder_config(NULL, world->fixture.folder, NULL);
  assert_non_null(world->config);
  world->office = (struct office){.config = world->config,
                                  .identity = world->fixture.identity,
                                  .writer = world->fixture.writer,
                                  .reader = store_open(path, STORE_READ, NULL)};
  fixture_enrol(&world->fixture, "east", &world->east);
  fixture_enrol(&world->fixture, "west", &world->west);
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;
  store_close(world->office.reader);
  aggregator_config_free(world->config);
  fixture_agent_clear(&world->east);
  fixture_agent_clear(&world->west);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

static void report(struct world *world, struct fixture_agent *agent, const char *period, const char *unit,
                   int64_t value)
{
  struct fixture_report one = {.unit = unit, .change = fixture_value(OUTPUT, value)};
  g_autoptr(GBytes) sealed = fixture_seal(&world->fixture, agent, "monthly", period, &one, 1, NULL);
  g_autoptr(GError) error = NULL;
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(&world->fixture, sealed, &error);
  if (!receipt) fail_msg("%s", error->message);
  assert_int_equal(receipt->counted, 1);
}

/* --- running a command --- */

static char out[65536], err[65536];
static FILE *captured[2];
static int saved[2];

static void begin_capture(void)
{
  fflush(NULL);
  for (int i = 0; i < 2; i++) {
    saved[i] = dup(i + 1);
    captured[i] = tmpfile();
    assert_true(dup2(fileno(captured[i]), i + 1) >= 0);
  }
}

static void end_capture(void)
{
  char *texts[] = {out, err};
  assert_true(control_output_flush(control_output_standard()));
  fflush(NULL);
  for (int i = 0; i < 2; i++) {
    dup2(saved[i], i + 1);
    close(saved[i]);
    rewind(captured[i]);
    texts[i][fread(texts[i], 1, sizeof out - 1, captured[i])] = '\0';
    fclose(captured[i]);
  }
}

/* `words` parted by blanks; `file` is the content passed with it, or NULL. */
static int run_in(struct world *world, const char *language, const char *words, const char *file)
{
  g_auto(GStrv) parts = g_strsplit(words, " ", -1);
  struct control_request request = {.words = parts,
                                    .user = (char *)"tester",
                                    .language = (char *)language,
                                    .file = -1,
                                    .output = control_output_standard()};
  FILE *content = tmpfile();
  if (file) {
    fputs(file, content);
    rewind(content);
    request.file = fileno(content);
  }
  begin_capture();
  int code = office_handle(&request, world ? &world->office : NULL);
  end_capture();
  fclose(content);
  text_speak("");
  return code;
}

static int run(struct world *world, const char *words)
{
  return run_in(world, "", words, NULL);
}

static bool contains(const char *text, const char *part)
{
  if (strstr(text, part)) return true;
  print_error("“%s” is not in:\n%s\n", part, text);
  return false;
}

static uint64_t leaves(struct world *world)
{
  return store_leaf_count(world->office.reader);
}

/* --- mistakes --- */

static void a_mistaken_command_says_what_there_is(void **state)
{
  struct world *world = *state;
  static const struct {
    const char *words, *says;
  } cases[] = {
      {"totals --area nowhere",
       "there is no area “nowhere”; there are: zone, group, east, west, south, city"},
      {"totals --area east,nowhere", "“nowhere”"},
      {"totals --indicator outputs", "there is no indicator “outputs”; there are: output, sales"},
      {"totals --slice al", "there is no slice “al”; there are: all, cars"},
      {"totals --period 2018-13", "“2018-13” is no period"},
      {"totals --format xml", "“xml” is no format"},
      {"totals --sums", "--sums"},
      {"totals --yoy --mom", "two bases"},
      {"totals --mom --cumulative", "no period before it"},
      {"totals --causes", "say --yoy or --mom"},
      {"totals zone", "too many arguments"},
      {"targets --format xml", "“xml” is no format"},
      {"targets --period soon", "“soon” is no period"},
      {"agents --format xml", "“xml” is no format"},
      {"revoke", "an argument is missing"},
      {"revoke nobody", "there is no agent “nobody”"},
      {"invite", "--area"},
      {"invite --area nowhere", "there is no area “nowhere”"},
      {"invite --area zone", "no units of its own"},
      {"invite --area east --role spy", "“spy” is no role"},
      {"invite --area city --role bureau", "--forms"},
      {"invite --area city --role bureau --forms monthly", "filled in by parks"},
      {"invite --area east --forms weekly", "there is no form “weekly”"},
      {"invite --area east --valid 0h", "“0h” is no time"},
      {"invite --area east --valid 48", "“48” is no time"},
      {"invite --area east --valid 31d", "at most 30d"},
      {"dance", "no command “dance”"},
      {"register", "no command “register”"},
  };
  uint64_t before = leaves(world);
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    assert_int_equal(run(world, cases[n].words), ERROR_USAGE);
    assert_string_equal(out, "");
    assert_true(contains(err, cases[n].says));
  }
  assert_int_equal(leaves(world), before);
}

static void a_register_with_a_mistake_changes_nothing(void **state)
{
  struct world *world = *state;
  uint64_t before = leaves(world);
  g_autofree char *text =
      g_strconcat(REGISTER, "d1,code,,丁,nowhere,,1,,,,正常,,,\ne1,code,,戊,east,,1,,,,正常,,,\n", NULL);
  assert_int_equal(run_in(world, "", "register import units.csv", text), ERROR_DATA);
  assert_true(contains(err, "units.csv"));
  assert_true(contains(err, "row 5"));
  assert_true(contains(err, "nowhere"));
  assert_int_equal(run_in(world, "", "register import units.csv", ""), ERROR_DATA);
  assert_int_equal(leaves(world), before);
}

static void a_server_is_not_rebuilt_under_its_feet(void **state)
{
  struct world *world = *state;
  assert_int_equal(run(world, "rebuild"), ERROR_UNAVAILABLE);
  assert_true(contains(err, "rebuild --check"));
}

static void tables_that_differ_from_the_ledger_are_listed(void **state)
{
  struct world *world = *state;
  report(world, &world->east, "2018-05", "a1", 15);
  assert_int_equal(run(world, "rebuild --check"), 0);
  assert_true(contains(out, "exactly the tables in force"));
  g_autofree char *path = folder_path(world->fixture.folder, "store.db");
  CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 256, NULL);
  assert_true(db_exec(db, "DELETE FROM family WHERE area = 'east'"));
  assert_int_equal(run(world, "rebuild --check"), ERROR_DATA);
  assert_true(contains(out, "east"));
  assert_true(contains(err, "differences"));
}

static void an_act_that_is_hidden_from_the_journal_is_missed(void **state)
{
  struct world *world = *state;
  g_autofree char *path = folder_path(world->fixture.folder, "store.db");

  report(world, &world->east, "2018-05", "a1", 10);
  assert_int_equal(run(world, "audit verify"), 0);
  {
    CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 256, NULL);
    db_exec(db, "UPDATE leaf SET kind = 7 WHERE position = (SELECT max(position) FROM leaf WHERE kind <> 7)");
  }
  assert_int_equal(run(world, "audit verify"), ERROR_DATA);
  assert_true(contains(err, "the list of leaves was changed"));
}

static void nothing_reported_is_said_and_no_line(void **state)
{
  struct world *world = *state;
  assert_int_equal(run(world, "totals --format csv"), 0);
  assert_string_equal(out, "area,period,indicator,slice,value,measure,reported,expected,under_inquiry\n");
  assert_true(contains(err, "nobody has reported anything yet"));
}

/* --- totals --- */

static void totals_have_the_documented_columns_and_an_overlap_line(void **state)
{
  struct world *world = *state;
  report(world, &world->east, "2018-04", "a1", 999);
  report(world, &world->east, "2018-05", "a1", 15);
  report(world, &world->west, "2018-05", "b1", 3);
  report(world, &world->west, "2018-05", "c1", 1000);
  assert_int_equal(run(world, "totals --format csv --indicator output"), 0);
  assert_string_equal(err, "");
  assert_string_equal(out, "area,period,indicator,slice,value,measure,reported,expected,under_inquiry\n"
                           "zone,2018-05,output,all,1.8,千元,2,2,0.0\n"
                           "zone,2018-05,output,overlap,0.0,千元,0,0,0.0\n"
                           "group,2018-05,output,all,1.8,千元,2,2,0.0\n"
                           "group,2018-05,output,overlap,100.3,千元,2,2,0.0\n"
                           "east,2018-05,output,all,1.8,千元,2,2,0.0\n"
                           "west,2018-05,output,all,100.3,千元,2,2,0.0\n"
                           "south,2018-05,output,all,,千元,0,0,0.0\n"
                           "city,2018-05,output,all,,千元,0,0,0.0\n");
  assert_int_equal(run(world,
                       "totals --format csv --area west,zone --area east --indicator output --slice cars "
                       "--period 2018-04"),
                   0);
  assert_string_equal(out, "area,period,indicator,slice,value,measure,reported,expected,under_inquiry\n"
                           "west,2018-04,output,cars,,千元,0,0,0.0\n"
                           "zone,2018-04,output,cars,99.9,千元,1,1,0.0\n"
                           "east,2018-04,output,cars,99.9,千元,1,1,0.0\n");
  assert_int_equal(
      run(world,
          "totals --format=csv --area=zone,zone --area zone --indicator output --cumulative --slice overlap"),
      0);
  assert_string_equal(out, "area,period,indicator,slice,value,measure,reported,expected,under_inquiry\n"
                           "zone,2018-05,output,overlap,0.0,千元,0,0,0.0\n");
}

static void by_default_indicators_that_nobody_reported_are_left_out(void **state)
{
  struct world *world = *state;
  report(world, &world->east, "2018-05", "a1", 15);
  assert_int_equal(run(world, "totals --format csv"), 0);
  assert_true(contains(out, ",output,"));
  assert_null(strstr(out, ",sales,"));
  assert_null(strstr(out, ",intensity,"));
}

static void people_read_names_in_their_own_language(void **state)
{
  struct world *world = *state;
  report(world, &world->east, "2018-05", "a1", 12345678);
  g_setenv("LANGUAGE", "zh_CN", TRUE);
  assert_int_equal(run_in(world, "zh_CN", "totals --area east --indicator output", NULL), 0);
  assert_true(contains(out, "东园"));
  assert_true(contains(out, "产值"));
  assert_true(contains(out, "1,234,567.8"));
  assert_int_equal(run_in(world, "", "totals --area east --indicator output", NULL), 0);
  assert_true(contains(out, "East park"));
}

/* The writer commits, and sets the snapshot afterwards. */
static void a_register_and_figures_of_two_moments_are_never_in_one_print(void **state)
{
  struct world *world = *state;
  static const char more[] =
      "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
      "d1,code,,丁,south,,1,,,,正常,,2018-01-01,\n";
  static const char *const commands[] = {"totals --format csv", "targets --period 2018", "agents"};
  struct present *present = writer_present(world->fixture.writer);
  report(world, &world->east, "2018-05", "a1", 15);
  struct snapshot *before = present_get(present);
  fixture_import(&world->fixture, more);
  struct snapshot *after = present_get(present);
  present_set(present, before); /* as if it had not come so far */
  for (size_t n = 0; n < G_N_ELEMENTS(commands); n++) {
    assert_int_equal(run(world, commands[n]), ERROR_TEMPORARY);
    assert_string_equal(out, "");
    assert_true(contains(err, "try again"));
  }
  struct snapshot *ahead = snapshot_change(after, NULL, NULL, NULL);
  ahead->position = leaves(world) + 1; /* a commit that the store does not show yet */
  present_set(present, ahead);
  assert_int_equal(run(world, commands[0]), ERROR_TEMPORARY);
  present_set(present, after);
  for (size_t n = 0; n < G_N_ELEMENTS(commands); n++) assert_int_equal(run(world, commands[n]), 0);
}

static void what_leaves_the_register_as_it_is_never_hinders_a_print(void **state)
{
  struct world *world = *state;
  assert_int_equal(run(world, "invite --area east"), 0);
  assert_int_equal(run(world, "totals --format csv"), 0);
  report(world, &world->east, "2018-05", "a1", 15);
  assert_int_equal(run(world, "totals --format csv"), 0);
}

struct importing {
  struct world *world;
  int done; /* atomic */
};

static void *import_one_by_one(void *data)
{
  struct importing *importing = data;
  for (unsigned n = 0; n < 30; n++) {
    g_autofree char *more = g_strdup_printf(
        "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
        "%s,enterprise,,新,south,,1,,,above_scale,正常,,2018-01-01,\n",
        fixture_uscc(n));
    fixture_import(&importing->world->fixture, more);
  }
  g_atomic_int_set(&importing->done, 1);
  return NULL;
}

/* How many enterprises are above scale: by the register, and by the store's count of who owes their form. */
static void while_the_register_changes_every_print_is_of_one_of_its_states(void **state)
{
  struct world *world = *state;
  struct importing importing = {.world = world};
  GThread *thread = g_thread_new("import", import_one_by_one, &importing);
  int prints = 0, equal = 0, by_register = -1;
  for (bool last = false; !last; prints++) { /* nothing may fail while the other thread is at work */
    int by_store = -1;
    last = g_atomic_int_get(&importing.done);
    int code =
        run(world, "totals --format csv --area zone --slice all --period 2018-05 --indicator scaled,profit");
    const char *scaled = strstr(out, ",scaled,all,"), *profit = strstr(out, ",profit,all,,千元,0,");
    equal += code == 0 && scaled && profit && sscanf(scaled, ",scaled,all,%d", &by_register) == 1 &&
             sscanf(profit, ",profit,all,,千元,0,%d", &by_store) == 1 && by_register == by_store;
  }
  g_thread_join(thread);
  assert_int_equal(equal, prints);
  assert_int_equal(by_register, 30);
}

static void targets_are_printed_even_where_there_are_none(void **state)
{
  struct world *world = *state;
  assert_int_equal(run(world, "targets --period 2018 --format json"), 0);
  assert_string_equal(out, "[]\n");
}

/* --- acts --- */

static void an_import_tells_what_it_changed_and_repeats_without_a_trace(void **state)
{
  struct world *world = *state;
  static const char more[] =
      "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
      "a1,code,,甲,east,,1,,cars,,正常,,,\n"
      "c1,code,,丙,west,,1,,,,正常,,,\n"
      "d1,code,,丁,south,,1,,,,正常,,2018-01-01,\n";
  report(world, &world->west, "2018-05", "c1", 7);
  uint64_t before = leaves(world);
  assert_int_equal(run_in(world, "", "register import --reason=Q2 units.csv", more), 0);
  assert_string_equal(out, "units.csv: 1 versions added, 1 replaced, 1 unchanged\n");
  assert_int_equal(leaves(world), before + 1);
  g_autoptr(GBytes) body = store_leaf(world->office.reader, before);
  CLEANUP(leaf_free) struct leaf *leaf = leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
  assert_int_equal(leaf->kind, LEAF_REGISTER);
  assert_string_equal(leaf->by, "tester");
  assert_string_equal(leaf->reason, "Q2");
  assert_int_equal(run_in(world, "", "register import units.csv", more), 0);
  assert_true(contains(out, "0 versions added, 0 replaced, 3 unchanged"));
  assert_int_equal(leaves(world), before + 1);
  assert_int_equal(run(world, "totals --format csv --area zone --indicator output --slice all"), 0);
  assert_true(contains(out, "zone,2018-05,output,all,0.7,千元,1,4,0.0\n")); /* inside the boundary now */
}

static void an_invitation_is_one_line_whose_secret_nobody_keeps(void **state)
{
  struct world *world = *state;
  g_free(world->config->announce);
  world->config->announce = g_strdup("tcp://tongji.example.cn:7650");
  uint64_t before = leaves(world);
  int64_t now = clock_wall().ms;
  assert_int_equal(run(world, "invite --area east --forms monthly --valid 2h --reason new"), 0);
  assert_true(contains(err, "east has an agent already"));
  assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
  CLEANUP(invitation_free) struct invitation *invitation = invitation_decode(out);
  assert_non_null(invitation);
  assert_string_equal(invitation->endpoint, "tcp://tongji.example.cn:7650");
  assert_string_equal(invitation->enrol_endpoint, "tcp://tongji.example.cn:7651");
  assert_memory_equal(invitation->sign_key.data, identity_sign_public(world->office.identity), 32);
  assert_true(invitation->expires_at_ms >= now + 2 * 3600 * 1000 &&
              invitation->expires_at_ms < now + 3 * 3600 * 1000);
  uint8_t hash[SEAL_HASH_SIZE];
  struct stored_invitation stored = {0};
  seal_hash(invitation->secret.data, 32, hash);
  assert_true(store_invitation(world->office.reader, hash, &stored));
  assert_string_equal(stored.area, "east");
  assert_int_equal(stored.role, AGENT_OF_PARK);
  assert_string_equal(stored.forms[0], "monthly");
  assert_int_equal(stored.expires_ms, invitation->expires_at_ms);
  stored_invitation_clear(&stored);
  g_autoptr(GBytes) body = store_leaf(world->office.reader, before);
  size_t size = g_bytes_get_size(body);
  assert_null(memmem(g_bytes_get_data(body, NULL), size, invitation->secret.data, 32));
}

static void an_invitation_to_every_address_names_this_machine_and_warns(void **state)
{
  struct world *world = *state;
  assert_int_equal(run(world, "invite --area east"), 0);
  CLEANUP(invitation_free) struct invitation *invitation = invitation_decode(out);
  g_autofree char *own = g_strdup_printf("tcp://%s:7650", g_get_host_name());
  assert_string_equal(invitation->endpoint, own);
  assert_true(contains(err, "warning"));
  g_free(world->config->listen);
  world->config->listen = g_strdup("tcp://127.0.0.1:*");
  assert_int_equal(run(world, "invite --area east"), ERROR_CONFIG);
}

static void a_revoked_agent_is_listed_as_such_and_stays_so(void **state)
{
  struct world *world = *state;
  report(world, &world->east, "2018-05", "a1", 15);
  g_autofree char *words = g_strdup_printf("revoke %s --reason lost", world->east.id);
  assert_int_equal(run(world, words), 0);
  assert_true(contains(out, world->east.id));
  assert_int_equal(run(world, words), ERROR_USAGE);
  assert_true(contains(err, "revoked already"));
  assert_int_equal(run(world, "agents --format csv"), 0);
  g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
  assert_string_equal(lines[0],
                      "agent,area,role,forms,enrolled,submissions,last_seen,revoked,state,admitted_by");
  int found = 0;
  for (char **line = lines + 1; **line; line++) {
    g_auto(GStrv) cells = g_strsplit(*line, ",", -1);
    bool east = !strcmp(cells[0], world->east.id);
    assert_string_equal(cells[1], east ? "east" : "west");
    assert_string_equal(cells[5], east ? "1" : "0");
    assert_int_equal(*cells[6] != '\0', east);
    assert_int_equal(*cells[7] != '\0', east);
    assert_string_equal(cells[8], east ? "revoked" : "in_force");
    assert_string_equal(cells[9], "");
    found++;
  }
  assert_int_equal(found, 2);
}

static void an_agent_that_waits_is_listed_as_such_and_then_with_who_admitted_it(void **state)
{
  struct world *world = *state;
  struct fixture_agent second, third;
  fixture_enrol(&world->fixture, "east", &second);
  assert_int_equal(run(world, "agents --format csv"), 0);
  assert_true(contains(out, ",waiting,\n"));
  fixture_admit(&world->fixture, &world->east, &second);
  assert_int_equal(run(world, "agents --format csv"), 0);
  g_autofree char *by = g_strdup_printf(",in_force,%s\n", world->east.id);
  assert_true(contains(out, by));
  fixture_revoke(&world->fixture, &world->east);
  fixture_revoke(&world->fixture, &second);
  assert_int_equal(run(world, "invite --area east"), 0);
  assert_true(contains(err, "nobody admitted it"));
  fixture_enrol(&world->fixture, "east", &third);
  assert_int_equal(run(world, "agents --format csv"), 0);
  assert_true(contains(out, ",in_force,nobody\n"));
  fixture_agent_clear(&second);
  fixture_agent_clear(&third);
}

/* --- from the command line --- */

static void help_needs_no_office(void **state)
{
  (void)state;
  for (const struct office_command *of = office_commands; of->command.name; of++) {
    g_autofree char *words = g_strconcat(of->command.name, " --help", NULL);
    assert_int_equal(run_in(NULL, "", words, NULL), 0);
    assert_true(contains(out, of->command.name));
    assert_true(contains(out, of->command.summary));
  }
}

static int run_from_shell(struct world *world, const char *name, const char *option, const char *argument)
{
  g_autofree char *data = g_strconcat("--data=", world->fixture.folder, NULL);
  char *argv[] = {(char *)name, data, (char *)option, (char *)argument, NULL};
  begin_capture();
  int code = office_run(name, argument ? 4 : option ? 3 : 2, argv);
  end_capture();
  return code;
}

static char *write_register(struct world *world)
{
  char *path = folder_path(world->fixture.folder, "units.csv");
  assert_true(
      g_file_set_contents(path,
                          "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,"
                          "succeeds,from,to\nd1,code,,丁,south,,1,,,,正常,,,\n",
                          -1, NULL));
  return path;
}

static void without_a_server_a_command_works_under_the_folder_s_lock(void **state)
{
  struct world *world = *state;
  g_autofree char *file = write_register(world);
  writer_free(world->fixture.writer);
  world->fixture.writer = NULL;
  assert_int_equal(run_from_shell(world, "register import", "--reason=x", file), 0);
  assert_true(contains(out, "1 versions added"));
  assert_int_equal(run_from_shell(world, "rebuild", NULL, NULL), 0);
  assert_int_equal(run_from_shell(world, "rebuild", "--check", NULL), 0);
  int lock = folder_lock(world->fixture.folder, NULL);
  assert_true(lock >= 0);
  assert_int_equal(run_from_shell(world, "agents", NULL, NULL), ERROR_TEMPORARY);
  close(lock);
  assert_int_equal(run_from_shell(world, "agents", NULL, NULL), 0);
  assert_true(contains(out, world->east.id));
  assert_int_equal(run_from_shell(world, "register import", "--reason=x", "/nowhere/units.csv"), ERROR_IO);
  assert_true(contains(err, "/nowhere/units.csv"));
}

static void beside_a_server_a_command_goes_to_it(void **state)
{
  struct world *world = *state;
  g_autofree char *file = write_register(world);
  g_autofree char *path = folder_path(world->fixture.folder, "control");
  g_autoptr(GError) error = NULL;
  int lock = folder_lock(world->fixture.folder, NULL); /* which a server holds */
  struct control_server *server = control_server_open(path, NULL, office_handle, &world->office, &error);
  if (!server) fail_msg("%s", error->message);
  assert_int_equal(run_from_shell(world, "register import", "--reason=x", file), 0);
  assert_true(contains(out, "1 versions added"));
  assert_int_equal(run_from_shell(world, "revoke", "--reason=x", "nobody"), ERROR_USAGE);
  assert_true(contains(err, "there is no agent “nobody”"));
  assert_int_equal(run_from_shell(world, "rebuild", NULL, NULL), ERROR_UNAVAILABLE);
  control_server_close(server);
  close(lock);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_mistaken_command_says_what_there_is),
      TEST(a_register_with_a_mistake_changes_nothing),
      TEST(a_server_is_not_rebuilt_under_its_feet),
      TEST(tables_that_differ_from_the_ledger_are_listed),
      TEST(an_act_that_is_hidden_from_the_journal_is_missed),
      TEST(nothing_reported_is_said_and_no_line),
      TEST(totals_have_the_documented_columns_and_an_overlap_line),
      TEST(by_default_indicators_that_nobody_reported_are_left_out),
      TEST(people_read_names_in_their_own_language),
      TEST(a_register_and_figures_of_two_moments_are_never_in_one_print),
      TEST(what_leaves_the_register_as_it_is_never_hinders_a_print),
      TEST(while_the_register_changes_every_print_is_of_one_of_its_states),
      TEST(targets_are_printed_even_where_there_are_none),
      TEST(an_import_tells_what_it_changed_and_repeats_without_a_trace),
      TEST(an_invitation_is_one_line_whose_secret_nobody_keeps),
      TEST(an_invitation_to_every_address_names_this_machine_and_warns),
      TEST(a_revoked_agent_is_listed_as_such_and_stays_so),
      TEST(an_agent_that_waits_is_listed_as_such_and_then_with_who_admitted_it),
      cmocka_unit_test(help_needs_no_office),
      TEST(without_a_server_a_command_works_under_the_folder_s_lock),
      TEST(beside_a_server_a_command_goes_to_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
