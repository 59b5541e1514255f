/* What the aggregator refused is told beside the file that it came from, which goes to refused/. */
#include "agent/answer.h"
#include "agent/service_private.h"

#include "common/log.h"
#include "common/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct telling {
  struct service *service;
  GHashTable *places; /* set of files that have a refusal now */
};

static bool is_folder_of(const char *path)
{
  g_autofree char *folder = g_path_get_dirname(path);
  return g_file_test(folder, G_FILE_TEST_IS_DIR);
}

/* A file that a kill left without its new place is told of in refused/, where it went or would have gone; so
 * is one whose folder is no more. NULL: there is no such folder either. */
static char *findings_path(const struct service *service, const char *place)
{
  const char *folder = service->options.home->config.submit_folder;
  g_autofree char *stands_in = g_path_get_dirname(place);
  if (folder[0] && (strcmp(stands_in, folder) == 0 || !is_folder_of(place))) {
    g_autofree char *name = g_path_get_basename(place);
    g_autofree char *refused = g_build_filename(folder, REFUSED_FOLDER, NULL);
    g_autofree char *file = g_build_filename(refused, name, NULL);
    return service_make_folder(refused) ? findings_file_path(file) : NULL;
  }
  if (!is_folder_of(place)) return NULL;
  return findings_file_path(place);
}

static bool tell(const struct outbox_origin *origin, const char *form, const char *period,
                 const struct refusal *refusal, void *data)
{
  struct telling *telling = data;
  const char *place = origin->place;
  g_autofree char *answer = answer_format(telling->service->options.home, form, period, refusal);
  g_autofree char *line = g_strdup_printf(_("The city did not count: %s"), answer);
  g_autofree char *path = findings_path(telling->service, place);
  g_autoptr(GError) error = NULL;
  if (!path) { /* the log is all there is */
    log_say(LOG_LEVEL_WARNING, "report.refused", "%s: %s", origin->file, line);
    return true;
  }
  if (!findings_file_append(path, line, &error)) {
    if (g_hash_table_add(telling->service->said, g_strdup(place)))
      log_say(LOG_LEVEL_ERROR, "findings.not-written", "%s", error->message);
    return false;
  }
  g_hash_table_remove(telling->service->said, place);
  g_hash_table_add(telling->places, g_strdup(place));
  return true;
}

/* From done/ to refused/, with its findings. */
static void move_to_refused(struct service *service, const char *place)
{
  g_autofree char *stands_in = g_path_get_dirname(place);
  if (!g_str_has_suffix(stands_in, "/" DONE_FOLDER) || !g_file_test(place, G_FILE_TEST_EXISTS)) return;
  g_autofree char *watched = g_path_get_dirname(stands_in);
  g_autofree char *folder = g_build_filename(watched, REFUSED_FOLDER, NULL);
  g_autofree char *to = service_make_folder(folder) ? service_move(place, folder) : NULL;
  if (!to) return;
  g_autofree char *findings_from = findings_file_path(place);
  g_autofree char *findings_to = findings_file_path(to);
  g_autoptr(GError) error = NULL;
  if (rename(findings_from, findings_to) != 0 || !outbox_moved(service->options.outbox, place, to, &error))
    log_say(LOG_LEVEL_ERROR, "file.not-moved", _("%s was moved to %s, but what belongs to it was not"), place,
            to);
  log_say(LOG_LEVEL_WARNING, "file.refused", _("the city did not count some reports of %s; see %s"), to,
          findings_to);
}

void service_tell(struct service *service)
{
  g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  struct telling telling = {service, places};
  g_autoptr(GError) error = NULL;
  if (!outbox_tell(service->options.outbox, true, tell, &telling, &error))
    log_say(LOG_LEVEL_ERROR, "outbox.failed", "%s", error->message);
  GHashTableIter iterator;
  gpointer place;
  g_hash_table_iter_init(&iterator, places);
  while (g_hash_table_iter_next(&iterator, &place, NULL)) move_to_refused(service, place);
}
