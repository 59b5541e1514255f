/* fuzz_seeds FOLDER: writes well-formed samples of each kind into FOLDER/frame, FOLDER/receipt, … */
#include "aggregator/front_zmtp.h"
#include "common/codec.h"
#include "common/satchel.h"
#include "common/submission.h"

#include <glib/gstdio.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;
static const uint8_t hash[SEAL_HASH_SIZE] = {1, 2, 3};
static const struct bytes_view hash_view = {hash, sizeof hash};
static uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], secret_key[SEAL_SECRET_KEY_SIZE];
static const struct refusal refusals[] = {
    {0, "91350100M000100Y43", "value.range", "revenue.ytd", "12", "0 or more", VERDICT_IS_REFUSED},
    {4, "914502000000000060", "report.stale", "", "", "ab", VERDICT_IS_STALE},
};

/* `kind` in front of the bytes, unless it is negative. */
static void write_seed(const char *target, int kind, const uint8_t *data, size_t length)
{
  static unsigned number;
  g_autofree char *place = g_build_filename(folder, target, NULL);
  g_autofree char *path = g_strdup_printf("%s/seed-%02u", place, number++);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  if (kind >= 0) g_byte_array_append(bytes, &(uint8_t){(uint8_t)kind}, 1);
  g_byte_array_append(bytes, data, (guint)length);
  g_autoptr(GError) error = NULL;
  if (g_mkdir_with_parents(place, 0777) == 0 &&
      g_file_set_contents(path, (const char *)bytes->data, bytes->len, &error))
    return;
  fprintf(stderr, "%s: %s\n", path, error != NULL ? error->message : "cannot make the folder");
  exit(EXIT_FAILURE);
}

static void write_array(const char *target, int kind, GByteArray *bytes)
{
  write_seed(target, kind, bytes->data, bytes->len);
  g_byte_array_unref(bytes);
}

static void write_frames(void)
{
  static const struct inquiry_item inquiry = {7,          "monthly", "2018-05", "A1",  "rule.verify:small",
                                              "output",   "9",       "≤ 8",     "why", 1,
                                              "new line", "李四",    2};
  static const struct consent_item consent = {"monthly", "2018-05", "A1", "staff"};
  static const char *const forms[] = {"rd-yearly"};
  const struct agent_item agent = {"liudong-2",      AGENT_OF_PARK,    forms,         1, hash_view,
                                   AGENT_IS_REVOKED, ENTRY_IS_WAITING, 1528070400000, 2, "liudong-1",
                                   "李四",           "second office",  1528070400001};
  const struct frame frames[] = {
      {.kind = FRAME_HELLO,
       .hello = {"liudong-1", "park-agent 0.1", 1528070400000, hash_view, hash_view, hash_view}},
      {.kind = FRAME_WELCOME, .welcome = {4, 1528070400000, hash_view, hash_view, 7, true, &hash_view, 1}},
      {.kind = FRAME_DOCUMENT_REQUEST, .document_request = {DOCUMENT_OF_REGISTER}},
      {.kind = FRAME_CHUNK_REQUEST, .chunk_request = {DOCUMENT_OF_CATALOGUE, hash_view, 2}},
      {.kind = FRAME_CHUNK, .chunk = {hash_view, 2, hash_view}},
      {.kind = FRAME_SUBMIT, .submit = {hash_view, hash_view}},
      {.kind = FRAME_RECEIPT, .receipt = {hash_view}},
      {.kind = FRAME_CERTIFICATE, .certificate = {hash_view}},
      {.kind = FRAME_BUSY, .busy = {hash_view, 1500}},
      {.kind = FRAME_FAULT, .fault = {hash_view, "seal.forged", "the signature does not hold"}},
      {.kind = FRAME_REFUSAL_REQUEST, .refusal_request = {hash_view, 500}},
      {.kind = FRAME_REFUSAL_PAGE,
       .refusal_page = {.id = hash_view, .total = 2, .refusals = refusals, .count = G_N_ELEMENTS(refusals)}},
      {.kind = FRAME_STATE_REQUEST, .state_request = {64}},
      {.kind = FRAME_STATE_PAGE,
       .state_page = {.state = 9,
                      .next = 2,
                      .inquiries = &inquiry,
                      .inquiry_count = 1,
                      .consents = &consent,
                      .consent_count = 1,
                      .agents = &agent,
                      .agent_count = 1}},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(frames); i++) {
    g_autoptr(GBytes) bytes = frame_encode(&frames[i]);
    gsize length;
    const uint8_t *data = g_bytes_get_data(bytes, &length);
    write_seed("frame", -1, data, length);
  }
}

