/* What comes sealed besides submissions, and leaves of the ledger: the first byte says which decoder. */
#include "common/codec.h"
#include "common/key_chain.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes, encodes, decodes and encodes: the second encoding must be the first. */
#define ROUND_TRIP(type, encode)                                                                             \
  static void try_##type(const uint8_t *data, size_t size)                                                   \
  {                                                                                                          \
    CLEANUP(type##_free) struct type *record = type##_decode(data, size);                                    \
    if (record == NULL) return;                                                                              \
    g_autoptr(GByteArray) encoded = encode(record);                                                          \
    CLEANUP(type##_free) struct type *again = type##_decode(encoded->data, encoded->len);                    \
    if (again == NULL) abort();                                                                              \
    g_autoptr(GByteArray) encoded_again = encode(again);                                                     \
    if (encoded->len != encoded_again->len || memcmp(encoded->data, encoded_again->data, encoded->len) != 0) \
      abort();                                                                                               \
  }

/* The sealed submission stands where it is said to. */
static GByteArray *encode_leaf(const struct leaf *leaf)
{
  size_t sealed;
  GByteArray *bytes = leaf_encode(leaf, &sealed);
  const struct bytes_view *view = &leaf->submission.sealed;
  if (leaf->kind == LEAF_SUBMISSION && memcmp(bytes->data + sealed, view->data, view->length) != 0) abort();
  return bytes;
}

ROUND_TRIP(receipt, receipt_encode)
ROUND_TRIP(manifest, manifest_encode)
ROUND_TRIP(certificate, certificate_encode)
ROUND_TRIP(leaf, encode_leaf)
ROUND_TRIP(park_act, park_act_encode)
ROUND_TRIP(key_change, key_change_encode)

static void try_return(const uint8_t *data, size_t size)
{
  CLEANUP(return_free) struct return_record *record = return_decode(data, size);
  if (record == NULL) return;
  g_autoptr(GByteArray) encoded = return_encode(record);
  CLEANUP(return_free) struct return_record *again = return_decode(encoded->data, encoded->len);
  if (again == NULL || again->key_change_count != record->key_change_count) abort();
}

/* Papers beside keys, and what is made of them: a chain takes what follows, and nothing else. */
static void try_papers(const uint8_t *data, size_t size)
{
  static const uint8_t key[32] = {1};
  g_autoptr(GPtrArray) papers = key_papers_unpack(data, size);
  if (papers == NULL) return;
  CLEANUP(key_chain_unref) struct key_chain *chain = key_chain_new("", key, key);
  for (guint i = 0; i < papers->len; i++) {
    size_t length;
    const uint8_t *paper = g_bytes_get_data(papers->pdata[i], &length);
    if (length > 0 && key_chain_add(chain, paper, length)) abort(); /* nobody has that key */
  }
  g_autoptr(GBytes) packed = key_papers_pack(papers);
  if (g_bytes_get_size(packed) != size ||
      (size > 0 && memcmp(g_bytes_get_data(packed, NULL), data, size) != 0))
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static void (*const decoders[])(const uint8_t *, size_t) = {try_receipt, try_manifest, try_certificate,
                                                              try_leaf,    try_park_act, try_key_change,
                                                              try_return,  try_papers};
  if (size > 0) decoders[data[0] % G_N_ELEMENTS(decoders)](data + 1, size - 1);
  return 0;
}
