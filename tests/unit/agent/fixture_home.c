#include "fixture_home.h"

#include "common/limits.h"
#include "common/merkle.h"
#include "common/submission.h"
#include "common/uscc.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

static void must(bool done, GError *error)
{
  if (!done) g_error("%s", error ? error->message : "a step of the fixture failed");
}

const char *fixture_unit(unsigned n)
{
  static char codes[1000][19];
  char *code = codes[n];
  snprintf(code, sizeof codes[0], "914502000000%05u", n % 100000);
  code[17] = uscc_check_character(code);
  code[18] = '\0';
  return code;
}

char *fixture_catalogue_text(void)
{
  char *text;
  must(g_file_get_contents(SOURCE_DIR "/tests/data/small.yaml", &text, NULL, NULL), NULL);
  return text;
}

char *fixture_register_text(unsigned units)
{
  GString *text =
      g_string_new("unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,"
                   "succeeds,from,to\n");
  for (unsigned n = 0; n < units; n++)
    g_string_append_printf(text, "%s,enterprise,,企业%u,east,,1,C3610,,,正常,,,\n", fixture_unit(n), n);
  return g_string_free(text, FALSE);
}

static struct bytes_view view(const uint8_t *bytes)
{
  return (struct bytes_view){bytes, 32};
}

static void enrol(struct fixture_home *fixture, const char *endpoint)
{
  GError *error = NULL;
  g_autofree char *key = g_build_filename(fixture->data, "identity.key", NULL);
  CLEANUP(identity_free) struct identity *agent = identity_create(key, &error);
  must(agent != NULL, error);
  struct certificate certificate = {.agent = "east-1",
                                    .area = "east",
                                    .curve_key = view(identity_curve_public(agent)),
                                    .sign_key = view(identity_sign_public(agent)),
                                    .issued_at_ms = 1};
  g_autoptr(GByteArray) payload = certificate_encode(&certificate);
  g_autoptr(GByteArray) sealed =
      identity_seal(fixture->server, SEAL_CERTIFICATE, payload->data, payload->len, NULL);
  struct invitation invitation = {.endpoint = endpoint ? endpoint : "tcp://127.0.0.1:9",
                                  .curve_key = view(identity_curve_public(fixture->server)),
                                  .sign_key = view(identity_sign_public(fixture->server))};
  must(home_enrol(fixture->data, &invitation, sealed->data, sealed->len, &error), error);
}

void fixture_home_enrol(struct fixture_home *fixture, const char *endpoint, const char *config)
{
  GError *error = NULL;
  fixture_ledger_set_back(FIXTURE_FIRST);
  *fixture = (struct fixture_home){.folder = g_dir_make_tmp("parktally-XXXXXX", NULL)};
  fixture->data = g_build_filename(fixture->folder, "data", NULL);
  must(g_mkdir(fixture->data, 0700) == 0, NULL);
  g_autofree char *key = g_build_filename(fixture->folder, "server.key", NULL);
  fixture->server = identity_create(key, &error);
  must(fixture->server != NULL, error);
  enrol(fixture, endpoint);
  if (config) g_free(fixture_file(fixture, "data/agent.yaml", config));
  fixture_home_reopen(fixture);
}

void fixture_home_setup(struct fixture_home *fixture, const char *config)
{
  fixture_home_enrol(fixture, NULL, config);
  g_autofree char *catalogue = fixture_catalogue_text();
  g_autofree char *units = fixture_register_text(FIXTURE_UNITS);
  fixture_home_store(fixture, DOCUMENT_OF_CATALOGUE, catalogue);
  fixture_home_store(fixture, DOCUMENT_OF_REGISTER, units);
}

void fixture_home_reopen(struct fixture_home *fixture)
{
  GError *error = NULL;
  home_free(fixture->home);
  fixture->home = home_open(fixture->data, NULL, &error);
  must(fixture->home != NULL, error);
}

static void remove_tree(const char *path)
{
  GDir *folder = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
  if (folder) {
    for (const char *name; (name = g_dir_read_name(folder));) {
      g_autofree char *inner = g_build_filename(path, name, NULL);
      remove_tree(inner);
    }
    g_dir_close(folder);
  }
  g_remove(path);
}

void fixture_home_teardown(struct fixture_home *fixture)
{
  home_free(fixture->home);
  identity_free(fixture->server);
  remove_tree(fixture->folder);
  g_free(fixture->data);
  g_free(fixture->folder);
}

GByteArray *fixture_manifest(const struct fixture_home *fixture, enum document_kind kind, const char *text,
                             size_t length)
{
  size_t count = (length + LIMIT_CHUNK_BYTES - 1) / LIMIT_CHUNK_BYTES;
  g_autofree uint8_t(*chunks)[SEAL_HASH_SIZE] = g_malloc0((count + 1) * SEAL_HASH_SIZE);
  for (size_t i = 0; i < count; i++) {
    size_t start = i * LIMIT_CHUNK_BYTES;
    seal_hash((const uint8_t *)text + start, MIN(length - start, LIMIT_CHUNK_BYTES), chunks[i]);
  }
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash((const uint8_t *)text, length, hash);
  struct manifest manifest = {.kind = kind,
                              .hash = view(hash),
                              .size = length,
                              .chunks = (const uint8_t(*)[SEAL_HASH_SIZE])chunks,
                              .chunk_count = count,
                              .area = kind == DOCUMENT_OF_REGISTER ? "east" : ""};
  g_autoptr(GByteArray) payload = manifest_encode(&manifest);
  return identity_seal(fixture->server, SEAL_MANIFEST, payload->data, payload->len, NULL);
}