static void write_submission(void)
{
  struct column columns[] = {{.code = "gross_output"}, {.code = "gross_output.ytd"}, {.code = "staff"}};
  struct form form = {.columns = columns, .column_count = G_N_ELEMENTS(columns)};
  struct catalogue catalogue = {.references = 1, .forms = &form, .form_count = 1};
  struct submission_writer *writer = submission_writer_new(&catalogue, 0);
  struct report_change change = {.kind = KIND_FIGURES}, nil = {.kind = KIND_NIL};
  for (unsigned c = 0; c < 3; c++) column_set_add(&change.asked, c);
  figures_set(&change.figures, 0, 1234567);
  figures_set(&change.figures, 2, -3);
  column_set_add(&change.withdrawn, 1);
  submission_writer_add(writer, "91350100M000100Y43", &change, NULL);
  submission_writer_add(writer, "914502000000000060", &change, hash);
  submission_writer_add(writer, "914502000000000060-01", &nil, NULL);
  const struct submission_head head = {.agent = "liudong-1",
                                       .sequence = 3,
                                       .form = "output-monthly",
                                       .period = "2018-01/P2M",
                                       .approved_by = "李明",
                                       .approved_at_ms = 1528070400000,
                                       .responsible = "王芳",
                                       .created_at_ms = 1528070400000};
  GByteArray *payload = submission_writer_finish(writer, &head);
  write_array("seal", -1,
              seal_make(SEAL_SUBMISSION, public_key, secret_key, payload->data, payload->len, NULL));
  write_array("submission", -1, payload);
  submission_writer_free(writer);
}

static void write_sealed(void)
{
  static const char *const findings[] = {"clock.off"}, *const forms[] = {"rd-yearly"};
  write_array("receipt", 0,
              receipt_encode(&(struct receipt){.submission = hash_view,
                                               .leaf_hash = hash_view,
                                               .agent = "liudong-1",
                                               .sequence = 3,
                                               .counted = 5,
                                               .position = 8,
                                               .tree_size = 9,
                                               .tree_root = hash_view,
                                               .refusals = refusals,
                                               .refusal_count = 2,
                                               .refusals_total = 2,
                                               .findings = findings,
                                               .finding_count = 1}));
  write_array(
      "receipt", 1,
      manifest_encode(&(struct manifest){DOCUMENT_OF_REGISTER, hash_view, 200000,
                                         (const uint8_t[2][SEAL_HASH_SIZE]){{1}, {2}}, 2, "liudong"}));
  write_array("receipt", 2,
              certificate_encode(&(struct certificate){"liudong-1", "liudong", AGENT_OF_BUREAU, forms, 1,
                                                       hash_view, hash_view, 1528070400000}));
  write_array("receipt", 4,
              park_act_encode(&(struct park_act){.agent = "liudong-1",
                                                 .sequence = 3,
                                                 .created_at_ms = 1528070400000,
                                                 .kind = PARK_ANSWERS,
                                                 .answer = {7, "新增生产线", "李四", 1543314000000}}));
  write_array(
      "receipt", 4,
      park_act_encode(&(struct park_act){.agent = "liudong-1",
                                         .sequence = 4,
                                         .created_at_ms = 1528070400000,
                                         .kind = PARK_APPLIES,
                                         .application = {"91450200000000060X", "enterprise", "新企业", "3610",
                                                         "", "2018-06-01", "新建投产", "李四"}}));
  write_array(
      "receipt", 4,
      park_act_encode(&(struct park_act){.agent = "liudong-1",
                                         .sequence = 5,
                                         .created_at_ms = 1528070400000,
                                         .kind = PARK_ADMITS,
                                         .admission = {"liudong-2", hash_view, "new office", "李四"}}));
}

