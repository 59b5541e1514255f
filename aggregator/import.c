/* park-aggregator import: what agents exported to a stick, and the receipts that go back on it. */
#include "aggregator/import.h"

#include "common/durable.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/satchel.h"
#include "common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct import {
  struct office_caller *caller;
  struct control_request *request;
  const char *name; /* of the file, as it was given */
  struct satchel_writer *receipts;
  char *agent; /* of its certificate; NULL: not known */

  int piece; /* memfd of what is to be handed over; −1: nothing is */
  size_t bytes;
  GArray *sequences; /* uint64_t, of the piece's records */

  uint64_t submissions, counted, known, refused, put_off, troubles, untold;
  uint64_t reports_counted, reports_unchanged, reports_stale, reports_waiting, reports_refused;
};

/* --- what is said --- */

/* Of a file that is refused line by line the first lines are enough. */
static void say(struct import *import, uint64_t sequence, const char *what)
{
  struct control_output *output = import->request->output;
  if (import->troubles++ >= LIMIT_MISTAKES) {
    import->untold++;
    return;
  }
  if (sequence == 0)
    control_err(output, "%s: %s\n", import->name, what);
  else if (import->agent)
    control_err(output, _("%s, agent %s, submission %" PRIu64 ": %s\n"), import->name, import->agent,
                sequence, what);
  else
    control_err(output, _("%s, submission %" PRIu64 ": %s\n"), import->name, sequence, what);
}

static void print_sum(const struct import *import, const char *receipts)
{
  struct control_output *output = import->request->output;
  if (import->untold > 0) control_err(output, _("… and %" PRIu64 " more\n"), import->untold);
  control_out(output,
              _("%s: agent %s, %" PRIu64 " submissions: %" PRIu64 " taken now, %" PRIu64
                " known already, %" PRIu64 " refused whole, %" PRIu64 " put off\n"),
              import->name, import->agent ? import->agent : "?", import->submissions, import->counted,
              import->known, import->refused, import->put_off);
  if (import->counted > 0)
    control_out(output,
                _("%s: of the reports taken now %" PRIu64 " are counted, %" PRIu64 " unchanged, %" PRIu64
                  " overtaken by others, %" PRIu64 " waiting, %" PRIu64 " refused\n"),
                import->name, import->reports_counted, import->reports_unchanged, import->reports_stale,
                import->reports_waiting, import->reports_refused);
  if (import->put_off > 0)
    control_err(output,
                _("%s: nothing of what was put off is lost; give the command again when there is "
                  "room on the server's disk\n"),
                import->name);
  control_out(output,
              _("%s: the receipts are in %s; bring them back, where “park-agent outbox import FILE” takes "
                "them\n"),
              import->name, receipts);
}

/* --- answers --- */

static void add_reports(struct import *import, const uint8_t *sealed, size_t length)
{
  const uint8_t *payload;
  size_t payload_length;
  if (!seal_peek(sealed, length, SEAL_RECEIPT, &payload, &payload_length)) return;
  CLEANUP(receipt_free) struct receipt *receipt = receipt_decode(payload, payload_length);
  if (!receipt) return;
  import->reports_counted += receipt->counted;
  import->reports_unchanged += receipt->unchanged;
  import->reports_stale += receipt->stale;
  import->reports_waiting += receipt->waiting;
  import->reports_refused += receipt->refused;
}

static void say_fault(struct import *import, uint64_t sequence, const uint8_t *data, size_t length)
{
  CLEANUP(frame_free) struct frame *frame = frame_decode(data, length);
  if (!frame || frame->kind != FRAME_FAULT) return;
  enum finding_code code = finding_from_id(frame->fault.code);
  g_autofree char *what =
      g_strdup_printf(_("refused whole: %s (%s) [%s]"), code == FINDING_COUNT ? "" : finding_text(code),
                      frame->fault.text, frame->fault.code);
  say(import, sequence, what);
}

