/* The file of keys, version 1. To change it: another digit in the magic, and a reader for both.
 *
 *   offset size
 *        0    8  "PTLYKEY1"
 *        8   32  CURVE public key
 *       40   32  CURVE secret key
 *       72   32  Ed25519 public key
 *      104   64  Ed25519 secret key (seed, then public key)
 *      168   32  BLAKE2b-256 of all of the above, against a damaged disk
 *
 * and, where the keys were changed:
 *
 *      200   64  the first public keys, CURVE and Ed25519
 *      264   64  CURVE public and secret key of before; zeros where they serve nobody any more
 *      328    …  papers, as key_papers_pack() has them */
#include "common/identity_private.h"

#include "common/durable.h"
#include "common/error.h"
#include "common/key_chain.h"
#include "common/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(struct keys) == 200, "the file begins with the struct");

#define CHECKED_SIZE offsetof(struct keys, checksum)

static const uint8_t magic[8] = {'P', 'T', 'L', 'Y', 'K', 'E', 'Y', '1'};

/* --- bytes of a file --- */

void identity_keys_finish(struct keys *keys)
{
  memcpy(keys->magic, magic, sizeof magic);
  seal_hash((const uint8_t *)keys, CHECKED_SIZE, keys->checksum);
}

/* What follows the present keys, where there are papers. */
struct past {
  struct first_keys first;
  struct curve_pair former;
};

uint8_t *identity_pack(const struct identity *identity, size_t *ret_length, GError **error)
{
  g_autoptr(GBytes) papers = key_papers_pack(identity->papers);
  size_t length;
  const void *data = g_bytes_get_data(papers, &length);
  size_t past = length > 0 ? sizeof(struct past) : 0;
  uint8_t *bytes = identity_guarded(sizeof(struct keys) + past + length);

  if (!bytes) {
    identity_no_memory(error);
    return NULL;
  }
  memcpy(bytes, &identity->secrets->keys, sizeof(struct keys));
  if (length > 0) {
    uint8_t *at = bytes + sizeof(struct keys);
    memcpy(at + offsetof(struct past, first), &identity->first, sizeof identity->first);
    memcpy(at + offsetof(struct past, former), &identity->secrets->former, sizeof identity->secrets->former);
    memcpy(at + past, data, length);
  }
  *ret_length = sizeof(struct keys) + past + length;
  return bytes;
}

static bool fits(const struct curve_pair *curve)
{
  uint8_t public_key[CURVE_KEY_SIZE];

  return crypto_scalarmult_base(public_key, curve->secret_key) == 0 &&
         memcmp(public_key, curve->public_key, sizeof public_key) == 0;
}

/* Whole, and the public halves belong to the secret ones. */
static bool is_sound(const struct keys *keys)
{
  uint8_t checksum[SEAL_HASH_SIZE];
  seal_hash((const uint8_t *)keys, CHECKED_SIZE, checksum);
  if (memcmp(keys->magic, magic, sizeof magic) != 0 || memcmp(keys->checksum, checksum, sizeof checksum) != 0)
    return false;

  uint8_t sign_public[SEAL_PUBLIC_KEY_SIZE], sign_secret[SEAL_SECRET_KEY_SIZE];
  crypto_sign_seed_keypair(sign_public, sign_secret, keys->sign_secret); /* the seed is the first half */
  bool sound = fits(&keys->curve) && memcmp(sign_public, keys->sign_public, sizeof sign_public) == 0 &&
               sodium_memcmp(sign_secret, keys->sign_secret, sizeof sign_secret) == 0;
  sodium_memzero(sign_secret, sizeof sign_secret);
  return sound;
}

struct identity *identity_unpack(const uint8_t *bytes, size_t length, GError **error)
{
  size_t past = length > sizeof(struct keys) ? sizeof(struct past) : 0;
  if (length < sizeof(struct keys) + past) return NULL;
  CLEANUP(identity_free) struct identity *identity = identity_alloc(error);
  if (identity == NULL) return NULL;
  memcpy(&identity->secrets->keys, bytes, sizeof(struct keys));
  if (!is_sound(&identity->secrets->keys)) return NULL;
  identity_are_first(identity);
  bytes += sizeof(struct keys);
  if (past > 0) {
    memcpy(&identity->first, bytes + offsetof(struct past, first), sizeof identity->first);
    memcpy(&identity->secrets->former, bytes + offsetof(struct past, former),
           sizeof identity->secrets->former);
  }
  sodium_mprotect_readonly(identity->secrets);
  GPtrArray *papers = key_papers_unpack(bytes + past, length - sizeof(struct keys) - past);
  if (!papers) return NULL;
  g_ptr_array_unref(identity->papers);
  identity->papers = papers;
  bool has_former = identity_former_curve_secret(identity) != NULL;
  return has_former && !fits(&identity->secrets->former) ? NULL : g_steal_pointer(&identity);
}

/* --- writing --- */

