#include "common/key_chain.h"

#include "common/error.h"
#include "common/limits.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define COUNT 4

static struct identity *keys[COUNT];

static int make_keys(void **state)
{
  (void)state;
  for (int n = 0; n < COUNT; n++) keys[n] = identity_new(NULL);
  return 0;
}

static int free_keys(void **state)
{
  (void)state;
  for (int n = 0; n < COUNT; n++) identity_free(keys[n]);
  return 0;
}

static struct key_chain *chain_of(const char *agent, const struct identity *first)
{
  return key_chain_new(agent, identity_curve_public(first), identity_sign_public(first));
}

static GByteArray *change(int from, int to, const char *agent, uint64_t until, uint64_t epoch)
{
  return key_change_seal(keys[from], keys[to],
                         &(struct key_change){.agent = agent,
                                              .until = until,
                                              .epoch = epoch,
                                              .changed_at_ms = 5,
                                              .by = "李明",
                                              .reason = "一年一换"});
}

static bool add(struct key_chain *chain, GByteArray *sealed)
{
  bool added = key_chain_add(chain, sealed->data, sealed->len);
  g_byte_array_unref(sealed);
  return added;
}

static GByteArray *note_by(int n)
{
  return identity_seal(keys[n], SEAL_HEAD, (const uint8_t *)"x", 1, NULL);
}

static enum seal_status status_of(const struct key_chain *chain, int n, const struct key_link **ret_link)
{
  g_autoptr(GByteArray) sealed = note_by(n);
  const uint8_t *payload;
  size_t length;
  return key_chain_open(chain, sealed->data, sealed->len, SEAL_HEAD, &payload, &length, NULL, ret_link);
}

static void what_does_not_follow_is_not_taken(void **state)
{
  (void)state;
  CLEANUP(key_chain_unref) struct key_chain *chain = chain_of("east-1", keys[0]);
  g_autoptr(GByteArray) good = change(0, 1, "east-1", 10, 0);
  for (guint n = 0; n < good->len; n++) { /* any bit */
    good->data[n] ^= 1;
    assert_false(key_chain_add(chain, good->data, good->len));
    good->data[n] ^= 1;
  }
  assert_false(key_chain_add(chain, good->data, good->len - 1));
  assert_false(add(chain, change(1, 2, "east-1", 10, 0))); /* by a key that is none of its */
  assert_false(add(chain, change(0, 1, "east-2", 10, 0))); /* another's */
  assert_false(add(chain, change(0, 1, "", 10, 0)));       /* the aggregator's */
  assert_false(add(chain, change(0, 1, "east-1", 10, 1))); /* agents know no epochs */
  assert_false(add(chain, change(0, 0, "east-1", 10, 0))); /* to itself */
  assert_false(add(chain, change(0, 1, "east-1", UINT64_MAX, 0)));
  assert_true(key_chain_add(chain, good->data, good->len));
  assert_false(key_chain_add(chain, good->data, good->len)); /* twice */
  assert_false(add(chain, change(1, 0, "east-1", 11, 0)));   /* back */
  assert_false(add(chain, change(1, 2, "east-1", 9, 0)));    /* behind the last one */
  assert_true(add(chain, change(1, 2, "east-1", 10, 0)));
  assert_int_equal(chain->papers->len, 2);
}

