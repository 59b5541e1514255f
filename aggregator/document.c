#include "aggregator/document.h"

#include "common/limits.h"
#include "common/seal.h"

#include <string.h>

/* What is known of a document, and what a worker is at. */
struct entry {
  bool hashed, hashing, making;
  uint8_t hash[SEAL_HASH_SIZE];
  struct document *document; /* or NULL */
};

struct documents {
  const struct identity *identity;
  void (*tell)(void *data);
  void *data;
  struct snapshot *snapshot; /* that the entries are of */
  GHashTable *entries;       /* area → struct entry; "" → the catalogue's */
  GThreadPool *workers;      /* of struct task */
  GAsyncQueue *done;         /* of struct task */
  int ending;                /* atomic: what was not begun yet is left */
};

/* For a worker. Nothing is shared with it but the snapshot, which does not change. */
struct task {
  struct snapshot *snapshot;
  char *area; /* "": the catalogue */
  bool whole; /* the document, not only its hash */
  uint8_t hash[SEAL_HASH_SIZE];
  struct document *document; /* NULL where only the hash was asked for */
};

static void document_free(struct document *document)
{
  if (!document) return;
  g_free(document->area);
  g_bytes_unref(document->data);
  g_bytes_unref(document->manifest);
  g_free(document);
}

static void entry_free(void *data)
{
  struct entry *entry = data;

  document_free(entry->document);
  g_free(entry);
}

static void task_free(void *data)
{
  struct task *task = data;

  document_free(task->document);
  snapshot_unref(task->snapshot);
  g_free(task->area);
  g_free(task);
}

/* --- in a worker's thread --- */

static GBytes *seal_manifest(const struct identity *identity, const struct document *document,
                             const uint8_t (*chunks)[SEAL_HASH_SIZE], size_t count)
{
  g_autoptr(GByteArray) payload = NULL;
  struct manifest manifest = {
      .kind = document->kind,
      .hash = {document->hash, SEAL_HASH_SIZE},
      .size = g_bytes_get_size(document->data),
      .chunks = chunks,
      .chunk_count = count,
      .area = document->area,
  };

  payload = manifest_encode(&manifest);
  return g_byte_array_free_to_bytes(
      identity_seal(identity, SEAL_MANIFEST, payload->data, payload->len, NULL));
}

/* Hashes whole and chunks side by side, while a chunk is in the processor's cache. Takes `data`. */
static struct document *make_document(const struct identity *identity, enum document_kind kind,
                                      const char *area, GBytes *data)
{
  struct document *document = g_new0(struct document, 1);
  size_t size;
  const uint8_t *bytes = g_bytes_get_data(data, &size);
  size_t count = (size + LIMIT_CHUNK_BYTES - 1) / LIMIT_CHUNK_BYTES;
  g_autofree uint8_t(*chunks)[SEAL_HASH_SIZE] = g_malloc_n(count + 1, SEAL_HASH_SIZE);
  struct seal_hasher *whole = seal_hash_begin();

  for (size_t n = 0; n < count; n++) {
    const uint8_t *chunk = bytes + n * LIMIT_CHUNK_BYTES;
    size_t length = MIN(LIMIT_CHUNK_BYTES, size - n * LIMIT_CHUNK_BYTES);

    seal_hash_add(whole, chunk, length);
    seal_hash(chunk, length, chunks[n]);
  }
  seal_hash_end(whole, document->hash);
  document->kind = kind;
  document->area = g_strdup(area);
  document->data = data;
  document->manifest = seal_manifest(identity, document, (const uint8_t(*)[SEAL_HASH_SIZE])chunks, count);
  return document;
}

static GBytes *write_document(const struct snapshot *snapshot, enum document_kind kind, const char *area)
{
  const struct catalogue *catalogue = snapshot->catalogue;

  if (kind == DOCUMENT_OF_CATALOGUE) return g_bytes_new(catalogue->text, catalogue->text_length);
  return register_write_csv(snapshot->units, catalogue, catalogue_area(catalogue, area));
}

static void work(void *data, void *user_data)
{
  struct task *task = data;
  struct documents *documents = user_data;
  const struct snapshot *snapshot = task->snapshot;
  enum document_kind kind = *task->area ? DOCUMENT_OF_REGISTER : DOCUMENT_OF_CATALOGUE;

  if (g_atomic_int_get(&documents->ending)) {
    task_free(task);
    return;
  }
  if (task->whole) {
    task->document =
        make_document(documents->identity, kind, task->area, write_document(snapshot, kind, task->area));
    memcpy(task->hash, task->document->hash, sizeof task->hash);
  } else {
    register_hash_csv(snapshot->units, snapshot->catalogue, catalogue_area(snapshot->catalogue, task->area),
                      task->hash);
  }
  g_async_queue_push(documents->done, task);
  documents->tell(documents->data);
}

