/* A YAML file as a tree that knows where each node stands, and the list of what is wrong with it.
 *
 * Readers take values with yaml_*(); whatever is wrong is noted with line and column and reading goes on, so
 * that one run names every mistake. Over libyaml's node tree. A key without a value counts as absent. */
#ifndef PARKTALLY_COMMON_YAML_H
#define PARKTALLY_COMMON_YAML_H

#include "common/cleanup.h"
#include "common/text.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Hidden, since libyaml's own symbols begin with yaml_ too: an exported yaml_free() of ours would take the
 * place of the one inside that library. */
#pragma GCC visibility push(hidden)

struct yaml; /* a parsed document with its mistakes */

struct yaml_node; /* owned by the document */

/* Never NULL: a text that cannot be parsed is a document without root and with one mistake. `name` is used in
 * messages. `text` is copied. A key that stands twice in one mapping is a mistake already here. */
struct yaml *yaml_new(const char *name, const char *text, size_t length);
void yaml_free(struct yaml *yaml);
CLEANUP_DEFINE(struct yaml, yaml_free)

/* NULL if the document is empty or could not be parsed. */
const struct yaml_node *yaml_root(const struct yaml *yaml);

/* Notes a mistake at `node` (NULL: the document as a whole): what was found, expected, and what to do. The
 * same text at the same place is noted once; after LIMIT_MISTAKES one more says that the rest is left out. */
void yaml_mistake(struct yaml *yaml, const struct yaml_node *node, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* How many mistakes, and the nth by line and column: "liuzhou.yaml:12:5: …". Owned by the document. */
size_t yaml_mistakes(const struct yaml *yaml);
const char *yaml_mistake_text(const struct yaml *yaml, size_t n);

/* All mistakes as one message in a PARKTALLY_ERROR of code ERROR_CONFIG; false if there are any. */
bool yaml_ok(const struct yaml *yaml, GError **error);

/* Mapping: the value of `key`, or NULL. If `required`, its absence is a mistake. NULL nodes give NULL. */
const struct yaml_node *yaml_get(struct yaml *yaml, const struct yaml_node *mapping, const char *key,
                                 bool required);

/* Notes each key of the mapping that is not in the NULL-terminated list, with the nearest one that is. */
void yaml_known_keys(struct yaml *yaml, const struct yaml_node *mapping, const char *const *keys);

/* The word of the NULL-terminated list that `word` was probably meant to be, or NULL. For messages. */
const char *yaml_nearest(const char *word, const char *const *words);

/* Sequence, or mapping in order: number of items (0 for NULL; a mistake if the node is neither), and the nth.
 */
size_t yaml_size(struct yaml *yaml, const struct yaml_node *node);
const struct yaml_node *yaml_item(const struct yaml *yaml, const struct yaml_node *node, size_t n);
/* Of a mapping: the key of its nth pair, as a scalar node. */
const struct yaml_node *yaml_item_key(const struct yaml *yaml, const struct yaml_node *node, size_t n);

bool yaml_is_mapping(const struct yaml_node *node);
bool yaml_is_sequence(const struct yaml_node *node);

/* Scalars. A node of another type is a mistake and gives the fallback; NULL gives the fallback without one.
 * The text is owned by the document; valid UTF-8, no control characters, at most LIMIT_NAME_BYTES, else a
 * mistake and "". */
const char *yaml_text(struct yaml *yaml, const struct yaml_node *node, const char *fallback);
int64_t yaml_integer(struct yaml *yaml, const struct yaml_node *node, int64_t least, int64_t most,
                     int64_t fallback);
bool yaml_flag(struct yaml *yaml, const struct yaml_node *node, bool fallback);
/* Index of the scalar in the NULL-terminated list of words; `fallback` and a mistake that lists them if it is
 * none. */
int yaml_word(struct yaml *yaml, const struct yaml_node *node, const char *const *words, int fallback);

/* The texts of the keys zh and en of a mapping, both required; filled with newly allocated texts, "" where
 * missing. The mapping may have other keys: list them all, zh and en too, in yaml_known_keys(). */
void yaml_label(struct yaml *yaml, const struct yaml_node *node, struct label *ret_label);

size_t yaml_line(const struct yaml_node *node);   /* from 1 */
size_t yaml_column(const struct yaml_node *node); /* from 1 */

#pragma GCC visibility pop

#endif
