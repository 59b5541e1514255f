/* Measures, areas, unit classes, clusters, flags, statuses and slices of a catalogue file. */
#include "common/catalogue_private.h"
#include "common/limits.h"

#include <string.h>

#define MOST_FACTOR 1000000000 /* what decimal_parse() takes */

void catalogue_read_measure(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"base", "factor", NULL};
  const struct yaml_node *node = reader_item(reader, SECTION_MEASURES, n);
  yaml_known_keys(reader->yaml, node, keys);
  struct measure *measure = &reader->catalogue->measures[n];
  const struct yaml_node *base = yaml_get(reader->yaml, node, "base", false);
  int found = reader_reference(reader, SECTION_MEASURES, base);
  measure->base = g_strdup(found == CATALOGUE_NONE ? measure->code : reader->catalogue->measures[found].code);
  const struct yaml_node *factor = yaml_get(reader->yaml, node, "factor", base != NULL);
  measure->factor = yaml_integer(reader->yaml, factor, 1, MOST_FACTOR, 1);
  if (!base && factor)
    yaml_mistake(reader->yaml, factor, _("a factor needs a base: write {base: 元, factor: 1000} for 千元"));
}

void catalogue_check_measure(struct reader *reader, size_t n)
{
  const struct measure *measure = &reader->catalogue->measures[n];
  const struct measure *base =
      &reader->catalogue->measures[catalogue_measure(reader->catalogue, measure->base)];
  if (strcmp(base->base, base->code) == 0) return;
  const struct yaml_node *node = reader_item(reader, SECTION_MEASURES, n);
  yaml_mistake(reader->yaml, yaml_get(reader->yaml, node, "base", false),
               _("“%s” is itself a multiple of “%s”; give “%s” as the base, and its factor"), base->code,
               base->base, base->base);
}

void catalogue_read_area(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh", "en", "in", "reports", "boundary_only", "role", NULL};
  const struct yaml_node *node = reader_item(reader, SECTION_AREAS, n);
  yaml_known_keys(reader->yaml, node, keys);
  struct area *area = &reader->catalogue->areas[n];
  yaml_label(reader->yaml, node, &area->name);
  area->parent = reader_reference_at(reader, node, "in", false, SECTION_AREAS);
  area->reports = yaml_flag(reader->yaml, yaml_get(reader->yaml, node, "reports", false), false);
  if (area->reports && strlen(area->code) > LIMIT_RULE_CODE_BYTES)
    yaml_mistake(reader->yaml, reader_key(reader, SECTION_AREAS, n),
                 _("“%s” is too long for an area that reports: at most %d bytes"), area->code,
                 LIMIT_RULE_CODE_BYTES);
  area->boundary_only = yaml_flag(reader->yaml, yaml_get(reader->yaml, node, "boundary_only", false), false);
  area->role = reader_text(reader, node, "role", false);
}

static const struct yaml_node *parent_node(const struct reader *reader, size_t area)
{
  return yaml_get(reader->yaml, reader_item(reader, SECTION_AREAS, area), "in", false);
}

/* An area with a parent that is misspelt may be anyone's child: one mistake should not show as two. */
static bool has_children(const struct reader *reader, size_t area)
{
  const struct catalogue *catalogue = reader->catalogue;
  for (size_t i = 0; i < catalogue->area_count; i++) {
    if (catalogue->areas[i].parent == (int)area) return true;
    if (catalogue->areas[i].parent == CATALOGUE_NONE && parent_node(reader, i)) return true;
  }
  return false;
}

/* "core → zone → core". A ring is told of once, at its first area. */
static void check_ring(struct reader *reader, size_t n)
{
  const struct catalogue *catalogue = reader->catalogue;
  g_autoptr(GString) way = g_string_new(catalogue->areas[n].code);
  size_t depth = 1;
  bool first = true;
  for (int above = catalogue->areas[n].parent; above != CATALOGUE_NONE;
       above = catalogue->areas[above].parent) {
    g_string_append_printf(way, " → %s", catalogue->areas[above].code);
    first = first && above >= (int)n;
    if (above == (int)n) {
      if (first)
        yaml_mistake(reader->yaml, parent_node(reader, n),
                     _("this area would lie within itself (%s); put one of them elsewhere"), way->str);
      return;
    }
    if (++depth > catalogue->area_count) return; /* below a ring, which is told of itself */
  }
  if (depth > LIMIT_AREA_DEPTH)
    yaml_mistake(reader->yaml, parent_node(reader, n),
                 _("%zu areas within each other, at most %d are possible (%s)"), depth, LIMIT_AREA_DEPTH,
                 way->str);
}

