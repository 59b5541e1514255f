/* park-agent join: keys, enrolment by invitation, catalogue and the park's register. */
#include "agent/about.h"
#include "agent/commands.h"
#include "agent/home.h"
#include "agent/link.h"
#include "common/channel.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/durable.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRY_MS                                                                                               \
  10000 /* after which the socket is opened anew: a DEALER may never come back after a refusal               \
         */
#define SEND_PAUSE_MS 100  /* while the socket is not connected */
#define TIMEOUT_SECONDS 60 /* unless --timeout says otherwise */

struct join {
  char *folder;
  struct invitation *invitation;
  struct identity *identity;
  struct channel_context *context;
  char *proxy;
  struct mono_time end;
};

/* --- before anything is sent --- */

static struct invitation *read_invitation(GError **error)
{
  char text[LIMIT_INVITATION_TEXT + 2];
  setvbuf(stdin, NULL, _IONBF, 0); /* no copy of the secret in a buffer */
  size_t length = fread(text, 1, sizeof text - 1, stdin);
  text[length] = '\0';
  struct invitation *invitation = length == sizeof text - 1 ? NULL : invitation_decode(text);
  explicit_bzero(text, sizeof text);
  if (!invitation)
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_DATA,
                        _("what came on standard input is no whole invitation; copy it again, from "
                          "“parktally-invitation:” to its end"));
  return invitation;
}

static bool fail_folder(const char *folder, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR,
              errno == EACCES || errno == EPERM || errno == EROFS ? ERROR_PERMISSION
              : errno == ENOSPC || errno == EDQUOT                ? ERROR_TEMPORARY
                                                                  : ERROR_IO,
              _("the folder %s cannot be made (%s)"), folder, g_strerror(errno));
  return false;
}

/* The keys in it are worth no more than its own name. Above it, a folder that may not be read was not made
 * here. */
static bool sync_names(const char *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname(folder);
  if (strcmp(parent, folder) == 0) return true;
  bool synced = durable_folder(parent);
  if (!synced && (errno == EACCES || errno == EPERM)) return true;
  if (!synced && errno != EINVAL && errno != EROFS) return fail_folder(folder, error);
  return sync_names(parent, error);
}

static bool make_folder(const char *folder, GError **error)
{
  if (g_mkdir_with_parents(folder, 0700) != 0) return fail_folder(folder, error);
  return sync_names(folder, error);
}

/* Joining again with the same invitation is no mistake: the join before may have been cut short. */
static bool is_enrolled(const struct join *join, bool *ret_enrolled, GError **error)
{
  g_autofree char *path = g_build_filename(join->folder, "enrolment", NULL);
  *ret_enrolled = g_file_test(path, G_FILE_TEST_EXISTS);
  if (!*ret_enrolled) return true;
  CLEANUP(home_free) struct home *home = home_open(join->folder, NULL, error);
  if (home && home_joined_with(home, join->invitation)) return true;
  if (home)
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("%s is enrolled already, as %s; name another folder with --data for a further agent"),
                join->folder, home->certificate->agent);
  return false;
}

/* The keys of a join that got no answer are used again: the same invitation then gives the same certificate.
 */
static struct identity *own_identity(const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename(folder, "identity.key", NULL);
  return g_file_test(path, G_FILE_TEST_EXISTS) ? identity_load(path, error) : identity_create(path, error);
}

static void warn_if_expired(const struct invitation *invitation)
{
  if (clock_wall().ms <= invitation->expires_at_ms) return;
  g_autofree char *until = clock_format((struct wall_time){invitation->expires_at_ms});
  fprintf(
      stderr,
      _("by this computer's clock the invitation was valid until %s; the clocks may differ, so it is tried "
        "all the same\n"),
      until);
}

/* --- asking --- */

static int64_t time_left(struct mono_time end)
{
  return MAX(0, end.ms - clock_mono().ms);
}

static void wipe_record(gpointer bytes)
{
  explicit_bzero(bytes, JOIN_SIZE);
  g_free(bytes);
}

