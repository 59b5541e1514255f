/* Carries leaves out in their order (ARCHITECTURE.md: everything that moves a total is a leaf), each checked
 * against what stood before it. What reports come to is verdicts.c's, what agents may do parties.c's. */
#include "aggregator/verifier/rebuilt.h"

#include "aggregator/verifier/verdicts.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

struct application {
  char *park, *unit;
  bool declined;
};

struct period_act {
  char *form, *area;
  struct period period;
  enum period_action action;
};

static void clear_application(void *data)
{
  struct application *application = data;
  g_free(application->park);
  g_free(application->unit);
}

static void clear_period_act(void *data)
{
  struct period_act *act = data;
  g_free(act->form);
  g_free(act->area);
}

static unsigned id_hash(const void *key)
{
  unsigned hash;
  memcpy(&hash, key, sizeof hash);
  return hash;
}

static int id_equal(const void *a, const void *b)
{
  return memcmp(a, b, SEAL_HASH_SIZE) == 0;
}

struct rebuilt *rebuilt_new(struct faults *faults, const struct keys *keys)
{
  struct rebuilt *rebuilt = g_new0(struct rebuilt, 1);
  rebuilt->faults = faults;
  rebuilt->keys = keys;
  rebuilt->catalogues = g_hash_table_new_full(id_hash, id_equal, NULL, (GDestroyNotify)catalogue_unref);
  rebuilt->units = register_builder_finish(register_builder_new());
  parties_init(&rebuilt->parties, faults);
  rebuilt->reports = reports_new();
  rebuilt->ids = g_hash_table_new_full(id_hash, id_equal, g_free, NULL);
  rebuilt->applications = g_array_new(FALSE, FALSE, sizeof(struct application));
  g_array_set_clear_func(rebuilt->applications, clear_application);
  rebuilt->period_acts = g_array_new(FALSE, FALSE, sizeof(struct period_act));
  g_array_set_clear_func(rebuilt->period_acts, clear_period_act);
  rebuilt->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return rebuilt;
}

void rebuilt_free(struct rebuilt *rebuilt)
{
  if (!rebuilt) return;
  reports_free(rebuilt->reports);
  parties_finish(&rebuilt->parties);
  register_unref(rebuilt->units);
  g_hash_table_unref(rebuilt->catalogues);
  g_hash_table_unref(rebuilt->ids);
  g_array_unref(rebuilt->applications);
  g_array_unref(rebuilt->period_acts);
  g_hash_table_unref(rebuilt->names);
  g_free(rebuilt);
}

/* --- catalogue and register --- */

static void apply_catalogue(struct rebuilt *rebuilt, const struct leaf *leaf)
{
  const struct bytes_view *text = &leaf->catalogue.text;
  g_autoptr(GError) error = NULL;
  CLEANUP(catalogue_unref)
  struct catalogue *catalogue =
      catalogue_compile("catalogue", (const char *)text->data, text->length, &error);
  if (!catalogue) {
    faults_add(rebuilt->faults, rebuilt->leaf, _("the catalogue cannot be read: %s"), error->message);
    return;
  }
  if (rebuilt->catalogue && !catalogue_may_follow(rebuilt->catalogue, catalogue, &error))
    faults_add(rebuilt->faults, rebuilt->leaf, _("the catalogue may not follow the one before: %s"),
               error->message);
  if (!g_hash_table_contains(rebuilt->catalogues, catalogue->hash))
    g_hash_table_insert(rebuilt->catalogues, catalogue->hash, catalogue_ref(catalogue));
  rebuilt->catalogue = g_hash_table_lookup(rebuilt->catalogues, catalogue->hash);
}

