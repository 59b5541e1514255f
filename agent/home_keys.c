/* Whose keys are whose: this agent's, which it changes itself, and the aggregator's, of which it is told. */
#include "agent/home_private.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <string.h>
#include <sys/stat.h>

static const char *const FILES[] = {"identity.key", "enrolment"};

/* Changes whenever the file is replaced. */
static int64_t stamp_of(const struct home *home, const char *name)
{
  g_autofree char *path = g_build_filename(home->folder, name, NULL);
  struct stat status;
  if (stat(path, &status) != 0) return 0;
  return (int64_t)((uint64_t)status.st_mtim.tv_sec * 1000000007u + (uint64_t)status.st_mtim.tv_nsec * 31u +
                   (uint64_t)status.st_ino);
}

/* --- reading --- */

/* Of the identity, which must begin with those of the certificate. */
static struct key_chain *own_keys(const struct certificate *certificate, const struct identity *identity)
{
  bool certified =
      memcmp(certificate->curve_key.data, identity_first_curve(identity), CURVE_KEY_SIZE) == 0 &&
      memcmp(certificate->sign_key.data, identity_first_sign(identity), SEAL_PUBLIC_KEY_SIZE) == 0;
  return certified ? key_chain_of(identity, certificate->agent, NULL) : NULL;
}

static bool read_identity(struct home *home, GError **error)
{
  g_autofree char *path = g_build_filename(home->folder, FILES[0], NULL);
  CLEANUP(identity_free) struct identity *identity = identity_load(path, error);
  if (!identity) return false;
  struct key_chain *keys = own_keys(home->certificate, identity);
  if (!keys) {
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_CONFIG,
        _("%s holds other keys than those that were enrolled; restore it from a backup, or join again in a "
          "new folder"),
        path);
    return false;
  }
  identity_free(home->identity);
  home->identity = g_steal_pointer(&identity);
  key_chain_unref(home->keys);
  home->keys = keys;
  return true;
}

bool home_read_keys(struct home *home, GError **error)
{
  int64_t stamps[G_N_ELEMENTS(FILES)];
  for (size_t i = 0; i < G_N_ELEMENTS(FILES); i++) stamps[i] = stamp_of(home, FILES[i]);
  if (!home_read_enrolment(home, error) || !read_identity(home, error)) return false;
  memcpy(home->key_stamps, stamps, sizeof stamps);
  return true;
}

bool home_refresh_keys(struct home *home, bool *ret_changed, GError **error)
{
  bool changed = false;
  for (size_t i = 0; i < G_N_ELEMENTS(FILES); i++)
    changed = changed || stamp_of(home, FILES[i]) != home->key_stamps[i];
  if (changed && !home_read_keys(home, error)) return false;
  if (ret_changed) *ret_changed = changed;
  return true;
}

int home_lock_to_seal(struct home *home, GError **error)
{
  int lock = home_lock(home->folder, "push", true, error);
  if (lock < 0 || home_refresh_keys(home, NULL, error)) return lock;
  close(lock);
  return -1;
}

/* --- this agent's --- */

bool home_change_keys(struct home *home, uint64_t until, const char *reason, GError **error)
{
  const struct key_change change = {.agent = home->certificate->agent,
                                    .until = until,
                                    .changed_at_ms = clock_wall().ms,
                                    .by = g_get_user_name(),
                                    .reason = reason};
  g_autofree char *path = g_build_filename(home->folder, FILES[0], NULL);
  CLEANUP(identity_free) struct identity *next = key_change_make(home->identity, &change, error);
  return next && identity_replace(next, path, error) && home_read_keys(home, error);
}

/* As many of the last changes as fit a message where agents enrol. */
GBytes *home_return(const struct home *home)
{
  const GPtrArray *papers = home->keys->papers;
  struct bytes_view shown[LIMIT_KEYS_SHOWN];
  size_t count = 0, length, size = SEAL_HEADER_SIZE + g_bytes_get_size(home->sealed_certificate) + 16;
  while (count < papers->len && count < LIMIT_KEYS_SHOWN) {
    size += g_bytes_get_size(papers->pdata[papers->len - 1 - count]) + 4;
    if (size > LIMIT_JOIN_BYTES) break;
    count++;
  }
  for (size_t i = 0; i < count; i++)
    shown[i].data = g_bytes_get_data(papers->pdata[papers->len - count + i], &shown[i].length);
  const uint8_t *certificate = g_bytes_get_data(home->sealed_certificate, &length);
  struct return_record record = {{certificate, length}, shown, count};
  g_autoptr(GByteArray) payload = return_encode(&record);
  return g_byte_array_free_to_bytes(
      identity_seal(home->identity, SEAL_RETURN, payload->data, payload->len, NULL));
}

/* --- the aggregator's --- */

enum seal_status home_open_sealed(const struct home *home, struct bytes_view sealed, enum seal_label label,
                                  struct bytes_view *ret_payload, const struct key_link **ret_link)
{
  return key_chain_open(home->server, sealed.data, sealed.length, label, &ret_payload->data,
                        &ret_payload->length, NULL, ret_link);
}

struct receipt *home_open_receipt(const struct home *home, struct bytes_view sealed,
                                  enum seal_status *ret_status)
{
  return key_chain_open_receipt(home->server, sealed.data, sealed.length, ret_status);
}

struct signed_head *home_open_head(const struct home *home, struct bytes_view sealed)
{
  return key_chain_open_head(home->server, sealed.data, sealed.length);
}

bool home_take_server_keys(struct home *home, const struct bytes_view *changes, size_t count,
                           bool *ret_changed, GError **error)
{
  CLEANUP(key_chain_unref) struct key_chain *keys = key_chain_copy(home->server);
  if (ret_changed) *ret_changed = false;
  if (!key_chain_extend(keys, changes, count)) {
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_DATA,
                        _("the aggregator names keys that those before it have not signed"));
    return false;
  }
  if (keys->papers->len == home->server->papers->len) return true;
  if (!home_write_server_keys(home, keys, error)) return false;
  if (ret_changed) *ret_changed = true;
  return home_read_keys(home, error);
}