static void take_answer(struct import *import, enum import_outcome what, uint64_t sequence,
                        const uint8_t *data, size_t length)
{
  switch (what) {
  case IMPORT_NEW:
    import->counted++;
    add_reports(import, data, length);
    satchel_put(import->receipts, SATCHEL_RECEIPT, sequence, data, length);
    break;
  case IMPORT_KNOWN:
    import->known++;
    satchel_put(import->receipts, SATCHEL_RECEIPT, sequence, data, length);
    break;
  case IMPORT_FAULT:
    import->refused++;
    say_fault(import, sequence, data, length);
    satchel_put(import->receipts, SATCHEL_FAULT, sequence, data, length);
    break;
  case IMPORT_KEYS:
    if (length > 0) satchel_put(import->receipts, SATCHEL_KEYS, 0, data, length);
    break;
  case IMPORT_PAGE:
    satchel_put(import->receipts, SATCHEL_REFUSALS, sequence, data, length);
    break;
  case IMPORT_BUSY:
  case IMPORT_RECORD:
    import->put_off++;
    break;
  }
}

/* False if it is not one answer for each record. */
static bool take_answers(struct import *import, GBytes *answers)
{
  gsize left;
  const uint8_t *data = g_bytes_get_data(answers, &left);
  unsigned n = 0;
  while (left >= sizeof(struct import_head)) {
    struct import_head head;
    memcpy(&head, data, sizeof head);
    data += sizeof head;
    left -= sizeof head;
    bool is_page = head.what == IMPORT_PAGE;
    if (head.length > left || head.length > LIMIT_CARRIED_BYTES || n + !is_page > import->sequences->len ||
        (is_page && n == 0))
      return false;
    if (!is_page) n++;
    take_answer(import, head.what, g_array_index(import->sequences, uint64_t, n - 1), data, head.length);
    data += head.length;
    left -= head.length;
  }
  return left == 0 && n == import->sequences->len;
}

/* --- pieces --- */

static bool set_failed(const struct import *import, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("%s cannot be handed over: %s"), import->name,
              g_strerror(errno));
  return false;
}

static bool hand_over(struct import *import, GError **error)
{
  g_autoptr(GBytes) answers = NULL;
  g_autofree char *shown = g_filename_display_name(import->name);
  g_autofree char *option = g_strdup_printf("--" IMPORT_PIECE "=%s", shown);
  const char *words[] = {"import", option, NULL};
  int exit_code = 0;
  if (import->piece < 0) return true;
  bool asked = lseek(import->piece, 0, SEEK_SET) == 0
                   ? office_hand_over(import->caller, words, import->piece, &exit_code, &answers, error)
                   : set_failed(import, error);
  close(import->piece);
  import->piece = -1;
  import->bytes = 0;
  if (!asked) return false;
  if (exit_code != 0 || !take_answers(import, answers)) {
    g_set_error(error, PARKTALLY_ERROR, exit_code != 0 ? exit_code : ERROR_INTERNAL,
                _("%s: the answers did not come whole; give the command again, what was taken counts once"),
                import->name);
    return false;
  }
  g_array_set_size(import->sequences, 0);
  return true;
}

/* It goes into the piece. */
static bool take_sealed(struct import *import, const struct satchel_record *record, GError **error)
{
  struct import_head head = {.what = IMPORT_RECORD, .length = (uint32_t)record->length};
  if (import->bytes + record->length > LIMIT_PIECE_BYTES && !hand_over(import, error)) return false;
  if (import->piece < 0) import->piece = memfd_create("piece", MFD_CLOEXEC);
  if (import->piece < 0 || !durable_write(import->piece, &head, sizeof head) ||
      !durable_write(import->piece, record->data, record->length))
    return set_failed(import, error);
  import->bytes += sizeof head + record->length;
  import->submissions += record->kind == SATCHEL_SUBMISSION;
  g_array_append_val(import->sequences, record->sequence);
  return true;
}

/* --- a file --- */

/* Only names whose file it is: what each record is worth is told by its own seal. */
static void take_certificate(struct import *import, const struct satchel_record *record)
{
  const uint8_t *payload;
  size_t length;
  CLEANUP(certificate_free)
  struct certificate *certificate =
      seal_peek(record->data, record->length, SEAL_CERTIFICATE, &payload, &length)
          ? certificate_decode(payload, length)
          : NULL;
  if (!certificate) {
    say(import, 0, _("the agent's certificate in it cannot be read"));
    return;
  }
  g_free(import->agent);
  import->agent = g_strdup(certificate->agent);
  satchel_put(import->receipts, SATCHEL_CERTIFICATE, 0, record->data, record->length);
}