static void apply_register(struct rebuilt *rebuilt, const struct leaf *leaf)
{
  const struct bytes_view *text = &leaf->register_.text;
  g_autoptr(GError) error = NULL;
  CLEANUP(register_unref) struct unit_register *imported = NULL;
  if (!register_read_csv(rebuilt->catalogue, "register", (const char *)text->data, text->length, NULL, NULL,
                         &imported, &error)) {
    faults_add(rebuilt->faults, rebuilt->leaf, _("the register cannot be read: %s"), error->message);
    return;
  }
  struct register_builder *builder = register_builder_new();
  for (size_t n = 0; n < register_size(rebuilt->units); n++)
    register_builder_add(builder, register_nth(rebuilt->units, n));
  for (size_t n = 0; n < register_size(imported); n++)
    register_builder_add(builder, register_nth(imported, n));
  register_unref(rebuilt->units);
  rebuilt->units = register_builder_finish(builder);
  verdicts_release_registered(rebuilt, leaf->register_.releases, leaf->register_.release_count);
}

/* --- applications --- */

bool rebuilt_is_applied_for(const struct rebuilt *rebuilt, const char *park, const char *unit)
{
  for (unsigned n = 0; n < rebuilt->applications->len; n++) {
    const struct application *of = &g_array_index(rebuilt->applications, struct application, n);
    if (!of->declined && strcmp(of->unit, unit) == 0 && strcmp(of->park, park) == 0) return true;
  }
  return false;
}

static void apply_decline(struct rebuilt *rebuilt, const struct leaf *leaf)
{
  uint64_t number = leaf->decline.application;
  if (number == 0 || number > rebuilt->applications->len) {
    faults_add(rebuilt->faults, rebuilt->leaf, _("there is no application %" PRIu64 " to decline"), number);
    return;
  }
  struct application *of = &g_array_index(rebuilt->applications, struct application, number - 1);
  of->declined = true;
  verdicts_release_declined(rebuilt, of->park, of->unit, leaf->decline.releases, leaf->decline.release_count);
}

/* --- periods --- */

static bool is_closed_for(const struct rebuilt *rebuilt, const char *form, struct period period, int area)
{
  for (unsigned n = rebuilt->period_acts->len; n-- > 0;) {
    const struct period_act *act = &g_array_index(rebuilt->period_acts, struct period_act, n);
    if (strcmp(act->form, form) != 0 || !period_equal(act->period, period)) continue;
    int of = catalogue_area(rebuilt->catalogue, act->area);
    if (!*act->area || (of != CATALOGUE_NONE && catalogue_area_within(rebuilt->catalogue, area, of)))
      return act->action == PERIOD_TO_CLOSE;
  }
  return false;
}

bool rebuilt_is_closed(const struct rebuilt *rebuilt, const char *form, struct period period, int area)
{
  bool any = false;
  if (area != CATALOGUE_NONE) return is_closed_for(rebuilt, form, period, area);
  for (int n = 0; n < (int)rebuilt->catalogue->area_count; n++) {
    if (!rebuilt->catalogue->areas[n].reports) continue;
    if (!is_closed_for(rebuilt, form, period, n)) return false;
    any = true;
  }
  return any;
}

static void apply_period(struct rebuilt *rebuilt, const struct leaf *leaf)
{
  struct period_act act = {.form = g_strdup(leaf->period.form),
                           .area = g_strdup(leaf->period.area),
                           .action = leaf->period.action};
  (void)period_parse(leaf->period.period, &act.period); /* the decoder has seen to it */
  if (catalogue_form(rebuilt->catalogue, act.form) == CATALOGUE_NONE ||
      (*act.area && catalogue_area(rebuilt->catalogue, act.area) == CATALOGUE_NONE))
    faults_add(rebuilt->faults, rebuilt->leaf, _("the catalogue has no such form or area"));
  g_array_append_val(rebuilt->period_acts, act);
}

/* --- restores --- */

void rebuilt_restore(struct rebuilt *rebuilt, uint64_t epoch)
{
  rebuilt->epoch = epoch;
  rebuilt->paused = true;
  parties_restore(&rebuilt->parties);
}

static void apply_resume(struct rebuilt *rebuilt, const struct leaf *leaf)
{
  if (!rebuilt->paused || leaf->resume.epoch != rebuilt->epoch)
    faults_add(rebuilt->faults, rebuilt->leaf, _("there is nothing to resume"));
  rebuilt->paused = false;
}

