/* Documents: what an agent fetches is what its manifest says. */
#include "aggregator/document.h"

#include "common/limits.h"
#include "small.h"

#include <glib/gstdio.h>

#define PATIENCE_US (20 * G_USEC_PER_SEC)

struct world {
  GMutex lock;
  GCond changed;
  unsigned made; /* how often documents told that there is something, and nobody looked */
  struct identity *identity;
  struct documents *documents;
  struct snapshot *snapshot;
};

static void unref_catalogue(void *catalogue)
{
  catalogue_unref(catalogue);
}

/* In another thread. */
static void made(void *data)
{
  struct world *world = data;

  g_mutex_lock(&world->lock);
  world->made++;
  g_cond_signal(&world->changed);
  g_mutex_unlock(&world->lock);
}

static void wait_until_told(struct world *world)
{
  int64_t end = g_get_monotonic_time() + PATIENCE_US;

  g_mutex_lock(&world->lock);
  while (world->made == 0)
    if (!g_cond_wait_until(&world->changed, &world->lock, end)) fail_msg("nothing is made");
  world->made--;
  g_mutex_unlock(&world->lock);
}

static void wait_until_made(struct world *world)
{
  wait_until_told(world);
  documents_update(world->documents);
}

static const struct document *get(struct world *world, enum document_kind kind, const char *area)
{
  const struct document *document;

  while (!(document = documents_get(world->documents, world->snapshot, kind, area))) wait_until_made(world);
  return document;
}

static const struct document *get_register(struct world *world, const char *area)
{
  return get(world, DOCUMENT_OF_REGISTER, area);
}

static const struct document *get_catalogue(struct world *world)
{
  return get(world, DOCUMENT_OF_CATALOGUE, "east");
}

static const uint8_t *get_hash(struct world *world, const char *area)
{
  const uint8_t *hash;

  while (!(hash = documents_register_hash(world->documents, world->snapshot, area))) wait_until_made(world);
  return hash;
}

/* A snapshot that is the present one from now on. */
static void change(struct world *world, struct catalogue *catalogue, const char *csv,
                   const struct stored_agent *agent)
{
  CLEANUP(register_unref)
  struct unit_register *units =
      csv ? small_register(catalogue ? catalogue : world->snapshot->catalogue, csv) : NULL;
  struct snapshot *next = snapshot_change(world->snapshot, catalogue, units, agent);

  snapshot_unref(world->snapshot);
  world->snapshot = next;
}

static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);
  g_autofree char *folder = g_dir_make_tmp("parktally-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "key", NULL);
  CLEANUP(catalogue_unref) struct catalogue *catalogue = small_catalogue(NULL, NULL, "");

  world->identity = identity_create(path, NULL);
  assert_non_null(world->identity);
  g_unlink(path);
  g_rmdir(folder);
  world->documents = documents_new(world->identity, made, world);
  world->snapshot = g_new0(struct snapshot, 1);
  world->snapshot->references = 1;
  world->snapshot->catalogues = g_ptr_array_new_with_free_func(unref_catalogue);
  world->snapshot->units = register_builder_finish(register_builder_new());
  world->snapshot->agents = g_array_new(FALSE, FALSE, sizeof(struct agent_record));
  change(world, catalogue, "unit,class,parks\na1,code,east\nb1,code,east;west\nc1,code,west\n", NULL);
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;

  documents_free(world->documents);
  snapshot_unref(world->snapshot);
  identity_free(world->identity);
  g_free(world);
  return 0;
}

