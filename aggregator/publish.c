/* park-aggregator period publish: an edition of a form's period, sealed, and kept in the ledger. What it may
 * say is worked out here, over reading transactions; the writer only sees that it still fits. */
#include "aggregator/edition.h"
#include "aggregator/edition_protect.h"
#include "aggregator/inquiry.h"
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/read_coverage.h"
#include "common/calendar.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

/* What an edition rests on, as it was read. */
struct reading {
  struct edition_source *source;
  struct edition *edition; /* as it was published; of the new one as far as it is known */
};

static void clear_reading(void *data)
{
  struct reading *reading = data;
  edition_source_free(reading->source);
  edition_free(reading->edition);
}

struct publishing {
  struct office *office;
  const char *form;
  struct period period;
  const char *by, *reason; /* "" where none was given */
  GArray *readings;        /* struct reading: the new one first */
};

static struct edition *new_edition(const struct publishing *publishing)
{
  return g_array_index(publishing->readings, struct reading, 0).edition;
}

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_propagate_error(error, g_error_new_valist(PARKTALLY_ERROR, ERROR_USAGE, format, arguments));
  va_end(arguments);
  return false;
}

/* --- what has to be said with it --- */

/* The largest missing unit by name. */
static char *name_missing(const struct publishing *publishing, const struct coverage_report *coverage)
{
  const struct missing_unit *first = &g_array_index(coverage->missing, struct missing_unit, 0);
  char period[PERIOD_TEXT_SIZE];
  return g_strdup_printf(
      _("%u units are missing, %s %s before all (“completeness --form %s --period %s” names "
        "them)"),
      coverage->missing->len, first->version->unit, first->version->name, publishing->form,
      period_format(publishing->period, period));
}

static char *name_inquiries(const struct publishing *publishing, const GArray *inquiries)
{
  const struct stored_inquiry *first = &g_array_index(inquiries, struct stored_inquiry, 0);
  char period[PERIOD_TEXT_SIZE];
  return g_strdup_printf(_("%u inquiries are not settled, no. %" PRIu64 " about %s the oldest (“inquiries "
                           "--form %s --period %s” lists them)"),
                         inquiries->len, first->number, first->unit, publishing->form,
                         period_format(publishing->period, period));
}

/* Whoever publishes an incomplete period, or figures that are asked about, says why; the edition says it. */
static bool may_be_published(const struct publishing *publishing, const struct coverage_report *coverage,
                             const GArray *inquiries, GError **error)
{
  g_autofree char *missing = coverage->missing->len > 0 ? name_missing(publishing, coverage) : NULL;
  g_autofree char *asked = inquiries->len > 0 ? name_inquiries(publishing, inquiries) : NULL;
  if (*publishing->reason || (!missing && !asked)) return true;
  return refuse(error, _("%s%s%s. To publish all the same, say why with --reason R; the edition prints it."),
                missing ? missing : "", missing && asked ? _("; ") : "", asked ? asked : "");
}

/* --- the new edition --- */

static void describe(const struct publishing *publishing, const struct snapshot *snapshot,
                     const struct disclose_rules *rules, struct edition *edition)
{
  const struct catalogue *catalogue = snapshot->catalogue;
  const struct form *form = &catalogue->forms[catalogue_form(catalogue, publishing->form)];
  struct store *store = publishing->office->reader;
  struct merkle tree;
  uint8_t root[MERKLE_HASH_SIZE];
  char period[PERIOD_TEXT_SIZE];
  store_tree(store, &tree);
  merkle_root(&tree, root);
  edition->number = store_last_edition(store) + 1;
  edition->zone = g_strdup(catalogue->code);
  edition->zone_name = (struct label){g_strdup(catalogue->name.zh), g_strdup(catalogue->name.en)};
  edition->form = g_strdup(form->code);
  edition->form_name = (struct label){g_strdup(form->name.zh), g_strdup(form->name.en)};
  edition->period = g_strdup(period_format(publishing->period, period));
  edition->leaves = tree.size;
  edition->root = text_hex(root, sizeof root);
  edition->as_of_ms = store_last_recorded(store);
  edition->catalogue = text_hex(catalogue->hash, CATALOGUE_HASH_SIZE);
  edition->by = g_strdup(publishing->by);
  edition->reason = g_strdup(publishing->reason);
  edition->rules = *rules;
}

/* Units of all trees of areas together. */
static void describe_coverage(const struct catalogue *catalogue, const struct coverage_report *coverage,
                              struct edition *edition)
{
  edition->missing = coverage->missing->len;
  for (size_t area = 0; area < catalogue->area_count; area++)
    if (catalogue->areas[area].parent == CATALOGUE_NONE)
      edition->expected += coverage->covered[area].area.expected;
}

