/* What register.c shares with the files that read and write its CSV. */
#ifndef PARKTALLY_COMMON_REGISTER_PRIVATE_H
#define PARKTALLY_COMMON_REGISTER_PRIVATE_H

#include "common/register.h"

struct unit_register {
  int references;                /* atomic */
  struct unit_version *versions; /* by unit, then from; NULL until they are asked for: see versions_of() */
  size_t count;
  uint32_t *slots; /* open hash: 1 + the index of a unit's first version, 0 where free */
  size_t slot_mask;
  GStringChunk *texts; /* NULL where an image holds them */
  void *image;         /* mapped, read only; or NULL */
  size_t image_size;
  /* Of a register as it was before, or NULL: the one that it shares, but for the units that changed, and
   * those as they were. The versions above are merged when somebody asks for them by number. */
  struct unit_register *shared, *changed;
  GHashTable *changed_units; /* set of texts */
};

/* The versions of an image that could not be mapped where its pointers are right. Newly allocated; its texts
 * are the image's. */
struct unit_version *register_image_versions(const struct unit_register *reg);
/* Unmaps the image, and frees the versions if they stand beside it. */
void register_image_close(struct unit_register *reg);

/* A version that another row of the file replaces. */
typedef void register_replaced(size_t kept_row, size_t lost_row, const struct unit_version *kept, void *data);

/* As register_builder_add(), from this row of a file. */
void register_builder_add_row(struct register_builder *builder, const struct unit_version *version,
                              uint32_t row);

/* As register_builder_finish(); names what is replaced. `ret_rows` gets the row of each version, free with
 * g_free. */
struct unit_register *register_builder_finish_rows(struct register_builder *builder,
                                                   register_replaced *replaced, void *data,
                                                   uint32_t **ret_rows);

#endif
