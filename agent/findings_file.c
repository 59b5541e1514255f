#include "agent/findings_file.h"

#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BOM "\xef\xbb\xbf" /* without it spreadsheets do not see Chinese */
#define COPY_BYTES 65536

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

bool findings_file_write(struct findings_file *file, const char *path, const char *heading, GError **error)
{
  g_autofree char *folder = g_path_get_dirname(path);
  g_autofree char *name = g_path_get_basename(path);
  g_autofree char *temporary = g_strdup_printf("%s/.%s.tmp", folder, name);
  FILE *target = fopen(temporary, "we");
  if (!target) return fail(error, temporary);
  bool written = fprintf(target, BOM "%s\r\n\r\n", heading) > 0 && copy_lines(file, target);
  written = fclose(target) == 0 && written;
  if (written && g_rename(temporary, path) == 0) return true;
  fail(error, path);
  g_unlink(temporary);
  return false;
}

bool findings_file_append(const char *path, const char *line, GError **error)
{
  FILE *target = fopen(path, "ae");
  if (!target) return fail(error, path);
  fseek(target, 0, SEEK_END);
  bool written = fprintf(target, "%s%s\r\n", ftell(target) == 0 ? BOM : "", line) > 0;
  written = fclose(target) == 0 && written;
  return written || fail(error, path);
}
