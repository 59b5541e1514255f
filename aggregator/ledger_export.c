/* park-aggregator ledger export: the whole ledger, and what the tables say of the same moment, in one file
 * that somebody else checks. proto/README.md has the format. Done in the operator's own process. */
#include "aggregator/ledger_export.h"

#include "aggregator/folder.h"
#include "aggregator/ledger_file.h"
#include "aggregator/office.h"
#include "aggregator/proof.h"
#include "common/decimal.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLICE_LEAVES 64              /* read in one transaction, which so takes well below a second */
#define PIECE_BYTES (64 * LIMIT_KIB) /* of the tables' lines in a record */

struct exporting {
  struct store *store;
  const struct identity *identity;
  struct ledger_file_writer *writer;
  const struct ledger_export_options *options;
  struct tree_head head;
  GPtrArray *books; /* "form,period" by number; NULL where there is none */
  GPtrArray *forms; /* likewise, of the catalogue */
  const struct catalogue *catalogue;
  FILE *lines; /* a nameless file of the tables' lines, until they are due */
  GString *piece;
};

/* --- the tables, as of the head's moment --- */

static void list_books(struct exporting *exporting)
{
  g_autoptr(GArray) books = store_books(exporting->store, NULL);

  for (guint n = 0; n < books->len; n++) {
    const struct stored_book *book = &g_array_index(books, struct stored_book, n);
    char period[PERIOD_TEXT_SIZE];
    int form = catalogue_form(exporting->catalogue, book->form);

    if ((guint)book->book >= exporting->books->len) {
      g_ptr_array_set_size(exporting->books, (gint)book->book + 1);
      g_ptr_array_set_size(exporting->forms, (gint)book->book + 1);
    }
    exporting->books->pdata[book->book] =
        g_strdup_printf("%s,%s", book->form, period_format(book->period, period));
    if (form != CATALOGUE_NONE)
      exporting->forms->pdata[book->book] = (void *)&exporting->catalogue->forms[form];
  }
}

static bool keep_line(const struct cell_key *key, int128 total, int64_t units, void *data)
{
  struct exporting *exporting = data;
  const struct form *form = exporting->forms->pdata[key->book];
  char total_text[DECIMAL_TEXT_SIZE];

  /* Forms retire but never vanish, and their columns neither. */
  const char *column = key->slot < 0 || !form ? "" : form->columns[key->slot].code;
  fprintf(exporting->lines, "%s,%s,%s,%s,%s,%" G_GINT64_FORMAT "\n",
          (const char *)exporting->books->pdata[key->book], key->area, key->slice, column,
          decimal_format(total, 0, total_text), units);
  return true;
}

/* In one transaction with the head. */
static bool read_moment(struct exporting *exporting, struct snapshot *snapshot, GBytes **ret_head,
                        GError **error)
{
  exporting->catalogue = snapshot->catalogue;
  if (proof_head(exporting->store, &exporting->head))
    *ret_head = proof_sign(exporting->store, exporting->identity, &exporting->head);
  list_books(exporting);
  if (exporting->options->tables) store_each_cell(exporting->store, keep_line, exporting);
  if (!store_commit(exporting->store, error)) return false;
  if (fflush(exporting->lines) == 0 && !ferror(exporting->lines)) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("a temporary file could not be written: %s"),
              g_strerror(errno));
  return false;
}

static void write_lines(struct exporting *exporting)
{
  g_autoptr(GString) piece = g_string_sized_new(PIECE_BYTES);
  char *line = NULL;
  size_t room = 0;
  ssize_t length;

  rewind(exporting->lines);
  while ((length = getline(&line, &room, exporting->lines)) > 0) {
    if (piece->len + (size_t)length > PIECE_BYTES) {
      ledger_file_write(exporting->writer, LEDGER_TABLES, piece->str, piece->len);
      g_string_truncate(piece, 0);
    }
    g_string_append_len(piece, line, length);
  }
  if (piece->len > 0) ledger_file_write(exporting->writer, LEDGER_TABLES, piece->str, piece->len);
  free(line);
}

/* --- the leaves, which never change --- */