static bool read_new_edition(struct publishing *publishing, struct snapshot *snapshot,
                             struct reading *reading, GError **error)
{
  struct store *store = publishing->office->reader;
  const struct disclose_rules *rules = &publishing->office->config->disclosure;
  int form = catalogue_form(snapshot->catalogue, publishing->form);
  int64_t book = store_find_book(store, publishing->form, publishing->period);
  CLEANUP(reader_free) struct reader *reader = reader_new(store, snapshot);
  reading->edition = edition_new();
  if (!edition_next_vintage(store, snapshot, publishing->form, publishing->period, &reading->edition->vintage,
                            error))
    return false;
  CLEANUP(coverage_report_free)
  struct coverage_report *coverage = reader_coverage(reader, form, publishing->period, error);
  g_autoptr(GArray) inquiries = store_inquiries_unsettled(store, NULL, book, 0, SIZE_MAX);
  if (!coverage) return false;
  if (book == 0) return refuse(error, _("nobody has reported for it, so there is nothing to publish"));
  if (!may_be_published(publishing, coverage, inquiries, error)) return false;
  describe(publishing, snapshot, rules, reading->edition);
  describe_coverage(snapshot->catalogue, coverage, reading->edition);
  reading->edition->inquiries = inquiries->len;
  reading->source = reader_edition(reader, publishing->form, publishing->period, reading->edition->leaves,
                                   (size_t)rules->dominant, error);
  return reading->source != NULL;
}

/* --- what is out already --- */

static bool read_old_edition(struct publishing *publishing, struct snapshot *snapshot,
                             const struct stored_edition *stored, struct reading *reading, GError **error)
{
  struct store *store = publishing->office->reader;
  CLEANUP(past_free) struct past *past = NULL;
  CLEANUP(reader_free) struct reader *reader = NULL;
  reading->edition = edition_load(store, stored->number, error);
  if (!reading->edition) return false;
  past = past_new(store, snapshot, stored->leaves, store_leaf_recorded(store, stored->leaves - 1), error);
  if (!past) return false;
  reader = reader_new_at(store, past);
  reading->source = reader_edition(reader, stored->form, stored->period, stored->leaves,
                                   (size_t)publishing->office->config->disclosure.dominant, error);
  return reading->source != NULL;
}

/* Each reading is a transaction of its own, since what was recorded before stays as it was. */
static bool read_one(struct publishing *publishing, const struct stored_edition *stored, GError **error)
{
  struct store *store = publishing->office->reader;
  struct reading reading = {0};
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(publishing->office->writer), store, error);
  if (!snapshot) return false;
  bool done = stored ? read_old_edition(publishing, snapshot, stored, &reading, error)
                     : read_new_edition(publishing, snapshot, &reading, error);
  if (done)
    done = store_commit(store, error);
  else
    store_rollback(store);
  if (done)
    g_array_append_val(publishing->readings, reading);
  else
    clear_reading(&reading);
  return done;
}

/* Whether January to the one is January to the other and itself, or the one is a year after the other. */
static bool follows(const struct form *form, struct period one, struct period other)
{
  return period_key(other) == period_key(period_last_year(one)) ||
         (one.month != 1 && period_key(other) == period_key(form_period_before(form, one)));
}

/* Whether it tells of the new edition's figures, or is told of by them, since periods are not published in
 * their order: of the same period, of the ones before and after in the same year, or of the same a year
 * before or after; of another period than its own, only the last edition does. */
static bool is_related(const struct publishing *publishing, const struct catalogue *catalogue,
                       const GArray *editions, unsigned n)
{
  const struct form *form = &catalogue->forms[catalogue_form(catalogue, publishing->form)];
  const struct period own = publishing->period;
  const struct period of = g_array_index(editions, struct stored_edition, n).period;
  if (period_key(of) == period_key(own)) return true;
  if (!follows(form, own, of) && !follows(form, of, own)) return false;
  for (unsigned later = n + 1; later < editions->len; later++)
    if (period_key(g_array_index(editions, struct stored_edition, later).period) == period_key(of))
      return false;
  return true;
}

static bool read_all(struct publishing *publishing, const struct catalogue *catalogue, GError **error)
{
  if (!read_one(publishing, NULL, error)) return false;
  g_autoptr(GArray) editions = store_editions(publishing->office->reader, publishing->form);
  for (unsigned n = 0; n < editions->len; n++)
    if (is_related(publishing, catalogue, editions, n) &&
        !read_one(publishing, &g_array_index(editions, struct stored_edition, n), error))
      return false;
  return true;
}

/* Units that reported, of all trees of areas. */
static int64_t count_reported(const struct edition_source *source)
{
  int64_t reported = 0;
  for (unsigned n = 0; n < source->families->len; n++) {
    const struct family *family = &g_array_index(source->families, struct family, n);
    if (family->kind == FAMILY_TOTAL && family->slice == 0 &&
        source->catalogue->areas[family->area].parent == CATALOGUE_NONE)
      reported += family->reported;
  }
  return reported;
}

/* The difference of two editions is what came in between. Of few that would be their own figures, and the
 * zone's total is not withheld for it: so that is for a person to decide. */
