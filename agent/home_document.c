/* Catalogue and register as served: the document and, beside it, the sealed manifest that vouches for it. */
#include "agent/home_private.h"

#include "common/error.h"
#include "common/text.h"

#include <string.h>
#include <sys/stat.h>

static const struct {
  const char *document, *seal;
} NAMES[] = {
    [DOCUMENT_OF_CATALOGUE - 1] = {"catalogue.yaml", "catalogue.seal"},
    [DOCUMENT_OF_REGISTER - 1] = {"register.csv", "register.seal"},
};

#define REGISTER_IMAGE "register.image"

/* The register compiled from this document. Its image in the folder spares reading it: that is taken only
 * where it was made of these very bytes, which the caller has just verified, and of the catalogue in use, and
 * where its checksum holds. Anything else is read from the document, and the image is written anew, or not: a
 * folder that is full or not ours to write is no reason to stop. */
static struct unit_register *compile_register(const struct home *home, const uint8_t *data, size_t length,
                                              const uint8_t hash[SEAL_HASH_SIZE], GError **error)
{
  g_autofree char *path = g_build_filename(home->folder, REGISTER_IMAGE, NULL);
  struct unit_register *units = register_open_image(path, hash, home->catalogue->hash);
  if (units) return units;
  if (!register_read_csv(home->catalogue, NAMES[DOCUMENT_OF_REGISTER - 1].document, (const char *)data,
                         length, NULL, NULL, &units, error))
    return NULL;
  g_autoptr(GBytes) image = register_image(units, hash, home->catalogue->hash);
  gsize size;
  const void *bytes = g_bytes_get_data(image, &size);
  struct unit_register *mapped = NULL;
  if (home_write_file(home->folder, REGISTER_IMAGE, bytes, size, NULL))
    mapped = register_open_image(path, hash, home->catalogue->hash);
  if (!mapped) return units;
  register_unref(units);
  return mapped;
}

/* Compiles the document and puts it in the place of the one in use. Nothing changes on failure. */
static bool use_document(struct home *home, enum document_kind kind, const uint8_t *data, size_t length,
                         const uint8_t hash[SEAL_HASH_SIZE], GError **error)
{
  const char *name = NAMES[kind - 1].document;
  if (kind == DOCUMENT_OF_CATALOGUE) {
    struct catalogue *catalogue = catalogue_compile(name, (const char *)data, length, error);
    if (!catalogue) return false;
    if (home->catalogue) catalogue_unref(home->catalogue);
    home->catalogue = catalogue;
    home->area = catalogue_area(catalogue, home->certificate->area);
    g_clear_pointer(&home->trouble, g_free);
    return true;
  }
  if (!home->catalogue) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_DATA, _("%s came before the catalogue it refers to"), name);
    return false;
  }
  struct unit_register *units = compile_register(home, data, length, hash, error);
  if (!units) return false;
  if (home->units) register_unref(home->units);
  home->units = units;
  memcpy(home->register_hash, hash, SEAL_HASH_SIZE);
  g_clear_pointer(&home->trouble, g_free);
  return true;
}

/* Changes with every replacement of the file; 0 where it is not there. */
static int64_t stamp_of(const struct home *home, enum document_kind kind)
{
  g_autofree char *path = g_build_filename(home->folder, NAMES[kind - 1].seal, NULL);
  struct stat status;
  if (stat(path, &status) != 0) return 0;
  return (int64_t)(((uint64_t)status.st_mtim.tv_sec * 1000000000 + (uint64_t)status.st_mtim.tv_nsec) ^
                   ((uint64_t)status.st_ino << 1)) |
         1;
}

/* True if the manifest's seal holds and it names exactly these bytes, for us; with their hash. */
static bool belongs(const struct home *home, enum document_kind kind, GBytes *document, GBytes *seal,
                    uint8_t ret_hash[SEAL_HASH_SIZE])
{
  gsize length, seal_length;
  const uint8_t *data = g_bytes_get_data(document, &length);
  const uint8_t *sealed = g_bytes_get_data(seal, &seal_length);
  const uint8_t *payload;
  size_t payload_length;
  if (seal_open(sealed, seal_length, SEAL_MANIFEST, home->server_sign, &payload, &payload_length, NULL) !=
      SEAL_OK)
    return false;
  CLEANUP(manifest_free) struct manifest *manifest = manifest_decode(payload, payload_length);
  if (!manifest || manifest->kind != kind || manifest->size != length) return false;
  if (kind == DOCUMENT_OF_REGISTER && strcmp(manifest->area, home->certificate->area) != 0) return false;
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(data, length, hash);
  if (memcmp(hash, manifest->hash.data, sizeof hash) != 0) return false;
  memcpy(ret_hash, hash, sizeof hash);
  return true;
}

static void set_aside(struct home *home, const char *name, const char *why)
{
  g_free(home->trouble);
  home->trouble =
      g_strdup_printf(_("%s/%s was set aside and will be fetched again: %s"), home->folder, name, why);
}

static bool read_document(struct home *home, enum document_kind kind, GError **error)
{
  int64_t stamp = stamp_of(home, kind);
  if (stamp == home->document_stamps[kind - 1]) return true;
  GError *failure = NULL;
  g_autoptr(GBytes) document =
      home_read_file(home->folder, NAMES[kind - 1].document, LIMIT_DOCUMENT_BYTES, &failure);
  g_autoptr(GBytes) seal =
      failure ? NULL : home_read_file(home->folder, NAMES[kind - 1].seal, LIMIT_SEALED_BYTES, &failure);
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  home->document_stamps[kind - 1] = stamp;
  if (!document || !seal) return true;
  uint8_t hash[SEAL_HASH_SIZE];
  if (!belongs(home, kind, document, seal, hash)) {
    set_aside(home, NAMES[kind - 1].document, _("it is not what its seal says"));
    return true;
  }
  g_autoptr(GError) mistake = NULL;
  gsize length;
  const uint8_t *data = g_bytes_get_data(document, &length);
  if (!use_document(home, kind, data, length, hash, &mistake))
    set_aside(home, NAMES[kind - 1].document, mistake->message);
  return true;
}

bool home_read_documents(struct home *home, GError **error)
{
  return read_document(home, DOCUMENT_OF_CATALOGUE, error) &&
         read_document(home, DOCUMENT_OF_REGISTER, error);
}

bool home_refresh(struct home *home, GError **error)
{
  return home_read_documents(home, error);
}

bool home_store_document(struct home *home, enum document_kind kind, const uint8_t *data, size_t length,
                         const uint8_t *manifest, size_t manifest_length, GError **error)
{
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(data, length, hash);
  if (!use_document(home, kind, data, length, hash, error)) return false;
  /* The seal comes last: a kill between the two leaves a pair that does not belong together, which is fetched
   * again. */
  if (!home_write_file(home->folder, NAMES[kind - 1].document, data, length, error) ||
      !home_write_file(home->folder, NAMES[kind - 1].seal, manifest, manifest_length, error))
    return false;
  home->document_stamps[kind - 1] = stamp_of(home, kind);
  return true;
}
