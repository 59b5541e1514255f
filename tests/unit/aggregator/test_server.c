/* The running aggregator as a whole: starting, reloading, ending. */
#include "aggregator/server.h"

#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "common/channel.h"
#include "common/clock.h"
#include "common/error.h"
#include "fixture.h"
#include "small.h"

#include <glib/gstdio.h>

#define PATIENCE_MS 20000
#define ANY "tcp://127.0.0.1:*"

struct world {
  struct fixture fixture; /* its folder, whose writer is the server's */
  struct fixture_agent east;
};

static char *path_of(const struct world *world, const char *name)
{
  return folder_path(world->fixture.folder, name);
}

static void write_file(const struct world *world, const char *name, const char *text)
{
  g_autofree char *path = path_of(world, name);

  assert_true(g_file_set_contents(path, text, -1, NULL));
}

static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);
  g_autofree char *text = small_text(NULL, NULL, "");

  fixture_setup(&world->fixture, "unit,class,parks\na1,code,east\n");
  fixture_enrol(&world->fixture, "east", &world->east);
  writer_free(world->fixture.writer);
  world->fixture.writer = NULL;
  write_file(world, "catalogue.yaml", text);
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;

  fixture_agent_clear(&world->east);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

static struct server *start(const struct world *world)
{
  g_autoptr(GError) error = NULL;
  struct server *server = server_start(
      &(struct server_options){.data = world->fixture.folder, .listen = ANY, .enrol = ANY}, &error);

  if (!server) fail_msg("%s", error->message);
  return server;
}

/* --- what an agent sees --- */

static struct frame *next_frame(struct channel_client *client)
{
  struct mono_time begin = clock_mono();
  g_autoptr(GBytes) bytes = NULL;

