#include "agent/service_private.h"

#include "common/error.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESCAN_MS 60000 /* what inotify cannot see: folders on a network */

/* A file that was seen. */
struct candidate {
  off_t size;
  struct timespec modified;
  struct mono_time since; /* unchanged since */
  bool complete;          /* its writer is done with it */
  bool seen;              /* in the present scan */
};

/* Names of what other programs are still writing, and of what we write. */
static bool is_ignored(const char *name)
{
  static const char *const ENDS[] = {FINDINGS_SUFFIX, ".tmp", ".part", ".crdownload", ".filepart", "~"};
  if (name[0] == '.' || g_str_has_prefix(name, "~$")) return true;
  for (size_t i = 0; i < G_N_ELEMENTS(ENDS); i++)
    if (g_str_has_suffix(name, ENDS[i])) return true;
  return false;
}

static bool stat_file(const struct watch *watch, const char *name, struct stat *ret_status)
{
  g_autofree char *path = g_build_filename(watch->folder, name, NULL);
  return lstat(path, ret_status) == 0 && S_ISREG(ret_status->st_mode);
}

static bool has_changed(const struct candidate *candidate, const struct stat *status)
{
  return candidate->size != status->st_size || candidate->modified.tv_sec != status->st_mtim.tv_sec ||
         candidate->modified.tv_nsec != status->st_mtim.tv_nsec;
}

enum writing { WRITING_NO, WRITING_YES, WRITING_UNKNOWN };

/* A lease for reading is had only while nobody has the file open for writing. It is given back at once; the
 * signal for a program that opens the file between the two is one that nobody heeds. */
static enum writing is_being_written(const struct watch *watch, const char *name)
{
  g_autofree char *path = g_build_filename(watch->folder, name, NULL);
  int file = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return WRITING_UNKNOWN;
  enum writing writing = WRITING_UNKNOWN;
  if (fcntl(file, F_SETSIG, SIGURG) == 0) {
    if (fcntl(file, F_SETLEASE, F_RDLCK) == 0)
      writing = WRITING_NO;
    else if (errno == EAGAIN)
      writing = WRITING_YES;
  }
  close(file); /* which gives the lease back */
  return writing;
}

/* A file that was found, and stands as it is since `since`. */
static bool is_complete(const struct service *service, const struct watch *watch, const char *name,
                        struct mono_time since)
{
  int64_t stands = clock_since(since);
  if (stands < service->options.settle_ms) return false;
  switch (is_being_written(watch, name)) {
  case WRITING_NO:
    return true;
  case WRITING_YES:
    return false;
  default:
    return stands >= service->options.unsure_ms;
  }
}

static void say_link(struct service *service, const struct watch *watch, const char *name)
{
  g_autofree char *path = g_build_filename(watch->folder, name, NULL);
  if (g_file_test(path, G_FILE_TEST_IS_SYMLINK) && g_hash_table_add(service->said, g_strdup(path)))
    log_say(LOG_LEVEL_WARNING, "file.link", _("%s is a link and is not read; put the file itself there"),
            path);
}

/* Notes the file as it is now; `complete` if its writer is known to be done. */
static void note_file(struct service *service, struct watch *watch, const char *name, bool complete)
{
  struct stat status;
  if (is_ignored(name)) return;
  if (!stat_file(watch, name, &status)) {
    say_link(service, watch, name);
    return;
  }
  struct candidate *candidate = g_hash_table_lookup(watch->candidates, name);
  if (!candidate) {
    candidate = g_new0(struct candidate, 1);
    candidate->since = clock_mono();
    candidate->size = -1;
    g_hash_table_insert(watch->candidates, g_strdup(name), candidate);
  }
  if (has_changed(candidate, &status)) {
    candidate->size = status.st_size;
    candidate->modified = status.st_mtim;
    candidate->since = clock_mono();
    candidate->complete = false;
  } else if (!candidate->complete) {
    candidate->complete = is_complete(service, watch, name, candidate->since);
  }
  if (complete) candidate->complete = true;
  candidate->seen = true;
}

static gboolean is_gone(gpointer name, gpointer value, gpointer data)
{
  struct candidate *candidate = value;
  bool seen = candidate->seen;
  (void)name, (void)data;
  candidate->seen = false; /* for the next scan */
  return !seen;
}

static void scan(struct service *service, struct watch *watch)
{
  GDir *folder = g_dir_open(watch->folder, 0, NULL);
  if (!folder) {
    log_say(LOG_LEVEL_WARNING, "folder.unreadable", _("%s cannot be read (%s)"), watch->folder,
            g_strerror(errno));
    return;
  }
  for (const char *name; (name = g_dir_read_name(folder));) note_file(service, watch, name, false);
  g_dir_close(folder);
  g_hash_table_foreach_remove(watch->candidates, is_gone, NULL);
}

static void scan_all(struct service *service)
{
  for (size_t i = 0; i < G_N_ELEMENTS(service->watches); i++)
    if (service->watches[i].folder[0]) scan(service, &service->watches[i]);
}

/* --- events --- */

static void take_event(struct service *service, const struct inotify_event *event)
{
  if (event->mask & IN_Q_OVERFLOW) service->scan_at = clock_mono();
  if (event->len == 0 || (event->mask & IN_ISDIR)) return;
  for (size_t i = 0; i < G_N_ELEMENTS(service->watches); i++)
    if (service->watches[i].folder[0] && service->watches[i].descriptor == event->wd)
      note_file(service, &service->watches[i], event->name, true);
}

