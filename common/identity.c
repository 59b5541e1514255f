#include "common/identity.h"

#include "common/error.h"
#include "common/key_chain.h"
#include "common/limits.h"
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
 *      168   32  BLAKE2b-256 of all of the above, against a damaged disk
 *
 * and, where the keys were changed:
 *
 *      200   64  the first public keys, CURVE and Ed25519
 *      264    …  papers, as key_papers_pack() has them */
struct keys {
  uint8_t magic[8];
  uint8_t curve_public[CURVE_KEY_SIZE];
  uint8_t curve_secret[CURVE_KEY_SIZE];
  uint8_t sign_public[SEAL_PUBLIC_KEY_SIZE];
  uint8_t sign_secret[SEAL_SECRET_KEY_SIZE];
  uint8_t checksum[SEAL_HASH_SIZE];
};
static_assert(sizeof(struct keys) == 200, "the file begins with the struct");

/* Where papers begin; with none it is the present ones. */
struct first_keys {
  uint8_t curve_public[CURVE_KEY_SIZE], sign_public[SEAL_PUBLIC_KEY_SIZE];
};

struct identity {
  struct keys *keys; /* in guarded memory */
  struct first_keys first;
  GPtrArray *papers; /* of GBytes; each has a signature of its own */
};

#define FILE_MOST                                                                                            \
  (sizeof(struct keys) + sizeof(struct first_keys) + LIMIT_KEY_CHANGES * (4 + LIMIT_JOIN_BYTES))
static_assert(CURVE_KEY_SIZE == crypto_box_PUBLICKEYBYTES && CURVE_KEY_SIZE == crypto_box_SECRETKEYBYTES,
              "CURVE");

#define CHECKED_SIZE offsetof(struct keys, checksum)

static const uint8_t magic[8] = {'P', 'T', 'L', 'Y', 'K', 'E', 'Y', '1'};

/* NULL without the memory. */
static uint8_t *guarded(size_t size)
{
  return sodium_init() < 0 ? NULL : sodium_malloc(size);
}

static struct identity *identity_alloc(GError **error)
{
  struct keys *keys = (void *)guarded(sizeof *keys);
  struct identity *identity;

  if (keys == NULL) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                _("no protected memory for the keys could be had"));
    return NULL;
  }
  identity = g_new0(struct identity, 1);
  identity->keys = keys;
  identity->papers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  return identity;
}

void identity_free(struct identity *identity)
{
  if (!identity) return;
  sodium_free(identity->keys);
  g_ptr_array_unref(identity->papers);
  g_free(identity);
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

/* In place of what stands there, whole and synced. */
static bool put_in_place(const char *temporary, const char *path, GError **error)
{
  if (rename(temporary, path) != 0) return set_io_error(error, path, _("the keys cannot be written"));
  g_autofree char *folder = g_path_get_dirname(path);
  if (!sync_folder(folder)) return set_io_error(error, folder, _("the folder cannot be made durable"));
  return true;
}

typedef bool publisher(const char *temporary, const char *path, GError **error);

static bool store(const uint8_t *data, size_t length, const char *path, publisher *publishes, GError **error)
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
  bool stored = written ? publishes(temporary, path, error)
                        : set_io_error(error, temporary, _("the keys cannot be written"));
  unlink(temporary);
  return stored;
}

/* The bytes of the file, in guarded memory. */
static uint8_t *file_of(const struct identity *identity, size_t *ret_length, GError **error)
{
  g_autoptr(GBytes) papers = key_papers_pack(identity->papers);
  size_t length;
  const void *data = g_bytes_get_data(papers, &length);
  size_t first = length > 0 ? sizeof identity->first : 0;
  uint8_t *file = guarded(sizeof(struct keys) + first + length);

  if (!file) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                _("no protected memory for the keys could be had"));
    return NULL;
  }
  memcpy(file, identity->keys, sizeof(struct keys));
  if (length > 0) memcpy(file + sizeof(struct keys), &identity->first, first);
  if (length > 0) memcpy(file + sizeof(struct keys) + first, data, length);
  *ret_length = sizeof(struct keys) + first + length;
  return file;
}

static bool store_identity(const struct identity *identity, const char *path, publisher *publishes,
                           GError **error)
{
  size_t length;
  uint8_t *file = file_of(identity, &length, error);
  bool stored = file && store(file, length, path, publishes, error);

  sodium_free(file);
  return stored;
}

static void are_first(struct identity *identity)
{
  memcpy(identity->first.curve_public, identity->keys->curve_public, CURVE_KEY_SIZE);
  memcpy(identity->first.sign_public, identity->keys->sign_public, SEAL_PUBLIC_KEY_SIZE);
}

static void finish_keys(struct identity *identity)
{
  struct keys *keys = identity->keys;

  memcpy(keys->magic, magic, sizeof magic);
  seal_hash((const uint8_t *)keys, CHECKED_SIZE, keys->checksum);
  are_first(identity);
  sodium_mprotect_readonly(keys);
}

