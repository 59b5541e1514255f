/* A piece of a file that came on a stick, taken where the store is: each record goes the way of what comes
 * over the network, through intake to the writer, a few at a time and in order. */
#include "aggregator/import.h"

#include "aggregator/intake.h"
#include "aggregator/office.h"
#include "aggregator/refusals.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A record on its way. */
struct slot {
  uint8_t id[SUBMISSION_ID_SIZE];
  bool answered;
  GBytes *receipt;
  char *fault, *fault_text;
};

struct piece {
  struct office *office;
  struct control_request *request;
  struct intake *intake;
  uint64_t leaves;   /* before this piece: a receipt of one of these is known */
  GHashTable *given; /* positions of receipts that were given in this piece */
  uint64_t taken, known, refused, put_off;

  GMutex mutex; /* over what follows */
  GCond answer;
  unsigned count, open;
  struct slot slots[LIMIT_CREDIT_AGENT];
};

/* --- answers, in a thread of intake's or the writer's --- */

static void take_answer(const struct intake_answer *answer, void *data)
{
  struct piece *piece = data;
  g_mutex_lock(&piece->mutex);
  for (unsigned n = 0; n < piece->count; n++) {
    struct slot *slot = &piece->slots[n];
    if (slot->answered || memcmp(slot->id, answer->id, sizeof slot->id) != 0) continue;
    slot->answered = true;
    slot->receipt = answer->receipt ? g_bytes_ref(answer->receipt) : NULL;
    slot->fault = g_strdup(answer->fault);
    slot->fault_text = g_strdup(answer->fault_text);
    piece->open--;
    break;
  }
  g_cond_signal(&piece->answer);
  g_mutex_unlock(&piece->mutex);
}

/* --- printing them --- */

static void put(struct piece *piece, enum import_outcome what, const void *data, size_t length)
{
  struct import_head head = {.what = what, .length = (uint32_t)length};
  control_write(piece->request->output, (const char *)&head, sizeof head);
  control_write(piece->request->output, data, length);
}

static void put_frame(struct piece *piece, enum import_outcome what, const struct frame *frame)
{
  g_autoptr(GBytes) bytes = frame_encode(frame);
  gsize length;
  const void *data = g_bytes_get_data(bytes, &length);
  put(piece, what, data, length);
}

/* What the receipt leaves out, or says of reports that were decided since. */
static void put_pages(struct piece *piece, const struct receipt *receipt)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(piece->office);
  const struct agent_record *agent = snapshot_agent(snapshot, receipt->agent);
  uint32_t offset = receipt->waiting > 0 ? 0 : (uint32_t)receipt->refusal_count;
  while (agent && offset < receipt->refusals_total) {
    CLEANUP(refusal_page_free)
    struct refusal_page *page = refusal_page_read(piece->office->reader, snapshot, agent->stored.area,
                                                  receipt->submission.data, offset);
    if (!page || refusal_page_frame(page)->refusal_page.count == 0) return;
    put_frame(piece, IMPORT_PAGE, refusal_page_frame(page));
    offset += (uint32_t)refusal_page_frame(page)->refusal_page.count;
  }
}

/* Our own: nothing of it is doubted. */
static void put_receipt(struct piece *piece, GBytes *sealed)
{
  gsize length;
  size_t payload_length = 0;
  const uint8_t *data = g_bytes_get_data(sealed, &length), *payload = NULL;
  CLEANUP(receipt_free)
  struct receipt *receipt = seal_peek(data, length, SEAL_RECEIPT, &payload, &payload_length)
                                ? receipt_decode(payload, payload_length)
                                : NULL;
  bool known = receipt && (receipt->position < piece->leaves ||
                           !g_hash_table_add(piece->given, g_memdup2(&receipt->position, sizeof(uint64_t))));
  piece->known += known;
  piece->taken += !known;
  put(piece, known ? IMPORT_KNOWN : IMPORT_NEW, data, length);
  if (receipt) put_pages(piece, receipt);
}

static void put_slot(struct piece *piece, struct slot *slot)
{
  if (slot->receipt) {
    put_receipt(piece, slot->receipt);
  } else if (slot->fault) {
    const struct frame frame = {.kind = FRAME_FAULT,
                                .fault = {{slot->id, sizeof slot->id}, slot->fault, slot->fault_text}};
    piece->refused++;
    put_frame(piece, IMPORT_FAULT, &frame);
  } else {
    piece->put_off++;
    put(piece, IMPORT_BUSY, "", 0);
  }
  if (slot->receipt) g_bytes_unref(slot->receipt);
  g_free(slot->fault);
  g_free(slot->fault_text);
}

/* --- taking records --- */

/* Waits until all that is on its way is answered, then prints the answers. */
static void settle(struct piece *piece)
{
  g_mutex_lock(&piece->mutex);
  while (piece->open > 0) g_cond_wait(&piece->answer, &piece->mutex);
  g_mutex_unlock(&piece->mutex);
  for (unsigned n = 0; n < piece->count; n++) put_slot(piece, &piece->slots[n]);
  piece->count = 0;
}

/* --- who shows its keys --- */

struct shown {
  struct piece *piece;
  bool answered;
  GError *error;
};

