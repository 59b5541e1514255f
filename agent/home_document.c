/* Catalogue and register as served: the document and, beside it, the sealed manifest that vouches for it. */
#include "agent/home_private.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
  const char *document, *seal;
} NAMES[] = {
    [DOCUMENT_OF_CATALOGUE - 1] = {"catalogue.yaml", "catalogue.seal"},
    [DOCUMENT_OF_REGISTER - 1] = {"register.csv", "register.seal"},
};

#define REGISTER_IMAGE "register.image"

static struct unit_register *open_image(const struct home *home, const uint8_t hash[SEAL_HASH_SIZE])
{
  g_autofree char *path = g_build_filename(home->folder, REGISTER_IMAGE, NULL);
  return register_open_image(path, hash, home->catalogue->hash);
}

static void put_register(struct home *home, struct unit_register *units, const uint8_t hash[SEAL_HASH_SIZE])
{
  if (home->units) register_unref(home->units);
  home->units = units;
  memcpy(home->register_hash, hash, SEAL_HASH_SIZE);
  g_clear_pointer(&home->trouble, g_free);
}

/* The register compiled from this document. Its image in the folder spares reading it: that is taken only
 * where it was made of these very bytes, which the caller has just verified, and of the catalogue in use, and
 * where its checksum holds. Anything else is read from the document, and the image is written anew, or not: a
 * folder that is full or not ours to write is no reason to stop. */
