#include "aggregator/document.h"

#include "common/limits.h"

#include <string.h>

struct documents {
  const struct identity *identity;
  struct snapshot *snapshot;  /* that they were made from */
  GHashTable *registers;      /* area → struct document */
  struct document *catalogue; /* or NULL */
};

static void document_free(void *data)
{
  struct document *document = data;

  if (!document) return;
  g_free(document->area);
  g_bytes_unref(document->data);
  g_bytes_unref(document->manifest);
  g_free(document);
}

struct documents *documents_new(const struct identity *identity)
{
  struct documents *documents = g_new0(struct documents, 1);

  documents->identity = identity;
  documents->registers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, document_free);
  return documents;
}

void documents_free(struct documents *documents)
{
  if (!documents) return;
  g_hash_table_unref(documents->registers);
  document_free(documents->catalogue);
  snapshot_unref(documents->snapshot);
  g_free(documents);
}

/* Forgets what was made from parts of another snapshot that differ in this one. */
static void use_snapshot(struct documents *documents, struct snapshot *snapshot)
{
  struct snapshot *before = documents->snapshot;

  if (before == snapshot) return;
  if (!before || before->catalogue != snapshot->catalogue)
    g_clear_pointer(&documents->catalogue, document_free);
  if (!before || before->catalogue != snapshot->catalogue || before->units != snapshot->units)
    g_hash_table_remove_all(documents->registers);
  documents->snapshot = snapshot_ref(snapshot);
  snapshot_unref(before);
}

static GBytes *seal_manifest(const struct documents *documents, const struct document *document)
{
  size_t size;
  const uint8_t *data = g_bytes_get_data(document->data, &size);
  size_t count = (size + LIMIT_CHUNK_BYTES - 1) / LIMIT_CHUNK_BYTES;
  g_autofree uint8_t(*chunks)[SEAL_HASH_SIZE] = g_malloc_n(count + 1, SEAL_HASH_SIZE);
  g_autoptr(GByteArray) payload = NULL;
  struct manifest manifest = {
      .kind = document->kind,
      .hash = {document->hash, SEAL_HASH_SIZE},
      .size = size,
      .chunks = (const uint8_t(*)[SEAL_HASH_SIZE])chunks,
      .chunk_count = count,
      .area = document->area,
  };

  for (size_t n = 0; n < count; n++)
    seal_hash(data + n * LIMIT_CHUNK_BYTES, MIN(LIMIT_CHUNK_BYTES, size - n * LIMIT_CHUNK_BYTES), chunks[n]);
  payload = manifest_encode(&manifest);
  return g_byte_array_free_to_bytes(
      identity_seal(documents->identity, SEAL_MANIFEST, payload->data, payload->len, NULL));
}

/* Takes `data`. */
static struct document *make_document(const struct documents *documents, enum document_kind kind,
                                      const char *area, GBytes *data)
{
  struct document *document = g_new0(struct document, 1);

  document->kind = kind;
  document->area = g_strdup(area);
  document->data = data;
  seal_hash(g_bytes_get_data(data, NULL), g_bytes_get_size(data), document->hash);
  document->manifest = seal_manifest(documents, document);
  return document;
}

const struct document *documents_catalogue(struct documents *documents, struct snapshot *snapshot)
{
  use_snapshot(documents, snapshot);
  if (!documents->catalogue)
    documents->catalogue =
        make_document(documents, DOCUMENT_OF_CATALOGUE, "",
                      g_bytes_new(snapshot->catalogue->text, snapshot->catalogue->text_length));
  return documents->catalogue;
}

const struct document *documents_register(struct documents *documents, struct snapshot *snapshot,
                                          const char *area)
{
  struct document *document;

  use_snapshot(documents, snapshot);
  document = g_hash_table_lookup(documents->registers, area);
  if (!document) {
    document = make_document(
        documents, DOCUMENT_OF_REGISTER, area,
        register_write_csv(snapshot->units, snapshot->catalogue, catalogue_area(snapshot->catalogue, area)));
    g_hash_table_insert(documents->registers, document->area, document);
  }
  return document;
}