static void write_leaves(void)
{
  static const char *const findings[] = {"clock.off"}, *const forms[] = {"rd-yearly"};
  static const struct release releases[] = {{3, 1, VERDICT_IS_COUNTED}, {4, 0, VERDICT_IS_STALE}};
  static const uint8_t sealed[SEAL_HEADER_SIZE + 1] = {'P', 'T', 'L', 'Y', 1, 1};
  const struct bytes_view sealed_view = {sealed, sizeof sealed};
  static const struct examined examined = {7, "monthly", "2018-05", "liudong", refusals, 2, 3};
  static const uint64_t numbers[] = {1, 300};
  const struct leaf leaves[] = {
      {LEAF_GENESIS, 1, "op", "why", .genesis = {hash_view, hash_view}},
      {LEAF_CATALOGUE, 2, "op", "", .catalogue = {hash_view}},
      {LEAF_REGISTER, 3, "op", "", .register_ = {hash_view, releases, 2}},
      {LEAF_INVITATION, 4, "op", "", .invitation = {hash_view, "liudong", AGENT_OF_PARK, forms, 1, 9}},
      {LEAF_ENROLMENT, 5, "", "", .enrolment = {sealed_view, hash_view, ENTRY_IS_WAITING}},
      {LEAF_REVOCATION, 6, "op", "lost", .revocation = {"liudong-1", 1528243200000}},
      {LEAF_KEY, 18, "op", "why", .key = {sealed_view}},
      {LEAF_SUBMISSION, 7, "", "", .submission = {sealed_view, refusals, 2, releases, 2, findings, 1}},
      {LEAF_PARK_ACT, 8, "", "", .park_act = {sealed_view, refusals, 1}},
      {LEAF_EXAMINATION, 9, "", "", .examination = {8, &examined, 1}},
      {LEAF_ASK, 10, "op", "why", .ask = {0, "monthly", "2018-05", "A1", "liudong", "output"}},
      {LEAF_ACCEPT, 11, "op", "", .accept = {numbers, 2, "", "", ""}},
      {LEAF_DECLINE, 13, "op", "why", .decline = {1, releases, 2}},
      {LEAF_EDITION, 14, "op", "why", .edition = {sealed_view}},
      {LEAF_EPOCH, 15, "op", "why", .epoch = {sealed_view, &sealed_view, 1}},
      {LEAF_RESUME, 16, "op", "why", .resume = {1}},
      {LEAF_NOTE, 17, "op", "", .note = {"reload", "aggregator.yaml"}},
      {LEAF_CONSENT, 12, "op", "why", .consent = {"monthly", "2018-05", "A1", "liudong", "staff"}},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(leaves); i++) write_array("receipt", 3, leaf_encode(&leaves[i], NULL));
  static const uint8_t consent[KEY_CONSENT_SIZE];
  write_array(
      "receipt", 5,
      key_change_encode(&(struct key_change){
          "liudong-1", 9, 0, hash_view, hash_view, 1528243200000, "op", "why", {consent, sizeof consent}}));
  write_array("receipt", 6, return_encode(&(struct return_record){sealed_view, &sealed_view, 1}));
}