/* In the writer's thread. */
static void take_shown(GBytes *certificate, const GError *error, void *data)
{
  struct shown *shown = data;
  (void)certificate;
  g_mutex_lock(&shown->piece->mutex);
  shown->error = error ? g_error_copy(error) : NULL;
  shown->answered = true;
  g_cond_signal(&shown->piece->answer);
  g_mutex_unlock(&shown->piece->mutex);
}

static void put_keys(struct piece *piece)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(piece->office);
  g_autoptr(GBytes) papers = snapshot->keys ? key_papers_pack(snapshot->keys->papers) : g_bytes_new(NULL, 0);
  gsize length;
  const void *data = g_bytes_get_data(papers, &length);
  put(piece, IMPORT_KEYS, length > 0 ? data : "", length);
}

/* As where agents enrol, and before what is sealed with those keys. */
static void take_return(struct piece *piece, GBytes *sealed)
{
  struct shown shown = {.piece = piece};
  settle(piece);
  writer_return(piece->office->writer, sealed, take_shown, &shown);
  g_mutex_lock(&piece->mutex);
  while (!shown.answered) g_cond_wait(&piece->answer, &piece->mutex);
  g_mutex_unlock(&piece->mutex);
  if (shown.error) /* what it sealed is refused then, each by name */
    put(piece, IMPORT_KEYS, "", 0);
  else
    put_keys(piece);
  g_clear_error(&shown.error);
}

static void take_record(struct piece *piece, GBytes *sealed)
{
  gsize length;
  const uint8_t *data = g_bytes_get_data(sealed, &length), *payload = data;
  size_t payload_length = length;
  struct slot slot = {0};
  if (seal_claimed_label(data, length) == SEAL_RETURN) {
    take_return(piece, sealed);
    return;
  }
  if (piece->count == G_N_ELEMENTS(piece->slots)) settle(piece);
  if (!seal_peek(data, length, SEAL_SUBMISSION, &payload, &payload_length) &&
      !seal_peek(data, length, SEAL_ACT, &payload, &payload_length)) {
    payload = data; /* a name for it, as it has no id: intake refuses it */
    payload_length = length;
  }
  seal_hash(payload, payload_length, slot.id);
  g_mutex_lock(&piece->mutex);
  piece->slots[piece->count++] = slot;
  piece->open++;
  g_mutex_unlock(&piece->mutex);
  intake_take(piece->intake, piece->request->user, slot.id, sealed);
}

static bool set_cut(GError **error)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_DATA,
                      _("a piece of the file did not come whole; give the command again"));
  return false;
}

static bool read_all(int file, void *data, size_t length)
{
  char *rest = data;
  while (length > 0) {
    ssize_t got = read(file, rest, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    rest += got;
    length -= (size_t)got;
  }
  return true;
}

static bool take_records(struct piece *piece, uint64_t bytes, GError **error)
{
  while (bytes > 0) {
    struct import_head head;
    if (bytes < sizeof head || !read_all(piece->request->file, &head, sizeof head)) return set_cut(error);
    bytes -= sizeof head;
    if (head.what != IMPORT_RECORD || head.length > LIMIT_CARRIED_BYTES || head.length > bytes)
      return set_cut(error);
    bytes -= head.length;
    g_autofree uint8_t *data = g_malloc(head.length + 1);
    if (!read_all(piece->request->file, data, head.length)) return set_cut(error);
    g_autoptr(GBytes) sealed = g_bytes_new_take(g_steal_pointer(&data), head.length);
    take_record(piece, sealed);
  }
  return true;
}

static bool take_piece(struct piece *piece, GError **error)
{
  struct office *office = piece->office;
  struct stat facts;
  if (fstat(piece->request->file, &facts) != 0 || !S_ISREG(facts.st_mode) ||
      facts.st_size > (off_t)(2 * LIMIT_PIECE_BYTES))
    return set_cut(error);
  store_begin(office->reader);
  piece->leaves = store_leaf_count(office->reader);
  if (!store_commit(office->reader, error)) return false;
  piece->intake = intake_new(office->config->data, office->writer, take_answer, piece, error);
  if (!piece->intake) return false;
  bool taken = take_records(piece, (uint64_t)facts.st_size, error);
  settle(piece);
  intake_free(piece->intake);
  return taken;
}

int import_take_piece(struct office *office, struct control_request *request, const char *name)
{
  GError *error = NULL;
  struct piece piece = {.office = office, .request = request};
  piece.given = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  g_mutex_init(&piece.mutex);
  g_cond_init(&piece.answer);
  bool taken = take_piece(&piece, &error);
  g_mutex_clear(&piece.mutex);
  g_cond_clear(&piece.answer);
  g_hash_table_unref(piece.given);
  log_say(LOG_LEVEL_NOTICE, "import.done",
          _("%s, by %s: %" PRIu64 " submissions counted, %" PRIu64 " known already, %" PRIu64
            " refused whole, %" PRIu64 " put off"),
          name, request->user, piece.taken, piece.known, piece.refused, piece.put_off);
  if (piece.taken > 0 && taken)
    taken = writer_note(office->writer, request->user, "", "import", name, &error);
  return taken ? 0 : office_fail(request, error);
}