static void write_receipt(struct exporting *exporting, uint64_t position)
{
  g_autoptr(GBytes) receipt = store_receipt_at(exporting->store, position);
  gsize length;
  const void *data = receipt ? g_bytes_get_data(receipt, &length) : NULL;

  if (receipt) ledger_file_write(exporting->writer, LEDGER_RECEIPT, data, length);
}

static bool write_leaves(struct exporting *exporting, uint64_t from, uint64_t to, GError **error)
{
  store_begin(exporting->store);
  for (uint64_t n = from; n < to; n++) {
    g_autoptr(GBytes) leaf = store_leaf(exporting->store, n);
    gsize length;
    const void *data = leaf ? g_bytes_get_data(leaf, &length) : NULL;

    if (!leaf) break; /* told at the commit */
    ledger_file_write(exporting->writer, LEDGER_LEAF, data, length);
    if (exporting->options->receipts) write_receipt(exporting, n);
  }
  return store_commit(exporting->store, error);
}

static bool write_all(struct exporting *exporting, GBytes *head, GError **error)
{
  gsize length;
  const void *data = g_bytes_get_data(head, &length);

  ledger_file_write(exporting->writer, LEDGER_HEAD, data, length);
  for (uint64_t n = 0; n < exporting->head.size; n += SLICE_LEAVES) {
    if (!write_leaves(exporting, n, MIN(n + SLICE_LEAVES, exporting->head.size), error)) return false;
    if (exporting->options->progress)
      exporting->options->progress(MIN(n + SLICE_LEAVES, exporting->head.size), exporting->head.size,
                                   exporting->options->data);
  }
  write_lines(exporting);
  if (exporting->options->configuration)
    ledger_file_write(exporting->writer, LEDGER_CONFIGURATION, exporting->options->configuration,
                      strlen(exporting->options->configuration));
  ledger_file_write_end(exporting->writer);
  return true;
}

static bool export(struct exporting *exporting, GError **error)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = NULL;
  g_autoptr(GBytes) head = NULL;

  store_begin(exporting->store);
  snapshot = snapshot_load(exporting->store, error);
  if (!snapshot) {
    store_rollback(exporting->store);
    return false;
  }
  return read_moment(exporting, snapshot, &head, error) && write_all(exporting, head, error);
}

bool ledger_export(const char *folder, struct control_output *output,
                   const struct ledger_export_options *options, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  g_autofree char *key = folder_path(folder, "identity.key");
  CLEANUP(identity_free) struct identity *identity = identity_load(key, error);
  CLEANUP(store_close) struct store *store = identity ? store_open(path, STORE_READ, error) : NULL;
  CLEANUP(ledger_file_writer_free) struct ledger_file_writer *writer = NULL;
  struct exporting exporting = {.store = store, .identity = identity, .options = options};
  bool done;

  if (!store) return false;
  exporting.lines = tmpfile();
  if (!exporting.lines) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("a temporary file could not be made: %s"),
                g_strerror(errno));
    return false;
  }
  exporting.writer = writer = ledger_file_writer_new(output);
  exporting.books = g_ptr_array_new_with_free_func(g_free);
  exporting.forms = g_ptr_array_new();
  done = export(&exporting, error);
  g_ptr_array_unref(exporting.books);
  g_ptr_array_unref(exporting.forms);
  fclose(exporting.lines);
  return done;
}

/* --- the command --- */

static int run(struct office *office, struct control_request *request)
{
  static const struct ledger_export_options options = {.tables = true};
  GError *error = NULL;

  return ledger_export(office->config->data, request->output, &options, &error) ? 0
                                                                                : office_fail(request, error);
}

int office_ledger_export(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *output = NULL;
  gboolean to_terminal = FALSE;
  const GOptionEntry entries[] = {
      {"output", 0, 0, G_OPTION_ARG_STRING, &output, N_("a file; standard output by default"),
       N_("FILE")}, /* office_run() takes it out */
      {OFFICE_TO_TERMINAL, 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &to_terminal, NULL, NULL},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;

  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (to_terminal)
    return office_misused(request, "%s", _("a ledger is nothing for a terminal; name a file with --output"));
  return run(office, request);
}
