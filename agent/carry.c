/* park-agent outbox export, outbox import: where no network goes, what is sent and what comes back travels in
 * a file. */
#include "agent/answer.h"
#include "agent/commands.h"
#include "agent/home.h"
#include "agent/outbox.h"
#include "agent/sealed.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/satchel.h"
#include "common/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAVE_BYTES LIMIT_MIB /* of records, after which what was taken back is durable */

/* --- export --- */

struct export
{
  struct satchel_writer *writer;
  uint64_t submissions, answered, damaged;
  int exit_code;
};

static bool put_answer(struct export *export, const struct outbox_carried *carried)
{
  if (carried->receipt.length > 0 && carried->receipt.length <= LIMIT_SEALED_BYTES)
    return satchel_put(export->writer, SATCHEL_RECEIPT, carried->sequence, carried->receipt.data,
                       carried->receipt.length);
  if (!*carried->fault || strcmp(carried->fault, OUTBOX_DAMAGED) == 0) return true;
  const struct frame frame = {
      .kind = FRAME_FAULT,
      .fault = {{carried->id, sizeof carried->id}, carried->fault, carried->text},
  };
  g_autoptr(GBytes) bytes = frame_encode(&frame);
  gsize length;
  const uint8_t *data = g_bytes_get_data(bytes, &length);
  return satchel_put(export->writer, SATCHEL_FAULT, carried->sequence, data, length);
}

static bool put(const struct outbox_carried *carried, void *data)
{
  struct export *export = data;
  if (carried->sealed.length == 0 && strcmp(carried->form, OUTBOX_FORM_LOST) != 0) {
    export->damaged++;
    fprintf(stderr,
            _("submission %" PRIu64
              " (%s %s) is damaged in the outbox and is left out; “park-agent outbox check” says what to "
              "do\n"),
            carried->sequence, carried->form, carried->period);
  }
  if (carried->sealed.length > 0) {
    export->submissions++;
    if (!satchel_put(export->writer, SATCHEL_SUBMISSION, carried->sequence, carried->sealed.data,
                     carried->sealed.length))
      return false;
  }
  export->answered += carried->receipt.length > 0;
  return put_answer(export, carried);
}

static bool export_all(struct home *home, struct outbox *outbox, const char *path, bool all, int *ret_exit,
                       GError **error)
{
  CLEANUP(satchel_writer_free)
  struct satchel_writer *writer = satchel_writer_new(path, SATCHEL_OF_OUTBOX, error);
  if (!writer) return false;
  struct export export = {.writer = writer};
  gsize length;
  const uint8_t *certificate = g_bytes_get_data(home->sealed_certificate, &length);
  satchel_put(writer, SATCHEL_CERTIFICATE, 0, certificate, length);
  g_autoptr(GBytes) shown = home_return(home);
  const uint8_t *keys = g_bytes_get_data(shown, &length);
  satchel_put(writer, SATCHEL_RETURN, 0, keys, length);
  if (!outbox_each_carried(outbox, all, put, &export, error) || !satchel_writer_finish(writer, error))
    return false;
  printf(all ? _("%s: %" PRIu64 " submissions, with %" PRIu64 " receipts\n")
             : _("%s: %" PRIu64 " submissions that wait for an answer\n"),
         path, export.submissions, export.answered);
  if (export.submissions > 0)
    printf(
        _("In the city “park-aggregator import %s” takes them; bring back the receipts that it writes, and "
          "give “park-agent outbox import FILE”.\n"),
        path);
  *ret_exit = export.damaged > 0 ? ERROR_DATA : 0;
  return true;
}

static bool run_export(const char *data, const char *path, bool all, int *ret_exit, GError **error)
{
  g_autofree char *folder = home_folder(data);
  CLEANUP(home_free) struct home *home = home_open(folder, NULL, error);
  if (!home) return false;
  g_autofree char *database = g_build_filename(folder, "outbox.db", NULL);
  CLEANUP(outbox_close) struct outbox *outbox = outbox_open(database, error);
  return outbox && export_all(home, outbox, path, all, ret_exit, error);
}

