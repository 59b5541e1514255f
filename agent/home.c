#include "agent/home_private.h"

#include "common/durable.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_DEFAULT "/var/lib/park-agent"

/* The file `enrolment`. To change it: raise the version, and read the old one as well. */
#define ENROLMENT "enrolment"
#define ENROLMENT_VERSION 1
#define ENROLMENT_BYTES (64 * LIMIT_KIB + 2 * LIMIT_KEY_CHANGES * LIMIT_JOIN_BYTES)

char *home_folder(const char *option)
{
  if (!option) option = g_getenv("PARKTALLY_DATA");
  return g_strdup(option && option[0] ? option : FOLDER_DEFAULT);
}

/* --- files --- */

static enum parktally_error code_of(int number)
{
  if (number == EACCES || number == EPERM || number == EROFS) return ERROR_PERMISSION;
  if (number == ENOSPC || number == EDQUOT) return ERROR_TEMPORARY;
  return ERROR_IO;
}

GBytes *home_read_file(const char *folder, const char *name, size_t most, GError **error)
{
  g_autofree char *path = g_build_filename(folder, name, NULL);
  struct stat status;
  if (stat(path, &status) != 0 && errno == ENOENT) return NULL;
  if (status.st_size > (off_t)most) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("%s is larger than %zu bytes: it is damaged, or another file"), path, most);
    return NULL;
  }
  char *data;
  gsize length;
  g_autoptr(GError) failure = NULL;
  if (!g_file_get_contents(path, &data, &length, &failure)) {
    bool denied = g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_ACCES) ||
                  g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_PERM);
    g_set_error(error, PARKTALLY_ERROR, denied ? ERROR_PERMISSION : ERROR_IO, _("%s cannot be read (%s)"),
                path, failure->message);
    return NULL;
  }
  return g_bytes_new_take(data, length);
}

bool home_write_file(const char *folder, const char *name, const void *data, size_t length, GError **error)
{
  g_autofree char *path = g_build_filename(folder, name, NULL);
  g_autoptr(GError) failure = NULL;
  int number = 0;
  if (!g_file_set_contents_full(path, data, (gssize)length,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, &failure))
    number = g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOSPC)   ? ENOSPC
             : g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? EACCES
                                                                          : EIO;
  else if (!durable_folder(folder))
    number = errno;
  if (number == 0) return true;
  g_set_error(error, PARKTALLY_ERROR, code_of(number), _("%s cannot be written (%s)"), path,
              failure ? failure->message : g_strerror(number));
  return false;
}

/* --- enrolment --- */

void home_clear_enrolment(struct home *home)
{
  certificate_free(home->certificate);
  if (home->sealed_certificate) g_bytes_unref(home->sealed_certificate);
  key_chain_unref(home->server);
  g_free(home->endpoint);
  g_free(home->enrol_endpoint);
  g_free(home->invitation);
}

/* Over what is used to reach the aggregator: a damaged endpoint or key is said here, not taken for an
 * aggregator that does not answer. `changes` are those of its keys; NULL: none. */
static char *enrolment_check(const char *endpoint, const char *curve, const char *sign,
                             const char *certificate, const char *changes)
{
  g_autofree char *all = g_strjoin("\n", endpoint, curve, sign, certificate, changes, NULL);
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash((const uint8_t *)all, strlen(all), hash);
  return text_hex(hash, sizeof hash);
}

/* Of a secret that has served its purpose. Newly allocated. */
static char *invitation_mark(const struct invitation *invitation)
{
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(invitation->secret.data, invitation->secret.length, hash);
  return text_hex(hash, sizeof hash);
}

bool home_joined_with(const struct home *home, const struct invitation *invitation)
{
  g_autofree char *mark = invitation_mark(invitation);
  return g_strcmp0(home->invitation, mark) == 0;
}