static void write_invitations(void)
{
  g_autofree char *text = invitation_encode(&(struct invitation){
      "tcp://127.0.0.1:7650", "tcp://127.0.0.1:7651", hash_view, hash_view, hash_view, 1528243200000});
  write_seed("invitation", -1, (const uint8_t *)text, strlen(text));
  uint8_t message[1024];
  size_t length;
  const char *encoded = strrchr(text, ':') + 1;
  if (sodium_base642bin(message, sizeof message, encoded, strlen(encoded), NULL, &length, NULL,
                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0)
    write_seed("invitation", -1, message, length - 6); /* without its check: the target adds one */

  struct join_record join = {.secret = {1}, .curve_key = {2}};
  uint8_t bytes[JOIN_SIZE];
  memcpy(join.sign_key, public_key, sizeof join.sign_key);
  join_encode(&join, secret_key, bytes);
  write_seed("invitation", -1, bytes, sizeof bytes);
}

/* A whole file: a submission, its receipt and a fault. */
static void write_satchel(void)
{
  g_autofree char *path = g_build_filename(folder, "a-satchel", NULL);
  const struct frame fault = {.kind = FRAME_FAULT, .fault = {hash_view, "seal.forged", "no"}};
  g_autoptr(GBytes) frame = frame_encode(&fault);
  gsize length;
  const uint8_t *bytes = g_bytes_get_data(frame, &length);
  g_autofree char *data = NULL;
  g_autoptr(GError) error = NULL;
  CLEANUP(satchel_writer_free)
  struct satchel_writer *writer = satchel_writer_new(path, SATCHEL_OF_RECEIPTS, &error);
  if (writer) {
    satchel_put(writer, SATCHEL_SUBMISSION, 1, hash, sizeof hash);
    satchel_put(writer, SATCHEL_RECEIPT, 1, hash, sizeof hash);
    satchel_put(writer, SATCHEL_FAULT, 2, bytes, length);
  }
  if (!writer || !satchel_writer_finish(writer, &error) ||
      !g_file_get_contents(path, &data, &length, &error)) {
    fprintf(stderr, "%s\n", error->message);
    exit(EXIT_FAILURE);
  }
  write_seed("satchel", -1, (const uint8_t *)data, length);
  g_unlink(path);
}

static void add_record(GByteArray *file, char kind, const void *data, size_t length)
{
  const uint8_t header[] = {(uint8_t)length, (uint8_t)(length >> 8), 0, 0, (uint8_t)kind};
  g_byte_array_append(file, header, sizeof header);
  g_byte_array_append(file, data, (guint)length);
}

static void add_leaf(GByteArray *file, struct leaf leaf)
{
  static int64_t now_ms = 1528070400000;
  leaf.recorded_at_ms = now_ms++;
  leaf.by = leaf.reason = "";
  g_autoptr(GByteArray) bytes = leaf_encode(&leaf, NULL);
  add_record(file, 'L', bytes->data, bytes->len);
}

static GByteArray *seal_submission(const struct catalogue *catalogue)
{
  int form = catalogue_form(catalogue, "monthly");
  CLEANUP(submission_writer_free) struct submission_writer *writer = submission_writer_new(catalogue, form);
  struct report_change change = {.kind = KIND_FIGURES};
  struct submission_head head = {.agent = "east-1",
                                 .sequence = 1,
                                 .form = "monthly",
                                 .period = "2018-01",
                                 .approved_by = "李明",
                                 .responsible = "",
                                 .filler = "",
                                 .telephone = ""};
  column_set_add(&change.asked, 0);
  figures_set(&change.figures, 0, 12);
  submission_writer_add(writer, "A1", &change, NULL);
  submission_writer_add(writer, "A2", &change, hash); /* waits */
  memcpy(head.catalogue_hash, catalogue->hash, sizeof head.catalogue_hash);
  g_autoptr(GByteArray) payload = submission_writer_finish(writer, &head);
  return seal_make(SEAL_SUBMISSION, public_key, secret_key, payload->data, payload->len, NULL);
}

/* A whole ledger, in which nothing is wrong but its head and its end. */
static void write_export(void)
{
  static const char register_csv[] = "unit,class,parks\nA1,code,east\nA2,code,east;west\n";
  static const char totals[] = "monthly,2018-01,zone,all,output,12,1\nmonthly,2018-01,zone,all,,0,1\n";
  static const struct refusal waits = {1, "A2", "report.waiting", "", "", "", VERDICT_IS_WAITING};
  const struct bytes_view key = {public_key, sizeof public_key};
  CLEANUP(catalogue_unref)
  struct catalogue *catalogue = catalogue_read(SOURCE_DIR "/tests/data/small.yaml", NULL);
  g_autoptr(GByteArray) certificate = certificate_encode(
      &(struct certificate){"east-1", "east", AGENT_OF_PARK, NULL, 0, hash_view, key, 1528070400000});
  g_autoptr(GByteArray) sealed_certificate =
      seal_make(SEAL_CERTIFICATE, public_key, secret_key, certificate->data, certificate->len, NULL);
  g_autoptr(GByteArray) submission = seal_submission(catalogue);
  g_autoptr(GByteArray) file = g_byte_array_new();
  g_byte_array_append(file, (const uint8_t *)"PTLYLDG1", 8);
  add_record(file, 'H', hash, sizeof hash);
  add_leaf(file, (struct leaf){.kind = LEAF_GENESIS, .genesis = {hash_view, key}});
  add_leaf(file, (struct leaf){.kind = LEAF_CATALOGUE,
                               .catalogue = {{(const uint8_t *)catalogue->text, catalogue->text_length}}});
  add_leaf(file,
           (struct leaf){.kind = LEAF_REGISTER,
                         .register_ = {{(const uint8_t *)register_csv, strlen(register_csv)}, NULL, 0}});
  add_leaf(file, (struct leaf){.kind = LEAF_INVITATION,
                               .invitation = {hash_view, "east", AGENT_OF_PARK, NULL, 0, 9}});
  add_leaf(file, (struct leaf){.kind = LEAF_ENROLMENT,
                               .enrolment = {{sealed_certificate->data, sealed_certificate->len},
                                             hash_view,
                                             ENTRY_IS_FIRST}});
  add_leaf(file,
           (struct leaf){.kind = LEAF_SUBMISSION,
                         .submission = {{submission->data, submission->len}, &waits, 1, NULL, 0, NULL, 0}});
  add_leaf(file, (struct leaf){.kind = LEAF_PERIOD, .period = {"monthly", "2018-01", PERIOD_TO_CLOSE, ""}});
  add_record(file, 'T', totals, strlen(totals));
  add_record(file, 'E', hash, sizeof hash);
  write_seed("export", -1, file->data, file->len);
}

/* A frame of ZMTP, whose content begins with a word. */
static void add_zmtp(GByteArray *bytes, uint8_t flags, const char *word, size_t length)
{
  uint8_t head[9] = {flags, (uint8_t)length};
  size_t size = flags & 2 ? 9 : 2;
  g_autofree uint8_t *content = g_malloc0(length);
  if (size == 9) head[1] = 0, head[7] = (uint8_t)(length >> 8), head[8] = (uint8_t)length;
  memcpy(content, word, MIN(length, strlen(word)));
  g_byte_array_append(bytes, head, (guint)size);
  g_byte_array_append(bytes, content, (guint)length);
}

/* Both sides of a conversation; the first byte chooses the side and the pieces. */
static void write_zmtp(void)
{
  for (int server = 0; server < 2; server++) {
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, zmtp_greeting, sizeof zmtp_greeting);
    add_zmtp(bytes, 4, server ? "\007WELCOME" : "\005HELLO", server ? 168 : 200);
    add_zmtp(bytes, server ? 4 : 6, server ? "\005READY" : "\010INITIATE", server ? 65 : 292);
    add_zmtp(bytes, 0, "\007MESSAGE", ZMTP_SMALL_MOST);
    add_zmtp(bytes, 2, "\007MESSAGE", 600);
    add_zmtp(bytes, 0, "\007MESSAGE", ZMTP_WRAPPING);
    write_array("zmtp", server | 17 << 1, bytes);
  }
}

int main(int argc, char **argv)
{
  static const uint8_t seed[crypto_sign_SEEDBYTES] = {7}; /* that of fuzz_seal.c */
  if (argc != 2) {
    fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 64;
  }
  folder = argv[1];
  crypto_sign_seed_keypair(public_key, secret_key, seed);
  write_frames();
  write_submission();
  write_sealed();
  write_leaves();
  write_invitations();
  write_satchel();
  write_export();
  write_zmtp();
  return 0;
}
