/* Who we are: one CURVE key pair and one Ed25519 pair, made where they live. The secrets stand in a file of
 * mode 0600, in locked memory that core dumps leave out, and nowhere else. */
#ifndef PARKTALLY_COMMON_IDENTITY_H
#define PARKTALLY_COMMON_IDENTITY_H

#include "common/cleanup.h"
#include "common/seal.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define CURVE_KEY_SIZE 32

struct identity; /* its secrets are in guarded memory */

/* New keys, in memory alone. */
struct identity *identity_new(GError **error);

/* Makes new keys and writes them durably (file and folder synced) to `path`, which must not exist. */
struct identity *identity_create(const char *path, GError **error);

/* Reads them. A file that others can read is refused (ERROR_PERMISSION) and so is one that is damaged. */
struct identity *identity_load(const char *path, GError **error);

/* Writes the keys of another file, durably, to `path`, which must not exist. */
bool identity_store(const struct identity *identity, const char *path, GError **error);

/* The same in place of what stands there: whoever reads it has the keys of before, or these. */
bool identity_replace(const struct identity *identity, const char *path, GError **error);

/* --- that keys were changed ---
 *
 * The file also holds the papers that lead to its keys: each a sealed KeyChange (key_chain.h), the oldest
 * first. They are no secret, and travel with the keys so that no backup has the one without the other. */

/* The first keys, from which the papers lead to the present ones. */
const uint8_t *identity_first_curve(const struct identity *identity);
const uint8_t *identity_first_sign(const struct identity *identity);
/* GBytes, as of the file; nothing of them is verified. */
const GPtrArray *identity_papers(const struct identity *identity);
/* Those of `before`, and the change that leads on from it. */
void identity_take_papers(struct identity *identity, const struct identity *before, GBytes *change);
/* The CURVE secret of before, by which a server is still reached by whoever has not heard of the present one;
 * NULL where there is none. Of the signing pair of before nothing is kept. It is stored with the papers. */
const uint8_t *identity_former_curve_secret(const struct identity *identity);
void identity_keep_former(struct identity *identity, const struct identity *before);
void identity_forget_former(struct identity *identity);

/* A copy that a passphrase protects (argon2id, XSalsa20-Poly1305), for another place than the data; durable.
 * The path must not exist. Takes a second and 256 MiB for a moment, so that guessing does, too. */
bool identity_back_up(const struct identity *identity, const char *path, const char *passphrase,
                      GError **error);
bool identity_is_backup(const char *path);
/* Such a copy. ERROR_PERMISSION where the passphrase is another one, or the file is damaged. */
struct identity *identity_load_backup(const char *path, const char *passphrase, GError **error);

/* Wipes. */
void identity_free(struct identity *identity);
CLEANUP_DEFINE(struct identity, identity_free)

/* From here on no core dump shows what this process holds: copies of secrets also stand outside the guarded
 * memory, in libraries and for a moment on the stack. Called first in main(). */
void identity_guard_process(void);

const uint8_t *identity_curve_public(const struct identity *identity);
const uint8_t *identity_curve_secret(const struct identity *identity);
const uint8_t *identity_sign_public(const struct identity *identity);
const uint8_t *identity_sign_secret(const struct identity *identity); /* SEAL_SECRET_KEY_SIZE */

/* seal_make() with these keys. */
GByteArray *identity_seal(const struct identity *identity, enum seal_label label, const uint8_t *payload,
                          size_t length, uint8_t *ret_id);

#endif
