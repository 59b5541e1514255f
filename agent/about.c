#include "agent/about.h"

#include "agent/answer.h"
#include "common/calendar.h"
#include "common/clock.h"
#include "common/text.h"

#include <jansson.h>
#include <stdio.h>

#define HASH_SHOWN 6         /* bytes; enough to compare by telephone */
#define FINGERPRINT_BYTES 10 /* where somebody might try for another one that is the same */

/* Codes of the forms that the agent may send: those of its certificate, else all of its role. */
static GPtrArray *forms_of(const struct home *home)
{
  GPtrArray *codes = g_ptr_array_new();
  const struct certificate *certificate = home->certificate;
  for (size_t i = 0; i < certificate->form_count; i++) g_ptr_array_add(codes, (char *)certificate->forms[i]);
  if (certificate->form_count > 0 || !home->catalogue) return codes;
  for (size_t i = 0; i < home->catalogue->form_count; i++)
    if ((int)home->catalogue->forms[i].role == (int)certificate->role)
      g_ptr_array_add(codes, home->catalogue->forms[i].code);
  return codes;
}

char *about_fingerprint(const uint8_t key_id[SEAL_HASH_SIZE])
{
  GString *text = g_string_new(NULL);
  for (size_t i = 0; i < FINGERPRINT_BYTES; i++)
    g_string_append_printf(text, "%s%02x", i > 0 && i % 2 == 0 ? "-" : "", key_id[i]);
  return g_string_free(text, FALSE);
}

static char *own_fingerprint(const struct home *home)
{
  uint8_t key_id[SEAL_HASH_SIZE];
  memcpy(key_id, key_chain_present(home->keys)->key_id, sizeof key_id);
  return about_fingerprint(key_id);
}

/* What there is to admissions: this agent's own, and those of others that it may decide. */
struct admissions {
  bool waits;
  size_t waiting;
};

static struct admissions admissions_of(const struct home *home, struct outbox *outbox)
{
  const char *own = home->certificate->agent;
  if (!outbox) return (struct admissions){0};
  return (struct admissions){outbox_agent_waits(outbox, own), outbox_waiting_agents(outbox, own)};
}

static char *hash_text(const uint8_t *hash)
{
  return text_hex(hash, HASH_SHOWN);
}

static const char *area_name(const struct home *home)
{
  bool known = home->catalogue && home->area != CATALOGUE_NONE;
  return known ? text_label(&home->catalogue->areas[home->area].name) : "";
}

/* Until when the period that ended last is to be reported on a form; NULL where the form is not known, or has
 * no deadline. */
static char *due_of(const struct home *home, const char *code, char ret_period[PERIOD_TEXT_SIZE])
{
  int form = home->catalogue ? catalogue_form(home->catalogue, code) : CATALOGUE_NONE;
  if (form == CATALOGUE_NONE || home->catalogue->forms[form].retired) return NULL;
  day_number today = calendar_day(home->catalogue, clock_wall().ms);
  struct period period = calendar_last_ended(&home->catalogue->forms[form], today);
  int64_t due = calendar_due(home->catalogue, form, period);
  period_format(period, ret_period);
  return due == CALENDAR_NEVER ? NULL : calendar_format_due(home->catalogue, due);
}

static void print_deadlines(const struct home *home, const GPtrArray *forms)
{
  for (guint i = 0; i < forms->len; i++) {
    char period[PERIOD_TEXT_SIZE];
    g_autofree char *due = due_of(home, forms->pdata[i], period);
    if (due) printf(_("due         %s %s: %s\n"), (const char *)forms->pdata[i], period, due);
  }
}

static json_t *deadlines_json(const struct home *home, const GPtrArray *forms)
{
  json_t *list = json_array();
  for (guint i = 0; i < forms->len; i++) {
    char period[PERIOD_TEXT_SIZE];
    g_autofree char *due = due_of(home, forms->pdata[i], period);
    if (due)
      json_array_append_new(
          list, json_pack("{s:s, s:s, s:s}", "form", forms->pdata[i], "period", period, "due", due));
  }
  return list;
}

static void print_admissions(struct admissions admissions)
{
  if (admissions.waits)
    printf("%s [%s]\n%s\n", finding_text(FINDING_ADMISSION_WAITING), finding_id(FINDING_ADMISSION_WAITING),
           finding_advice(FINDING_ADMISSION_WAITING));
  if (admissions.waiting > 0 && !admissions.waits)
    printf(_("%zu agents wait for this park's admission: “park-agent admissions” lists them\n"),
           admissions.waiting);
}

static void print_fork(int64_t since_ms)
{
  g_autofree char *since = since_ms ? clock_format((struct wall_time){since_ms}) : NULL;
  if (since)
    printf(_("%s, since %s [%s]\n%s\n"), finding_text(FINDING_LEDGER_FORKED), since,
           finding_id(FINDING_LEDGER_FORKED), finding_advice(FINDING_LEDGER_FORKED));
}

