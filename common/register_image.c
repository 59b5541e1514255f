/* A compiled register as a file that is mapped instead of being read: an image.
 *
 *   head       struct image_head
 *   versions   struct unit_version each; a text's pointer is BASE of the document + its offset in the image
 *   slots      uint32_t each: the hash of register.c
 *   texts      each with its end
 *
 * It is for this machine and this program alone, and a cache, never the authority: one that is missing, of
 * another program, document or catalogue, or damaged, is as good as none. To change it: raise IMAGE_FORMAT.
 */
#include "common/register.h"

#include "common/register_private.h"

#include "common/checksum.h"
#include "common/seal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_MAGIC "PTREGIMG"
#define IMAGE_FORMAT 2

struct image_head {
  int64_t checksum; /* of all that follows */
  char magic[8];
  char program[16]; /* another version of the program may read the same document differently */
  uint32_t format, version_size;
  uint8_t document[SEAL_HASH_SIZE], catalogue[CATALOGUE_HASH_SIZE];
  uint64_t size; /* of the whole */
  uint64_t count, slot_count;
};

static const size_t TEXTS[] = {
    offsetof(struct unit_version, unit),     offsetof(struct unit_version, class),
    offsetof(struct unit_version, parent),   offsetof(struct unit_version, name),
    offsetof(struct unit_version, parks),    offsetof(struct unit_version, reporter),
    offsetof(struct unit_version, industry), offsetof(struct unit_version, clusters),
    offsetof(struct unit_version, flags),    offsetof(struct unit_version, status),
    offsetof(struct unit_version, succeeds),
};

static const char **text_of(struct unit_version *version, size_t n)
{
  return (const char **)(void *)((char *)version + TEXTS[n]);
}

static uintptr_t pointer_of(const struct unit_version *version, size_t n)
{
  return *(const uintptr_t *)(const void *)((const char *)version + TEXTS[n]);
}

/* Where the pointers of an image are right as they stand, so that its pages stay those of the file, and
 * shared: far from where the system puts anything of its own, and another place for every document, since an
 * old register may still be in use beside the new one. */
static uintptr_t base_of(const uint8_t document[SEAL_HASH_SIZE])
{
  uint64_t place = (uint64_t)document[0] << 6 | document[1] >> 2; /* of 2^14, each 1 GiB from the next */
  return (uintptr_t)((uint64_t)1 << 45 | place << 30);
}

/* --- writing --- */

/* Where the text stands in the image; the same text of several versions stands there once. */
static uintptr_t place_text(GByteArray *image, GHashTable *places, const char *text)
{
  void *place = g_hash_table_lookup(places, text);
  if (!place) {
    place = GSIZE_TO_POINTER(image->len);
    g_byte_array_append(image, (const uint8_t *)text, (guint)strlen(text) + 1);
    g_hash_table_insert(places, (void *)text, place);
  }
  return GPOINTER_TO_SIZE(place);
}

static void put_versions(GByteArray *image, const struct unit_register *reg, uintptr_t base)
{
  g_autoptr(GHashTable) places = g_hash_table_new(NULL, NULL); /* by address: what is shared stays shared */
  for (size_t n = 0; n < reg->count; n++) {
    struct unit_version version;
    memset(&version, 0, sizeof version); /* also what lies between the fields */
    const struct unit_version *from = register_nth(reg, n);
    version.in_boundary = from->in_boundary;
    version.from = from->from;
    version.to = from->to;
    for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
      uintptr_t place = place_text(image, places, (const char *)pointer_of(from, i));
      *text_of(&version, i) = (const char *)(base + place);
    }
    memcpy(image->data + sizeof(struct image_head) + n * sizeof version, &version, sizeof version);
  }
}

GBytes *register_image(const struct unit_register *reg, const uint8_t document[SEAL_HASH_SIZE],
                       const uint8_t catalogue[CATALOGUE_HASH_SIZE])
{
  struct image_head head = {.magic = IMAGE_MAGIC,
                            .program = PARKTALLY_VERSION,
                            .format = IMAGE_FORMAT,
                            .version_size = sizeof(struct unit_version),
                            .count = reg->count,
                            .slot_count = reg->slot_mask + 1};
  memcpy(head.document, document, sizeof head.document);
  memcpy(head.catalogue, catalogue, sizeof head.catalogue);
  GByteArray *image = g_byte_array_new();
  g_byte_array_set_size(image, (guint)(sizeof head + head.count * sizeof(struct unit_version)));
  g_byte_array_append(image, (const uint8_t *)reg->slots, (guint)(head.slot_count * sizeof *reg->slots));
  put_versions(image, reg, base_of(document));
  g_byte_array_append(image, (const uint8_t *)"", 1);
  head.size = image->len;
  memcpy(image->data, &head, sizeof head);
  head.checksum = checksum_of(image->data + sizeof head.checksum, image->len - sizeof head.checksum);
  memcpy(image->data, &head.checksum, sizeof head.checksum);
  return g_byte_array_free_to_bytes(image);
}

