/* What the files of identity.c share: keys in memory, and as bytes. */
#ifndef PARKTALLY_COMMON_IDENTITY_PRIVATE_H
#define PARKTALLY_COMMON_IDENTITY_PRIVATE_H

#include "common/identity.h"
#include "common/limits.h"

struct curve_pair {
  uint8_t public_key[CURVE_KEY_SIZE], secret_key[CURVE_KEY_SIZE];
};

/* As a file begins. */
struct keys {
  uint8_t magic[8];
  struct curve_pair curve;
  uint8_t sign_public[SEAL_PUBLIC_KEY_SIZE];
  uint8_t sign_secret[SEAL_SECRET_KEY_SIZE];
  uint8_t checksum[SEAL_HASH_SIZE];
};

struct secrets {
  struct keys keys;
  struct curve_pair former; /* all zero: none */
};

/* Where papers begin; with none it is the present ones. */
struct first_keys {
  uint8_t curve_public[CURVE_KEY_SIZE], sign_public[SEAL_PUBLIC_KEY_SIZE];
};

struct identity {
  struct secrets *secrets; /* in guarded memory, that is only read but while they are made */
  struct first_keys first;
  GPtrArray *papers; /* of GBytes; each has a signature of its own */
};

/* For secrets; sodium_free() wipes it. NULL without the memory. */
uint8_t *identity_guarded(size_t size);
bool identity_no_memory(GError **error); /* false, so that a caller can return it */

/* Without keys yet, with no former pair. */
struct identity *identity_alloc(GError **error);
/* Its present keys are the first ones. */
void identity_are_first(struct identity *identity);

/* --- as bytes (identity_file.c) --- */

#define IDENTITY_FILE_MOST                                                                                   \
  (sizeof(struct secrets) + sizeof(struct first_keys) + LIMIT_KEY_CHANGES * (4 + LIMIT_JOIN_BYTES))

void identity_keys_finish(struct keys *keys); /* magic and checksum */
/* In guarded memory. */
uint8_t *identity_pack(const struct identity *identity, size_t *ret_length, GError **error);
/* NULL without error if they are none. */
struct identity *identity_unpack(const uint8_t *bytes, size_t length, GError **error);

/* A new file of these bytes, of mode 0600, durably; the path must not exist. */
bool identity_publish(const uint8_t *bytes, size_t length, const char *path, GError **error);
/* Exactly `length` bytes; short of them false, and errno is 0. */
bool identity_read_all(int fd, uint8_t *ret_bytes, size_t length);

#endif