static void take_events(struct service *service)
{
  _Alignas(struct inotify_event) char buffer[16384];
  for (ssize_t length; (length = read(service->inotify, buffer, sizeof buffer)) > 0;) {
    for (char *at = buffer; at < buffer + length;) {
      const struct inotify_event *event = (const struct inotify_event *)at;
      take_event(service, event);
      at += sizeof *event + event->len;
    }
  }
}

/* --- handling what is complete --- */

struct ready {
  char *name;
  struct timespec modified;
};

static void ready_clear(gpointer data)
{
  g_free(((struct ready *)data)->name);
}

/* Older files first, as a later one may correct them. */
static gint by_age(gconstpointer a, gconstpointer b)
{
  const struct ready *first = a, *second = b;
  if (first->modified.tv_sec != second->modified.tv_sec)
    return first->modified.tv_sec < second->modified.tv_sec ? -1 : 1;
  if (first->modified.tv_nsec != second->modified.tv_nsec)
    return first->modified.tv_nsec < second->modified.tv_nsec ? -1 : 1;
  return strcmp(first->name, second->name);
}

/* Takes the complete ones out of the candidates. */
static GArray *take_ready(struct watch *watch)
{
  GArray *all = g_array_new(FALSE, FALSE, sizeof(struct ready));
  g_array_set_clear_func(all, ready_clear);
  GHashTableIter iterator;
  gpointer name, candidate;
  g_hash_table_iter_init(&iterator, watch->candidates);
  while (g_hash_table_iter_next(&iterator, &name, &candidate)) {
    if (!((struct candidate *)candidate)->complete) continue;
    struct ready ready = {g_strdup(name), ((struct candidate *)candidate)->modified};
    g_array_append_val(all, ready);
    g_hash_table_iter_remove(&iterator);
  }
  g_array_sort(all, by_age);
  return all;
}

static bool must_stop(const struct service *service)
{
  return service->options.stop && atomic_load(service->options.stop);
}

static void handle_ready(struct service *service, struct watch *watch)
{
  g_autoptr(GArray) all = take_ready(watch);
  for (guint i = 0; i < all->len && !must_stop(service); i++) {
    struct stat status;
    const char *name = g_array_index(all, struct ready, i).name;
    if (stat_file(watch, name, &status)) service_handle(service, watch, name);
  }
  if (all->len > 0) outbox_rest(service->options.outbox);
}

/* Files that stand in the folder and are not complete yet. */
static bool any_unsettled(const struct service *service)
{
  for (size_t i = 0; i < G_N_ELEMENTS(service->watches); i++)
    if (g_hash_table_size(service->watches[i].candidates) > 0) return true;
  return false;
}

int64_t service_step(struct service *service)
{
  take_events(service);
  if (clock_mono().ms >= service->scan_at.ms) {
    scan_all(service);
    service->scan_at.ms = clock_mono().ms + (any_unsettled(service) ? service->options.settle_ms : RESCAN_MS);
  }
  for (size_t i = 0; i < G_N_ELEMENTS(service->watches); i++) handle_ready(service, &service->watches[i]);
  int64_t left = service->scan_at.ms - clock_mono().ms;
  return MAX(left, 0);
}

/* --- opening --- */

static bool make_folder(const char *folder, const char *inner, GError **error)
{
  g_autofree char *path = g_build_filename(folder, inner, NULL);
  if (g_mkdir_with_parents(path, 0770) == 0) return true;
  g_set_error(error, PARKTALLY_ERROR, errno == EACCES || errno == EPERM ? ERROR_PERMISSION : ERROR_IO,
              _("the folder %s cannot be made (%s); make it, or correct the configuration"), path,
              g_strerror(errno));
  return false;
}

static bool open_watch(struct service *service, struct watch *watch, GError **error)
{
  if (!watch->folder[0]) return true;
  if (!make_folder(watch->folder, DONE_FOLDER, error) || !make_folder(watch->folder, REFUSED_FOLDER, error))
    return false;
  watch->descriptor =
      inotify_add_watch(service->inotify, watch->folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
  if (watch->descriptor >= 0) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("the folder %s cannot be watched (%s)"), watch->folder,
              g_strerror(errno));
  return false;
}

struct service *service_new(const struct service_options *options, GError **error)
{
  CLEANUP(service_free) struct service *service = g_new0(struct service, 1);
  service->options = *options;
  const struct agent_config *config = &options->home->config;
  service->watches[0] = (struct watch){.folder = config->review_folder};
  service->watches[1] = (struct watch){.folder = config->submit_folder, .submit = true};
  for (size_t i = 0; i < G_N_ELEMENTS(service->watches); i++)
    service->watches[i].candidates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  service->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  service->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (service->inotify < 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE, _("folders cannot be watched (%s)"),
                g_strerror(errno));
    return NULL;
  }
  service->scan_at = clock_mono();
  for (size_t i = 0; i < G_N_ELEMENTS(service->watches); i++)
    if (!open_watch(service, &service->watches[i], error)) return NULL;
  return g_steal_pointer(&service);
}

void service_free(struct service *service)
{
  if (!service) return;
  for (size_t i = 0; i < G_N_ELEMENTS(service->watches); i++)
    g_hash_table_unref(service->watches[i].candidates);
  g_hash_table_unref(service->said);
  if (service->inotify >= 0) close(service->inotify);
  g_free(service);
}

int service_fd(const struct service *service)
{
  return service->inotify;
}