/* Whoever has the old key alone cannot hand over to keys that are not his. */
static void the_new_key_must_consent(void **state)
{
  (void)state;
  CLEANUP(key_chain_unref) struct key_chain *chain = chain_of("", keys[0]);
  const uint8_t nothing[KEY_CONSENT_SIZE] = {0};
  struct key_change forged = {.agent = "",
                              .until = 3,
                              .curve_key = {identity_curve_public(keys[1]), CURVE_KEY_SIZE},
                              .sign_key = {identity_sign_public(keys[1]), SEAL_PUBLIC_KEY_SIZE},
                              .by = "",
                              .reason = "",
                              .consent = {nothing, sizeof nothing}};
  g_autoptr(GByteArray) payload = key_change_encode(&forged);
  assert_false(add(chain, identity_seal(keys[0], SEAL_KEY, payload->data, payload->len, NULL)));
  /* The consent to another change does not do either. */
  g_autoptr(GByteArray) honest = change(0, 2, "", 3, 0);
  const uint8_t *inside;
  size_t length;
  assert_true(seal_peek(honest->data, honest->len, SEAL_KEY, &inside, &length));
  CLEANUP(key_change_free) struct key_change *read = key_change_decode(inside, length);
  assert_string_equal(read->by, "李明");
  assert_string_equal(read->reason, "一年一换");
  assert_int_equal(read->changed_at_ms, 5);
  forged.consent = read->consent;
  g_autoptr(GByteArray) again = key_change_encode(&forged);
  assert_false(add(chain, identity_seal(keys[0], SEAL_KEY, again->data, again->len, NULL)));
}

static void a_key_that_was_changed_seals_no_later_thing(void **state)
{
  (void)state;
  CLEANUP(key_chain_unref) struct key_chain *chain = chain_of("", keys[0]);
  const struct key_link *link = NULL;
  assert_int_equal(status_of(chain, 0, &link), SEAL_OK);
  assert_true(key_link_may_seal(link, 7, UINT64_MAX - 1));
  assert_int_equal(status_of(chain, 1, NULL), SEAL_OTHER_KEY);
  assert_true(add(chain, change(0, 1, "", 100, 1)));
  assert_int_equal(status_of(chain, 0, &link), SEAL_OK);
  assert_true(key_link_may_seal(link, 1, 100));
  assert_true(key_link_may_seal(link, 0, 5000)); /* of the epoch before */
  assert_false(key_link_may_seal(link, 1, 101));
  assert_false(key_link_may_seal(link, 2, 1));
  assert_int_equal(status_of(chain, 1, &link), SEAL_OK);
  assert_true(key_link_may_seal(link, 1, 101));
  assert_memory_equal(key_chain_present(chain)->sign_key, identity_sign_public(keys[1]),
                      SEAL_PUBLIC_KEY_SIZE);
  assert_int_equal(key_chain_present(chain)->since_ms, 5);
}

/* The papers of the whole history, for somebody who came in later or knows a part of it. */
static void who_came_later_passes_over_what_is_older(void **state)
{
  (void)state;
  g_autoptr(GByteArray) first = change(0, 1, "", 10, 0), second = change(1, 2, "", 20, 0),
                        third = change(2, 3, "", 30, 0);
  struct bytes_view all[] = {
      {first->data, first->len}, {second->data, second->len}, {third->data, third->len}};
  CLEANUP(key_chain_unref) struct key_chain *late = chain_of("", keys[1]);
  assert_true(key_chain_extend(late, all, 3));
  assert_int_equal(late->papers->len, 2);
  assert_true(key_chain_extend(late, all, 3)); /* nothing new */
  assert_int_equal(late->papers->len, 2);
  assert_true(key_chain_extend(late, NULL, 0));
  CLEANUP(key_chain_unref) struct key_chain *gap = chain_of("", keys[0]);
  struct bytes_view without[] = {all[0], all[2]};
  assert_false(key_chain_extend(gap, without, 2));
  CLEANUP(key_chain_unref) struct key_chain *stranger = chain_of("", keys[3]);
  assert_false(key_chain_extend(stranger, all, 2));
  CLEANUP(key_chain_unref) struct key_chain *copy = key_chain_copy(late);
  assert_int_equal(copy->links->len, 3);
  assert_non_null(key_chain_find(copy, key_chain_present(late)->key_id));
}

