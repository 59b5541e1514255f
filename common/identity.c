#include "common/identity.h"

#include "common/error.h"
#include "common/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file, version 1. To change it: another digit in the magic, and a reader for both.
 *
 *   offset size
 *        0    8  "PTLYKEY1"
 *        8   32  CURVE public key
 *       40   32  CURVE secret key
 *       72   32  Ed25519 public key
 *      104   64  Ed25519 secret key (seed, then public key)
 *      168   32  BLAKE2b-256 of all of the above, against a damaged disk */
struct identity {
  uint8_t magic[8];
  uint8_t curve_public[CURVE_KEY_SIZE];
  uint8_t curve_secret[CURVE_KEY_SIZE];
  uint8_t sign_public[SEAL_PUBLIC_KEY_SIZE];
  uint8_t sign_secret[SEAL_SECRET_KEY_SIZE];
  uint8_t checksum[SEAL_HASH_SIZE];
};
static_assert(sizeof(struct identity) == 200, "the file is the struct");
static_assert(CURVE_KEY_SIZE == crypto_box_PUBLICKEYBYTES && CURVE_KEY_SIZE == crypto_box_SECRETKEYBYTES,
              "CURVE");

#define CHECKED_SIZE offsetof(struct identity, checksum)

static const uint8_t magic[8] = {'P', 'T', 'L', 'Y', 'K', 'E', 'Y', '1'};

static struct identity *identity_new(GError **error)
{
  struct identity *identity = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *identity);
  if (identity == NULL)
    g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                _("no protected memory for the keys could be had"));
  return identity;
}

void identity_free(struct identity *identity)
{
  sodium_free(identity);
}

static bool set_io_error(GError **error, const char *path, const char *what)
{
  int code = errno == ENOSPC || errno == EDQUOT ? ERROR_TEMPORARY : ERROR_IO;
  g_set_error(error, PARKTALLY_ERROR, code, "%s: %s: %s", path, what, g_strerror(errno));
  return false;
}

