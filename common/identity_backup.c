/* A copy of keys for another place.
 *
 * The file, version 1: the magic "PTLYKEB1", salt and nonce, then the file of keys in a secret box whose key
 * is argon2id of the passphrase. */
#include "common/identity_private.h"

#include "common/error.h"
#include "common/text.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
  uint8_t *key = identity_guarded(crypto_secretbox_KEYBYTES);

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
  file = identity_pack(identity, &length, error);
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
  return stored && identity_publish(backup, sizeof head + BOXED(length), path, error);
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
  if (size >= least && size <= sizeof(struct backup_head) + BOXED(IDENTITY_FILE_MOST)) data = g_malloc(size);
  if (data && (!identity_read_all(fd, data, size) || memcmp(data, backup_magic, sizeof backup_magic) != 0))
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
  file = identity_guarded(boxed);
  if (file && crypto_secretbox_open_easy(file, data + sizeof head, boxed, head.nonce, key) == 0)
    identity = identity_unpack(file, boxed - crypto_secretbox_MACBYTES, &failure);
  sodium_free(file);
  sodium_free(key);
  if (failure)
    g_propagate_error(error, failure);
  else if (!identity)
    g_set_error(error, PARKTALLY_ERROR, ERROR_PERMISSION,
                _("%s: the passphrase is another one, or the file is damaged"), path);
  return identity;
}
