#include "aggregator/pick.h"

#include "common/error.h"

#include <string.h>

/* Of many codes only those nearest to the mistyped one are named. */
enum { LISTED_MOST = 24, NEAREST = 6 };

static size_t item_count(const struct catalogue *catalogue, enum pick_kind kind)
{
  switch (kind) {
  case PICK_AREAS:
    return catalogue->area_count;
  case PICK_INDICATORS:
    return catalogue->indicator_count;
  case PICK_SLICES:
    return catalogue->slice_count;
  case PICK_FORMS:
    return catalogue->form_count;
  }
  return 0;
}

static const char *item_code(const struct catalogue *catalogue, enum pick_kind kind, size_t n)
{
  switch (kind) {
  case PICK_AREAS:
    return catalogue->areas[n].code;
  case PICK_INDICATORS:
    return catalogue->indicators[n].code;
  case PICK_SLICES:
    return catalogue->slices[n].code;
  case PICK_FORMS:
    return catalogue->forms[n].code;
  }
  return NULL;
}

static int find_item(const struct catalogue *catalogue, enum pick_kind kind, const char *code)
{
  switch (kind) {
  case PICK_AREAS:
    return catalogue_area(catalogue, code);
  case PICK_INDICATORS:
    return catalogue_indicator(catalogue, code);
  case PICK_SLICES:
    return catalogue_slice(catalogue, code);
  case PICK_FORMS:
    return catalogue_form(catalogue, code);
  }
  return CATALOGUE_NONE;
}

/* Changes of single bytes that make one of the other (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
  unsigned row[LIMIT_CODE_BYTES + 1];
  size_t width = MIN(strlen(b), LIMIT_CODE_BYTES);
  for (size_t i = 0; i <= width; i++) row[i] = (unsigned)i;
  for (unsigned above = 0; *a; a++) {
    unsigned diagonal = above++;
    row[0] = above;
    for (size_t i = 1; i <= width; i++) {
      unsigned replaced = diagonal + (*a != b[i - 1]);
      diagonal = row[i];
      row[i] = MIN(MIN(row[i], row[i - 1]) + 1, replaced);
    }
  }
  return row[width];
}

struct candidate {
  const char *code;
  unsigned distance;
};

static int by_distance(const void *left, const void *right)
{
  const struct candidate *a = left, *b = right;
  if (a->distance != b->distance) return a->distance < b->distance ? -1 : 1;
  return strcmp(a->code, b->code);
}

/* The codes there are, or those nearest to `wrong`. */
static char *list_codes(const struct catalogue *catalogue, enum pick_kind kind, const char *wrong)
{
  g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));
  size_t count = item_count(catalogue, kind);
  for (size_t n = 0; n < count; n++) {
    struct candidate candidate = {.code = item_code(catalogue, kind, n)};
    if (count > LISTED_MOST) candidate.distance = distance(wrong, candidate.code);
    g_array_append_val(candidates, candidate);
  }
  if (count > LISTED_MOST) g_array_sort(candidates, by_distance);
  GString *list = g_string_new(NULL);
  for (unsigned n = 0; n < candidates->len && (count <= LISTED_MOST || n < NEAREST); n++)
    g_string_append_printf(list, "%s%s", n > 0 ? ", " : "",
                           g_array_index(candidates, struct candidate, n).code);
  return g_string_free(list, FALSE);
}

static void refuse(const struct catalogue *catalogue, enum pick_kind kind, const char *wrong, GError **error)
{
  static const char *const kinds[] = {[PICK_AREAS] = N_("area"),
                                      [PICK_INDICATORS] = N_("indicator"),
                                      [PICK_SLICES] = N_("slice"),
                                      [PICK_FORMS] = N_("form")};
  g_autofree char *list = list_codes(catalogue, kind, wrong);
  g_autofree char *shown = text_excerpt(wrong, strlen(wrong), LIMIT_CODE_BYTES);
  if (item_count(catalogue, kind) > LISTED_MOST)
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("there is no %s “%s”; the nearest are: %s"),
                _(kinds[kind]), shown, list);
  else
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("there is no %s “%s”; there are: %s"), _(kinds[kind]),
                shown, list);
}

GStrv pick_words(char **given)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (; given && *given; given++) {
    g_auto(GStrv) parts = g_strsplit(*given, ",", -1);
    for (char **part = parts; *part; part++)
      if (*g_strstrip(*part)) g_strv_builder_add(builder, *part);
  }
  return g_strv_builder_end(builder);
}

