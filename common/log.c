#include "common/log.h"

#include "common/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* How a line looks where standard error goes. */
enum target {
  TARGET_TERMINAL, /* program: id: text */
  TARGET_FILE,     /* with the time and the level */
  TARGET_JOURNAL,  /* "<4>" before it is the priority; the journal adds the rest */
};

static const struct {
  int priority; /* of syslog */
  const char *name;
} levels[] = {
    [LOG_LEVEL_ERROR] = {3, "error"},
    [LOG_LEVEL_WARNING] = {4, "warning"},
    [LOG_LEVEL_NOTICE] = {5, "notice"},
    [LOG_LEVEL_DEBUG] = {7, "debug"},
};

/* Written once by log_init(), before any thread starts. */
static char *program_name;
static enum log_level most_said = LOG_LEVEL_NOTICE;
static enum target target = TARGET_FILE;

/* systemd names device and inode of the stream that it reads; a redirected standard error is another one. */
static bool stderr_is_journal(void)
{
  const char *stream = g_getenv("JOURNAL_STREAM");
  struct stat status;
  if (!stream || fstat(STDERR_FILENO, &status) < 0) return false;
  g_autofree char *ours = g_strdup_printf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
  return strcmp(stream, ours) == 0;
}

void log_init(const char *program, enum log_level most)
{
  g_free(program_name);
  program_name = g_strdup(program);
  most_said = most;
  target = stderr_is_journal() ? TARGET_JOURNAL : isatty(STDERR_FILENO) ? TARGET_TERMINAL : TARGET_FILE;
}

/* One line per event, whatever the text carries: a name in a file must not forge a line of the log. */
static void append_one_line(GString *line, const char *text)
{
  size_t length = strlen(text);
  while (length && g_ascii_isspace(text[length - 1])) length--;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\n')
      g_string_append(line, "; ");
    else
      g_string_append_c(line, g_ascii_iscntrl(text[i]) ? ' ' : text[i]);
  }
}

static void append_head(GString *line, enum log_level level)
{
  if (target == TARGET_JOURNAL) {
    g_string_append_printf(line, "<%d>", levels[level].priority);
    return;
  }
  if (target == TARGET_FILE) {
    g_autofree char *now = clock_format(clock_wall());
    g_string_append_printf(line, "%s ", now);
  }
  if (program_name) g_string_append_printf(line, "%s: ", program_name);
  if (target == TARGET_FILE) g_string_append_printf(line, "%s: ", levels[level].name);
}

void log_say(enum log_level level, const char *id, const char *format, ...)
{
  if (level > most_said) return;
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);

  g_autoptr(GString) line = g_string_new(NULL);
  append_head(line, level);
  g_string_append_printf(line, "%s: ", id);
  append_one_line(line, text);
  g_string_append_c(line, '\n');

  /* One write per line, so that lines of threads do not mix. Nobody is left to hear of a log that cannot be
   * written. */
  size_t done = 0;
  while (done < line->len) {
    ssize_t written = write(STDERR_FILENO, line->str + done, line->len - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    done += (size_t)written;
  }
}

/* As sd_notify(3) describes it, for programs that do without libsystemd: that brings seven libraries along,
 * which is a fifth of what a command takes to start. '@' stands for the NUL of an abstract name. */
void log_notify(const char *state)
{
  const char *name = g_getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = name ? strlen(name) : 0;
  if (length < 2 || length >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@')) return;
  memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = '\0';
  int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (notify < 0) return;
  (void)sendto(notify, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
  close(notify);
}
