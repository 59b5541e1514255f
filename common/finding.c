#include "common/finding.h"

#include "common/text.h"

#include <string.h>

/* Bytes of found and expected on a line for a person. */
enum { SHOWN_BYTES = 120 };

static const struct {
  const char *id;
  enum severity severity;
  const char *text;
  const char *advice;
} table[FINDING_COUNT] = {
#define X(name, code, severity, text, advice) [FINDING_##name] = {code, SEVERITY_##severity, text, advice},
    FINDING_TABLE(X)
#undef X
};

const char *finding_id(enum finding_code code)
{
  return table[code].id;
}

enum severity finding_severity(enum finding_code code)
{
  return table[code].severity;
}

const char *finding_text(enum finding_code code)
{
  return _(table[code].text);
}

const char *finding_advice(enum finding_code code)
{
  /* gettext answers the header of its file for "". */
  return *table[code].advice ? _(table[code].advice) : "";
}

enum finding_code finding_from_id(const char *id)
{
  size_t length = strcspn(id, ":");
  for (int i = 0; i < FINDING_COUNT; i++)
    if (strlen(table[i].id) == length && !memcmp(table[i].id, id, length)) return (enum finding_code)i;
  return FINDING_COUNT;
}

char *finding_rule_id(enum finding_code code, const char *rule)
{
  return g_strdup_printf("%s:%s", finding_id(code), rule);
}

const char *finding_rule(const char *id)
{
  const char *colon = strchr(id, ':');
  return colon ? colon + 1 : NULL;
}

static bool is_said(const char *text)
{
  return text && *text;
}

static char *shown(const char *text)
{
  return text_excerpt(text, strlen(text), SHOWN_BYTES);
}

/* Punctuation is a matter of the language too: Chinese has marks of its own, of full width.
 *
 * "name" or "name (explanation)", after ", " unless it is the first. */
static void append_place(GString *line, const char *name, const char *explanation)
{
  if (line->len) g_string_append(line, C_("punctuation", ", "));
  g_string_append(line, name);
  if (!is_said(explanation)) return;
  g_autofree char *excerpt = shown(explanation);
  g_string_append_printf(line, C_("punctuation", " (%s)"), excerpt);
}

static void append_places(GString *line, const struct finding *finding)
{
  if (is_said(finding->file)) append_place(line, finding->file, NULL);
  if (is_said(finding->sheet)) {
    g_autofree char *sheet = g_strdup_printf(_("sheet %s"), finding->sheet);
    append_place(line, sheet, NULL);
  }
  if (finding->row) {
    g_autofree char *row = g_strdup_printf(_("row %zu"), finding->row);
    append_place(line, row, NULL);
  }
  const char *heading = is_said(finding->heading) ? finding->heading : finding->indicator;
  if (finding->column) {
    char letters[8];
    finding_column_letters(finding->column, letters);
    g_autofree char *column = g_strdup_printf(_("column %s"), letters);
    append_place(line, column, heading);
  } else if (is_said(heading)) {
    g_autofree char *name = shown(heading);
    append_place(line, name, NULL);
  }
  if (is_said(finding->unit)) {
    g_autofree char *code = shown(finding->unit);
    g_autofree char *unit = g_strdup_printf(_("unit %s"), code);
    append_place(line, unit, finding->unit_name);
  }
}

static void append_evidence(GString *line, const struct finding *finding)
{
  g_autofree char *found = is_said(finding->found) ? shown(finding->found) : NULL;
  g_autofree char *expected = is_said(finding->expected) ? shown(finding->expected) : NULL;
  if (found || expected) g_string_append(line, C_("before what was found", ": "));
  if (found) g_string_append_printf(line, _("found “%s”"), found);
  if (found && expected) g_string_append(line, C_("punctuation", ", "));
  if (expected) g_string_append_printf(line, _("expected %s"), expected);
}

/* As a sentence of its own: with a capital letter and a full stop. */
static void append_sentence(GString *line, const char *text)
{
  g_autoptr(GString) sentence = g_string_new(NULL);
  g_string_append_unichar(sentence, g_unichar_toupper(g_utf8_get_char(text)));
  g_string_append(sentence, g_utf8_next_char(text));
  g_string_append_printf(line, C_("punctuation", " %s."), sentence->str);
}

char *finding_format(const struct finding *finding)
{
  GString *line = g_string_new(NULL);
  append_places(line, finding);
  if (line->len) g_string_append(line, C_("punctuation", ": "));
  g_string_append(line, finding_text(finding->code));
  if (is_said(finding->rule_says))
    g_string_append_printf(line, C_("punctuation", " (%s)"), finding->rule_says);
  append_evidence(line, finding);
  g_string_append(line, C_("punctuation", "."));
  const char *advice = finding_advice(finding->code);
  if (*advice) append_sentence(line, advice);
  g_string_append_printf(line, finding->rule ? " [%s:%s]" : " [%s]", finding_id(finding->code),
                         finding->rule);
  return g_string_free(line, FALSE);
}

void finding_column_letters(size_t column, char ret_letters[8])
{
  char reversed[8];
  size_t length = 0;
  for (; column && length < sizeof reversed - 1; column = (column - 1) / 26)
    reversed[length++] = (char)('A' + (column - 1) % 26);
  for (size_t i = 0; i < length; i++) ret_letters[i] = reversed[length - 1 - i];
  ret_letters[length] = '\0';
}