GArray *pick_items(const struct catalogue *catalogue, enum pick_kind kind, char *const *words, GError **error)
{
  g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(int));
  for (; *words; words++) {
    int item = find_item(catalogue, kind, *words);
    if (item == CATALOGUE_NONE) {
      refuse(catalogue, kind, *words, error);
      return NULL;
    }
    bool known = false;
    for (unsigned n = 0; n < items->len; n++) known |= g_array_index(items, int, n) == item;
    if (!known) g_array_append_val(items, item);
  }
  return g_steal_pointer(&items);
}

static void add_item(GArray *items, int item)
{
  for (unsigned n = 0; n < items->len; n++)
    if (g_array_index(items, int, n) == item) return;
  g_array_append_val(items, item);
}

bool pick_one(const struct catalogue *catalogue, enum pick_kind kind, const char *code, int *ret_item,
              GError **error)
{
  char *words[] = {(char *)code, NULL};
  g_autoptr(GArray) items = pick_items(catalogue, kind, words, error);
  if (!items) return false;
  *ret_item = g_array_index(items, int, 0);
  return true;
}

GArray *pick_or_all(const struct catalogue *catalogue, enum pick_kind kind, char **given, GError **error)
{
  g_auto(GStrv) words = pick_words(given);
  GArray *items = pick_items(catalogue, kind, words, error);
  int all = (int)item_count(catalogue, kind);
  for (int n = 0; items && !*words && n < all; n++) g_array_append_val(items, n);
  return items;
}

/* --- slices, and the lines beside them --- */

enum { FIRST_SET_OVERLAP = -16 }; /* of slice 0; of the next ones it descends */

int pick_overlap_set(int slice)
{
  return slice <= FIRST_SET_OVERLAP ? FIRST_SET_OVERLAP - slice : CATALOGUE_NONE;
}

/* A set stands behind its members and what they have in common. */
static void add_slice(const struct catalogue *catalogue, int slice, GArray *slices)
{
  const struct slice *of = &catalogue->slices[slice];
  for (size_t n = 0; n < of->member_count; n++) add_item(slices, of->members[n]);
  if (of->member_count > 0) add_item(slices, FIRST_SET_OVERLAP - slice);
  add_item(slices, slice);
}

/* False and `error` if there is no such set. */
static bool add_set_overlap(const struct catalogue *catalogue, const char *code, GArray *slices,
                            GError **error)
{
  int slice = catalogue_slice(catalogue, code);
  if (slice == CATALOGUE_NONE) {
    refuse(catalogue, PICK_SLICES, code, error);
    return false;
  }
  if (catalogue->slices[slice].member_count == 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("slice “%s” is no set of others (any_of in the catalogue), so it has no overlap"), code);
    return false;
  }
  add_item(slices, FIRST_SET_OVERLAP - slice);
  return true;
}

GArray *pick_slices(const struct catalogue *catalogue, char **given, GError **error)
{
  static const char set_overlap[] = PICK_SET_OVERLAP_CODE;
  g_auto(GStrv) words = pick_words(given);
  g_autoptr(GArray) slices = g_array_new(FALSE, FALSE, sizeof(int));
  bool overlap = false, adjustment = false;
  for (char **word = words; *word; word++) {
    int slice = catalogue_slice(catalogue, *word);
    if (strcmp(*word, PICK_OVERLAP_CODE) == 0) {
      overlap = true;
    } else if (strcmp(*word, PICK_ADJUSTMENT_CODE) == 0) {
      adjustment = true;
    } else if (g_str_has_prefix(*word, set_overlap)) {
      if (!add_set_overlap(catalogue, *word + sizeof set_overlap - 1, slices, error)) return NULL;
    } else if (slice != CATALOGUE_NONE) {
      add_slice(catalogue, slice, slices);
    } else {
      refuse(catalogue, PICK_SLICES, *word, error);
      return NULL;
    }
  }
  if (slices->len == 0 && !overlap && !adjustment) add_item(slices, 0);
  bool all = false;
  for (unsigned n = 0; n < slices->len; n++) all |= g_array_index(slices, int, n) == 0;
  if (overlap || all) add_item(slices, PICK_OVERLAP);
  if (adjustment || all) add_item(slices, PICK_ADJUSTMENT);
  return g_steal_pointer(&slices);
}
