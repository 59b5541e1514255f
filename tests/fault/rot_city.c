/* What is asked of a store: commands of the office, as a server carries them out; and "submit FILE", which
 * judges and posts a sealed submission and tells what its receipt counts. */
#include "rot.h"

#include "aggregator/office.h"
#include "aggregator/posting.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/seal.h"
#include "common/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct office office;
static struct wall_time started;

static struct wall_time stopped_clock(void)
{
  return started;
}

/* As the server does. */
static void end(const GError *error, void *data)
{
  (void)data;
  fprintf(stderr, "%s\n", error->message);
  fflush(NULL);
  _exit(error_exit_code(error));
}

static int tell(const GError *error)
{
  fprintf(stderr, "%s\n", error->message);
  return error_exit_code(error);
}

static int open_city(const char *folder)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *keys = folder_path(folder, "identity.key"), *store = folder_path(folder, "store.db");
  text_init();
  clock_replace(stopped_clock); /* so that what depends on it is the same each time */
  office.config = folder_config(NULL, folder, &error);
  if (office.config) office.identity = identity_load(keys, &error);
  if (office.identity) office.writer = writer_new(folder, office.identity, end, NULL, &error);
  if (office.writer) office.reader = store_open(store, STORE_READ, &error);
  return office.reader ? 0 : tell(error);
}

/* --- a submission --- */

struct waiting_answer {
  GMutex mutex;
  GCond cond;
  bool done;
  GBytes *receipt;
  GError *error;
};

static void take_answer(const struct judged *judged, GBytes *receipt, const GError *error, void *data)
{
  struct waiting_answer *answer = data;
  (void)judged;
  g_mutex_lock(&answer->mutex);
  answer->receipt = receipt ? g_bytes_ref(receipt) : NULL;
  answer->error = error ? g_error_copy(error) : NULL;
  answer->done = true;
  g_cond_signal(&answer->cond);
  g_mutex_unlock(&answer->mutex);
}

static int print_receipt(GBytes *sealed)
{
  const uint8_t *payload;
  size_t length;
  if (seal_open(g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed), SEAL_RECEIPT,
                identity_sign_public(office.identity), &payload, &length, NULL) != SEAL_OK)
    return ERROR_INTERNAL;
  CLEANUP(receipt_free) struct receipt *receipt = receipt_decode(payload, length);
  if (!receipt) return ERROR_INTERNAL;
  printf("counted %u, unchanged %u, stale %u, waiting %u, refused %u\n", receipt->counted, receipt->unchanged,
         receipt->stale, receipt->waiting, receipt->refused);
  for (size_t n = 0; n < receipt->refusal_count; n++)
    printf("%s %s %s\n", receipt->refusals[n].unit, receipt->refusals[n].rule, receipt->refusals[n].expected);
  return 0;
}

static int submit(const char *path)
{
  char *data;
  size_t length;
  struct waiting_answer answer = {.done = false};
  if (!g_file_get_contents(path, &data, &length, NULL)) return ERROR_USAGE;
  g_autoptr(GBytes) sealed = g_bytes_new_take(data, length);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(&office);
  struct judged *judged = judge_submission(snapshot, sealed, NULL, clock_wall().ms);
  if (judged->fault != FINDING_COUNT && !judged_may_be_known(judged)) {
    printf("%s %s\n", finding_id(judged->fault), judged->fault_text);
    return 0;
  }
  writer_submit(office.writer, judged, take_answer, &answer);
  g_mutex_lock(&answer.mutex);
  while (!answer.done) g_cond_wait(&answer.cond, &answer.mutex);
  g_mutex_unlock(&answer.mutex);
  return answer.error ? tell(answer.error) : print_receipt(answer.receipt);
}

/* --- */

static int answer(const char *folder, char **words, int count)
{
  (void)folder;
  if (count == 2 && strcmp(words[0], "submit") == 0) return submit(words[1]);
  struct control_request request = {.words = words,
                                    .user = (char *)"test",
                                    .language = (char *)"",
                                    .file = -1,
                                    .output = control_output_standard()};
  int code = office_handle(&request, &office);
  if (!control_output_flush(request.output)) return ERROR_IO;
  return code;
}

int main(int argc, char **argv)
{
  started = clock_wall();
  return rot_main(argc, argv, "store.db", open_city, answer);
}