void catalogue_check_area(struct reader *reader, size_t n)
{
  const struct area *area = &reader->catalogue->areas[n];
  check_ring(reader, n);
  const struct yaml_node *reports =
      yaml_get(reader->yaml, reader_item(reader, SECTION_AREAS, n), "reports", false);
  if (area->reports || (reports && strcmp(yaml_text(reader->yaml, reports, ""), "false") != 0)) return;
  if (has_children(reader, n)) return;
  yaml_mistake(
      reader->yaml, reader_key(reader, SECTION_AREAS, n),
      _("nothing can be counted in “%s”; write “reports: true” if units are registered there, or put areas "
        "into it with “in: %s”"),
      area->code, area->code);
}

void catalogue_read_class(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh", "en", "ids", NULL};
  static const char *const schemes[] = {"uscc", "uscc-nn", "code", NULL}; /* enum id_scheme */
  const struct yaml_node *node = reader_item(reader, SECTION_CLASSES, n);
  yaml_known_keys(reader->yaml, node, keys);
  struct unit_class *class = &reader->catalogue->classes[n];
  yaml_label(reader->yaml, node, &class->name);
  class->scheme = yaml_word(reader->yaml, yaml_get(reader->yaml, node, "ids", true), schemes, ID_CODE);
}

static void read_named(struct reader *reader, enum section section, size_t n, struct named *named)
{
  static const char *const keys[] = {"zh", "en", NULL};
  const struct yaml_node *node = reader_item(reader, section, n);
  yaml_known_keys(reader->yaml, node, keys);
  yaml_label(reader->yaml, node, &named->name);
}

void catalogue_read_cluster(struct reader *reader, size_t n)
{
  read_named(reader, SECTION_CLUSTERS, n, &reader->catalogue->clusters[n]);
}

void catalogue_read_flag(struct reader *reader, size_t n)
{
  read_named(reader, SECTION_FLAGS, n, &reader->catalogue->flags[n]);
}

void catalogue_read_status(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh", "en", "expected", NULL};
  const struct yaml_node *node = reader_item(reader, SECTION_STATUSES, n);
  yaml_known_keys(reader->yaml, node, keys);
  struct status *status = &reader->catalogue->statuses[n];
  yaml_label(reader->yaml, node, &status->name);
  status->expected = yaml_flag(reader->yaml, yaml_get(reader->yaml, node, "expected", true), true);
}

/* --- slices --- */

/* C, C36, C361, C3612 of GB/T 4754. */
static bool industry_fits(const char *code)
{
  size_t digits = strlen(code + (*code != '\0'));
  return *code >= 'A' && *code <= 'T' && digits != 1 && digits <= 4 &&
         strspn(code + 1, "0123456789") == digits;
}

static void check_industries(struct reader *reader, const struct yaml_node *list)
{
  for (size_t i = 0; i < yaml_size(reader->yaml, list); i++) {
    const struct yaml_node *item = yaml_item(reader->yaml, list, i);
    const char *code = yaml_text(reader->yaml, item, NULL);
    if (code && *code && !industry_fits(code))
      yaml_mistake(
          reader->yaml, item,
          _("“%s” is no industry of GB/T 4754; write a letter A–T alone or with 2 to 4 digits, such as C36"),
          code);
  }
}

/* A slice of a cluster or flag may go by its name. */
static void name_slice(struct reader *reader, const struct yaml_node *node, struct slice *slice)
{
  const struct catalogue *catalogue = reader->catalogue;
  const struct named *named = NULL;
  if (slice->cluster != CATALOGUE_NONE)
    named = &catalogue->clusters[slice->cluster];
  else if (slice->flag != CATALOGUE_NONE)
    named = &catalogue->flags[slice->flag];
  bool borrows =
      yaml_get(reader->yaml, node, "cluster", false) || yaml_get(reader->yaml, node, "flag", false);
  bool own = yaml_get(reader->yaml, node, "zh", false) || yaml_get(reader->yaml, node, "en", false);
  if (own || !borrows) {
    yaml_label(reader->yaml, node, &slice->name);
  } else {
    slice->name.zh = g_strdup(named ? named->name.zh : "");
    slice->name.en = g_strdup(named ? named->name.en : "");
  }
}