static bool take_record(struct import *import, const struct satchel_record *record, GError **error)
{
  switch (record->kind) {
  case SATCHEL_CERTIFICATE:
    take_certificate(import, record);
    return true;
  case SATCHEL_RETURN:
  case SATCHEL_SUBMISSION:
    return take_sealed(import, record, error);
  default: /* our own of before, or of a newer program */
    return true;
  }
}

static bool take_file(struct import *import, struct satchel_reader *reader, GError **error)
{
  for (;;) {
    struct satchel_record record;
    struct satchel_damage damage;
    switch (satchel_next(reader, &record, &damage, error)) {
    case SATCHEL_HAS_RECORD:
      if (!take_record(import, &record, error)) return false;
      break;
    case SATCHEL_HAS_DAMAGE: {
      g_autofree char *what = satchel_describe(&damage);
      say(import, damage.sequence, what);
      break;
    }
    case SATCHEL_AT_END:
      return hand_over(import, error);
    case SATCHEL_FAILED:
      return false;
    }
  }
}

static bool import_into(struct import *import, const char *receipts, GError **error)
{
  CLEANUP(satchel_reader_free) struct satchel_reader *reader = satchel_reader_open(import->name, error);
  if (!reader) return false;
  CLEANUP(satchel_writer_free)
  struct satchel_writer *writer = satchel_writer_new(receipts, SATCHEL_OF_RECEIPTS, error);
  if (!writer) return false;
  import->receipts = writer;
  bool taken = take_file(import, reader, error);
  /* What was taken before something failed has its receipts too. */
  g_autoptr(GError) unwritten = NULL;
  if (!satchel_writer_finish(writer, &unwritten) && taken) {
    g_propagate_error(error, g_steal_pointer(&unwritten));
    taken = false;
  }
  if (taken || import->counted + import->known > 0) print_sum(import, receipts);
  return taken;
}

static int import_file(struct office_caller *caller, struct control_request *request, const char *name,
                       const char *receipts)
{
  g_autofree char *beside = receipts ? g_strdup(receipts) : g_strconcat(name, ".receipts", NULL);
  g_autoptr(GArray) sequences = g_array_new(FALSE, FALSE, sizeof(uint64_t));
  struct import import = {
      .caller = caller, .request = request, .name = name, .piece = -1, .sequences = sequences};
  GError *error = NULL;
  bool taken = import_into(&import, beside, &error);
  if (import.piece >= 0) close(import.piece);
  g_free(import.agent);
  if (!taken) return office_fail(request, error);
  return import.put_off > 0 ? ERROR_TEMPORARY : import.troubles > 0 ? ERROR_DATA : 0;
}

/* --- the command --- */

static bool read_options(struct control_request *request, int *argc, char ***argv, char **ret_receipts,
                         char **ret_piece, int *ret_exit)
{
  const GOptionEntry entries[] = {
      {"receipts", 0, 0, G_OPTION_ARG_FILENAME, ret_receipts,
       N_("where the receipts go (default: FILE.receipts)"), N_("FILE")},
      {IMPORT_PIECE, 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, ret_piece, NULL, NULL},
      G_OPTION_ENTRY_NULL,
  };
  return office_options(request, entries, 0, INT16_MAX, argc, argv, ret_exit);
}

int office_import_files(struct office_caller *caller, struct control_request *request, int argc, char **argv)
{
  g_autofree char *receipts = NULL, *piece = NULL;
  int exit_code;
  if (!read_options(request, &argc, &argv, &receipts, &piece, &exit_code)) return exit_code;
  if (argc < 2 || piece) return office_misused(request, "%s", _("name a file that an agent exported"));
  if (receipts && argc > 2)
    return office_misused(request, "%s", _("--receipts goes with one file; each agent gets its own back"));
  exit_code = 0;
  for (int n = 1; n < argc; n++) {
    int code = import_file(caller, request, argv[n], receipts);
    if (exit_code == 0) exit_code = code;
  }
  return exit_code;
}

int office_import(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *receipts = NULL, *piece = NULL;
  int exit_code;
  if (!read_options(request, &argc, &argv, &receipts, &piece, &exit_code)) return exit_code;
  if (!piece || request->file < 0)
    return office_misused(request, "%s", _("the server knows no such command; is it of another version?"));
  return import_take_piece(office, request, piece);
}