void fixture_home_store(struct fixture_home *fixture, enum document_kind kind, const char *text)
{
  GError *error = NULL;
  g_autoptr(GByteArray) manifest = fixture_manifest(fixture, kind, text, strlen(text));
  must(home_store_document(fixture->home, kind, (const uint8_t *)text, strlen(text), manifest->data,
                           manifest->len, &error),
       error);
}

char *fixture_file(const struct fixture_home *fixture, const char *name, const char *content)
{
  char *path = g_build_filename(fixture->folder, name, NULL);
  must(g_file_set_contents(path, content, -1, NULL), NULL);
  return path;
}

struct outbox *fixture_outbox(const struct fixture_home *fixture)
{
  GError *error = NULL;
  g_autofree char *path = g_build_filename(fixture->data, "outbox.db", NULL);
  struct outbox *outbox = outbox_open(path, &error);
  must(outbox != NULL, error);
  return outbox;
}

struct report_change fixture_change(unsigned asked, const int64_t *values)
{
  struct report_change change = {.kind = KIND_FIGURES};
  for (unsigned i = 0; i < asked; i++) {
    column_set_add(&change.asked, i);
    if (values[i] >= 0) figures_set(&change.figures, i, values[i]);
  }
  return change;
}

void fixture_submission(const struct fixture_home *fixture, struct outbox *outbox, int64_t batch,
                        const struct fixture_report *reports, size_t count,
                        uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  GError *error = NULL;
  const struct catalogue *catalogue = fixture->home->catalogue;
  int form = catalogue_form(catalogue, "monthly");
  CLEANUP(submission_writer_free) struct submission_writer *writer = submission_writer_new(catalogue, form);
  for (size_t i = 0; i < count; i++)
    must(submission_writer_add(writer, fixture_unit(reports[i].unit), &reports[i].change, reports[i].base),
         NULL);
  uint64_t sequence = outbox_sequence(outbox);
  struct submission_head head = {.agent = "east-1",
                                 .sequence = sequence,
                                 .form = "monthly",
                                 .period = "2018-05",
                                 .approved_by = "张三",
                                 .approved_at_ms = 1,
                                 .responsible = "",
                                 .filler = "",
                                 .telephone = "",
                                 .created_at_ms = 1};
  memcpy(head.catalogue_hash, catalogue->hash, sizeof head.catalogue_hash);
  g_autoptr(GByteArray) payload = submission_writer_finish(writer, &head);
  g_autoptr(GByteArray) sealed =
      identity_seal(fixture->home->identity, SEAL_SUBMISSION, payload->data, payload->len, ret_id);
  struct period may = {2018, 5, 1};
  must(outbox_batch_add(outbox, batch, sequence, ret_id, "monthly", may, fixture_unit(reports[0].unit),
                        fixture_unit(reports[count - 1].unit), count, sealed, &error),
       error);
}

void fixture_sendable(const struct fixture_home *fixture, struct outbox *outbox,
                      const struct fixture_report *reports, size_t count, uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  GError *error = NULL;
  int64_t batch;
  must(outbox_batch_begin(outbox, "may.csv", 1, &batch, &error), error);
  fixture_submission(fixture, outbox, batch, reports, count, ret_id);
  must(outbox_batch_commit(outbox, batch, &error), error);
}

/* --- the ledger --- */

static struct {
  GMutex mutex;
  uint64_t size;
  bool lies;
  uint8_t id[FIXTURE_LEAVES][SUBMISSION_ID_SIZE], leaf[FIXTURE_LEAVES][MERKLE_HASH_SIZE];
} ledger;

static bool read_leaves(unsigned level, uint64_t first, size_t count, uint8_t (*ret_hashes)[MERKLE_HASH_SIZE],
                        void *data)
{
  (void)data;
  memcpy(ret_hashes, ledger.leaf[first], count * MERKLE_HASH_SIZE);
  return level == 0;
}

static uint64_t position_of(const uint8_t *id)
{
  uint64_t n = 0;
  while (n < ledger.size && memcmp(ledger.id[n], id, SUBMISSION_ID_SIZE) != 0) n++;
  if (n < ledger.size) return n;
  must(n < FIXTURE_LEAVES, NULL);
  memcpy(ledger.id[n], id, SUBMISSION_ID_SIZE);
  merkle_leaf_hash(id, SUBMISSION_ID_SIZE, ledger.leaf[n]);
  return ledger.size++;
}