static bool send_record(const struct join *join, struct channel_client *client, struct mono_time end)
{
  struct join_record record;
  uint8_t *bytes = g_malloc(JOIN_SIZE);
  memcpy(record.secret, join->invitation->secret.data, sizeof record.secret);
  memcpy(record.curve_key, identity_curve_public(join->identity), sizeof record.curve_key);
  memcpy(record.sign_key, identity_sign_public(join->identity), sizeof record.sign_key);
  join_encode(&record, identity_sign_secret(join->identity), bytes);
  explicit_bzero(&record, sizeof record);
  g_autoptr(GBytes) data = g_bytes_new_with_free_func(bytes, JOIN_SIZE, wipe_record, bytes);
  while (!channel_client_send(client, data)) {
    if (time_left(end) == 0 || channel_client_is_lost(client)) return false;
    channel_client_wait(client, -1, SEND_PAUSE_MS, NULL);
  }
  return true;
}

/* The answer to one record over one socket; NULL without error if none came in time, or the connection ended.
 */
static GBytes *ask_once(const struct join *join, GError **error)
{
  struct channel_client *client =
      channel_client_open(join->context, join->invitation->enrol_endpoint, join->invitation->curve_key.data,
                          join->identity, join->proxy[0] ? join->proxy : NULL, error);
  if (!client) return NULL;
  struct mono_time end = {clock_mono().ms + MIN(TRY_MS, time_left(join->end))};
  GBytes *answer = NULL;
  if (send_record(join, client, end)) {
    while (!(answer = channel_client_receive(client)) && time_left(end) > 0 &&
           !channel_client_is_lost(client))
      channel_client_wait(client, -1, time_left(end), NULL);
  }
  channel_client_close(client);
  return answer;
}

static GBytes *ask(const struct join *join, GError **error)
{
  int64_t pause = LIMIT_RECONNECT_MS;
  do {
    GError *failure = NULL;
    GBytes *answer = ask_once(join, &failure);
    if (answer) return answer;
    if (failure) {
      g_propagate_error(error, failure);
      return NULL;
    }
    g_usleep((gulong)MIN(pause, time_left(join->end)) * 1000);
    pause = MIN(2 * pause, TRY_MS);
  } while (time_left(join->end) > 0);
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
      _("nobody answers at %s; check the network and whether the aggregator runs, then join again with the "
        "same invitation"),
      join->invitation->enrol_endpoint);
  return NULL;
}

/* --- the answer --- */

static bool is_for_us(const struct join *join, struct bytes_view sealed)
{
  const uint8_t *payload;
  size_t length;
  if (seal_open(sealed.data, sealed.length, SEAL_CERTIFICATE, join->invitation->sign_key.data, &payload,
                &length, NULL) != SEAL_OK)
    return false;
  CLEANUP(certificate_free) struct certificate *certificate = certificate_decode(payload, length);
  return certificate &&
         memcmp(certificate->curve_key.data, identity_curve_public(join->identity), CURVE_KEY_SIZE) == 0 &&
         memcmp(certificate->sign_key.data, identity_sign_public(join->identity), SEAL_PUBLIC_KEY_SIZE) == 0;
}

static void set_fault(const struct frame *frame, GError **error)
{
  enum finding_code code = finding_from_id(frame->fault.code);
  bool known = code != FINDING_COUNT;
  g_set_error(error, PARKTALLY_ERROR,
              code == FINDING_INVITATION_REFUSED ? ERROR_PERMISSION : ERROR_UNAVAILABLE,
              _("the aggregator refuses to enrol this agent: %s; %s [%s]"),
              known ? finding_text(code) : frame->fault.text,
              known ? finding_advice(code) : _("ask the city"), frame->fault.code);
}

