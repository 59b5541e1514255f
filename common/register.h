/* The register (名录库): which units exist, in which parks, from when to when. Only registered units count.
 *
 * A unit has versions, each in force from its day on until its last day or the next version. A compiled
 * register is immutable and shared by reference count between threads. Its file form is the CSV of `register
 * import`, UTF-8, header line
 * `unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to`;
 * several values are joined by ';'; in_boundary is 1 or 0 (empty: 1); status empty: the catalogue's first;
 * days are ISO dates, `from` empty: since ever, `to` (last day in force) empty: open. Empty clusters etc.:
 * none. */
#ifndef PARKTALLY_COMMON_REGISTER_H
#define PARKTALLY_COMMON_REGISTER_H

#include "common/catalogue.h"
#include "common/cleanup.h"
#include "common/finding.h"
#include "common/period.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* One version of one unit. Texts belong to the register (or to the caller, when passed in). Lists are joined
 * by ';' in byte order without repetition, "" if empty. */
struct unit_version {
  const char *unit;
  const char *class;  /* code */
  const char *parent; /* legal entity that it belongs to; of others the unit itself */
  const char *name;
  const char *parks;    /* area codes */
  const char *reporter; /* the park whose report counts where several report; "" if none is named */
  bool in_boundary;
  const char *industry;
  const char *clusters;
  const char *flags;
  const char *status;
  const char *succeeds;
  day_number from; /* DAY_MIN: since ever */
  day_number to;   /* last day; DAY_NONE: open */
};

struct unit_register;

struct register_builder;
struct register_builder *register_builder_new(void);
/* Copies. A version with the same unit and from replaces the earlier one. Any order; sorted order is fastest.
 */
void register_builder_add(struct register_builder *builder, const struct unit_version *version);
/* Ends the builder. */
struct unit_register *register_builder_finish(struct register_builder *builder);

struct unit_register *register_ref(struct unit_register *reg);
void register_unref(struct unit_register *reg);
CLEANUP_DEFINE(struct unit_register, register_unref)

/* Reads a register file (see above) checked against the catalogue: classes, areas that report, clusters,
 * flags, statuses, id schemes, days, parents. Every mistake goes to `sink` (may be NULL); false, error of
 * code ERROR_DATA and no register if there was any that refuses (SEVERITY_REPORT or _FILE). `name` is the
 * file's, for messages. */
bool register_read_csv(const struct catalogue *catalogue, const char *name, const char *text, size_t length,
                       finding_sink *sink, void *data, struct unit_register **ret_register, GError **error);

/* Its canonical CSV: versions by unit, then from; equal registers give equal bytes. Only versions of units
 * that ever belong to `area` or below it, or of all if area is CATALOGUE_NONE. */
GBytes *register_write_csv(const struct unit_register *reg, const struct catalogue *catalogue, int area);

/* The hash (seal_hash()) of what register_write_csv() gives, which is never held as a whole. */
void register_hash_csv(const struct unit_register *reg, const struct catalogue *catalogue, int area,
                       uint8_t ret_hash[static CATALOGUE_HASH_SIZE]);

/* A file of the compiled register, to be mapped by register_open_image(): a cache of what reading this
 * document with this catalogue gave. */
GBytes *register_image(const struct unit_register *reg, const uint8_t document[CATALOGUE_HASH_SIZE],
                       const uint8_t catalogue[CATALOGUE_HASH_SIZE]);

/* The register whose image is at `path`. Its texts stay in the file, which must be replaced, never written
 * to, while the register is in use. NULL if there is no image, or none of this document, catalogue, program
 * and machine, or one that is damaged: the document is then to be read. */
struct unit_register *register_open_image(const char *path, const uint8_t document[CATALOGUE_HASH_SIZE],
                                          const uint8_t catalogue[CATALOGUE_HASH_SIZE]);

/* All versions, by unit (byte order), then from. */
size_t register_size(const struct unit_register *reg);
const struct unit_version *register_nth(const struct unit_register *reg, size_t n);

/* The versions of a unit, ascending; 0 if it is unknown. */
size_t register_unit(const struct unit_register *reg, const char *unit,
                     const struct unit_version **ret_first);

/* As register_unit(), for who asks for units in ascending order, as a sorted file has them: `*near`, 0 at
 * first, is where the search goes on, a few comparisons away. Any order and any `*near` give the same answer.
 */
size_t register_unit_near(const struct unit_register *reg, const char *unit, size_t *near,
                          const struct unit_version **ret_first);

/* The number of a version of this register: register_nth() of it is the version. */
size_t register_index(const struct unit_register *reg, const struct unit_version *version);

/* What a version was before: of a unit and a day on which, NULL, there was none. */
struct version_before {
  const char *unit;
  day_number from;
  const struct unit_version *before;
};

/* The register as it was before these changes of it (by unit, then day, each once), all of whose versions it
 * has. Units that did not change it shares with `reg`, to which it takes a reference. No version of it is to
 * be given to register_index(). */
struct unit_register *register_before(struct unit_register *reg, const struct version_before *changes,
                                      size_t count);

/* The version of the unit that begins on this day; NULL if there is none. */
const struct unit_version *register_find(const struct unit_register *reg, const char *unit, day_number from);

/* Whether two versions say the same, but for the unit and the day that they begin. */
bool unit_version_equal(const struct unit_version *a, const struct unit_version *b);

/* The version that governs a unit's reports for a period: the last one in force on any day of it; NULL if
 * none. */
const struct unit_version *register_version(const struct unit_register *reg, const char *unit,
                                            struct period period);

/* As register_version(), with register_unit_near()'s `*near`. */
const struct unit_version *register_version_near(const struct unit_register *reg, const char *unit,
                                                 struct period period, size_t *near);

/* As register_version(), of versions that register_unit() gave. */
const struct unit_version *unit_versions_in(const struct unit_version *versions, size_t count,
                                            struct period period);

/* Whether the unit owes the form for the period: by the version in force on its last day, its status, class
 * and flags. */
bool register_owes(const struct unit_register *reg, const struct catalogue *catalogue, const char *unit,
                   int form, struct period period);

/* Whether a unit owes the form while this version is in force: its status, class and flags. */
bool unit_version_owes(const struct unit_version *version, const struct catalogue *catalogue, int form);

/* True if the ';'-joined list has the word. */
bool register_list_has(const char *list, const char *word);

/* True if a park of the version is `area` or below it. */
bool unit_version_within(const struct unit_version *version, const struct catalogue *catalogue, int area);

#endif