  while (!(bytes = channel_client_receive(client))) {
    if (clock_since(begin) > PATIENCE_MS) fail_msg("no answer");
    channel_client_wait(client, -1, PATIENCE_MS, NULL);
  }
  return frame_decode(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* Says hello: the hash of the catalogue that it is welcomed with. */
static void ask_catalogue(const struct world *world, const char *endpoint, uint8_t ret_hash[SEAL_HASH_SIZE])
{
  struct channel_context *context = channel_context_new();
  struct channel_client *client = channel_client_open(
      context, endpoint, identity_curve_public(world->fixture.identity), world->east.identity, NULL, NULL);
  const struct frame hello = {
      .kind = FRAME_HELLO,
      .hello = {.agent = world->east.id, .software = "test", .clock_ms = clock_wall().ms}};
  g_autoptr(GBytes) bytes = frame_encode(&hello);
  struct mono_time begin = clock_mono();

  assert_non_null(client);
  while (!channel_client_send(client, bytes)) {
    if (clock_since(begin) > PATIENCE_MS) fail_msg("nobody takes the message");
    channel_client_wait(client, -1, PATIENCE_MS, NULL);
  }
  CLEANUP(frame_free) struct frame *welcome = next_frame(client);
  assert_int_equal(welcome->kind, FRAME_WELCOME);
  memcpy(ret_hash, welcome->welcome.catalogue_hash.data, SEAL_HASH_SIZE);
  channel_client_close(client);
  channel_context_free(context);
}

static bool serves(const struct world *world, const struct server *server, const char *text)
{
  uint8_t expected[SEAL_HASH_SIZE], found[SEAL_HASH_SIZE];

  seal_hash((const uint8_t *)text, strlen(text), expected);
  ask_catalogue(world, server_endpoint(server), found);
  return memcmp(expected, found, sizeof found) == 0;
}

static uint64_t leaves(const struct world *world)
{
  g_autofree char *path = path_of(world, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);

  return store_leaf_count(store);
}

/* --- starting --- */

static void a_folder_that_is_none_says_what_to_do(void **state)
{
  g_autofree char *empty = g_dir_make_tmp("parktally-XXXXXX", NULL);
  g_autofree char *lock = folder_path(empty, "lock");
  g_autoptr(GError) error = NULL;

  (void)state;
  assert_null(server_start(&(struct server_options){.data = empty, .listen = ANY, .enrol = ANY}, &error));
  assert_non_null(strstr(error->message, "park-aggregator init"));
  g_unlink(lock);
  assert_int_equal(g_rmdir(empty), 0); /* nothing was made in it */
  g_clear_error(&error);
  assert_null(
      server_start(&(struct server_options){.data = "/nowhere", .listen = ANY, .enrol = ANY}, &error));
  assert_non_null(strstr(error->message, "park-aggregator init"));
}

static void a_second_server_on_a_folder_is_refused(void **state)
{
  struct world *world = *state;
  CLEANUP(server_stop) struct server *first = start(world);
  g_autofree char *text = small_text(NULL, NULL, "");
  g_autoptr(GError) error = NULL;

  assert_null(server_start(
      &(struct server_options){.data = world->fixture.folder, .listen = ANY, .enrol = ANY}, &error));
  assert_int_equal(error->code, ERROR_TEMPORARY);
  assert_non_null(strstr(error->message, world->fixture.folder));
  assert_true(serves(world, first, text)); /* undisturbed */
}

static void an_address_in_use_ends_the_start_and_frees_the_folder(void **state)
{
  struct world *world = *state;
  struct channel_context *context = channel_context_new();
  struct channel_server *other =
      channel_server_open(context, ANY, "other", world->fixture.identity, 1000, NULL);
  g_autoptr(GError) error = NULL;

  assert_null(server_start(&(struct server_options){.data = world->fixture.folder,
                                                    .listen = channel_server_endpoint(other),
                                                    .enrol = ANY},
                           &error));
  assert_int_equal(error->code, ERROR_UNAVAILABLE);
  channel_server_close(other);
  channel_context_free(context);
  server_stop(start(world));
}

static void a_configuration_with_mistakes_ends_the_start(void **state)
{
  struct world *world = *state;
  g_autoptr(GError) error = NULL;

  write_file(world, "aggregator.yaml", "listen: nowhere\n");
  assert_null(server_start(&(struct server_options){.data = world->fixture.folder}, &error));
  assert_int_equal(error->code, ERROR_CONFIG);
  assert_non_null(strstr(error->message, "aggregator.yaml:1:"));
}

static void it_starts_on_the_old_catalogue_where_the_new_one_is_broken(void **state)
{
  struct world *world = *state;
  g_autofree char *text = small_text(NULL, NULL, "");

  write_file(world, "catalogue.yaml", "areas: [\n");
  CLEANUP(server_stop) struct server *server = start(world);
  assert_true(serves(world, server, text));
}

static void endpoints_name_the_ports_that_were_bound(void **state)
{
  struct world *world = *state;
  CLEANUP(server_stop) struct server *server = start(world);

  assert_true(g_str_has_prefix(server_endpoint(server), "tcp://127.0.0.1:"));
  assert_null(strchr(server_endpoint(server), '*'));
  assert_null(strchr(server_enrol_endpoint(server), '*'));
  assert_string_not_equal(server_endpoint(server), server_enrol_endpoint(server));
}

/* --- reloading --- */

static void a_broken_catalogue_is_refused_and_the_old_one_stays(void **state)
{
  struct world *world = *state;
  g_autofree char *text = small_text(NULL, NULL, "");
  g_autofree char *incompatible = small_text("decimals: 1", "decimals: 2", "");
  CLEANUP(server_stop) struct server *server = start(world);
  uint64_t before = leaves(world);
  const struct {
    const char *text, *says;
  } cases[] = {{"areas: [\n", "catalogue.yaml:"}, {"", "catalogue.yaml"}, {incompatible, "output"}};

  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;

    write_file(world, "catalogue.yaml", cases[i].text);
    assert_false(server_reload(server, "test", "", &error));
    if (!strstr(error->message, cases[i].says)) fail_msg("%s", error->message);
    assert_true(serves(world, server, text));
  }
  assert_int_equal(leaves(world), before);
}

static void a_broken_configuration_is_refused_too(void **state)
{
  struct world *world = *state;
  CLEANUP(server_stop) struct server *server = start(world);
  g_autofree char *next = small_text(NULL, NULL, "# changed\n");
  g_autofree char *text = small_text(NULL, NULL, "");
  g_autoptr(GError) error = NULL;

  write_file(world, "catalogue.yaml", next);
  write_file(world, "aggregator.yaml", "catalog: here\n");
  assert_false(server_reload(server, "test", "", &error));
  assert_non_null(strstr(error->message, "aggregator.yaml:1:"));
  assert_true(serves(world, server, text));
}

static void a_good_catalogue_comes_into_force_at_once_and_stays(void **state)
{
  struct world *world = *state;
  g_autofree char *next = small_text(NULL, NULL, "# changed\n");
  CLEANUP(server_stop) struct server *server = start(world);
  uint64_t before = leaves(world);
  g_autoptr(GError) error = NULL;

  assert_true(
      server_reload(server, SERVER_STARTS, "", &error)); /* nobody's act, and the same: nothing happens */
  assert_int_equal(leaves(world), before);
  assert_true(server_reload(server, "test", "", &error));
  assert_int_equal(leaves(world), before + 1); /* only that it was done is noted */
  write_file(world, "catalogue.yaml", next);
  assert_true(server_reload(server, "test", "", &error));
  assert_int_equal(leaves(world), before + 3);
  assert_true(serves(world, server, next));
  server_stop(g_steal_pointer(&server));
  CLEANUP(server_stop) struct server *again = start(world);
  assert_true(serves(world, again, next));
  assert_int_equal(leaves(world), before + 3);
}

/* --- ending --- */

static void nobody_to_stop_is_no_mistake(void **state)
{
  (void)state;
  server_stop(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_folder_that_is_none_says_what_to_do),
      TEST(a_second_server_on_a_folder_is_refused),
      TEST(an_address_in_use_ends_the_start_and_frees_the_folder),
      TEST(a_configuration_with_mistakes_ends_the_start),
      TEST(it_starts_on_the_old_catalogue_where_the_new_one_is_broken),
      TEST(endpoints_name_the_ports_that_were_bound),
      TEST(a_broken_catalogue_is_refused_and_the_old_one_stays),
      TEST(a_broken_configuration_is_refused_too),
      TEST(a_good_catalogue_comes_into_force_at_once_and_stays),
      cmocka_unit_test(nobody_to_stop_is_no_mistake),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