void fixture_ledger_set_back(uint64_t size)
{
  g_mutex_lock(&ledger.mutex);
  ledger.size = size;
  g_mutex_unlock(&ledger.mutex);
}

void fixture_ledger_lies(bool lies)
{
  g_mutex_lock(&ledger.mutex);
  ledger.lies = lies;
  g_mutex_unlock(&ledger.mutex);
}

void fixture_ledger_alter(uint64_t position)
{
  g_mutex_lock(&ledger.mutex);
  ledger.leaf[position][0] ^= 1;
  g_mutex_unlock(&ledger.mutex);
}

static GBytes *seal_head(const struct fixture_home *fixture)
{
  uint8_t root[MERKLE_HASH_SIZE];
  must(merkle_root_of(ledger.size, read_leaves, NULL, root), NULL);
  struct signed_head head = {.size = ledger.size, .root = view(root), .recorded_at_ms = 1528632000000};
  g_autoptr(GByteArray) payload = signed_head_encode(&head);
  return g_byte_array_free_to_bytes(
      identity_seal(fixture->server, SEAL_HEAD, payload->data, payload->len, NULL));
}

GBytes *fixture_head(const struct fixture_home *fixture, const uint64_t *from, size_t count)
{
  struct consistency_item items[LIMIT_HEADS_ASKED];
  struct merkle_proof proofs[LIMIT_HEADS_ASKED];
  struct frame frame = {.kind = FRAME_HEAD, .head.items = items};
  g_mutex_lock(&ledger.mutex);
  for (size_t n = 0; n < count; n++) {
    if (from[n] > ledger.size) continue;
    struct merkle_proof *proof = &proofs[frame.head.count];
    must(merkle_prove_consistency(from[n], ledger.size, read_leaves, NULL, proof), NULL);
    items[frame.head.count++] =
        (struct consistency_item){from[n], {(const uint8_t(*)[MERKLE_HASH_SIZE])proof->hash, proof->count}};
  }
  g_autoptr(GBytes) sealed = seal_head(fixture);
  g_mutex_unlock(&ledger.mutex);
  frame.head.sealed.data = g_bytes_get_data(sealed, &frame.head.sealed.length);
  return frame_encode(&frame);
}

/* What a receipt of the submission says of the ledger: the head is the one that it made. */
struct place {
  uint8_t root[MERKLE_HASH_SIZE];
  struct merkle_proof path;
};

static void take_place(struct receipt *receipt, struct place *place)
{
  g_mutex_lock(&ledger.mutex);
  receipt->position = position_of(receipt->submission.data);
  receipt->tree_size = receipt->position + 1;
  must(merkle_root_of(receipt->tree_size, read_leaves, NULL, place->root) &&
           merkle_prove_inclusion(receipt->position, receipt->tree_size, read_leaves, NULL, &place->path),
       NULL);
  receipt->tree_root = view(place->root);
  receipt->leaf_hash = view(ledger.leaf[receipt->position]);
  if (ledger.lies) place->path.hash[0][0] ^= 1;
  receipt->path =
      (struct hashes_view){(const uint8_t(*)[MERKLE_HASH_SIZE])place->path.hash, place->path.count};
  g_mutex_unlock(&ledger.mutex);
}

static struct receipt make_receipt(const uint8_t *id, unsigned reports, const struct refusal *refusals,
                                   size_t count, unsigned total, struct place *place)
{
  struct receipt receipt = {.submission = view(id),
                            .agent = "east-1",
                            .sequence = 1,
                            .recorded_at_ms = 1528632000000,
                            .refusals = refusals,
                            .refusal_count = count,
                            .refusals_total = total};
  for (size_t i = 0; i < count; i++) {
    receipt.stale += refusals[i].verdict == VERDICT_IS_STALE;
    receipt.waiting += refusals[i].verdict == VERDICT_IS_WAITING;
    receipt.refused += refusals[i].verdict == VERDICT_IS_REFUSED;
  }
  receipt.refused += total - (unsigned)count;
  receipt.counted = reports - total;
  take_place(&receipt, place);
  return receipt;
}

GByteArray *fixture_receipt(const struct fixture_home *fixture, const uint8_t id[SUBMISSION_ID_SIZE],
                            unsigned reports, const struct refusal *refusals, size_t count, unsigned total)
{
  struct place place;
  struct receipt receipt = make_receipt(id, reports, refusals, count, total, &place);
  g_autoptr(GByteArray) payload = receipt_encode(&receipt);
  return identity_seal(fixture->server, SEAL_RECEIPT, payload->data, payload->len, NULL);
}

void fixture_answer(const struct fixture_home *fixture, struct outbox *outbox,
                    const uint8_t id[SUBMISSION_ID_SIZE], unsigned reports, const struct refusal *refusals,
                    size_t count, unsigned total)
{
  GError *error = NULL;
  struct place place;
  struct receipt receipt = make_receipt(id, reports, refusals, count, total, &place);
  g_autoptr(GByteArray) sealed = fixture_receipt(fixture, id, reports, refusals, count, total);
  must(outbox_receipt(outbox, sealed->data, sealed->len, &receipt, &error), error);
}
