/* NAME.findings.txt beside a file: what was found in it, for a clerk's editor or spreadsheet: UTF-8 with BOM,
 * CR LF. */
#ifndef PARKTALLY_AGENT_FINDINGS_FILE_H
#define PARKTALLY_AGENT_FINDINGS_FILE_H

#include "common/cleanup.h"
#include "common/finding.h"

#include <glib.h>
#include <stdbool.h>

#define FINDINGS_SUFFIX ".findings.txt"

/* Lines are kept on the disk until the heading is known. */
struct findings_file;
struct findings_file *findings_file_new(GError **error);
void findings_file_free(struct findings_file *file);
CLEANUP_DEFINE(struct findings_file, findings_file_free)

/* A finding_sink; `data` is a struct findings_file. */
void findings_file_add(const struct finding *finding, void *data);
void findings_file_add_line(struct findings_file *file, const char *line);

/* NAME.findings.txt for the file at `path`; of a long name only the beginning, and what makes it unique.
 * Newly allocated. */
char *findings_file_path(const char *path);

/* Cuts a name after at most `most` bytes, between two characters. */
size_t findings_file_cut(const char *name, size_t most);

/* Writes heading (a paragraph) and lines to `path`, replacing it. */
bool findings_file_write(struct findings_file *file, const char *path, const char *heading, GError **error);

/* Adds a line to a file that is there, or begins it. Like writing, this never follows a link: others may
 * write into the folder. */
bool findings_file_append(const char *path, const char *line, GError **error);

#endif