/* Opens the manifest as an agent does and compares it with the data, chunk by chunk. How many there are. */
static size_t check(const struct world *world, const struct document *document, enum document_kind kind,
                    const char *area)
{
  const uint8_t *payload;
  size_t length, size;
  const uint8_t *data = g_bytes_get_data(document->data, &size);
  uint8_t hash[SEAL_HASH_SIZE];

  assert_int_equal(seal_open(g_bytes_get_data(document->manifest, NULL), g_bytes_get_size(document->manifest),
                             SEAL_MANIFEST, identity_sign_public(world->identity), &payload, &length, NULL),
                   SEAL_OK);
  CLEANUP(manifest_free) struct manifest *manifest = manifest_decode(payload, length);
  assert_non_null(manifest);
  assert_int_equal(manifest->kind, kind);
  assert_int_equal(document->kind, kind);
  assert_string_equal(manifest->area, area);
  assert_int_equal(manifest->size, size);
  seal_hash(data, size, hash);
  assert_memory_equal(manifest->hash.data, hash, sizeof hash);
  assert_memory_equal(document->hash, hash, sizeof hash);
  for (size_t n = 0; n < manifest->chunk_count; n++) {
    assert_true(size > 0);
    seal_hash(data, MIN(size, LIMIT_CHUNK_BYTES), hash);
    assert_memory_equal(manifest->chunks[n], hash, sizeof hash);
    data += MIN(size, LIMIT_CHUNK_BYTES);
    size -= MIN(size, LIMIT_CHUNK_BYTES);
  }
  assert_int_equal(size, 0);
  return manifest->chunk_count;
}

static bool has(const struct document *document, const char *text)
{
  g_autofree char *data = g_strndup(g_bytes_get_data(document->data, NULL), g_bytes_get_size(document->data));

  return strstr(data, text) != NULL;
}

static void a_park_gets_the_units_of_its_own_area_and_no_other(void **state)
{
  struct world *world = *state;
  const struct document *east = get_register(world, "east");

  check(world, east, DOCUMENT_OF_REGISTER, "east");
  assert_true(has(east, "a1") && has(east, "b1") && !has(east, "c1"));
  const struct document *west = get_register(world, "west");
  check(world, west, DOCUMENT_OF_REGISTER, "west");
  assert_true(!has(west, "a1") && has(west, "b1") && has(west, "c1"));
  const struct document *city = get_register(world, "city");
  check(world, city, DOCUMENT_OF_REGISTER, "city");
  assert_true(has(city, "unit") && !has(city, "a1") && !has(city, "c1")); /* the header line alone */
}

static void a_hash_that_is_told_is_that_of_the_document(void **state)
{
  struct world *world = *state;
  uint8_t hash[SEAL_HASH_SIZE];

  memcpy(hash, get_hash(world, "east"), sizeof hash);
  assert_memory_equal(get_register(world, "east")->hash, hash, sizeof hash);
  assert_memory_equal(get_hash(world, "east"), hash, sizeof hash);
  assert_memory_not_equal(get_hash(world, "west"), hash, sizeof hash);
}

static void hashes_for_the_areas_of_agents_are_there_before_one_asks(void **state)
{
  struct world *world = *state;
  struct stored_agent east = {.id = (char *)"east-1", .area = (char *)"east"},
                      gone = {.id = (char *)"west-1", .area = (char *)"west", .revoked_ms = 1};

  change(world, NULL, NULL, &east);
  change(world, NULL, NULL, &gone);
  documents_prepare(world->documents, world->snapshot);
  wait_until_made(world);
  assert_non_null(documents_register_hash(world->documents, world->snapshot, "east"));
  assert_null(documents_register_hash(world->documents, world->snapshot, "west")); /* asked for now */
  assert_non_null(get_hash(world, "west"));

  change(world, NULL, "unit,class,parks\nd1,code,east\n", NULL);
  documents_prepare(world->documents, world->snapshot);
  wait_until_made(world);
  assert_non_null(documents_register_hash(world->documents, world->snapshot, "east"));
}