static bool write_all(int fd, const uint8_t *data, size_t length)
{
  while (length > 0) {
    ssize_t n = write(fd, data, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data += n;
    length -= (size_t)n;
  }
  return true;
}

static bool sync_folder(const char *path)
{
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool synced = fsync(fd) == 0;
  int reason = errno;
  close(fd);
  errno = reason;
  return synced;
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
  g_autofree char *folder = g_path_get_dirname(path);
  if (!sync_folder(folder)) return set_io_error(error, folder, _("the folder cannot be made durable"));
  return true;
}

static bool store(const void *data, size_t length, const char *path, GError **error)
{
  g_autofree char *temporary = g_strdup_printf("%s.%08x.new", path, randombytes_random());
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return set_io_error(error, temporary, _("the keys cannot be written"));

  bool written = write_all(fd, data, length) && fsync(fd) == 0;
  int reason = errno;
  if (close(fd) != 0 && written) {
    written = false;
    reason = errno;
  }
  errno = reason;
  bool stored = written ? publish(temporary, path, error)
                        : set_io_error(error, temporary, _("the keys cannot be written"));
  unlink(temporary);
  return stored;
}

struct identity *identity_create(const char *path, GError **error)
{
  CLEANUP(identity_free) struct identity *identity = identity_new(error);
  if (identity == NULL) return NULL;
  memcpy(identity->magic, magic, sizeof magic);
  crypto_box_keypair(identity->curve_public, identity->curve_secret);
  crypto_sign_keypair(identity->sign_public, identity->sign_secret);
  seal_hash((const uint8_t *)identity, CHECKED_SIZE, identity->checksum);
  if (!store(identity, sizeof *identity, path, error)) return NULL;
  sodium_mprotect_readonly(identity);
  return g_steal_pointer(&identity);
}

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

/* Reads exactly `length` bytes; short of them errno is 0. */
static bool read_all(int fd, uint8_t *ret_data, size_t length)
{
  while (length > 0) {
    ssize_t n = read(fd, ret_data, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    ret_data += n;
    length -= (size_t)n;
  }
  return true;
}

/* Whole, and the public halves belong to the secret ones. */
static bool is_sound(const struct identity *identity)
{
  uint8_t checksum[SEAL_HASH_SIZE];
  seal_hash((const uint8_t *)identity, CHECKED_SIZE, checksum);
  if (memcmp(identity->magic, magic, sizeof magic) != 0 ||
      memcmp(identity->checksum, checksum, sizeof checksum) != 0)
    return false;

  uint8_t curve_public[CURVE_KEY_SIZE], sign_public[SEAL_PUBLIC_KEY_SIZE], sign_secret[SEAL_SECRET_KEY_SIZE];
  bool fits = crypto_scalarmult_base(curve_public, identity->curve_secret) == 0 &&
              memcmp(curve_public, identity->curve_public, sizeof curve_public) == 0;
  crypto_sign_seed_keypair(sign_public, sign_secret, identity->sign_secret); /* the seed is the first half */
  fits = fits && memcmp(sign_public, identity->sign_public, sizeof sign_public) == 0 &&
         sodium_memcmp(sign_secret, identity->sign_secret, sizeof sign_secret) == 0;
  sodium_memzero(sign_secret, sizeof sign_secret);
  return fits;
}

static struct identity *load(int fd, const char *path, GError **error)
{
  off_t size = 0;
  if (!is_private(fd, path, &size, error)) return NULL;
  CLEANUP(identity_free) struct identity *identity = identity_new(error);
  if (identity == NULL) return NULL;

  errno = 0;
  bool whole = read_all(fd, (uint8_t *)identity, sizeof *identity);
  if (!whole && errno != 0) {
    set_io_error(error, path, _("the keys cannot be read"));
    return NULL;
  }
  if (!whole || size != (off_t)sizeof *identity || !is_sound(identity)) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("%s: the file of keys is damaged or of another version; restore it from a backup"), path);
    return NULL;
  }
  sodium_mprotect_readonly(identity);
  return g_steal_pointer(&identity);
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

const uint8_t *identity_curve_public(const struct identity *identity)
{
  return identity->curve_public;
}

const uint8_t *identity_curve_secret(const struct identity *identity)
{
  return identity->curve_secret;
}

const uint8_t *identity_sign_public(const struct identity *identity)
{
  return identity->sign_public;
}

const uint8_t *identity_sign_secret(const struct identity *identity)
{
  return identity->sign_secret;
}

GByteArray *identity_seal(const struct identity *identity, enum seal_label label, const uint8_t *payload,
                          size_t length, uint8_t *ret_id)
{
  return seal_make(label, identity->sign_public, identity->sign_secret, payload, length, ret_id);
}

void identity_guard_process(void)
{
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail for 0 */
}

bool identity_store(const struct identity *identity, const char *path, GError **error)
{
  return store(identity, sizeof *identity, path, error);
}

/* --- a copy for another place ---
 *
 * The file, version 1: the magic "PTLYKEB1", salt and nonce, then the file of keys in a secret box whose key
 * is argon2id of the passphrase. */
struct backup {
  uint8_t magic[8];
  uint8_t salt[crypto_pwhash_SALTBYTES];
  uint8_t nonce[crypto_secretbox_NONCEBYTES];
  uint8_t box[crypto_secretbox_MACBYTES + sizeof(struct identity)];
};

static const uint8_t backup_magic[8] = {'P', 'T', 'L', 'Y', 'K', 'E', 'B', '1'};

#define BACKUP_OPERATIONS crypto_pwhash_OPSLIMIT_MODERATE
#define BACKUP_MEMORY crypto_pwhash_MEMLIMIT_MODERATE

/* In guarded memory; NULL without the memory that it takes. */
static uint8_t *key_of(const char *passphrase, const struct backup *backup, GError **error)
{
  uint8_t *key = sodium_init() < 0 ? NULL : sodium_malloc(crypto_secretbox_KEYBYTES);

  if (key && crypto_pwhash(key, crypto_secretbox_KEYBYTES, passphrase, strlen(passphrase), backup->salt,
                           BACKUP_OPERATIONS, BACKUP_MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0)
    return key;
  sodium_free(key);
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                      _("there is not enough memory to protect keys by a passphrase: it takes 256 MiB"));
  return NULL;
}

bool identity_back_up(const struct identity *identity, const char *path, const char *passphrase,
                      GError **error)
{
  struct backup backup;
  uint8_t *key;

  memcpy(backup.magic, backup_magic, sizeof backup.magic);
  seal_random(backup.salt, sizeof backup.salt);
  seal_random(backup.nonce, sizeof backup.nonce);
  key = key_of(passphrase, &backup, error);
  if (!key) return false;
  crypto_secretbox_easy(backup.box, (const uint8_t *)identity, sizeof *identity, backup.nonce, key);
  sodium_free(key);
  return store(&backup, sizeof backup, path, error);
}

static bool read_backup(const char *path, struct backup *ret_backup)
{
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  bool whole = fd >= 0 && read_all(fd, (uint8_t *)ret_backup, sizeof *ret_backup) &&
               memcmp(ret_backup->magic, backup_magic, sizeof backup_magic) == 0;

  if (fd >= 0) close(fd);
  return whole;
}

bool identity_is_backup(const char *path)
{
  struct backup backup;

  return read_backup(path, &backup);
}

struct identity *identity_load_backup(const char *path, const char *passphrase, GError **error)
{
  CLEANUP(identity_free) struct identity *identity = identity_new(error);
  struct backup backup;
  uint8_t *key;
  bool opened;

  if (!identity) return NULL;
  if (!read_backup(path, &backup)) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG, _("%s: this is no backup of keys"), path);
    return NULL;
  }
  key = key_of(passphrase, &backup, error);
  if (!key) return NULL;
  opened =
      crypto_secretbox_open_easy((uint8_t *)identity, backup.box, sizeof backup.box, backup.nonce, key) == 0;
  sodium_free(key);
  if (!opened || !is_sound(identity)) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_PERMISSION,
                _("%s: the passphrase is another one, or the file is damaged"), path);
    return NULL;
  }
  sodium_mprotect_readonly(identity);
  return g_steal_pointer(&identity);
}
