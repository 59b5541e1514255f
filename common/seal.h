/* Seals: what is signed travels as its raw bytes behind a fixed header; nothing is re-serialised to check it.
 *
 *   offset size
 *        0    4  magic "PTLY"
 *        4    1  suite: 1 = BLAKE2b-256 + Ed25519
 *        5    1  label: what the payload is (enum seal_label)
 *        6    2  zero
 *        8   32  key id: BLAKE2b-256 of the signer's Ed25519 public key
 *       40   64  signature
 *      104    …  payload
 *
 * The signature is Ed25519 over bytes 0–39 followed by the payload's hash, BLAKE2b-256 (32 bytes). That hash
 * is the payload's id. Change: a new suite or label is a new number; a reader refuses what it does not know.
 */
#ifndef PARKTALLY_COMMON_SEAL_H
#define PARKTALLY_COMMON_SEAL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_HEADER_SIZE 104
#define SEAL_HASH_SIZE 32
#define SEAL_PUBLIC_KEY_SIZE 32
#define SEAL_SECRET_KEY_SIZE 64

enum seal_label {
  SEAL_SUBMISSION = 1,
  SEAL_RECEIPT = 2,
  SEAL_MANIFEST = 3,
  SEAL_CERTIFICATE = 4,
  SEAL_ACT = 5,
  SEAL_EDITION = 6,
  SEAL_HEAD = 7,
  SEAL_EPOCH = 8,
  SEAL_RETURN = 9,
  SEAL_KEY = 10,
};

enum seal_status {
  SEAL_OK,
  SEAL_MALFORMED, /* too short, wrong magic, suite, label or reserved bytes */
  SEAL_OTHER_KEY, /* another key id than the one given */
  SEAL_FORGED,    /* the signature does not hold */
};

/* Random bytes that nobody can guess. */
void seal_random(uint8_t *ret_bytes, size_t length);

/* BLAKE2b-256. */
void seal_hash(const uint8_t *data, size_t length, uint8_t ret_hash[static SEAL_HASH_SIZE]);

/* The same of what comes in pieces: begun, added to, and ended, which frees it. */
struct seal_hasher;
struct seal_hasher *seal_hash_begin(void);
void seal_hash_add(struct seal_hasher *hasher, const void *data, size_t length);
void seal_hash_end(struct seal_hasher *hasher, uint8_t ret_hash[static SEAL_HASH_SIZE]);

/* Key id of a public key. */
void seal_key_id(const uint8_t public_key[static SEAL_PUBLIC_KEY_SIZE],
                 uint8_t ret_id[static SEAL_HASH_SIZE]);

/* A new buffer of header and payload; `ret_id` (may be NULL) is the payload's id. */
GByteArray *seal_make(enum seal_label label, const uint8_t public_key[static SEAL_PUBLIC_KEY_SIZE],
                      const uint8_t secret_key[static SEAL_SECRET_KEY_SIZE], const uint8_t *payload,
                      size_t length, uint8_t *ret_id);

/* The key id in the header, to find the public key by: a claim until seal_open() says SEAL_OK. NULL if
 * malformed. */
const uint8_t *seal_claimed_key(const uint8_t *sealed, size_t length);

/* The label in the header, likewise a claim; 0 if malformed. */
enum seal_label seal_claimed_label(const uint8_t *sealed, size_t length);

/* Verifies. On SEAL_OK `ret_payload` points into `sealed`, and `ret_hash` (may be NULL) is the payload's id.
 */
enum seal_status seal_open(const uint8_t *sealed, size_t length, enum seal_label label,
                           const uint8_t public_key[static SEAL_PUBLIC_KEY_SIZE], const uint8_t **ret_payload,
                           size_t *ret_length, uint8_t *ret_hash);

/* The payload of what is ours already and was verified when it came in: only its shape is checked. */
bool seal_peek(const uint8_t *sealed, size_t length, enum seal_label label, const uint8_t **ret_payload,
               size_t *ret_length);

#endif