/* --- in the caller's --- */

struct documents *documents_new(const struct identity *identity, void (*made)(void *data), void *data)
{
  struct documents *documents = g_new0(struct documents, 1);

  documents->identity = identity;
  documents->tell = made;
  documents->data = data;
  documents->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
  documents->done = g_async_queue_new();
  documents->workers = g_thread_pool_new(work, documents, (int)MAX(g_get_num_processors(), 1), FALSE, NULL);
  return documents;
}

void documents_free(struct documents *documents)
{
  if (!documents) return;
  g_atomic_int_set(&documents->ending, 1);
  g_thread_pool_free(documents->workers, FALSE, TRUE);
  documents_update(documents);
  g_async_queue_unref(documents->done);
  g_hash_table_unref(documents->entries);
  snapshot_unref(documents->snapshot);
  g_free(documents);
}

static struct entry *entry_of(struct documents *documents, const char *area)
{
  struct entry *entry = g_hash_table_lookup(documents->entries, area);

  if (entry) return entry;
  entry = g_new0(struct entry, 1);
  g_hash_table_insert(documents->entries, g_strdup(area), entry);
  return entry;
}

static void begin(struct documents *documents, const char *area, bool whole)
{
  struct task *task = g_new0(struct task, 1);

  task->snapshot = snapshot_ref(documents->snapshot);
  task->area = g_strdup(area);
  task->whole = whole;
  g_thread_pool_push(documents->workers, task, NULL);
}

static void begin_hash(struct documents *documents, const char *area)
{
  struct entry *entry = entry_of(documents, area);

  if (entry->hashed || entry->hashing || entry->making) return;
  entry->hashing = true;
  begin(documents, area, false);
}

/* Whether a document of the area ("" for the catalogue) is the same under both. */
static bool is_same(const struct snapshot *a, const struct snapshot *b, const char *area)
{
  return a->catalogue == b->catalogue && (!*area || a->units == b->units);
}

void documents_prepare(struct documents *documents, struct snapshot *snapshot)
{
  struct snapshot *before = documents->snapshot;
  GHashTableIter entries;
  void *area;

  if (before == snapshot) return;
  g_hash_table_iter_init(&entries, documents->entries);
  while (g_hash_table_iter_next(&entries, &area, NULL))
    if (!is_same(before, snapshot, area)) g_hash_table_iter_remove(&entries);
  documents->snapshot = snapshot_ref(snapshot);
  snapshot_unref(before);
  for (unsigned n = 0; n < snapshot->agents->len; n++) {
    const struct stored_agent *agent = &g_array_index(snapshot->agents, struct agent_record, n).stored;

    if (agent->revoked_ms == 0) begin_hash(documents, agent->area);
  }
}

/* What was made of parts that another snapshot has replaced meanwhile is of no use any more. */
static void take(struct documents *documents, struct task *task)
{
  struct entry *entry = g_hash_table_lookup(documents->entries, task->area);

  if (!entry || !is_same(task->snapshot, documents->snapshot, task->area)) return;
  entry->hashed = true;
  memcpy(entry->hash, task->hash, sizeof entry->hash);
  if (!task->document) return;
  document_free(entry->document);
  entry->document = g_steal_pointer(&task->document);
}

bool documents_update(struct documents *documents)
{
  struct task *task;
  bool any = false;

  while ((task = g_async_queue_try_pop(documents->done))) {
    take(documents, task);
    task_free(task);
    any = true;
  }
  return any;
}

const uint8_t *documents_register_hash(struct documents *documents, struct snapshot *snapshot,
                                       const char *area)
{
  documents_prepare(documents, snapshot);
  const struct entry *entry = entry_of(documents, area);
  if (entry->hashed) return entry->hash;
  begin_hash(documents, area);
  return NULL;
}

const struct document *documents_get(struct documents *documents, struct snapshot *snapshot,
                                     enum document_kind kind, const char *area)
{
  const char *key = kind == DOCUMENT_OF_REGISTER ? area : "";

  documents_prepare(documents, snapshot);
  struct entry *entry = entry_of(documents, key);
  if (entry->document || entry->making) return entry->document;
  entry->making = true;
  begin(documents, key, true);
  return NULL;
}
