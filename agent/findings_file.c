#include "agent/findings_file.h"

#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOM "\xef\xbb\xbf" /* without it spreadsheets do not see Chinese */
#define COPY_BYTES 65536
#define NAME_BYTES 255 /* of every file system here */

struct findings_file {
  FILE *lines; /* unnamed */
};

static bool fail(GError **error, const char *path)
{
  bool full = errno == ENOSPC || errno == EDQUOT;
  g_set_error(error, PARKTALLY_ERROR, full ? ERROR_TEMPORARY : ERROR_IO, _("%s cannot be written (%s)"), path,
              g_strerror(errno));
  return false;
}

struct findings_file *findings_file_new(GError **error)
{
  FILE *lines = tmpfile();
  if (!lines) {
    fail(error, g_get_tmp_dir());
    return NULL;
  }
  struct findings_file *file = g_new0(struct findings_file, 1);
  file->lines = lines;
  return file;
}

void findings_file_free(struct findings_file *file)
{
  if (!file) return;
  fclose(file->lines);
  g_free(file);
}

void findings_file_add(const struct finding *finding, void *data)
{
  g_autofree char *line = finding_format(finding);
  findings_file_add_line(data, line);
}

void findings_file_add_line(struct findings_file *file, const char *line)
{
  fprintf(file->lines, "%s\r\n", line);
}

static bool copy_lines(struct findings_file *file, FILE *target)
{
  char buffer[COPY_BYTES];
  size_t length;
  if (fflush(file->lines) != 0) return false;
  rewind(file->lines);
  while ((length = fread(buffer, 1, sizeof buffer, file->lines)) > 0)
    if (fwrite(buffer, 1, length, target) != length) return false;
  return !ferror(file->lines);
}

size_t findings_file_cut(const char *name, size_t most)
{
  size_t length = strlen(name);
  if (length <= most) return length;
  for (length = most; length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80;) length--;
  return length;
}

char *findings_file_path(const char *path)
{
  g_autofree char *name = g_path_get_basename(path);
  if (strlen(name) + strlen(FINDINGS_SUFFIX) <= NAME_BYTES) return g_strconcat(path, FINDINGS_SUFFIX, NULL);
  g_autofree char *folder = g_path_get_dirname(path);
  g_autofree char *end = g_strdup_printf("~%08x" FINDINGS_SUFFIX, g_str_hash(name));
  return g_strdup_printf("%s/%.*s%s", folder, (int)findings_file_cut(name, NAME_BYTES - strlen(end)), name,
                         end);
}

/* A new file of a name that nobody can foresee. */
static FILE *open_temporary(const char *path, char **ret_temporary)
{
  g_autofree char *folder = g_path_get_dirname(path);
  char *temporary = g_strdup_printf("%s/.parktally-%08x%08x.tmp", folder, g_random_int(), g_random_int());
  *ret_temporary = temporary;
  int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  return file < 0 ? NULL : fdopen(file, "w");
}

bool findings_file_write(struct findings_file *file, const char *path, const char *heading, GError **error)
{
  g_autofree char *temporary = NULL;
  FILE *target = open_temporary(path, &temporary);
  if (!target) return fail(error, temporary);
  bool written = fprintf(target, BOM "%s\r\n\r\n", heading) > 0 && copy_lines(file, target);
  written = fclose(target) == 0 && written;
  if (written && g_rename(temporary, path) == 0) return true;
  fail(error, path);
  g_unlink(temporary);
  return false;
}

static FILE *open_to_append(const char *path)
{
  struct stat status;
  int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
  if (file < 0) return NULL;
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode)) return fdopen(file, "a");
  close(file);
  errno = EINVAL;
  return NULL;
}

bool findings_file_append(const char *path, const char *line, GError **error)
{
  FILE *target = open_to_append(path);
  if (!target) return fail(error, path);
  fseek(target, 0, SEEK_END);
  bool written = fprintf(target, "%s%s\r\n", ftell(target) == 0 ? BOM : "", line) > 0;
  written = fclose(target) == 0 && written;
  return written || fail(error, path);
}