struct identity *identity_new(GError **error)
{
  struct identity *identity = identity_alloc(error);
  if (identity == NULL) return NULL;
  crypto_box_keypair(identity->keys->curve_public, identity->keys->curve_secret);
  crypto_sign_keypair(identity->keys->sign_public, identity->keys->sign_secret);
  finish_keys(identity);
  return identity;
}

struct identity *identity_without_signature(const struct identity *identity, GError **error)
{
  struct identity *door = identity_alloc(error);
  if (door == NULL) return NULL;
  memcpy(door->keys->curve_public, identity->keys->curve_public, CURVE_KEY_SIZE);
  memcpy(door->keys->curve_secret, identity->keys->curve_secret, CURVE_KEY_SIZE);
  crypto_sign_keypair(door->keys->sign_public, door->keys->sign_secret);
  finish_keys(door);
  return door;
}

struct identity *identity_create(const char *path, GError **error)
{
  CLEANUP(identity_free) struct identity *identity = identity_new(error);
  if (identity == NULL || !identity_store(identity, path, error)) return NULL;
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
static bool is_sound(const struct keys *keys)
{
  uint8_t checksum[SEAL_HASH_SIZE];
  seal_hash((const uint8_t *)keys, CHECKED_SIZE, checksum);
  if (memcmp(keys->magic, magic, sizeof magic) != 0 || memcmp(keys->checksum, checksum, sizeof checksum) != 0)
    return false;

  uint8_t curve_public[CURVE_KEY_SIZE], sign_public[SEAL_PUBLIC_KEY_SIZE], sign_secret[SEAL_SECRET_KEY_SIZE];
  bool fits = crypto_scalarmult_base(curve_public, keys->curve_secret) == 0 &&
              memcmp(curve_public, keys->curve_public, sizeof curve_public) == 0;
  crypto_sign_seed_keypair(sign_public, sign_secret, keys->sign_secret); /* the seed is the first half */
  fits = fits && memcmp(sign_public, keys->sign_public, sizeof sign_public) == 0 &&
         sodium_memcmp(sign_secret, keys->sign_secret, sizeof sign_secret) == 0;
  sodium_memzero(sign_secret, sizeof sign_secret);
  return fits;
}

/* Of the bytes of a file; NULL without error if they are none. */
static struct identity *identity_of(const uint8_t *file, size_t length, GError **error)
{
  if (length < sizeof(struct keys)) return NULL;
  CLEANUP(identity_free) struct identity *identity = identity_alloc(error);
  if (identity == NULL) return NULL;
  memcpy(identity->keys, file, sizeof(struct keys));
  size_t at = sizeof(struct keys), first = length > at ? sizeof identity->first : 0;
  if (length < at + first) return NULL;
  are_first(identity);
  if (first > 0) memcpy(&identity->first, file + at, first);
  GPtrArray *papers = key_papers_unpack(file + at + first, length - at - first);
  if (!papers || !is_sound(identity->keys)) {
    if (papers) g_ptr_array_unref(papers);
    return NULL;
  }
  g_ptr_array_unref(identity->papers);
  identity->papers = papers;
  sodium_mprotect_readonly(identity->keys);
  return g_steal_pointer(&identity);
}

static struct identity *load(int fd, const char *path, GError **error)
{
  off_t size = 0;
  if (!is_private(fd, path, &size, error)) return NULL;
  bool fits = size >= (off_t)sizeof(struct keys) && size <= (off_t)FILE_MOST;
  uint8_t *file = fits ? guarded((size_t)size) : NULL;
  struct identity *identity = NULL;
  GError *failure = NULL;

