#include "agent/prepare_private.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>
#include <sys/stat.h>

#define GIVEN_MOST 100000
/* A file is read again where the register turns out to be old. What was said in the first run is not said
 * twice. */
struct attempts {
  bool asked;        /* the aggregator was asked for the documents in force */
  bool second;       /* this is the second run */
  GHashTable *given; /* hashes (int64_t) of the findings of the first; at most GIVEN_MOST, then a few are said
                        twice */
};

/* One run over the file. */
struct preparing {
  const struct prepare_options *options;
  struct prepare_result *result;
  char *file;                  /* its name, for findings */
  struct catalogue *catalogue; /* those in use when the run began; refresh may replace the home's */
  struct unit_register *units;
  struct parcels parcels;
  size_t place_count;   /* 0 until the form is known, of which a file has one */
  struct place *places; /* by column of the form */
  struct judging judging;
  bool refused_whole; /* no right to the form, or cut off */
  GError *error;

  struct attempts *attempts;
  bool again; /* the register is newer now: this run is void */
};

/* --- findings --- */

static bool may_be_outdated(enum finding_code code)
{
  return code == FINDING_UNIT_UNKNOWN || code == FINDING_UNIT_ELSEWHERE || code == FINDING_UNIT_CHECK;
}

/* Asks once. True if the home has another catalogue or register than this run. */
static bool refresh(struct preparing *preparing)
{
  const struct prepare_options *options = preparing->options;
  if (preparing->attempts->asked || !options->refresh) return false;
  preparing->attempts->asked = true;
  return options->refresh(options->data) &&
         (options->home->units != preparing->units || options->home->catalogue != preparing->catalogue);
}

static int64_t *hash_of(const struct finding *finding)
{
  g_autofree char *line = finding_format(finding);
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash((const uint8_t *)line, strlen(line), hash);
  return g_memdup2(hash, sizeof(int64_t));
}

/* True if the finding is new; notes it where there may be a second run. */
static bool is_new(struct preparing *preparing, const struct finding *finding)
{
  struct attempts *attempts = preparing->attempts;
  if (attempts->second ? g_hash_table_size(attempts->given) == 0
                       : attempts->asked || !preparing->options->refresh)
    return true;
  g_autofree int64_t *hash = hash_of(finding);
  if (attempts->second) return !g_hash_table_contains(attempts->given, hash);
  if (g_hash_table_size(attempts->given) < GIVEN_MOST)
    g_hash_table_add(attempts->given, g_steal_pointer(&hash));
  return true;
}

static void take_finding(const struct finding *finding, void *data)
{
  struct preparing *preparing = data;
  struct finding cut;
  if (preparing->again) return;
  if (finding->code == FINDING_FILE_NO_LINE_END && preparing->options->whole_lines) {
    cut = *finding;
    cut.code = FINDING_FILE_CUT;
    cut.found = _("a last line without line end");
    finding = &cut;
    preparing->refused_whole = true;
  }
  if (may_be_outdated(finding->code) && refresh(preparing))
    preparing->again = true;
  else if (is_new(preparing, finding))
    preparing->options->findings(finding, preparing->options->data);
}

/* --- reports --- */

static bool has_right(const struct certificate *certificate, const char *form)
{
  for (size_t i = 0; i < certificate->form_count; i++)
    if (strcmp(certificate->forms[i], form) == 0) return true;
  return certificate->form_count == 0;
}

static void note_places(struct preparing *preparing, const struct good_report *report)
{
  preparing->place_count = preparing->catalogue->forms[report->form].column_count;
  preparing->places = g_new0(struct place, preparing->place_count);
  for (size_t i = 0; i < preparing->place_count; i++) {
    const char *heading;
    preparing->places[i].column = mapping_column(report->mapping, (int)i, &heading);
    preparing->places[i].heading = g_strdup(heading);
  }
  preparing->judging.places = preparing->places;
}

/* From here on reports are of this form and period. */
static bool turn_to(struct preparing *preparing, int form, struct period period)
{
  const char *code = preparing->catalogue->forms[form].code;
  if (!judging_flush(&preparing->judging, &preparing->error) ||
      !parcels_close(&preparing->parcels, &preparing->error))
    return false;
  if (!has_right(preparing->options->home->certificate, code)) {
    preparing->refused_whole = true;
    take_finding(&(struct finding){.code = FINDING_FORM_RIGHT, .file = preparing->file, .found = code},
                 preparing);
    return false;
  }
  preparing->parcels.form = form;
  preparing->parcels.period = period;
  return judging_turn(&preparing->judging, &preparing->error);
}

static bool must_stop(struct preparing *preparing)
{
  const atomic_bool *stop = preparing->options->stop;
  if (!stop || !atomic_load(stop)) return false;
  if (!preparing->error)
    preparing->error = g_error_new(PARKTALLY_ERROR, ERROR_TEMPORARY,
                                   _("%s: stopped before its end; nothing of it was sent"), preparing->file);
  return true;
}

static bool take_report(const struct good_report *report, void *data)
{
  struct preparing *preparing = data;
  const struct parcels *parcels = &preparing->parcels;
  if (preparing->again || preparing->refused_whole || must_stop(preparing)) return false;
  bool is_other = report->form != parcels->form || !period_equal(report->period, parcels->period);
  if (is_other && !turn_to(preparing, report->form, report->period)) return false;
  if (preparing->place_count == 0) note_places(preparing, report);
  return judging_take(&preparing->judging, report, &preparing->error);
}

/* --- a run --- */