static bool take_answer(const struct join *join, GBytes *answer, GError **error)
{
  gsize length;
  const uint8_t *data = g_bytes_get_data(answer, &length);
  CLEANUP(frame_free) struct frame *frame = frame_decode(data, length);
  if (frame && frame->kind == FRAME_FAULT) {
    set_fault(frame, error);
    return false;
  }
  if (!frame || frame->kind != FRAME_CERTIFICATE || !is_for_us(join, frame->certificate.sealed)) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                _("what answers at %s is not the aggregator that issued the invitation; ask the city"),
                join->invitation->enrol_endpoint);
    return false;
  }
  struct bytes_view sealed = frame->certificate.sealed;
  return home_enrol(join->folder, join->invitation, sealed.data, sealed.length, error);
}

static bool ask_for_certificate(struct join *join, GError **error)
{
  join->proxy = home_proxy(join->folder, error);
  join->identity = join->proxy ? own_identity(join->folder, error) : NULL;
  if (!join->identity) return false;
  join->context = channel_context_new();
  g_autoptr(GBytes) answer = ask(join, error);
  return answer && take_answer(join, answer, error);
}

static bool enrol(struct join *join, GError **error)
{
  int lock = home_lock(join->folder, "link", false, error);
  if (lock < 0) return false;
  bool enrolled = false;
  bool sound = is_enrolled(join, &enrolled, error) && (enrolled || ask_for_certificate(join, error));
  close(lock);
  return sound;
}

/* --- catalogue and register --- */

static bool fetch(const struct join *join, bool json, GError **error)
{
  CLEANUP(home_free) struct home *home = home_open(join->folder, NULL, error);
  if (!home) return false;
  g_autofree char *path = g_build_filename(join->folder, "outbox.db", NULL);
  CLEANUP(outbox_close) struct outbox *outbox = outbox_open(path, error);
  if (!outbox) return false;
  CLEANUP(link_free) struct link *link = link_new(home, outbox, NULL, NULL, error);
  if (!link) return false;
  GError *failure = NULL;
  bool welcomed = link_run(link, LINK_WELCOMED, time_left(join->end), -1, &failure);
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  if (!about_print(home, outbox, json, error)) return false;
  if (welcomed) return true;
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_TEMPORARY,
      _("this agent is enrolled, but %s does not answer yet; catalogue and register come with the next push"),
      home->endpoint);
  return false;
}

static bool join_run(struct join *join, bool json, GError **error)
{
  join->invitation = read_invitation(error);
  if (!join->invitation || !make_folder(join->folder, error)) return false;
  warn_if_expired(join->invitation);
  return enrol(join, error) && fetch(join, json, error);
}

static void join_clear(struct join *join)
{
  channel_context_free(join->context);
  identity_free(join->identity);
  invitation_free(join->invitation);
  g_free(join->proxy);
  g_free(join->folder);
}

int command_join(int argc, char **argv)
{
  g_autofree char *data = NULL, *format = NULL;
  int timeout = TIMEOUT_SECONDS;
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, N_("the agent's folder"), N_("DIR")},
      {"timeout", 0, 0, G_OPTION_ARG_INT, &timeout, N_("how long to wait for the aggregator (default 60)"),
       N_("SECONDS")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format, N_("text (default) or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!command_options(NULL, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  g_autoptr(GError) error = NULL;
  struct join join = {0};
  bool joined = false;
  bool json = g_strcmp0(format, "json") == 0;
  if (strcmp(argv[1], "-") != 0) {
    g_set_error_literal(
        &error, PARKTALLY_ERROR, ERROR_USAGE,
        _("an invitation is secret: give “-” and pass it on standard input, never as an argument"));
  } else if ((format && !json && strcmp(format, "text") != 0) || timeout <= 0) {
    g_set_error_literal(&error, PARKTALLY_ERROR, ERROR_USAGE,
                        _("--format is text or json, --timeout a number of seconds above 0"));
  } else {
    umask(077);
    g_autofree char *folder = home_folder(data);
    join.folder = g_canonicalize_filename(folder, NULL);
    join.end = (struct mono_time){clock_mono().ms + (int64_t)timeout * 1000};
    joined = join_run(&join, json, &error);
  }
  exit_code = joined ? 0 : command_fail(error);
  join_clear(&join);
  return exit_code;
}