/* --- taking into use --- */

static bool fits(const struct image_head *head, size_t size, const uint8_t document[SEAL_HASH_SIZE],
                 const uint8_t catalogue[CATALOGUE_HASH_SIZE])
{
  const struct image_head ours = {.program = PARKTALLY_VERSION};
  return memcmp(head->magic, IMAGE_MAGIC, sizeof head->magic) == 0 &&
         memcmp(head->program, ours.program, sizeof ours.program) == 0 && head->format == IMAGE_FORMAT &&
         head->version_size == sizeof(struct unit_version) && head->size == size &&
         memcmp(head->document, document, sizeof head->document) == 0 &&
         memcmp(head->catalogue, catalogue, sizeof head->catalogue) == 0 &&
         head->count <= size / sizeof(struct unit_version) && head->slot_count <= size / sizeof(uint32_t) &&
         head->slot_count > head->count && (head->slot_count & (head->slot_count - 1)) == 0;
}

static bool is_sound(const uint8_t *image)
{
  const struct image_head *head = (const void *)image;
  return checksum_of(image + sizeof head->checksum, head->size - sizeof head->checksum) == head->checksum;
}

/* Every pointer within the texts, which end with an end, and every slot within the versions. The checksum
 * leaves this to our own mistakes alone; it costs nothing beside it. */
static bool is_within(const uint8_t *image, const struct unit_version *versions, const uint32_t *slots)
{
  const struct image_head *head = (const void *)image;
  uint64_t texts = (uint64_t)((const uint8_t *)(slots + head->slot_count) - image);
  if (texts >= head->size || image[head->size - 1] != '\0') return false;
  uintptr_t first = base_of(head->document) + texts;
  for (uint64_t n = 0; n < head->count; n++)
    for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++)
      if (pointer_of(&versions[n], i) - first >= head->size - texts) return false;
  uint64_t taken = 0;
  for (uint64_t slot = 0; slot < head->slot_count; slot++) {
    if (slots[slot] > head->count) return false;
    taken += slots[slot] != 0;
  }
  return taken < head->slot_count; /* a search ends at a free one */
}

/* The register in the image, which it takes over; NULL if the image is not sound. */
static struct unit_register *take_image(uint8_t *image, size_t size, const uint8_t document[SEAL_HASH_SIZE],
                                        const uint8_t catalogue[CATALOGUE_HASH_SIZE])
{
  const struct image_head *head = (const void *)image;
  if (!fits(head, size, document, catalogue)) return NULL;
  const struct unit_version *versions = (const void *)(head + 1);
  const uint32_t *slots = (const void *)(versions + head->count);
  if (head->count * sizeof *versions + head->slot_count * sizeof *slots + sizeof *head > size) return NULL;
  if (!is_sound(image) || !is_within(image, versions, slots)) return NULL;
  bool in_place = (uintptr_t)image == base_of(document);
  struct unit_register *reg = g_new(struct unit_register, 1);
  *reg = (struct unit_register){.references = 1,
                                .versions = in_place ? (struct unit_version *)versions : NULL,
                                .count = head->count,
                                .slots = (uint32_t *)slots,
                                .slot_mask = head->slot_count - 1,
                                .image = image,
                                .image_size = size};
  return reg;
}

struct unit_register *register_open_image(const char *path, const uint8_t document[SEAL_HASH_SIZE],
                                          const uint8_t catalogue[CATALOGUE_HASH_SIZE])
{
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return NULL;
  struct stat status;
  size_t size = fstat(file, &status) == 0 && S_ISREG(status.st_mode) ? (size_t)status.st_size : 0;
  void *image = MAP_FAILED;
  if (size >= sizeof(struct image_head)) /* the address is a wish: no other mapping gives way to it */
    image = mmap((void *)base_of(document), size, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (image == MAP_FAILED) return NULL;
  struct unit_register *reg = take_image(image, size, document, catalogue);
  if (!reg) munmap(image, size);
  return reg;
}

struct unit_version *register_image_versions(const struct unit_register *reg)
{
  const struct image_head *head = (const void *)reg->image;
  struct unit_version *versions = g_memdup2(head + 1, reg->count * sizeof *versions);
  uintptr_t move = (uintptr_t)reg->image - base_of(head->document);
  for (size_t n = 0; n < reg->count; n++)
    for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++)
      *text_of(&versions[n], i) = (const char *)(pointer_of(&versions[n], i) + move);
  return versions;
}

void register_image_close(struct unit_register *reg)
{
  const struct image_head *head = (const void *)reg->image;
  if (reg->versions != (const struct unit_version *)(head + 1)) g_free(reg->versions);
  munmap(reg->image, reg->image_size);
}