static bool has_changed(const struct stat *before, const char *path)
{
  struct stat after;
  return stat(path, &after) != 0 || after.st_size != before->st_size || after.st_ino != before->st_ino ||
         after.st_mtim.tv_sec != before->st_mtim.tv_sec || after.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static bool is_applied_for(const char *unit, void *data)
{
  return outbox_is_applied_for(data, unit);
}

static bool read_file(struct preparing *preparing, const char *path, GError **error)
{
  const struct prepare_options *options = preparing->options;
  struct home *home = options->home;
  const struct reading_options reading = {
      .catalogue = preparing->catalogue,
      .units = preparing->units,
      .area = catalogue_area(preparing->catalogue, home->certificate->area),
      .form = options->form,
      .period = options->period,
      .rules = (const struct mapping_rules *const *)home->config.mappings->pdata,
      .role = (int)home->certificate->role,
      .temporary = home->folder,
      .is_applied_for = options->outbox ? is_applied_for : NULL,
      .applied_data = options->outbox,
  };
  g_autoptr(GError) failure = NULL;
  bool read = reading_run(path, &reading, take_report, take_finding, preparing, &preparing->result->reading,
                          &failure) &&
              judging_flush(&preparing->judging, &preparing->error) &&
              parcels_close(&preparing->parcels, &preparing->error);
  if (preparing->refused_whole) preparing->result->reading.whole = false;
  if (preparing->again || read || preparing->refused_whole) return true;
  if (preparing->error)
    g_propagate_error(error, g_steal_pointer(&preparing->error));
  else
    g_propagate_error(error, g_steal_pointer(&failure));
  return false;
}

static bool commit(struct preparing *preparing, const char *path, const struct stat *before, GError **error)
{
  struct parcels *parcels = &preparing->parcels;
  if (must_stop(preparing)) {
    g_propagate_error(error, g_steal_pointer(&preparing->error));
    return false;
  }
  if (has_changed(before, path)) {
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_TEMPORARY,
        _("%s was changed while it was read; nothing of it was sent, send it again when it is complete"),
        path);
    return false;
  }
  if (!preparing->result->reading.whole || parcels->batch == 0) return true;
  if (!outbox_batch_commit(parcels->outbox, parcels->batch, error)) return false;
  preparing->result->batch = parcels->batch;
  preparing->result->submissions = parcels->submissions;
  preparing->result->reports = parcels->reports;
  return true;
}

static void preparing_init(struct preparing *preparing, const struct prepare_options *options)
{
  parcels_init(&preparing->parcels);
  preparing->parcels.home = options->home;
  preparing->parcels.outbox = options->outbox;
  preparing->parcels.file = preparing->file;
  preparing->parcels.place = options->place;
  preparing->parcels.approved_by = options->approved_by;
  preparing->parcels.catalogue = preparing->catalogue;
  const char *folder = options->home->folder;
  judging_init(&preparing->judging, options->outbox, folder ? folder : g_get_tmp_dir());
  preparing->judging.check_only = options->check_only;
  preparing->judging.result = preparing->result;
  preparing->judging.file = preparing->file;
  preparing->judging.catalogue = preparing->catalogue;
  preparing->judging.units = preparing->units;
  preparing->judging.parcels = &preparing->parcels;
  preparing->judging.findings = take_finding;
  preparing->judging.data = preparing;
}

static void preparing_clear(struct preparing *preparing)
{
  parcels_clear(&preparing->parcels);
  judging_finish(&preparing->judging);
  for (size_t i = 0; i < preparing->place_count; i++) g_free(preparing->places[i].heading);
  g_free(preparing->places);
  catalogue_unref(preparing->catalogue);
  register_unref(preparing->units);
  g_clear_error(&preparing->error);
}

/* True in ret_again if the register turned out to be old. */
static bool run_once(const char *path, const struct prepare_options *options, struct attempts *attempts,
                     bool *ret_again, struct prepare_result *ret_result, GError **error)
{
  struct stat before;
  g_autofree char *name = g_filename_display_basename(path);
  if (stat(path, &before) != 0) memset(&before, 0, sizeof before); /* the source says why */
  struct prepare_result result = {.reading.form = CATALOGUE_NONE};
  struct preparing preparing = {.options = options,
                                .result = &result,
                                .file = name,
                                .catalogue = catalogue_ref(options->home->catalogue),
                                .units = register_ref(options->home->units),
                                .attempts = attempts};
  preparing_init(&preparing, options);
  bool done =
      read_file(&preparing, path, error) && (preparing.again || commit(&preparing, path, &before, error));
  *ret_again = preparing.again;
  preparing_clear(&preparing);
  if (done && !*ret_again) *ret_result = result;
  return done;
}

static bool run_all(const char *path, const struct prepare_options *options, struct attempts *attempts,
                    struct prepare_result *ret_result, GError **error)
{
  bool again;
  if (!run_once(path, options, attempts, &again, ret_result, error)) return false;
  if (!again) return true;
  attempts->second = true;
  return run_once(path, options, attempts, &again, ret_result, error);
}

bool prepare_file(const char *path, const struct prepare_options *options, struct prepare_result *ret_result,
                  GError **error)
{
  struct home *home = options->home;
  struct attempts attempts = {0};
  if (!home->catalogue || !home->units) {
    attempts.asked = true;
    if (options->refresh) options->refresh(options->data);
  }
  if (!home->catalogue || !home->units) {
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
        _("%s has no catalogue and register yet, and the aggregator at %s does not answer; check the network "
          "and try again"),
        home->folder, home->endpoint);
    return false;
  }
  attempts.given = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  bool done = run_all(path, options, &attempts, ret_result, error);
  g_hash_table_unref(attempts.given);
  return done;
}

int prepare_exit_code(const struct prepare_result *result)
{
  if (result->refused > 0) return ERROR_DATA;
  return reading_exit_code(&result->reading);
}