int command_outbox_export(int argc, char **argv)
{
  g_autofree char *data = NULL;
  gboolean all = FALSE;
  const GOptionEntry entries[] = {
      {"all", 0, 0, G_OPTION_ARG_NONE, &all, N_("what was answered too, with its receipts"), NULL},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("the agent's folder"), N_("DIR")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!command_options(NULL, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  g_autoptr(GError) error = NULL;
  return run_export(data, argv[1], all, &exit_code, &error) ? exit_code : command_fail(error);
}

/* --- import --- */

struct import {
  struct home *home;
  struct outbox *outbox;
  const char *name; /* of the file, without its folder */
  int64_t batch;
  size_t unsaved; /* bytes taken since the last commit */
  uint64_t restored, held, receipts, known, faults, pages, troubles;
};

static void say(struct import *import, uint64_t sequence, const char *what)
{
  import->troubles++;
  if (sequence > 0)
    fprintf(stderr, _("%s, submission %" PRIu64 ": %s\n"), import->name, sequence, what);
  else
    fprintf(stderr, "%s: %s\n", import->name, what);
}

static void take_certificate(struct import *import, const struct satchel_record *record)
{
  struct bytes_view payload;
  if (home_open_sealed(import->home, (struct bytes_view){record->data, record->length}, SEAL_CERTIFICATE,
                       &payload, NULL) != SEAL_OK) {
    say(import, 0, _("its certificate is not of this agent's city"));
    return;
  }
  CLEANUP(certificate_free)
  struct certificate *certificate = certificate_decode(payload.data, payload.length);
  const char *own = import->home->certificate->agent;
  if (certificate && strcmp(certificate->agent, own) == 0) return;
  g_autofree char *what = g_strdup_printf(_("the file is of agent %s, and this is agent %s"),
                                          certificate ? certificate->agent : "?", own);
  say(import, 0, what);
}

/* The city's server has new keys: what follows may be signed with them. */
static bool take_keys(struct import *import, const struct satchel_record *record, GError **error)
{
  g_autoptr(GPtrArray) papers = key_papers_unpack(record->data, record->length);
  struct bytes_view changes[LIMIT_KEY_CHANGES];
  g_autoptr(GError) failure = NULL;
  for (guint i = 0; papers && i < papers->len; i++)
    changes[i].data = g_bytes_get_data(papers->pdata[i], &changes[i].length);
  if (!papers) {
    say(import, 0, _("what it says of the city's keys cannot be read"));
  } else if (!home_take_server_keys(import->home, changes, papers->len, NULL, &failure)) {
    if (failure->code != ERROR_DATA) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return false;
    }
    say(import, 0, failure->message);
  }
  return true;
}

static void take_submission(struct import *import, const struct satchel_record *record)
{
  struct sealed_own own;
  enum sealed_status status =
      sealed_open_own(import->home, (struct bytes_view){record->data, record->length}, &own);
  if (status != SEALED_GOOD) {
    g_autofree char *what = g_strdup_printf(_("not taken back: %s"), sealed_meaning(status));
    say(import, record->sequence, what);
    return;
  }
  switch (outbox_restore(import->outbox, &own.lost, import->name, clock_wall().ms, &import->batch)) {
  case OUTBOX_RESTORED:
    import->restored++;
    break;
  case OUTBOX_HELD:
    import->held++;
    break;
  case OUTBOX_CLASHES:
    say(import, own.lost.sequence,
        _("not taken back: its number is another submission's in this outbox; push the files anew whose "
          "figures are missing"));
    break;
  }
  sealed_own_clear(&own);
}

static bool take_receipt(struct import *import, const struct satchel_record *record, GError **error)
{
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  enum sealed_status status =
      sealed_open_receipt(import->home, (struct bytes_view){record->data, record->length}, &receipt);
  if (status != SEALED_GOOD) {
    g_autofree char *what = g_strdup_printf(_("this receipt was not taken: %s"), sealed_meaning(status));
    say(import, record->sequence, what);
    return true;
  }
  bool answered;
  uint32_t kept;
  if (!outbox_holds(import->outbox, receipt->submission.data, &answered, &kept)) {
    say(import, receipt->sequence,
        _("this receipt is for a submission that this outbox does not hold; if it was lost, give “outbox "
          "import” a file that “outbox export --all” wrote before, then this one again"));
    return true;
  }
  struct outbox_head head = {.epoch = receipt->tree_epoch, .size = receipt->tree_size};
  if (outbox_head_root(import->outbox, head.epoch, head.size, head.root) &&
      memcmp(head.root, receipt->tree_root.data, sizeof head.root) != 0) {
    say(import, receipt->sequence,
        _("this receipt was not taken: the city has signed another ledger before; it is kept as evidence. "
          "Tell "
          "the city [ledger.forked]"));
    return outbox_keep_fork(import->outbox, (struct bytes_view){record->data, record->length}, &head,
                            clock_wall().ms, error);
  }
  bool kept_now = false;
  if (!outbox_receipt(import->outbox, record->data, record->length, receipt, error)) return false;
  (void)outbox_holds(import->outbox, receipt->submission.data, &kept_now, &kept);
  if (!kept_now)
    say(import, receipt->sequence,
        _("this receipt was not taken: the city has lost since what it is about, in a restore; it is sent "
          "again"));
  import->known += answered;
  import->receipts += kept_now && !answered;
  return true;
}

/* As the link takes it, which is told of agents' faults, and of waiting, and keeps the submission. */
static bool take_fault(struct import *import, const struct satchel_record *record, GError **error)
{
  CLEANUP(frame_free) struct frame *frame = frame_decode(record->data, record->length);
  if (!frame || frame->kind != FRAME_FAULT) {
    say(import, record->sequence, _("what the city says of it cannot be read"));
    return true;
  }
  g_autofree char *meaning = answer_fault(frame->fault.code, frame->fault.text);
  bool answered, stays = answer_is_about_agent(frame->fault.code) ||
                         finding_from_id(frame->fault.code) == FINDING_ADMISSION_WAITING;
  uint32_t kept;
  if (frame->fault.id.length != SUBMISSION_ID_SIZE ||
      !outbox_holds(import->outbox, frame->fault.id.data, &answered, &kept)) {
    say(import, record->sequence,
        _("the city refused it whole, and this outbox does not hold it: this answer was not taken"));
    return true;
  }
  if (answered) {
    import->known++;
    return true;
  }
  import->faults++;
  g_autofree char *what =
      g_strdup_printf(stays ? _("the city did not take it, and it stays in the outbox: %s [%s]")
                            : _("the city refused it whole: %s [%s]"),
                      meaning, frame->fault.code);
  say(import, record->sequence, what);
  return stays ||
         outbox_fault(import->outbox, frame->fault.id.data, frame->fault.code, frame->fault.text, error);
}

/* The rest of a long list of refusals, page by page; a page that does not continue what is kept is of no use
 * now. */
static bool take_refusals(struct import *import, const struct satchel_record *record, GError **error)
{
  CLEANUP(frame_free) struct frame *frame = frame_decode(record->data, record->length);
  bool answered;
  uint32_t kept;
  if (!frame || frame->kind != FRAME_REFUSAL_PAGE) {
    say(import, record->sequence, _("what the city says of it cannot be read"));
    return true;
  }
  if (!outbox_holds(import->outbox, frame->refusal_page.id.data, &answered, &kept) || !answered ||
      frame->refusal_page.count == 0 ||
      (kept < frame->refusal_page.total && kept != frame->refusal_page.offset))
    return true;
  import->pages++;
  return outbox_refusals(import->outbox, frame->refusal_page.id.data, frame->refusal_page.refusals,
                         frame->refusal_page.count, error);
}

static bool take_record(struct import *import, const struct satchel_record *record, GError **error)
{
  import->unsaved += record->length;
  switch (record->kind) {
  case SATCHEL_CERTIFICATE:
    take_certificate(import, record);
    return true;
  case SATCHEL_SUBMISSION:
    take_submission(import, record);
    return true;
  case SATCHEL_RECEIPT:
    return take_receipt(import, record, error);
  case SATCHEL_FAULT:
    return take_fault(import, record, error);
  case SATCHEL_REFUSALS:
    return take_refusals(import, record, error);
  case SATCHEL_KEYS:
    return take_keys(import, record, error);
  case SATCHEL_RETURN: /* for the city */
  case SATCHEL_END:
    break;
  }
  return true; /* of a newer program */
}

/* What was taken so far is durable: whoever gives the command again goes on from there. */
static bool save(struct import *import, GError **error)
{
  import->unsaved = 0;
  if (!outbox_answers_end(import->outbox, error)) return false;
  outbox_answers_begin(import->outbox);
  return true;
}

static void say_damage(struct import *import, const struct satchel_damage *damage)
{
  g_autofree char *what = satchel_describe(damage);
  say(import, damage->sequence, what);
}

static bool take_all(struct import *import, struct satchel_reader *reader, GError **error)
{
  for (;;) {
    struct satchel_record record;
    struct satchel_damage damage;
    switch (satchel_next(reader, &record, &damage, error)) {
    case SATCHEL_HAS_RECORD:
      if (!take_record(import, &record, error)) return false;
      if (import->unsaved > SAVE_BYTES && !save(import, error)) return false;
      break;
    case SATCHEL_HAS_DAMAGE:
      say_damage(import, &damage);
      break;
    case SATCHEL_AT_END:
      return true;
    case SATCHEL_FAILED:
      return false;
    }
  }
}

static void print_sum(const struct import *import)
{
  printf(_("%s: %" PRIu64 " receipts taken, %" PRIu64 " known already, %" PRIu64
           " submissions refused whole or not taken\n"),
         import->name, import->receipts, import->known, import->faults);
  if (import->restored + import->held > 0)
    printf(_("%s: %" PRIu64 " submissions taken back, %" PRIu64 " were there\n"), import->name,
           import->restored, import->held);
}

static bool import_file(struct import *import, const char *path, GError **error)
{
  CLEANUP(satchel_reader_free) struct satchel_reader *reader = satchel_reader_open(path, error);
  if (!reader) return false;
  outbox_answers_begin(import->outbox);
  bool taken = take_all(import, reader, error);
  g_autoptr(GError) failure = NULL;
  if (!outbox_answers_end(import->outbox, &failure)) {
    if (taken) g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!taken) return false;
  print_sum(import);
  struct outbox_summary summary;
  if (!outbox_summary(import->outbox, 0, &summary, error)) return false;
  g_autofree char *line = answer_summary(&summary);
  printf("%s\n", line);
  return true;
}

static bool run_import(const char *data, const char *path, int *ret_exit, GError **error)
{
  g_autofree char *folder = home_folder(data);
  g_autofree char *name = g_filename_display_basename(path);
  struct import import = {.name = name};
  CLEANUP(home_free) struct home *home = import.home = home_open(folder, NULL, error);
  if (!home) return false;
  g_autofree char *database = g_build_filename(folder, "outbox.db", NULL);
  CLEANUP(outbox_close) struct outbox *outbox = import.outbox = outbox_open(database, error);
  if (!outbox) return false;
  int lock = home_lock(home->folder, "push", true, error);
  if (lock < 0) return false;
  bool done = import_file(&import, path, error);
  close(lock);
  *ret_exit = import.troubles > 0 ? ERROR_DATA : 0;
  return done;
}

int command_outbox_import(int argc, char **argv)
{
  g_autofree char *data = NULL;
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("the agent's folder"), N_("DIR")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!command_options(NULL, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  g_autoptr(GError) error = NULL;
  return run_import(data, argv[1], &exit_code, &error) ? exit_code : command_fail(error);
}
