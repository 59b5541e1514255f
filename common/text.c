#include "common/text.h"

#include <langinfo.h>
#include <libintl.h>
#include <locale.h>
#include <string.h>

#define CHINESE "zh_CN"

static bool has_translations(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  if (!dir) return false;
  for (const char *language; (language = g_dir_read_name(dir));) {
    g_autofree char *path = g_build_filename(folder, language, "LC_MESSAGES", GETTEXT_PACKAGE ".mo", NULL);
    if (g_file_test(path, G_FILE_TEST_EXISTS)) return true;
  }
  return false;
}

/* A minimal system has the language in its environment but not the locale's data. Texts need no more than
 * UTF-8. */
static void set_locale_without_data(void)
{
  const char *wanted = g_getenv("LC_ALL");
  if (!wanted || !*wanted) wanted = g_getenv("LC_MESSAGES");
  if (!wanted || !*wanted) wanted = g_getenv("LANG");
  g_autofree char *language = g_strdup(wanted ? wanted : "");
  language[strcspn(language, ".@")] = '\0';
  if (!setlocale(LC_ALL, "C.UTF-8")) return;
  if (*language) g_setenv("LANGUAGE", language, FALSE);
}

/* The name of this thread's locale for messages. */
static const char *messages_locale(void)
{
  locale_t own = uselocale((locale_t)0);
  const char *name = own == LC_GLOBAL_LOCALE ? setlocale(LC_MESSAGES, NULL)
                                             : nl_langinfo_l(NL_LOCALE_NAME(LC_MESSAGES), own);
  return name ? name : "C";
}

/* As gettext chooses: LANGUAGE goes before the locale, except in the locale "C". */
static bool is_chinese(void)
{
  const char *locale = messages_locale();
  if (!strcmp(locale, "C") || !strcmp(locale, "POSIX")) return false;
  const char *language = g_getenv("LANGUAGE");
  return g_str_has_prefix(language && *language ? language : locale, "zh");
}

void text_init(void)
{
  /* GLib decides at its first translation whether there will be any, which is for the whole process; in the
   * locale "C" it decides for it. */
  (void)g_dgettext(GETTEXT_PACKAGE, "parktally");
  if (!setlocale(LC_ALL, "")) set_locale_without_data();
  /* The locale "C" of cron and of small systems has ASCII alone, in which nobody here can write their name.
   */
  if (!strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968")) setlocale(LC_CTYPE, "C.UTF-8");
  bool in_build_tree = has_translations(PARKTALLY_BUILD_LOCALEDIR);
  bindtextdomain(GETTEXT_PACKAGE, in_build_tree ? PARKTALLY_BUILD_LOCALEDIR : PARKTALLY_LOCALEDIR);
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
  textdomain(GETTEXT_PACKAGE);
  /* Threads choose between the two languages without locale data, and without changing the environment, which
   * all of them share: LANGUAGE is Chinese for good, and has no effect where the locale for messages is "C".
   */
  if (!is_chinese()) setlocale(LC_MESSAGES, "C");
  g_setenv("LANGUAGE", CHINESE, TRUE);
}

static locale_t make_locale(const char *messages)
{
  locale_t base = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
  locale_t made = base ? newlocale(LC_MESSAGES_MASK, messages, base) : (locale_t)0;
  if (base && !made) freelocale(base);
  return made;
}

void text_speak(const char *language)
{
  static locale_t english, chinese; /* for as long as the process lives */
  static gsize made;
  if (g_once_init_enter(&made)) {
    english = make_locale("C");
    chinese = make_locale("C.UTF-8");
    g_once_init_leave(&made, 1);
  }
  locale_t wanted = g_str_has_prefix(language, "zh") ? chinese : english;
  if (wanted) uselocale(wanted);
}

const char *text_language(void)
{
  return is_chinese() ? CHINESE : "";
}

const char *text_label(const struct label *label)
{
  return is_chinese() ? label->zh : label->en;
}

enum { VANISHES = 0, IDEOGRAPHIC_SPACE = 0x3000 };

/* What a character becomes when folded; VANISHES if nothing. */
static gunichar fold_character(gunichar c)
{
  if (c >= 0xFF01 && c <= 0xFF5E) return c - 0xFF01 + '!';
  switch (c) {
  case IDEOGRAPHIC_SPACE:
    return ' ';
  case 0x00A0: /* no-break spaces: plain, figure, narrow */
  case 0x2007:
  case 0x202F:
  case 0x200B: /* zero-width: space, non-joiner, joiner, word joiner, BOM */
  case 0x200C:
  case 0x200D:
  case 0x2060:
  case 0xFEFF:
    return VANISHES;
  default:
    return c;
  }
}

/* Folded text is never longer, so it is written over what has been read. Its end. */
static char *fold_characters(char *text)
{
  while ((signed char)*text > 0) text++; /* most cells are ASCII */
  char *out = text;
  for (const char *in = text; *in;) {
    if ((unsigned char)*in < 0x80) {
      *out++ = *in++;
      continue;
    }
    const char *next = g_utf8_next_char(in);
    gunichar c = g_utf8_get_char(in);
    gunichar folded = fold_character(c);
    if (folded == c) {
      memmove(out, in, (size_t)(next - in));
      out += next - in;
    } else if (folded != VANISHES) {
      *out++ = (char)folded;
    }
    in = next;
  }
  *out = '\0';
  return out;
}

char *text_fold(char *text)
{
  const char *end = fold_characters(text);
  bool trimmed = end == text || (!g_ascii_isspace(*text) && !g_ascii_isspace(end[-1]));
  return trimmed ? text : g_strstrip(text);
}

char *text_key(const char *text)
{
  g_autofree char *folded = text_fold(g_strdup(text));
  GString *key = g_string_sized_new(strlen(folded));
  for (const char *p = folded; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    /* Not g_utf8_strdown(), which depends on the locale. */
    if (!g_unichar_isspace(c)) g_string_append_unichar(key, g_unichar_tolower(c));
  }
  return g_string_free(key, FALSE);
}

/* Eight bytes at once: false if one of them may be a control character or is not ASCII. */
static bool is_plain(const char text[static 8])
{
  const uint64_t each = 0x0101010101010101;
  uint64_t word;
  memcpy(&word, text, sizeof word);
  /* Each difference goes below zero where a byte is less than a space, or is DEL. */
  return ((word | (word - each * 0x20) | ((word ^ each * 0x7F) - each)) & each * 0x80) == 0;
}

bool text_is_clean(const char *text, size_t length)
{
  bool ascii = true;
  for (size_t i = 0; i < length; i++) {
    if (length - i >= 8 && is_plain(text + i)) {
      i += 7;
      continue;
    }
    unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c == 0x7F) return false;
    if (c < 0x80) continue;
    ascii = false;
    /* U+0080 … U+009F */
    if (c == 0xC2 && i + 1 < length && (unsigned char)text[i + 1] < 0xA0) return false;
  }
  return ascii || g_utf8_validate_len(text, length, NULL);
}