static void papers_travel_with_the_keys(void **state)
{
  (void)state;
  g_autofree char *folder = g_dir_make_tmp("parktally-keys-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "identity.key", NULL);
  g_autofree char *copy = g_build_filename(folder, "copy", NULL);
  g_autofree char *box = g_build_filename(folder, "box", NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) sealed = change(0, 1, "", 10, 0);
  g_autoptr(GBytes) paper = g_bytes_new(sealed->data, sealed->len);
  CLEANUP(identity_free) struct identity *made = identity_create(path, &error);
  CLEANUP(identity_free) struct identity *next = identity_new(&error);
  struct stat status;
  assert_int_equal(identity_papers(made)->len, 0);
  assert_null(identity_former_curve_secret(made));
  identity_take_papers(next, made, paper);
  identity_keep_former(next, made);
  assert_true(identity_replace(next, path, &error));
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  CLEANUP(identity_free) struct identity *read = identity_load(path, &error);
  assert_memory_equal(identity_sign_secret(read), identity_sign_secret(next), SEAL_SECRET_KEY_SIZE);
  assert_true(g_bytes_equal(identity_papers(read)->pdata[0], paper));
  assert_memory_equal(identity_former_curve_secret(read), identity_curve_secret(made), CURVE_KEY_SIZE);
  assert_true(identity_store(read, copy, &error));
  assert_true(identity_back_up(read, box, "一二三", &error));
  CLEANUP(identity_free) struct identity *unboxed = identity_load_backup(box, "一二三", &error);
  assert_int_equal(identity_papers(unboxed)->len, 1);
  assert_memory_equal(identity_former_curve_secret(unboxed), identity_curve_secret(made), CURVE_KEY_SIZE);
  assert_null(identity_load_backup(box, "一二", &error));
  g_clear_error(&error);
  g_unlink(copy);
  /* A file that ends within a paper is damaged. */
  g_autofree char *data = NULL;
  gsize length;
  assert_true(g_file_get_contents(path, &data, &length, NULL));
  assert_true(g_file_set_contents_full(copy, data, (gssize)length - 1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  assert_null(identity_load(copy, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
  g_clear_error(&error);
  /* So is one whose former pair is none. */
  data[264] ^= 1;
  assert_true(g_file_set_contents_full(copy, data, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  assert_null(identity_load(copy, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
  g_clear_error(&error);
  /* What is forgotten is in no file any more. */
  identity_forget_former(read);
  assert_true(identity_replace(read, path, &error));
  CLEANUP(identity_free) struct identity *without = identity_load(path, &error);
  assert_null(identity_former_curve_secret(without));
  assert_int_equal(identity_papers(without)->len, 1);
  g_unlink(path);
  g_unlink(copy);
  g_unlink(box);
  assert_int_equal(g_rmdir(folder), 0);
}

static void a_chain_has_a_bound(void **state)
{
  (void)state;
  CLEANUP(identity_free) struct identity *present = identity_new(NULL);
  CLEANUP(key_chain_unref) struct key_chain *chain = chain_of("east-1", present);
  for (unsigned n = 0; n <= LIMIT_KEY_CHANGES; n++) {
    struct identity *next = identity_new(NULL);
    const struct key_change of = {.agent = "east-1", .until = n, .by = "", .reason = ""};
    g_autoptr(GByteArray) sealed = key_change_seal(present, next, &of);
    assert_int_equal(key_chain_add(chain, sealed->data, sealed->len), n < LIMIT_KEY_CHANGES);
    identity_free(present);
    present = next;
  }
  g_autoptr(GBytes) packed = key_papers_pack(chain->papers);
  size_t length;
  const uint8_t *data = g_bytes_get_data(packed, &length);
  g_autoptr(GPtrArray) papers = key_papers_unpack(data, length);
  assert_int_equal(papers->len, LIMIT_KEY_CHANGES);
  assert_null(key_papers_unpack(data, length - 1));
  assert_null(key_papers_unpack(data, 3));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_does_not_follow_is_not_taken),
      cmocka_unit_test(the_new_key_must_consent),
      cmocka_unit_test(a_key_that_was_changed_seals_no_later_thing),
      cmocka_unit_test(who_came_later_passes_over_what_is_older),
      cmocka_unit_test(papers_travel_with_the_keys),
      cmocka_unit_test(a_chain_has_a_bound),
  };
  return cmocka_run_group_tests(tests, make_keys, free_keys);
}