static bool set_io_error(GError **error, const char *path, const char *what)
{
  int code = errno == ENOSPC || errno == EDQUOT ? ERROR_TEMPORARY : ERROR_IO;
  g_set_error(error, PARKTALLY_ERROR, code, "%s: %s: %s", path, what, g_strerror(errno));
  return false;
}

/* The file appears under its name whole and synced, or not at all: link() replaces nothing. */
static bool publish(const char *temporary, const char *path, GError **error)
{
  if (link(temporary, path) != 0) {
    if (errno != EEXIST) return set_io_error(error, path, _("the keys cannot be written"));
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("%s: there are keys already; keep them, or move the file away first"), path);
    return false;
  }
  return durable_folder_of(path) || set_io_error(error, path, _("the folder cannot be made durable"));
}

/* In place of what stands there, whole and synced. */
static bool put_in_place(const char *temporary, const char *path, GError **error)
{
  if (rename(temporary, path) != 0) return set_io_error(error, path, _("the keys cannot be written"));
  return durable_folder_of(path) || set_io_error(error, path, _("the folder cannot be made durable"));
}

typedef bool publisher(const char *temporary, const char *path, GError **error);

static bool store(const uint8_t *data, size_t length, const char *path, publisher *publishes, GError **error)
{
  g_autofree char *temporary = g_strdup_printf("%s.%08x.new", path, randombytes_random());
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return set_io_error(error, temporary, _("the keys cannot be written"));

  bool written = durable_write(fd, data, length) && fsync(fd) == 0;
  int reason = errno;
  if (close(fd) != 0 && written) {
    written = false;
    reason = errno;
  }
  errno = reason;
  bool stored = written ? publishes(temporary, path, error)
                        : set_io_error(error, temporary, _("the keys cannot be written"));
  unlink(temporary);
  return stored;
}

static bool store_identity(const struct identity *identity, const char *path, publisher *publishes,
                           GError **error)
{
  size_t length;
  uint8_t *bytes = identity_pack(identity, &length, error);
  bool stored = bytes && store(bytes, length, path, publishes, error);

  sodium_free(bytes);
  return stored;
}

bool identity_publish(const uint8_t *bytes, size_t length, const char *path, GError **error)
{
  return store(bytes, length, path, publish, error);
}

bool identity_store(const struct identity *identity, const char *path, GError **error)
{
  return store_identity(identity, path, publish, error);
}

bool identity_replace(const struct identity *identity, const char *path, GError **error)
{
  return store_identity(identity, path, put_in_place, error);
}

struct identity *identity_create(const char *path, GError **error)
{
  CLEANUP(identity_free) struct identity *identity = identity_new(error);
  if (identity == NULL || !identity_store(identity, path, error)) return NULL;
  return g_steal_pointer(&identity);
}

/* --- reading --- */

/* Also refuses what is no plain file: a pipe, a link that somebody laid. */
static bool is_private(int fd, const char *path, off_t *ret_size, GError **error)
{
  struct stat status;
  if (fstat(fd, &status) != 0) return set_io_error(error, path, _("the keys cannot be read"));
  if (!S_ISREG(status.st_mode)) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG, _("%s: this is no file of keys"), path);
    return false;
  }
  if ((status.st_mode & 077) != 0) {
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_PERMISSION,
        _("%s: others can read the secret keys (mode %03o, expected 600); if nobody has copied them, run: "
          "chmod 600 '%s'"),
        path, (unsigned)(status.st_mode & 0777), path);
    return false;
  }
  if (status.st_uid != geteuid() && geteuid() != 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_PERMISSION,
                _("%s: the secret keys belong to another user; run this command as that user"), path);
    return false;
  }
  *ret_size = status.st_size;
  return true;
}

bool identity_read_all(int fd, uint8_t *ret_bytes, size_t length)
{
  while (length > 0) {
    ssize_t n = read(fd, ret_bytes, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    ret_bytes += n;
    length -= (size_t)n;
  }
  return true;
}

static struct identity *load(int fd, const char *path, GError **error)
{
  off_t size = 0;
  if (!is_private(fd, path, &size, error)) return NULL;
  bool fits = size >= (off_t)sizeof(struct keys) && size <= (off_t)IDENTITY_FILE_MOST;
  uint8_t *file = fits ? identity_guarded((size_t)size) : NULL;
  struct identity *identity = NULL;
  GError *failure = NULL;

  errno = 0;
  if (file && !identity_read_all(fd, file, (size_t)size) && errno != 0)
    set_io_error(&failure, path, _("the keys cannot be read"));
  else if (file)
    identity = identity_unpack(file, (size_t)size, &failure);
  sodium_free(file);
  if (!identity && !failure)
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("%s: the file of keys is damaged or of another version; restore it from a backup"), path);
  else if (failure)
    g_propagate_error(error, failure);
  return identity;
}

struct identity *identity_load(const char *path, GError **error)
{
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    g_set_error(error, PARKTALLY_ERROR, errno == EACCES ? ERROR_PERMISSION : ERROR_CONFIG,
                _("%s: the keys cannot be read: %s"), path, g_strerror(errno));
    return NULL;
  }
  struct identity *identity = load(fd, path, error);
  close(fd);
  return identity;
}
