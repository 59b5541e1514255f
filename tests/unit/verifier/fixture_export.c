#include "fixture_export.h"

#include "common/decimal.h"
#include "common/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct reading {
  struct fixture_export *export;
  struct catalogue *catalogue;
  GArray *books;
};

static bool add_line(const struct cell_key *key, int128 total, int64_t units, void *data)
{
  struct reading *reading = data;

  for (unsigned n = 0; n < reading->books->len; n++) {
    const struct stored_book *book = &g_array_index(reading->books, struct stored_book, n);
    int form = catalogue_form(reading->catalogue, book->form);
    char period[PERIOD_TEXT_SIZE], text[DECIMAL_TEXT_SIZE];

    if (book->book != key->book) continue;
    g_ptr_array_add(
        reading->export->lines,
        g_strdup_printf("%s,%s,%s,%s,%s,%s,%" G_GINT64_FORMAT "\n", book->form,
                        period_format(book->period, period), key->area, key->slice,
                        key->slot < 0 ? "" : reading->catalogue->forms[form].columns[key->slot].code,
                        decimal_format(total, 0, text), units));
  }
  return true;
}

void fixture_export_read(struct fixture_export *export, struct store *store)
{
  g_autoptr(GPtrArray) catalogues = store_catalogues(store);
  GBytes *text = catalogues->pdata[catalogues->len - 1];
  CLEANUP(catalogue_unref)
  struct catalogue *catalogue =
      catalogue_compile("catalogue", g_bytes_get_data(text, NULL), g_bytes_get_size(text), NULL);
  g_autoptr(GArray) books = store_books(store, NULL);
  struct reading reading = {export, catalogue, books};

  export->leaves = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  export->lines = g_ptr_array_new_with_free_func(g_free);
  for (uint64_t n = 0; n < store_leaf_count(store); n++)
    g_ptr_array_add(export->leaves, store_leaf(store, n));
  store_each_cell(store, add_line, &reading);
}

void fixture_export_clear(struct fixture_export *export)
{
  g_ptr_array_unref(export->leaves);
  g_ptr_array_unref(export->lines);
}

GBytes *fixture_export_head(const struct fixture_export *export, const struct identity *identity,
                            uint64_t size)
{
  struct merkle tree;
  uint8_t root[MERKLE_HASH_SIZE];
  struct signed_head head = {.size = size, .root = {root, sizeof root}};

  merkle_init(&tree);
  for (unsigned n = 0; n < size; n++) {
    uint8_t hash[MERKLE_HASH_SIZE];
    size_t length;
    const uint8_t *data = g_bytes_get_data(export->leaves->pdata[n], &length);
    struct leaf *leaf = leaf_decode(data, length);

    if (leaf) head.recorded_at_ms = leaf->recorded_at_ms;
    leaf_free(leaf);
    merkle_leaf_hash(data, length, hash);
    merkle_append(&tree, hash);
  }
  merkle_root(&tree, root);
  g_autoptr(GByteArray) payload = signed_head_encode(&head);
  return g_byte_array_free_to_bytes(identity_seal(identity, SEAL_HEAD, payload->data, payload->len, NULL));
}

static void add_record(GByteArray *bytes, char kind, const void *data, size_t length)
{
  const uint8_t header[] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16),
                            (uint8_t)(length >> 24), (uint8_t)kind};

  g_byte_array_append(bytes, header, sizeof header);
  g_byte_array_append(bytes, data, (unsigned)length);
}

GByteArray *fixture_export_write(const struct fixture_export *export, const struct identity *identity)
{
  GByteArray *bytes = g_byte_array_new();
  g_autoptr(GBytes) head = fixture_export_head(export, identity, export->leaves->len);
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  uint8_t digest[32];
  size_t length = sizeof digest;

  g_byte_array_append(bytes, (const uint8_t *)"PTLYLDG1", 8);
  add_record(bytes, 'H', g_bytes_get_data(head, NULL), g_bytes_get_size(head));
  for (unsigned n = 0; n < export->leaves->len; n++)
    add_record(bytes, 'L', g_bytes_get_data(export->leaves->pdata[n], NULL),
               g_bytes_get_size(export->leaves->pdata[n]));
  for (unsigned n = 0; n < export->lines->len; n++)
    add_record(bytes, 'T', export->lines->pdata[n], strlen(export->lines->pdata[n]));
  g_checksum_update(sum, bytes->data, bytes->len);
  g_checksum_get_digest(sum, digest, &length);
  add_record(bytes, 'E', digest, sizeof digest);
  return bytes;
}

void fixture_verify(struct verification *verification, const GByteArray *bytes)
{
  FILE *file = fmemopen(bytes->data, bytes->len, "rb");

  assert_non_null(file);
  assert_true(verification_run(verification, file));
  fclose(file);
}

char *fixture_faults(const struct verification *verification)
{
  g_ptr_array_add(verification->faults->lines, NULL);
  char *text = g_strjoinv("\n", (char **)verification->faults->lines->pdata);
  g_ptr_array_set_size(verification->faults->lines, (int)verification->faults->lines->len - 1);
  return text;
}