static struct unit_register *compile_register(const struct home *home, const uint8_t *data, size_t length,
                                              const uint8_t hash[SEAL_HASH_SIZE], GError **error)
{
  struct unit_register *units = open_image(home, hash);
  if (units) return units;
  if (!register_read_csv(home->catalogue, NAMES[DOCUMENT_OF_REGISTER - 1].document, (const char *)data,
                         length, NULL, NULL, &units, error))
    return NULL;
  g_autoptr(GBytes) image = register_image(units, hash, home->catalogue->hash);
  gsize size;
  const void *bytes = g_bytes_get_data(image, &size);
  struct unit_register *mapped = NULL;
  if (home_write_file(home->folder, REGISTER_IMAGE, bytes, size, NULL)) mapped = open_image(home, hash);
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
  put_register(home, units, hash);
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

/* --- a register that was checked before ---
 *
 * The file `register.checked` says of which register.csv, by its size and the time of its last change, it was
 * found that it is what its seal says. While that stands, the image of the document that the seal names is
 * taken without reading the CSV, which is megabytes at each start.
 *
 * No figure is judged by anything unchecked for it: the seal is verified each time, it names the document,
 * and the image, with a checksum of its own, was made of that document. All that goes by this file is whether
 * a CSV which is not what it was is noticed now or when it is read next. Whoever edits it changes its time;
 * who hides that, or a disk that forgets, gains nothing by it. A copied or restored folder has the same
 * times. */
#define REGISTER_CHECKED "register.checked"

#define SETTLED_SECONDS 2 /* file systems count their times in milliseconds, some in seconds */

static char *register_path(const struct home *home)
{
  return g_build_filename(home->folder, NAMES[DOCUMENT_OF_REGISTER - 1].document, NULL);
}

/* A file that we have just written: a change from now on, however soon, gives it another time. */
static void age_register(const struct home *home)
{
  g_autofree char *path = register_path(home);
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT},
                                   {.tv_sec = clock_wall().ms / 1000 - 2 * SETTLED_SECONDS}};
  (void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* What the file says where all is as it was; NULL where there is no register, or it changed so lately that a
 * further change might leave its time. */
static char *checked_text(const struct home *home, const uint8_t hash[SEAL_HASH_SIZE])
{
  g_autofree char *path = register_path(home);
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return NULL;
  if (status.st_mtim.tv_sec + SETTLED_SECONDS > clock_wall().ms / 1000) return NULL;
  g_autofree char *hex = text_hex(hash, SEAL_HASH_SIZE);
  return g_strdup_printf("1 %s %jd %jd.%09ld\n", hex, (intmax_t)status.st_size,
                         (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

static bool was_checked(const struct home *home, const uint8_t hash[SEAL_HASH_SIZE])
{
  g_autofree char *expected = checked_text(home, hash);
  if (!expected) return false;
  g_autoptr(GBytes) found = home_read_file(home->folder, REGISTER_CHECKED, 256, NULL);
  gsize length;
  const char *data = found ? g_bytes_get_data(found, &length) : NULL;
  return data && length == strlen(expected) && memcmp(data, expected, length) == 0;
}

/* Not durable, and no matter if it fails: the register is then read once more. */
static void note_checked(const struct home *home, const char *text)
{
  g_autofree char *path = g_build_filename(home->folder, REGISTER_CHECKED, NULL);
  if (text) (void)g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

/* Takes the register into use without reading the document, where that can be. */
static bool use_checked(struct home *home, const uint8_t hash[SEAL_HASH_SIZE])
{
  if (!home->catalogue || !was_checked(home, hash)) return false;
  struct unit_register *units = open_image(home, hash);
  if (units) put_register(home, units, hash);
  return units != NULL;
}

/* --- reading and storing --- */

/* The manifest, if its seal holds and it is of such a document, for us; else NULL. */
static struct manifest *open_manifest(const struct home *home, enum document_kind kind, GBytes *seal)
{
  struct bytes_view sealed, payload;
  sealed.data = g_bytes_get_data(seal, &sealed.length);
  if (home_open_sealed(home, sealed, SEAL_MANIFEST, &payload, NULL) != SEAL_OK) return NULL;
  CLEANUP(manifest_free) struct manifest *manifest = manifest_decode(payload.data, payload.length);
  if (!manifest || manifest->kind != kind) return NULL;
  if (kind == DOCUMENT_OF_REGISTER && strcmp(manifest->area, home->certificate->area) != 0) return NULL;
  return g_steal_pointer(&manifest);
}

/* True if the manifest names exactly these bytes. */
static bool belongs(const struct manifest *manifest, const uint8_t *data, size_t length)
{
  if (manifest->size != length) return false;
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(data, length, hash);
  return memcmp(hash, manifest->hash.data, sizeof hash) == 0;
}

static void set_aside(struct home *home, const char *name, const char *why)
{
  g_free(home->trouble);
  home->trouble =
      g_strdup_printf(_("%s/%s was set aside and will be fetched again: %s"), home->folder, name, why);
}

/* Takes the document in the folder into use, if it is what the manifest says. */
static bool read_whole(struct home *home, enum document_kind kind, const struct manifest *manifest,
                       GError **error)
{
  const char *name = NAMES[kind - 1].document;
  GError *failure = NULL;
  g_autofree char *checked =
      kind == DOCUMENT_OF_REGISTER && manifest ? checked_text(home, manifest->hash.data) : NULL;
  g_autoptr(GBytes) document = home_read_file(home->folder, name, LIMIT_DOCUMENT_BYTES, &failure);
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  if (!document) return true;
  gsize length;
  const uint8_t *data = g_bytes_get_data(document, &length);
  if (!manifest || !belongs(manifest, data, length)) {
    set_aside(home, name, _("it is not what its seal says"));
    return true;
  }
  g_autoptr(GError) mistake = NULL;
  if (use_document(home, kind, data, length, manifest->hash.data, &mistake))
    note_checked(home, checked);
  else
    set_aside(home, name, mistake->message);
  return true;
}

static bool read_document(struct home *home, enum document_kind kind, GError **error)
{
  int64_t stamp = stamp_of(home, kind);
  if (stamp == home->document_stamps[kind - 1]) return true;
  GError *failure = NULL;
  g_autoptr(GBytes) seal = home_read_file(home->folder, NAMES[kind - 1].seal, LIMIT_SEALED_BYTES, &failure);
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  CLEANUP(manifest_free) struct manifest *manifest = seal ? open_manifest(home, kind, seal) : NULL;
  bool checked = kind == DOCUMENT_OF_REGISTER && manifest && use_checked(home, manifest->hash.data);
  if (seal && !checked && !read_whole(home, kind, manifest, error)) return false;
  home->document_stamps[kind - 1] = stamp;
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
  if (kind == DOCUMENT_OF_REGISTER) {
    age_register(home);
    g_autofree char *checked = checked_text(home, hash);
    note_checked(home, checked);
  }
  return true;
}