static bool is_taken(const struct leaf *leaf, const struct key_change *change)
{
  return leaf->kind == LEAF_SUBMISSION || leaf->kind == LEAF_PARK_ACT || leaf->kind == LEAF_ENROLMENT ||
         (change && *change->agent);
}

static void check_pause(struct rebuilt *rebuilt, const struct leaf *leaf, const struct key_change *change)
{
  if (rebuilt->paused && is_taken(leaf, change))
    faults_add(rebuilt->faults, rebuilt->leaf,
               _("nothing may be taken after a restore before somebody has looked after revocations"));
}

/* --- keys --- */

static struct key_change *read_key_change(const struct leaf *leaf)
{
  const uint8_t *payload;
  size_t length;
  if (leaf->kind != LEAF_KEY ||
      !seal_peek(leaf->key.sealed.data, leaf->key.sealed.length, SEAL_KEY, &payload, &length))
    return NULL;
  return key_change_decode(payload, length);
}

/* The ledger's own are known already; invitations name those of before. */
static void apply_key(struct rebuilt *rebuilt, const struct leaf *leaf, const struct key_change *change)
{
  if (!change)
    faults_add(rebuilt->faults, rebuilt->leaf, _("the change of keys cannot be read"));
  else if (*change->agent)
    parties_change_keys(&rebuilt->parties, rebuilt->leaf, leaf->key.sealed, change);
  else if (keys_present(rebuilt->keys) && keys_at(rebuilt->keys, rebuilt->leaf)->since == rebuilt->leaf)
    parties_void_invitations(&rebuilt->parties);
}

/* --- what is sent --- */

static void note_id(struct rebuilt *rebuilt, const uint8_t id[static SEAL_HASH_SIZE])
{
  const void *before;
  if (g_hash_table_lookup_extended(rebuilt->ids, id, NULL, (void **)&before)) {
    faults_add(rebuilt->faults, rebuilt->leaf, _("this was sent and recorded before, as leaf %" PRIu64),
               (uint64_t)(uintptr_t)before);
    return;
  }
  g_hash_table_insert(rebuilt->ids, g_memdup2(id, SEAL_HASH_SIZE), (void *)(uintptr_t)rebuilt->leaf);
}

static bool apply_act(struct rebuilt *rebuilt, const struct leaf *leaf, struct said *ret_said)
{
  struct bytes_view payload;
  struct party *party =
      parties_open(&rebuilt->parties, rebuilt->leaf, leaf->park_act.sealed, SEAL_ACT, &payload, ret_said->id);
  if (!party) return false;
  CLEANUP(park_act_free) struct park_act *act = park_act_decode(payload.data, payload.length);
  if (!act) {
    faults_add(rebuilt->faults, rebuilt->leaf, _("what agent %s sent cannot be decoded"), party->id);
    return false;
  }
  parties_check(&rebuilt->parties, rebuilt->leaf, party, leaf->park_act.sealed, act->agent, act->sequence);
  bool refused = leaf->park_act.exception_count > 0;
  ret_said->agent = party->id;
  ret_said->sequence = act->sequence;
  ret_said->exceptions = leaf->park_act.exceptions;
  ret_said->exception_count = leaf->park_act.exception_count;
  ret_said->verdicts[refused ? VERDICT_IS_REFUSED : VERDICT_IS_COUNTED] = 1;
  note_id(rebuilt, ret_said->id);
  rebuilt->acts++;
  if (!refused && act->kind == PARK_ADMITS)
    parties_admit(&rebuilt->parties, rebuilt->leaf, rebuilt->catalogue, party, act);
  if (!refused && act->kind == PARK_APPLIES) {
    struct application application = {.park = g_strdup(party->area), .unit = g_strdup(act->application.unit)};
    g_array_append_val(rebuilt->applications, application);
  }
  return true;
}