char *text_excerpt(const char *text, size_t length, size_t limit)
{
  static const char ellipsis[] = "…";
  const size_t ellipsis_length = sizeof ellipsis - 1;
  GString *excerpt = g_string_sized_new(MIN(length, limit));
  size_t fits = 0; /* where it can be cut so that the ellipsis has room */
  for (size_t i = 0; i < length;) {
    gunichar c = g_utf8_get_char_validated(text + i, (gssize)(length - i));
    bool valid = c != (gunichar)-1 && c != (gunichar)-2;
    size_t step = valid && c ? (size_t)g_unichar_to_utf8(c, NULL) : 1;
    bool shown = valid && !g_unichar_iscntrl(c);
    if (excerpt->len + (shown ? step : 1) > limit) {
      g_string_truncate(excerpt, fits);
      if (fits + ellipsis_length <= limit) g_string_append(excerpt, ellipsis);
      break;
    }
    if (shown)
      g_string_append_len(excerpt, text + i, (gssize)step);
    else
      g_string_append_c(excerpt, '?');
    if (excerpt->len + ellipsis_length <= limit) fits = excerpt->len;
    i += step;
  }
  return g_string_free(excerpt, FALSE);
}

size_t text_width(const char *text)
{
  size_t width = 0;
  for (const char *p = text; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    if (!g_unichar_iszerowidth(c)) width += g_unichar_iswide(c) ? 2 : 1;
  }
  return width;
}

char *text_hex(const uint8_t *data, size_t length)
{
  static const char digits[] = "0123456789abcdef";
  char *hex = g_malloc(length * 2 + 1);
  for (size_t i = 0; i < length; i++) {
    hex[i * 2] = digits[data[i] >> 4];
    hex[i * 2 + 1] = digits[data[i] & 15];
  }
  hex[length * 2] = '\0';
  return hex;
}

bool text_unhex(const char *hex, size_t length, uint8_t *ret_data)
{
  for (size_t i = 0; i < length * 2; i++)
    if (!g_ascii_isxdigit(hex[i])) return false;
  if (hex[length * 2]) return false;
  for (size_t i = 0; i < length; i++)
    ret_data[i] = (uint8_t)(g_ascii_xdigit_value(hex[i * 2]) << 4 | g_ascii_xdigit_value(hex[i * 2 + 1]));
  return true;
}