bool home_enrol(const char *folder, const struct invitation *invitation, const uint8_t *certificate,
                size_t length, GError **error)
{
  g_autofree char *curve = text_hex(invitation->curve_key.data, invitation->curve_key.length);
  g_autofree char *sign = text_hex(invitation->sign_key.data, invitation->sign_key.length);
  g_autofree char *sealed = text_hex(certificate, length);
  g_autofree char *mark = invitation_mark(invitation);
  g_autofree char *check = enrolment_check(invitation->endpoint, curve, sign, sealed, NULL);
  g_autoptr(GKeyFile) file = g_key_file_new();
  g_key_file_set_integer(file, ENROLMENT, "version", ENROLMENT_VERSION);
  g_key_file_set_string(file, ENROLMENT, "endpoint", invitation->endpoint);
  if (invitation->enrol_endpoint)
    g_key_file_set_string(file, ENROLMENT, "enrol_endpoint", invitation->enrol_endpoint);
  g_key_file_set_string(file, ENROLMENT, "server_curve", curve);
  g_key_file_set_string(file, ENROLMENT, "server_sign", sign);
  g_key_file_set_string(file, ENROLMENT, "certificate", sealed);
  g_key_file_set_string(file, ENROLMENT, "invitation", mark);
  g_key_file_set_string(file, ENROLMENT, "check", check);
  gsize text_length;
  g_autofree char *text = g_key_file_to_data(file, &text_length, NULL);
  return home_write_file(folder, ENROLMENT, text, text_length, error);
}

/* The keys that the invitation named, and those that the aggregator has had since. NULL if damaged. */
static struct key_chain *server_keys(const char *curve, const char *sign, const char *changes)
{
  uint8_t curve_key[CURVE_KEY_SIZE], sign_key[SEAL_PUBLIC_KEY_SIZE];
  size_t length = changes ? strlen(changes) / 2 : 0;
  g_autofree uint8_t *packed = g_malloc(length + 1);
  if (!text_unhex(curve, sizeof curve_key, curve_key) || !text_unhex(sign, sizeof sign_key, sign_key) ||
      (changes && !text_unhex(changes, length, packed)))
    return NULL;
  g_autoptr(GPtrArray) papers = key_papers_unpack(packed, length);
  CLEANUP(key_chain_unref) struct key_chain *keys = key_chain_new("", curve_key, sign_key);
  return papers && key_chain_follow(keys, papers) ? g_steal_pointer(&keys) : NULL;
}

/* The fields of the file into `home`; false if any is missing or damaged. */
static bool take_enrolment(struct home *home, GKeyFile *file)
{
  if (g_key_file_get_integer(file, ENROLMENT, "version", NULL) != ENROLMENT_VERSION) return false;
  g_autofree char *endpoint = g_key_file_get_string(file, ENROLMENT, "endpoint", NULL);
  g_autofree char *curve = g_key_file_get_string(file, ENROLMENT, "server_curve", NULL);
  g_autofree char *sign = g_key_file_get_string(file, ENROLMENT, "server_sign", NULL);
  g_autofree char *changes = g_key_file_get_string(file, ENROLMENT, "server_key_changes", NULL);
  g_autofree char *hex = g_key_file_get_string(file, ENROLMENT, "certificate", NULL);
  g_autofree char *check = g_key_file_get_string(file, ENROLMENT, "check", NULL);
  if (!endpoint || !curve || !sign || !hex || !check) return false;
  g_autofree char *right = enrolment_check(endpoint, curve, sign, hex, changes);
  size_t length = strlen(hex) / 2;
  g_autofree uint8_t *sealed = g_malloc(length + 1);
  if (strcmp(check, right) != 0 || !text_unhex(hex, length, sealed)) return false;
  CLEANUP(key_chain_unref) struct key_chain *server = server_keys(curve, sign, changes);
  const uint8_t *payload;
  size_t payload_length;
  if (!server || key_chain_open(server, sealed, length, SEAL_CERTIFICATE, &payload, &payload_length, NULL,
                                NULL) != SEAL_OK)
    return false;
  struct certificate *certificate = certificate_decode(payload, payload_length);
  if (!certificate) return false;
  home_clear_enrolment(home);
  home->server = g_steal_pointer(&server);
  home->certificate = certificate;
  home->sealed_certificate = g_bytes_new(sealed, length);
  home->endpoint = g_steal_pointer(&endpoint);
  home->enrol_endpoint = g_key_file_get_string(file, ENROLMENT, "enrol_endpoint", NULL);
  home->invitation = g_key_file_get_string(file, ENROLMENT, "invitation", NULL);
  return true;
}

