/* Says what was looked at, so that silence about a fault means something, and then every fault. */
#include "aggregator/verifier/summary.h"

#include "common/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static uint64_t count_reports(const struct rebuilt *rebuilt)
{
  uint64_t reports = 0;
  for (size_t n = 0; n < G_N_ELEMENTS(rebuilt->verdicts); n++) reports += rebuilt->verdicts[n];
  return reports;
}

static uint64_t count_waiting(const struct rebuilt *rebuilt)
{
  return rebuilt->verdicts[VERDICT_IS_WAITING] + rebuilt->verdicts[VERDICT_IS_WAITING_UNIT];
}

static char *format_time(int64_t ms)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(ms / 1000);
  char *text = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S UTC") : NULL;
  return text ? text : g_strdup("?");
}

/* Empty where there is none. */
static char *format_key(const struct key *key)
{
  return key ? text_hex(key->key_id, sizeof key->key_id) : g_strdup("");
}

static void print_ledger(const struct verification *verification, const char *file)
{
  const struct rebuilt *rebuilt = verification->rebuilt;
  g_autofree char *first = format_time(rebuilt->first_ms), *last = format_time(rebuilt->recorded_ms);
  uint8_t root[MERKLE_HASH_SIZE];
  merkle_root(&verification->tree.leaves, root);
  g_autofree char *root_text = text_hex(root, sizeof root);
  printf(_("%s: a ledger of %" PRIu64 " leaves, from %s to %s\n"), file, rebuilt->leaf, first, last);
  printf(_("root of its tree   %s\n"), root_text);
  if (!keys_present(&verification->keys)) return;
  g_autofree char *key_id = format_key(keys_present(&verification->keys));
  g_autofree char *first_key_id = format_key(keys_nth(&verification->keys, 0));
  printf(_("signed by key id   %s\n"), key_id);
  if (keys_changes(&verification->keys) > 0)
    printf(
        _("                   after %u changes, each signed by the key before it; the first key id was %s\n"),
        keys_changes(&verification->keys), first_key_id);
  if (!verification->has_key)
    printf(
        _("                   Compare it with one that you have from elsewhere, or give that with --key.\n"));
}

static void print_content(const struct verification *verification)
{
  const struct rebuilt *rebuilt = verification->rebuilt;
  const uint64_t *verdicts = rebuilt->verdicts;
  if (rebuilt->epoch > 0)
    printf(_("restored           %u times from a backup, as it says; %" PRIu64
             " of the heads and receipts given are of what was lost by that\n"),
           verification->tree.restores->len, verification->tree.lost);
  printf(_("agents             %u\n"), rebuilt->parties.all->len);
  if (rebuilt->parties.key_changes > 0)
    printf(_("                   whose keys were changed %" PRIu64 " times\n"), rebuilt->parties.key_changes);
  printf(_("submissions        %" PRIu64 ", and %" PRIu64 " other acts of parks\n"), rebuilt->submissions,
         rebuilt->acts);
  printf(_("reports            %" PRIu64 ": %" PRIu64 " counted as they came, %" PRIu64 " unchanged, %" PRIu64
           " stale, %" PRIu64 " waited, %" PRIu64 " refused\n"),
         count_reports(rebuilt), verdicts[VERDICT_IS_COUNTED], verdicts[VERDICT_IS_UNCHANGED],
         verdicts[VERDICT_IS_STALE], count_waiting(rebuilt), verdicts[VERDICT_IS_REFUSED]);
  printf(_("units that report  %u\n"), g_hash_table_size(rebuilt->names));
  printf(_("totals compared    %" PRIu64 "\n"), verification->totals);
  if (verification->is_backup && verification->totals == 0)
    printf(_("                   This is a backup, which has no totals: only an export says what the tables "
             "are.\n"));
  printf(_("editions           %" PRIu64 ", with %" PRIu64 " printed figures\n"),
         published_editions(verification->published), published_figures(verification->published));
  printf(_("earlier heads      %u\n"), verification->tree.claims->len);
  printf(_("receipts           %" PRIu64 "\n"), receipts_count(verification->receipts));
}

static void print_faults(const struct faults *faults)
{
  if (faults->count == 0) {
    printf(_("Nothing is wrong.\n"));
    return;
  }
  printf(_("This is wrong:\n"));
  for (unsigned n = 0; n < faults->lines->len; n++) printf("  %s\n", (const char *)faults->lines->pdata[n]);
  if (faults->count > faults->lines->len)
    printf(_("  … and %" PRIu64 " more\n"), faults->count - faults->lines->len);
}

static json_t *write_faults(const struct faults *faults)
{
  json_t *lines = json_array();
  for (unsigned n = 0; n < faults->lines->len; n++)
    json_array_append_new(lines, json_string(faults->lines->pdata[n]));
  return lines;
}

static void print_json(const struct verification *verification, const char *file)
{
  const struct rebuilt *rebuilt = verification->rebuilt;
  const uint64_t *verdicts = rebuilt->verdicts;
  uint8_t root[MERKLE_HASH_SIZE];
  merkle_root(&verification->tree.leaves, root);
  g_autofree char *root_text = text_hex(root, sizeof root), *name = g_filename_display_name(file);
  g_autofree char *key_id = format_key(keys_present(&verification->keys));
  g_autofree char *first_key_id = format_key(keys_nth(&verification->keys, 0));
  json_t *object = json_pack(
      "{s:s, s:I, s:s, s:I, s:I, s:I, s:s, s:s, s:{s:I, s:I}, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
      "s:I, "
      "s:I, s:I, s:I, s:I, "
      "s:I, s:I, "
      "s:I, "
      "s:o}",
      "file", name, "leaves", (json_int_t)rebuilt->leaf, "root", root_text, "epoch",
      (json_int_t)rebuilt->epoch, "restores", (json_int_t)verification->tree.restores->len, "lost",
      (json_int_t)verification->tree.lost, "key_id", key_id, "first_key_id", first_key_id, "key_changes",
      "aggregator", (json_int_t)keys_changes(&verification->keys), "agents",
      (json_int_t)rebuilt->parties.key_changes, "first_ms", (json_int_t)rebuilt->first_ms, "last_ms",
      (json_int_t)rebuilt->recorded_ms, "agents", (json_int_t)rebuilt->parties.all->len, "submissions",
      (json_int_t)rebuilt->submissions, "acts", (json_int_t)rebuilt->acts, "reports",
      (json_int_t)count_reports(rebuilt), "counted", (json_int_t)verdicts[VERDICT_IS_COUNTED], "unchanged",
      (json_int_t)verdicts[VERDICT_IS_UNCHANGED], "stale", (json_int_t)verdicts[VERDICT_IS_STALE], "waited",
      (json_int_t)count_waiting(rebuilt), "refused", (json_int_t)verdicts[VERDICT_IS_REFUSED], "units",
      (json_int_t)g_hash_table_size(rebuilt->names), "totals", (json_int_t)verification->totals, "editions",
      (json_int_t)published_editions(verification->published), "heads",
      (json_int_t)verification->tree.claims->len, "receipts",
      (json_int_t)receipts_count(verification->receipts), "faults", (json_int_t)verification->faults->count,
      "wrong", write_faults(verification->faults));
  json_dumpf(object, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(object);
}

void summary_print(const struct verification *verification, const char *file, bool json)
{
  if (json) {
    print_json(verification, file);
    return;
  }
  print_ledger(verification, file);
  print_content(verification);
  print_faults(verification->faults);
}