static bool may_follow_the_last(const struct publishing *publishing, GError **error)
{
  const struct reading *readings = (const struct reading *)(const void *)publishing->readings->data;
  const struct reading *last = NULL;
  for (unsigned n = 1; n < publishing->readings->len; n++)
    if (period_key(readings[n].source->period) == period_key(publishing->period)) last = &readings[n];
  int64_t more = last ? count_reported(readings[0].source) - count_reported(last->source) : 0;
  if (more <= 0 || more >= publishing->office->config->disclosure.threshold || *publishing->reason)
    return true;
  return refuse(
      error,
      _("since edition %" PRIu64 " only %" PRId64 " more units have reported, so the difference of the "
        "two editions would tell their figures. To publish all the same, say why with --reason R; the "
        "edition prints it."),
      last->edition->number, more);
}

/* --- the act --- */

static GArray *bases_of(const struct publishing *publishing)
{
  GArray *bases = g_array_new(FALSE, FALSE, sizeof(struct edition_basis));
  for (unsigned n = 0; n < publishing->readings->len; n++) {
    const struct reading *reading = &g_array_index(publishing->readings, struct reading, n);
    struct edition_basis basis = {reading->source, n == 0 ? NULL : reading->edition};
    g_array_append_val(bases, basis);
  }
  return bases;
}

static bool seal(const struct publishing *publishing, GError **error)
{
  struct office *office = publishing->office;
  g_autofree char *text = edition_write(new_edition(publishing));
  g_autoptr(GByteArray) sealed =
      identity_seal(office->identity, SEAL_EDITION, (const uint8_t *)text, strlen(text), NULL);
  struct leaf leaf = {.kind = LEAF_EDITION,
                      .by = publishing->by,
                      .reason = publishing->reason,
                      .edition = {{sealed->data, sealed->len}}};
  struct act act = {.kind = LEAF_EDITION, .leaf = &leaf};
  return writer_act(office->writer, &act, NULL, error);
}

static const char *vintage_name(enum edition_vintage vintage)
{
  switch (vintage) {
  case EDITION_PROVISIONAL:
    return _("provisional");
  case EDITION_FINAL:
    return _("final");
  case EDITION_REVISED:
    return _("revised");
  }
  return "";
}

static void say_done(const struct publishing *publishing, const struct edition_protection *protection,
                     struct control_request *request)
{
  const struct edition *edition = new_edition(publishing);
  control_out(request->output, _("Edition %" PRIu64 ": %s of %s, %s (%c), is published and sealed.\n"),
              edition->number, edition->period, text_label(&edition->form_name),
              vintage_name(edition->vintage), edition->vintage);
  control_out(request->output,
              _("%zu cells are printed; %zu are withheld since they tell of too few, and %zu so that none of "
                "these follows.\n"),
              protection->published, protection->primary, protection->secondary);
  control_out(request->output,
              _("“park-aggregator export editions --edition %" PRIu64 " --format xlsx --output FILE” writes "
                "it.\n"),
              edition->number);
}

static int publish(struct publishing *publishing, const struct catalogue *catalogue,
                   struct control_request *request)
{
  GError *error = NULL;
  struct edition_protection protection;
  if (!read_all(publishing, catalogue, &error) || !may_follow_the_last(publishing, &error))
    return office_fail(request, error);
  g_autoptr(GArray) bases = bases_of(publishing);
  if (!edition_protect(bases, &publishing->office->config->disclosure, new_edition(publishing), &protection,
                       &error) ||
      !seal(publishing, &error))
    return office_fail(request, error);
  say_done(publishing, &protection, request);
  return 0;
}

/* --- the command --- */

static int run(struct office *office, struct control_request *request, const char *form_code,
               const char *period_text, const char *reason)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(office);
  const struct catalogue *catalogue = snapshot->catalogue;
  g_autofree char *by = leaf_words(request->user), *why = leaf_words(reason ? reason : "");
  struct publishing publishing = {.office = office, .by = by, .reason = g_strstrip(why)};
  GError *error = NULL;
  int form;
  if (!office_read_period(request, period_text, &publishing.period)) return ERROR_USAGE;
  if (!pick_one(catalogue, PICK_FORMS, form_code, &form, &error)) return office_fail(request, error);
  g_autofree char *wrong = catalogue_period_objection(catalogue, form, publishing.period);
  if (wrong) return office_misused(request, _("found %s, form %s expects %s"), period_text, form_code, wrong);
  if (!calendar_has_begun(catalogue, publishing.period, clock_wall().ms))
    return office_misused(request, _("%s has not begun, so nobody can report for it yet"), period_text);
  publishing.form = catalogue->forms[form].code;
  publishing.readings = g_array_new(FALSE, TRUE, sizeof(struct reading));
  g_array_set_clear_func(publishing.readings, clear_reading);
  int exit_code = publish(&publishing, catalogue, request);
  g_array_unref(publishing.readings);
  return exit_code;
}

int office_period_publish(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *form = NULL, *period = NULL, *reason = NULL;
  const GOptionEntry entries[] = {
      {"form", 0, 0, G_OPTION_ARG_STRING, &form, N_("of this form"), N_("F")},
      {"period", 0, 0, G_OPTION_ARG_STRING, &period, N_("2018-05, 2018-Q2, 2018 or 2018-01/P2M"), N_("P")},
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason,
       N_("why although units are missing or inquiries open; the edition prints it"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!form || !period) return office_misused(request, _("which period? Name it with --form F --period P"));
  return run(office, request, form, period, reason);
}
