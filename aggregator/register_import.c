/* park-aggregator register import: versions of units from a file, checked before they become a leaf of the
 * ledger. */
#include "aggregator/office.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads what was opened for us. NULL and error if it cannot be read or is too large. */
static GBytes *read_all(int file, const char *name, GError **error)
{
  g_autoptr(GByteArray) text = g_byte_array_new();
  static const size_t piece = 64 * LIMIT_KIB;
  struct stat status;
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) { /* a pipe could hold up every other command */
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("%s is no ordinary file; save the register as a file first"), name);
    return NULL;
  }
  for (;;) {
    size_t length = text->len;
    g_byte_array_set_size(text, (guint)(length + piece));
    ssize_t got = read(file, text->data + length, piece);
    g_byte_array_set_size(text, (guint)(length + (size_t)MAX(got, 0)));
    if (got == 0) return g_byte_array_free_to_bytes(g_steal_pointer(&text));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("%s cannot be read: %s"), name, g_strerror(errno));
      return NULL;
    }
    if (text->len > LIMIT_DOCUMENT_BYTES) {
      g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                  _("%s has more than %zu MiB, which no register has; is it the right file? It can be "
                    "imported in parts"),
                  name, LIMIT_DOCUMENT_BYTES / LIMIT_MIB);
      return NULL;
    }
  }
}

/* --- findings --- */

struct findings {
  struct control_request *request;
  uint64_t count;
};

static void print_finding(const struct finding *finding, void *data)
{
  struct findings *findings = data;
  if (findings->count++ >= LIMIT_MISTAKES) return;
  g_autofree char *line = finding_format(finding);
  control_err(findings->request->output, "%s\n", line);
}

/* --- what changes --- */

struct changes {
  uint64_t added, replaced, unchanged;
};

static struct changes compare(const struct unit_register *units, const struct unit_register *imported)
{
  struct changes changes = {0};
  for (size_t n = 0; n < register_size(imported); n++) {
    const struct unit_version *version = register_nth(imported, n);
    const struct unit_version *known = register_find(units, version->unit, version->from);
    if (!known)
      changes.added++;
    else if (unit_version_equal(known, version))
      changes.unchanged++;
    else
      changes.replaced++;
  }
  return changes;
}

/* --- the command --- */

/* Checks against what is in force; the act checks again when it is applied, for both may change meanwhile. */
static bool check(struct office *office, struct findings *findings, const char *name, GBytes *text,
                  struct changes *ret_changes, GError **error)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(office);
  CLEANUP(register_unref) struct unit_register *imported = NULL;
  size_t length;
  const char *data = g_bytes_get_data(text, &length);
  bool good = register_read_csv(snapshot->catalogue, name, data ? data : "", length, print_finding, findings,
                                &imported, error);
  if (findings->count > LIMIT_MISTAKES)
    control_err(findings->request->output, _("… and %" PRIu64 " more\n"), findings->count - LIMIT_MISTAKES);
  if (good) *ret_changes = compare(snapshot->units, imported);
  return good;
}

static int import(struct office *office, struct control_request *request, const char *name,
                  const char *reason)
{
  GError *error = NULL;
  g_autoptr(GBytes) text = read_all(request->file, name, &error);
  if (!text) return office_fail(request, error);
  struct findings findings = {.request = request};
  struct changes changes;
  if (!check(office, &findings, name, text, &changes, &error)) return office_fail(request, error);
  bool changed = changes.added + changes.replaced > 0;
  struct act act = {.kind = LEAF_REGISTER, .by = request->user, .reason = reason ? reason : "", .text = text};
  if (changed && !writer_act(office->writer, &act, NULL, &error)) return office_fail(request, error);
  control_out(request->output,
              _("%s: %" PRIu64 " versions added, %" PRIu64 " replaced, %" PRIu64 " unchanged%s\n"), name,
              changes.added, changes.replaced, changes.unchanged,
              changed ? "" : _("; there was nothing to record"));
  return 0;
}

int office_register_import(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *reason = NULL;
  const GOptionEntry entries[] = {
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; kept in the ledger"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!office_options(request, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  if (request->file < 0)
    return office_misused(request, _("%s was not opened; write options as --name=VALUE"), argv[1]);
  return import(office, request, argv[1], reason);
}