static void print_text(const struct home *home, const struct outbox_summary *summary,
                       struct admissions admissions)
{
  const struct certificate *certificate = home->certificate;
  printf(_("agent       %s\narea        %s %s\naggregator  %s\nforms      "), certificate->agent,
         certificate->area, area_name(home), home->endpoint);
  g_autoptr(GPtrArray) forms = forms_of(home);
  for (guint i = 0; i < forms->len; i++) {
    const char *code = forms->pdata[i];
    int form = home->catalogue ? catalogue_form(home->catalogue, code) : CATALOGUE_NONE;
    const char *name = form == CATALOGUE_NONE ? "" : text_label(&home->catalogue->forms[form].name);
    printf("%s %s %s", i > 0 ? "," : "", code, name);
  }
  g_autofree char *catalogue =
      home->catalogue ? hash_text(home->catalogue->hash) : g_strdup(_("not fetched yet"));
  g_autofree char *units = home->units ? hash_text(home->register_hash) : g_strdup(_("not fetched yet"));
  printf(_("\ncatalogue   %s\nregister    %s\n"), catalogue, units);
  print_deadlines(home, forms);
  if (home->trouble) printf("%s\n", home->trouble);
  g_autofree char *answers = answer_summary(summary);
  printf(_("reports     %s\n"), answers);
  g_autofree char *last = summary->last_recorded_at_ms
                              ? clock_format((struct wall_time){summary->last_recorded_at_ms})
                              : g_strdup(_("none yet"));
  printf(_("last receipt  %s\n"), last);
  g_autofree char *key = own_fingerprint(home);
  printf(_("key         %s\n"), key);
  print_admissions(admissions);
}

static void set_hash(json_t *object, const char *key, const uint8_t *hash, size_t length)
{
  g_autofree char *text = hash ? text_hex(hash, length) : NULL;
  json_object_set_new(object, key, text ? json_string(text) : json_null());
}

static void print_json(const struct home *home, const struct outbox_summary *summary,
                       struct admissions admissions, int64_t forked_ms)
{
  g_autoptr(GPtrArray) forms = forms_of(home);
  json_t *codes = json_array();
  for (guint i = 0; i < forms->len; i++) json_array_append_new(codes, json_string(forms->pdata[i]));
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:o}", "agent", home->certificate->agent, "area",
                             home->certificate->area, "area_name", area_name(home), "aggregator",
                             home->endpoint, "forms", codes);
  json_object_set_new(object, "due", deadlines_json(home, forms));
  set_hash(object, "catalogue", home->catalogue ? home->catalogue->hash : NULL, CATALOGUE_HASH_SIZE);
  set_hash(object, "register", home->units ? home->register_hash : NULL, SEAL_HASH_SIZE);
  g_autofree char *key = own_fingerprint(home);
  json_object_set_new(object, "key", json_string(key));
  json_object_set_new(object, "waits_for_admission", json_boolean(admissions.waits));
  json_object_set_new(object, "agents_waiting", json_integer((json_int_t)admissions.waiting));
  json_object_set_new(object, "ledger_forked", json_boolean(forked_ms != 0));
  const struct {
    const char *key;
    uint64_t value;
  } NUMBERS[] = {{"submissions", summary->submissions},
                 {"reports", summary->reports},
                 {"waiting_to_send", summary->waiting_to_send},
                 {"answered", summary->answered},
                 {"refused_whole", summary->refused_whole},
                 {"counted", summary->counted},
                 {"unchanged", summary->unchanged},
                 {"stale", summary->stale},
                 {"waiting_for_base", summary->waiting_for_base},
                 {"refused", summary->refused}};
  for (size_t i = 0; i < G_N_ELEMENTS(NUMBERS); i++)
    json_object_set_new(object, NUMBERS[i].key, json_integer((json_int_t)NUMBERS[i].value));
  if (summary->last_recorded_at_ms) {
    g_autofree char *last = clock_format((struct wall_time){summary->last_recorded_at_ms});
    json_object_set_new(object, "last_receipt", json_string(last));
    json_object_set_new(object, "last_position", json_integer((json_int_t)summary->last_position));
  }
  json_dumpf(object, stdout, JSON_COMPACT);
  json_decref(object);
  putchar('\n');
}

bool about_print(const struct home *home, struct outbox *outbox, bool json, GError **error)
{
  struct outbox_summary summary = {0};
  if (outbox && !outbox_summary(outbox, 0, &summary, error)) return false;
  struct admissions admissions = admissions_of(home, outbox);
  if (json)
    print_json(home, &summary, admissions, outbox ? outbox_forked(outbox) : 0);
  else
    print_text(home, &summary, admissions);
  if (outbox && !json) print_fork(outbox_forked(outbox));
  return true;
}