static bool apply_submission(struct rebuilt *rebuilt, const struct leaf *leaf, struct said *ret_said)
{
  struct bytes_view payload;
  struct party *party = parties_open(&rebuilt->parties, rebuilt->leaf, leaf->submission.sealed,
                                     SEAL_SUBMISSION, &payload, ret_said->id);
  if (!party) return false;
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload.data, payload.length);
  if (!submission) {
    faults_add(rebuilt->faults, rebuilt->leaf, _("what agent %s sent cannot be decoded"), party->id);
    return false;
  }
  const struct submission_head *head = submission_head(submission);
  parties_check(&rebuilt->parties, rebuilt->leaf, party, leaf->submission.sealed, head->agent,
                head->sequence);
  ret_said->agent = party->id;
  ret_said->sequence = head->sequence;
  ret_said->exceptions = leaf->submission.exceptions;
  ret_said->exception_count = leaf->submission.exception_count;
  rebuilt->submissions++;
  bool understood = verdicts_submission(rebuilt, party, submission, leaf, ret_said);
  note_id(rebuilt, ret_said->id);
  verdicts_release_based(rebuilt, ret_said->id, leaf->submission.releases, leaf->submission.release_count);
  return understood;
}

/* --- all of them --- */

static void check_time(struct rebuilt *rebuilt, int64_t recorded_ms)
{
  if (rebuilt->leaf == 0) rebuilt->first_ms = recorded_ms;
  if (rebuilt->leaf > 0 && recorded_ms <= rebuilt->recorded_ms)
    faults_add(rebuilt->faults, rebuilt->leaf, _("it is not recorded later than the leaf before it"));
  rebuilt->recorded_ms = recorded_ms;
}

static void apply_plain(struct rebuilt *rebuilt, const struct leaf *leaf)
{
  switch (leaf->kind) {
  case LEAF_GENESIS:
    if (rebuilt->leaf > 0) faults_add(rebuilt->faults, rebuilt->leaf, _("there is a second beginning"));
    break;
  case LEAF_CATALOGUE:
    apply_catalogue(rebuilt, leaf);
    break;
  case LEAF_REGISTER:
    apply_register(rebuilt, leaf);
    break;
  case LEAF_INVITATION:
    parties_invite(&rebuilt->parties, rebuilt->leaf, leaf);
    break;
  case LEAF_ENROLMENT:
    parties_enrol(&rebuilt->parties, rebuilt->leaf, rebuilt->catalogue, rebuilt->keys, leaf);
    break;
  case LEAF_REVOCATION:
    parties_revoke(&rebuilt->parties, rebuilt->leaf, leaf->revocation.agent);
    break;
  case LEAF_PERIOD:
    apply_period(rebuilt, leaf);
    break;
  case LEAF_DECLINE:
    apply_decline(rebuilt, leaf);
    break;
  case LEAF_RESUME:
    apply_resume(rebuilt, leaf);
    break;
  default: /* it moves no total; editions are editions.c's */
    break;
  }
}

bool rebuilt_apply(struct rebuilt *rebuilt, const struct leaf *leaf, struct said *ret_said)
{
  CLEANUP(key_change_free) struct key_change *change = read_key_change(leaf);
  memset(ret_said, 0, sizeof *ret_said);
  check_time(rebuilt, leaf->recorded_at_ms);
  check_pause(rebuilt, leaf, change);
  bool said = false;
  if (leaf->kind == LEAF_KEY) /* a ledger may have new ones before its first catalogue */
    apply_key(rebuilt, leaf, change);
  else if (leaf->kind > LEAF_CATALOGUE && !rebuilt->catalogue)
    faults_add(rebuilt->faults, rebuilt->leaf, _("no catalogue is in force before it"));
  else if (leaf->kind == LEAF_SUBMISSION)
    said = apply_submission(rebuilt, leaf, ret_said);
  else if (leaf->kind == LEAF_PARK_ACT)
    said = apply_act(rebuilt, leaf, ret_said);
  else
    apply_plain(rebuilt, leaf);
  rebuilt->leaf++;
  return said;
}