static void
what_was_begun_with_a_register_that_is_replaced_meanwhile_is_not_taken_for_the_new_one(void **state)
{
  struct world *world = *state;

  assert_null(documents_get(world->documents, world->snapshot, DOCUMENT_OF_REGISTER, "east"));
  wait_until_told(world);
  change(world, NULL, "unit,class,parks\nd1,code,east\n", NULL);
  assert_null(documents_get(world->documents, world->snapshot, DOCUMENT_OF_REGISTER, "east"));
  assert_true(documents_update(world->documents)); /* what is of before */
  const struct document *east = get_register(world, "east");
  assert_true(has(east, "d1") && !has(east, "a1"));
  check(world, east, DOCUMENT_OF_REGISTER, "east");
  assert_memory_equal(get_hash(world, "west"), get_register(world, "west")->hash, SEAL_HASH_SIZE);
  assert_false(has(get_register(world, "west"), "c1"));
}

static void a_large_register_comes_in_chunks_that_hold_it_whole(void **state)
{
  struct world *world = *state;
  g_autoptr(GString) csv = g_string_new("unit,class,name,parks\n");
  size_t length;

  for (int n = 0; csv->len < 2 * LIMIT_CHUNK_BYTES; n++)
    g_string_append_printf(csv, "unit-%07d,code,某某机械制造有限公司,east\n", n);
  change(world, NULL, csv->str, NULL);
  const struct document *units = get_register(world, "east");
  length = g_bytes_get_size(units->data);
  assert_int_equal(check(world, units, DOCUMENT_OF_REGISTER, "east"),
                   (length + LIMIT_CHUNK_BYTES - 1) / LIMIT_CHUNK_BYTES);
  assert_true(length > 2 * LIMIT_CHUNK_BYTES);
}

static void the_catalogue_is_its_text_to_the_byte(void **state)
{
  struct world *world = *state;
  const struct document *document = get_catalogue(world);
  const struct catalogue *catalogue = world->snapshot->catalogue;

  check(world, document, DOCUMENT_OF_CATALOGUE, "");
  assert_int_equal(g_bytes_get_size(document->data), catalogue->text_length);
  assert_memory_equal(g_bytes_get_data(document->data, NULL), catalogue->text, catalogue->text_length);
  assert_memory_equal(document->hash, catalogue->hash, CATALOGUE_HASH_SIZE);
}

static void what_has_not_changed_is_kept_and_what_has_is_made_anew(void **state)
{
  struct world *world = *state;
  CLEANUP(catalogue_unref) struct catalogue *next = small_catalogue(NULL, NULL, "# changed\n");
  struct stored_agent agent = {.id = (char *)"east-1", .area = (char *)"east"};
  const struct document *catalogue = get_catalogue(world);
  const struct document *east = get_register(world, "east");
  g_autoptr(GBytes) catalogue_data = g_bytes_ref(catalogue->data), east_data = g_bytes_ref(east->data);

  change(world, NULL, NULL, &agent); /* concerns neither */
  assert_ptr_equal(get_register(world, "east"), east);
  assert_ptr_equal(get_catalogue(world), catalogue);

  change(world, NULL, "unit,class,parks\nd1,code,east\n", NULL);
  east = get_register(world, "east");
  assert_ptr_not_equal(east->data, east_data);
  assert_true(has(east, "d1") && !has(east, "a1"));
  assert_ptr_equal(get_catalogue(world), catalogue);

  change(world, next, NULL, NULL);
  catalogue = get_catalogue(world);
  assert_ptr_not_equal(catalogue->data, catalogue_data);
  assert_true(has(catalogue, "# changed"));
  check(world, catalogue, DOCUMENT_OF_CATALOGUE, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_park_gets_the_units_of_its_own_area_and_no_other),
      TEST(a_hash_that_is_told_is_that_of_the_document),
      TEST(hashes_for_the_areas_of_agents_are_there_before_one_asks),
      TEST(what_was_begun_with_a_register_that_is_replaced_meanwhile_is_not_taken_for_the_new_one),
      TEST(a_large_register_comes_in_chunks_that_hold_it_whole),
      TEST(the_catalogue_is_its_text_to_the_byte),
      TEST(what_has_not_changed_is_kept_and_what_has_is_made_anew),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