  errno = 0;
  if (file && !read_all(fd, file, (size_t)size) && errno != 0)
    set_io_error(&failure, path, _("the keys cannot be read"));
  else if (file)
    identity = identity_of(file, (size_t)size, &failure);
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

const uint8_t *identity_curve_public(const struct identity *identity)
{
  return identity->keys->curve_public;
}

const uint8_t *identity_curve_secret(const struct identity *identity)
{
  return identity->keys->curve_secret;
}

const uint8_t *identity_sign_public(const struct identity *identity)
{
  return identity->keys->sign_public;
}

const uint8_t *identity_sign_secret(const struct identity *identity)
{
  return identity->keys->sign_secret;
}

GByteArray *identity_seal(const struct identity *identity, enum seal_label label, const uint8_t *payload,
                          size_t length, uint8_t *ret_id)
{
  return seal_make(label, identity->keys->sign_public, identity->keys->sign_secret, payload, length, ret_id);
}

void identity_guard_process(void)
{
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail for 0 */
}

bool identity_store(const struct identity *identity, const char *path, GError **error)
{
  return store_identity(identity, path, publish, error);
}

bool identity_replace(const struct identity *identity, const char *path, GError **error)
{
  return store_identity(identity, path, put_in_place, error);
}

const uint8_t *identity_first_curve(const struct identity *identity)
{
  return identity->first.curve_public;
}

const uint8_t *identity_first_sign(const struct identity *identity)
{
  return identity->first.sign_public;
}

const GPtrArray *identity_papers(const struct identity *identity)
{
  return identity->papers;
}

void identity_take_papers(struct identity *identity, const struct identity *before, GBytes *change)
{
  identity->first = before->first;
  g_ptr_array_set_size(identity->papers, 0);
  for (guint n = 0; n < before->papers->len; n++)
    g_ptr_array_add(identity->papers, g_bytes_ref(before->papers->pdata[n]));
  g_ptr_array_add(identity->papers, g_bytes_ref(change));
}

/* --- a copy for another place ---
 *
 * The file, version 1: the magic "PTLYKEB1", salt and nonce, then the file of keys in a secret box whose key
 * is argon2id of the passphrase. */
struct backup_head {
  uint8_t magic[8];
  uint8_t salt[crypto_pwhash_SALTBYTES];
  uint8_t nonce[crypto_secretbox_NONCEBYTES];
};

static const uint8_t backup_magic[8] = {'P', 'T', 'L', 'Y', 'K', 'E', 'B', '1'};

#define BACKUP_OPERATIONS crypto_pwhash_OPSLIMIT_MODERATE
#define BACKUP_MEMORY crypto_pwhash_MEMLIMIT_MODERATE
#define BOXED(length) ((length) + crypto_secretbox_MACBYTES)

/* In guarded memory; NULL without the memory that it takes. */
static uint8_t *key_of(const char *passphrase, const struct backup_head *head, GError **error)
{
  uint8_t *key = guarded(crypto_secretbox_KEYBYTES);

  if (key && crypto_pwhash(key, crypto_secretbox_KEYBYTES, passphrase, strlen(passphrase), head->salt,
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
  struct backup_head head;
  g_autofree uint8_t *backup = NULL;
  uint8_t *key, *file;
  size_t length;
  bool stored;

  memcpy(head.magic, backup_magic, sizeof head.magic);
  seal_random(head.salt, sizeof head.salt);
  seal_random(head.nonce, sizeof head.nonce);
  file = file_of(identity, &length, error);
  if (!file) return false;
  key = key_of(passphrase, &head, error);
  stored = key != NULL;
  if (key) {
    backup = g_malloc(sizeof head + BOXED(length));
    memcpy(backup, &head, sizeof head);
    crypto_secretbox_easy(backup + sizeof head, file, length, head.nonce, key);
  }
  sodium_free(key);
  sodium_free(file);
  return stored && store(backup, sizeof head + BOXED(length), path, publish, error);
}

/* The whole of it; NULL if it is none. */
static GBytes *read_backup(const char *path)
{
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  size_t least = sizeof(struct backup_head) + BOXED(sizeof(struct keys));
  g_autofree uint8_t *data = NULL;
  struct stat status;
  size_t size = 0;

  if (fd < 0) return NULL;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) size = (size_t)status.st_size;
  if (size >= least && size <= sizeof(struct backup_head) + BOXED(FILE_MOST)) data = g_malloc(size);
  if (data && (!read_all(fd, data, size) || memcmp(data, backup_magic, sizeof backup_magic) != 0))
    g_clear_pointer(&data, g_free);
  close(fd);
  return data ? g_bytes_new_take(g_steal_pointer(&data), size) : NULL;
}

bool identity_is_backup(const char *path)
{
  g_autoptr(GBytes) backup = read_backup(path);

  return backup != NULL;
}

struct identity *identity_load_backup(const char *path, const char *passphrase, GError **error)
{
  g_autoptr(GBytes) backup = read_backup(path);
  struct identity *identity = NULL;
  struct backup_head head;
  uint8_t *key, *file;
  size_t length, boxed;
  GError *failure = NULL;

  if (!backup) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG, _("%s: this is no backup of keys"), path);
    return NULL;
  }
  const uint8_t *data = g_bytes_get_data(backup, &length);
  memcpy(&head, data, sizeof head);
  boxed = length - sizeof head;
  key = key_of(passphrase, &head, error);
  if (!key) return NULL;
  file = guarded(boxed);
  if (file && crypto_secretbox_open_easy(file, data + sizeof head, boxed, head.nonce, key) == 0)
    identity = identity_of(file, boxed - crypto_secretbox_MACBYTES, &failure);
  sodium_free(file);
  sodium_free(key);
  if (failure)
    g_propagate_error(error, failure);
  else if (!identity)
    g_set_error(error, PARKTALLY_ERROR, ERROR_PERMISSION,
                _("%s: the passphrase is another one, or the file is damaged"), path);
  return identity;
}
