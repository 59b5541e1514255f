/* One file of a watched folder: checked or sent, moved, and what was found beside it. */
#include "agent/prepare.h"
#include "agent/service_private.h"

#include "common/error.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MOST 1000 /* of one name in one second */

/* --- moving --- */

/* "may-20180610T120000.csv" from "may.csv"; a further number from the second on. */
static char *stamped(const char *name, unsigned number)
{
  g_autofree char *time = clock_format(clock_wall());
  g_autoptr(GString) digits = g_string_new(NULL);
  for (const char *c = time; *c; c++)
    if (g_ascii_isdigit(*c) || *c == 'T') g_string_append_c(digits, *c);
  if (number > 0) g_string_append_printf(digits, "-%u", number);
  const char *dot = strrchr(name, '.');
  size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
  const char *end = name + stem;
  size_t rest = digits->len + 1 + strlen(name + stem);
  if (stem + rest > NAME_MAX) stem = rest < NAME_MAX ? findings_file_cut(name, NAME_MAX - rest) : 0;
  return g_strdup_printf("%.*s-%s%s", (int)stem, name, digits->str, end);
}

static bool is_free(const char *path)
{
  g_autofree char *findings = findings_file_path(path);
  return !g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(findings, G_FILE_TEST_EXISTS);
}

char *service_free_path(const char *folder, const char *name)
{
  char *path = g_build_filename(folder, name, NULL);
  for (unsigned number = 0; number < NAMES_MOST && !is_free(path); number++) {
    g_autofree char *other = stamped(name, number);
    g_free(path);
    path = g_build_filename(folder, other, NULL);
  }
  return path;
}

bool service_make_folder(const char *path)
{
  return g_mkdir_with_parents(path, 0770) == 0;
}

/* Never over another file, where the file system can promise that. */
static bool move_file(const char *from, const char *to)
{
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return true;
  if (errno == EINVAL || errno == ENOSYS) return rename(from, to) == 0;
  return false;
}

char *service_move(const char *from, const char *folder)
{
  g_autofree char *name = g_path_get_basename(from);
  char *to = service_free_path(folder, name);
  if (move_file(from, to)) return to;
  log_say(LOG_LEVEL_ERROR, "file.not-moved", _("%s cannot be moved to %s (%s)"), from, to, g_strerror(errno));
  g_free(to);
  return NULL;
}

/* --- what is said --- */

static char *heading_of(const struct watch *watch, const char *name, const struct prepare_result *result)
{
  const struct reading_result *reading = &result->reading;
  uint64_t refused = reading->refused + result->refused;
  if (!reading->whole)
    return g_strdup_printf(
        _("%s was refused as a whole; nothing of it was sent. Correct what is said below and put "
          "the file into the folder again."),
        name);
  if (!watch->submit)
    return refused > 0 ? g_strdup_printf(_("%s was checked and not sent: %zu rows, %" PRIu64
                                           " refused. Correct what is "
                                           "said below."),
                                         name, reading->rows, refused)
                       : g_strdup_printf(_("%s was checked and not sent: %zu rows, nothing is refused."),
                                         name, reading->rows);
  if (refused > 0)
    return g_strdup_printf(_("%s: %" PRIu64 " reports are sent, %" PRIu64
                             " were reported before and are unchanged, and %" PRIu64
                             " were refused. Send only the refused ones again, corrected as said below."),
                           name, result->reports, result->unchanged, refused);
  return g_strdup_printf(
      _("%s: %" PRIu64 " reports are sent, %" PRIu64 " were reported before and are unchanged."), name,
      result->reports, result->unchanged);
}

/* Findings first, then the file: whoever sees the file moved finds them beside it. False: it stays, and is
 * handled again. */
static bool finish(struct service *service, const struct watch *watch, const char *path,
                   struct findings_file *findings, const char *heading, bool refused)
{
  g_autofree char *folder = g_build_filename(watch->folder, refused ? REFUSED_FOLDER : DONE_FOLDER, NULL);
  g_autofree char *name = g_path_get_basename(path);
  service_make_folder(folder); /* where that fails, so does writing into it, which says why */
  g_autofree char *to = service_free_path(folder, name);
  g_autofree char *findings_path = findings_file_path(to);
  g_autoptr(GError) error = NULL;
  if (!findings_file_write(findings, findings_path, heading, &error)) {
    log_say(LOG_LEVEL_ERROR, "findings.not-written", "%s", error->message);
    return false;
  }
  if (!move_file(path, to)) {
    log_say(LOG_LEVEL_ERROR, "file.not-moved", _("%s cannot be moved to %s (%s)"), path, to,
            g_strerror(errno));
    unlink(findings_path);
    return false;
  }
  if (!outbox_moved(service->options.outbox, path, to, &error))
    log_say(LOG_LEVEL_ERROR, "outbox.failed", "%s", error->message);
  log_say(refused ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, refused ? "file.refused" : "file.done", "%s",
          heading);
  return true;
}

/* --- handling --- */

/* Errors that are about the file itself: it is refused. Others are about this computer, and the file stays.
 */
static bool is_about_file(const GError *error)
{
  return g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA) ||
         g_error_matches(error, PARKTALLY_ERROR, ERROR_USAGE);
}

struct context { /* of the callbacks: prepare has one data pointer for both */
  struct service *service;
  struct findings_file *findings;
};

static bool refresh(void *data)
{
  const struct service_options *options = &((struct context *)data)->service->options;
  return options->refresh && options->refresh(options->data);
}

static void take_finding(const struct finding *finding, void *data)
{
  findings_file_add(finding, ((struct context *)data)->findings);
}

static bool prepare_locked(struct service *service, const struct watch *watch, const char *path,
                           struct findings_file *findings, struct prepare_result *ret_result, GError **error)
{
  struct context context = {service, findings};
  struct home *home = service->options.home;
  const struct prepare_options options = {.home = home,
                                          .outbox = service->options.outbox,
                                          .check_only = !watch->submit,
                                          .approved_by = home->config.approved_by,
                                          .whole_lines = true,
                                          .place = path,
                                          .refresh = refresh,
                                          .findings = take_finding,
                                          .data = &context,
                                          .stop = service->options.stop};
  if (!home_refresh(home, error)) return false;
  int lock = watch->submit ? home_lock_to_seal(home, error) : -1;
  if (watch->submit && lock < 0) return false;
  bool prepared = prepare_file(path, &options, ret_result, error);
  if (lock >= 0) close(lock);
  return prepared;
}

bool service_handle(struct service *service, const struct watch *watch, const char *name)
{
  g_autofree char *path = g_build_filename(watch->folder, name, NULL);
  g_autoptr(GError) error = NULL;
  CLEANUP(findings_file_free) struct findings_file *findings = findings_file_new(&error);
  struct prepare_result result = {0};
  bool prepared = findings && prepare_locked(service, watch, path, findings, &result, &error);
  if (!prepared && !is_about_file(error)) {
    if (g_hash_table_add(service->said, g_strdup(path)))
      log_say(LOG_LEVEL_WARNING, "file.later", _("%s stays for now: %s"), path, error->message);
    return false;
  }
  g_hash_table_remove(service->said, path);
  if (!prepared) findings_file_add_line(findings, error->message); /* result.reading.whole is false */
  if (result.batch && service->options.sendable) service->options.sendable(service->options.data);
  g_autofree char *heading = heading_of(watch, name, &result);
  return finish(service, watch, path, findings, heading, !prepared || prepare_exit_code(&result) != 0);
}