static bool has_member(const struct slice *set, int slice)
{
  for (size_t i = 0; i < set->member_count; i++)
    if (set->members[i] == slice) return true;
  return false;
}

static void read_members(struct reader *reader, const struct yaml_node *list, struct slice *set)
{
  size_t count = yaml_size(reader->yaml, list);
  if (list && count < 2)
    yaml_mistake(reader->yaml, list, _("“any_of” joins at least two slices; name another one"));
  set->members = g_new(int, count);
  for (size_t i = 0; i < count; i++) {
    const struct yaml_node *item = yaml_item(reader->yaml, list, i);
    int member = reader_reference(reader, SECTION_SLICES, item);
    if (member == CATALOGUE_NONE) continue;
    if (member == 0)
      yaml_mistake(reader->yaml, item, _("a set with every unit is “all” itself; leave “all” out"));
    if (has_member(set, member))
      yaml_mistake(reader->yaml, item, _("“%s” is in this set already; leave it out"),
                   reader->catalogue->slices[member].code);
    set->members[set->member_count++] = member;
  }
}

/* `conditions`: how many are written, whether they are right or not. */
static void check_conditions(struct reader *reader, size_t n, int conditions)
{
  const struct yaml_node *key = reader_key(reader, SECTION_SLICES, n);
  const char *code = reader->catalogue->slices[n].code;
  if (n == 0 && (strcmp(code, "all") != 0 || conditions > 0))
    yaml_mistake(reader->yaml, key, _("the first slice must be “all”, without conditions; it is every unit"));
  if (n > 0 && conditions == 0)
    yaml_mistake(
        reader->yaml, key,
        _("slice “%s” has no condition; give it cluster, flag, industries, outside_boundary or any_of"),
        code);
  if (strcmp(code, "overlap") == 0)
    yaml_mistake(reader->yaml, key,
                 _("“overlap” is the line of units in several parks; choose another code"));
  if (strcmp(code, "annual_adjustment") == 0)
    yaml_mistake(reader->yaml, key,
                 _("“annual_adjustment” is the line of annual forms against months; choose another code"));
}

void catalogue_read_slice(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh",     "en", "cluster", "flag", "industries", "outside_boundary",
                                     "any_of", NULL};
  const struct yaml_node *node = reader_item(reader, SECTION_SLICES, n);
  yaml_known_keys(reader->yaml, node, keys);
  struct slice *slice = &reader->catalogue->slices[n];
  const struct yaml_node *cluster = yaml_get(reader->yaml, node, "cluster", false);
  const struct yaml_node *flag = yaml_get(reader->yaml, node, "flag", false);
  const struct yaml_node *industries = yaml_get(reader->yaml, node, "industries", false);
  const struct yaml_node *any_of = yaml_get(reader->yaml, node, "any_of", false);
  slice->cluster = reader_reference(reader, SECTION_CLUSTERS, cluster);
  slice->flag = reader_reference(reader, SECTION_FLAGS, flag);
  slice->industries = reader_texts(reader, node, "industries");
  slice->outside = yaml_flag(reader->yaml, yaml_get(reader->yaml, node, "outside_boundary", false), false);
  check_industries(reader, industries);
  name_slice(reader, node, slice);
  read_members(reader, any_of, slice);
  int conditions = (cluster != NULL) + (flag != NULL) + (industries != NULL) + slice->outside;
  if (any_of && conditions > 0)
    yaml_mistake(reader->yaml, any_of,
                 _("slice “%s” is made of others, and has no condition of its own; give it to each of them"),
                 slice->code);
  check_conditions(reader, n, conditions + (any_of != NULL));
}

void catalogue_check_slice(struct reader *reader, size_t n)
{
  const struct slice *set = &reader->catalogue->slices[n];
  const struct yaml_node *list =
      yaml_get(reader->yaml, reader_item(reader, SECTION_SLICES, n), "any_of", false);
  for (size_t i = 0; i < set->member_count; i++)
    if (reader->catalogue->slices[set->members[i]].member_count > 0)
      yaml_mistake(reader->yaml, list, _("“%s” is itself a set; name the slices that it joins"),
                   reader->catalogue->slices[set->members[i]].code);
}