/* The file as it is; NULL and `error` if it cannot be read, NULL alone where there is none. */
static GKeyFile *load_enrolment(const char *folder, GError **error)
{
  GError *failure = NULL;
  g_autoptr(GBytes) text = home_read_file(folder, ENROLMENT, ENROLMENT_BYTES, &failure);
  if (failure) g_propagate_error(error, failure);
  if (!text) return NULL;
  gsize length;
  const char *data = g_bytes_get_data(text, &length);
  GKeyFile *file = g_key_file_new();
  if (data) (void)g_key_file_load_from_data(file, data, length, G_KEY_FILE_NONE, NULL);
  return file; /* an empty one where it is damaged */
}

bool home_write_server_keys(const struct home *home, const struct key_chain *keys, GError **error)
{
  g_autoptr(GKeyFile) file = load_enrolment(home->folder, error);
  if (!file) return false;
  g_autoptr(GBytes) packed = key_papers_pack(keys->papers);
  gsize length;
  const uint8_t *data = g_bytes_get_data(packed, &length);
  g_autofree char *changes = text_hex(data, length);
  g_autofree char *endpoint = g_key_file_get_string(file, ENROLMENT, "endpoint", NULL);
  g_autofree char *curve = g_key_file_get_string(file, ENROLMENT, "server_curve", NULL);
  g_autofree char *sign = g_key_file_get_string(file, ENROLMENT, "server_sign", NULL);
  g_autofree char *certificate = g_key_file_get_string(file, ENROLMENT, "certificate", NULL);
  g_autofree char *check = enrolment_check(endpoint, curve, sign, certificate, changes);
  g_key_file_set_string(file, ENROLMENT, "server_key_changes", changes);
  g_key_file_set_string(file, ENROLMENT, "check", check);
  g_autofree char *text = g_key_file_to_data(file, &length, NULL);
  return home_write_file(home->folder, ENROLMENT, text, length, error);
}

bool home_read_enrolment(struct home *home, GError **error)
{
  GError *failure = NULL;
  g_autoptr(GKeyFile) file = load_enrolment(home->folder, &failure);
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  if (!file) {
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_CONFIG,
        _("%s is not enrolled; ask the city for an invitation and run “park-agent join - --data %s” with it"),
        home->folder, home->folder);
    return false;
  }
  if (take_enrolment(home, file)) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
              _("%s/%s is damaged; restore it from a backup, or join again in a new folder"), home->folder,
              ENROLMENT);
  return false;
}

/* --- opening --- */

struct home *home_open(const char *folder, const char *config, GError **error)
{
  CLEANUP(home_free) struct home *home = g_new0(struct home, 1);
  home->folder = g_canonicalize_filename(folder, NULL);
  home->area = CATALOGUE_NONE;
  g_autofree char *beside = g_build_filename(home->folder, "agent.yaml", NULL);
  if (!home_read_keys(home, error) ||
      !home_config_read(config ? config : beside, config != NULL, &home->config, error) ||
      !home_read_documents(home, error))
    return NULL;
  return g_steal_pointer(&home);
}

void home_free(struct home *home)
{
  if (!home) return;
  home_config_clear(&home->config);
  if (home->units) register_unref(home->units);
  if (home->catalogue) catalogue_unref(home->catalogue);
  home_clear_enrolment(home);
  key_chain_unref(home->keys);
  identity_free(home->identity);
  g_free(home->trouble);
  g_free(home->folder);
  g_free(home);
}

int home_lock(const char *folder, const char *name, bool wait, GError **error)
{
  g_autofree char *file_name = g_strdup_printf("lock.%s", name);
  g_autofree char *path = g_build_filename(folder, file_name, NULL);
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) {
    g_set_error(error, PARKTALLY_ERROR, code_of(errno), _("%s cannot be opened (%s)"), path,
                g_strerror(errno));
    return -1;
  }
  int result;
  do result = flock(file, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result == 0) return file;
  if (errno == EWOULDBLOCK)
    g_set_error(error, PARKTALLY_ERROR, ERROR_TEMPORARY,
                _("another park-agent is at work in %s; try again later"), folder);
  else
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("%s cannot be locked (%s)"), path, g_strerror(errno));
  close(file);
  return -1;
}
