/* Text as it arrives in cells, and as it goes to people.
 *
 * Programs call text_init() once; _() marks what is translated (GLib's gi18n-lib.h, domain "parktally"). */
#ifndef PARKTALLY_COMMON_TEXT_H
#define PARKTALLY_COMMON_TEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib/gi18n-lib.h>

/* A name in the two languages of the catalogue; neither is NULL. */
struct label {
  char *zh;
  char *en;
};

/* Sets the locale from the environment and finds the translations: installed, or in the build tree. Sets
 * LANGUAGE. */
void text_init(void);

/* From now on the texts of this thread, _() and text_label(), are in this language: Chinese if it begins with
 * "zh", else English, which needs no translation. Other threads keep theirs, which is the environment's. For
 * a server's threads that answer people. */
void text_speak(const char *language);

/* The language of this thread's texts: "zh_CN" or "". */
const char *text_language(void);

/* The name in the language of the locale. Owned by the label. */
const char *text_label(const struct label *label);

/* In place: full-width ASCII, the ideographic space and full-width punctuation (（）－，．：；％＋) become
 * their half-width forms, no-break and zero-width spaces and BOMs vanish, ends are trimmed. Text must be
 * UTF-8. Returns `text`. */
char *text_fold(char *text);

/* As text_fold(), then without any white space and in lower case: for comparing headings. Newly allocated. */
char *text_key(const char *text);

/* True if `text` (of `length` bytes) is valid UTF-8 without control characters. */
bool text_is_clean(const char *text, size_t length);

/* A valid UTF-8 copy of at most `limit` bytes, cut at a character, "…" where it was cut, control characters
 * as '?'; for showing what was found. Free with g_free. */
char *text_excerpt(const char *text, size_t length, size_t limit);

/* Columns on a terminal: CJK characters take two. */
size_t text_width(const char *text);

/* Lower-case hex; free with g_free. */
char *text_hex(const uint8_t *data, size_t length);

/* False unless `hex` is exactly 2 × length hex digits; `ret_data` is untouched then. */
bool text_unhex(const char *hex, size_t length, uint8_t *ret_data);

#endif
