/* How catalogue and register come: a sealed manifest, then chunk after chunk, each by its hash. */
#include "agent/link_private.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <string.h>

#define FETCHES_MOST 6           /* until they agree with what is in force; it may change meanwhile */
#define DISTRUST_MS (300 * 1000) /* after which a document that was refused is asked for again */

void fetch_clear(struct fetch *fetch)
{
  if (fetch->sealed) g_bytes_unref(fetch->sealed);
  manifest_free(fetch->manifest);
  if (fetch->data) g_byte_array_unref(fetch->data);
  *fetch = (struct fetch){0};
}

static const uint8_t *hash_in_use(const struct home *home, enum document_kind kind)
{
  if (kind == DOCUMENT_OF_CATALOGUE) return home->catalogue ? home->catalogue->hash : NULL;
  return home->units ? home->register_hash : NULL;
}

static bool is_in_force(const struct link *link, enum document_kind kind)
{
  const uint8_t *hash = hash_in_use(link->home, kind);
  if (!link->has_wanted[kind - 1]) return true;
  return hash && memcmp(hash, link->wanted[kind - 1], SEAL_HASH_SIZE) == 0;
}

static void start(struct link *link, enum document_kind kind)
{
  fetch_clear(&link->fetch);
  link->fetch.kind = kind;
  link->fetches++;
  request_make_due(&link->fetch.request);
  link_enter(link, STATE_FETCHING);
}

void link_fetch_or_ready(struct link *link)
{
  link->current = true;
  for (enum document_kind kind = DOCUMENT_OF_CATALOGUE; kind <= DOCUMENT_OF_REGISTER; kind++) {
    if (is_in_force(link, kind)) continue;
    link->current = false;
    if (link->fetches < FETCHES_MOST && link_until_time(link->distrust_until[kind - 1]) == 0) {
      start(link, kind);
      return;
    }
  }
  if (link->state != STATE_READY) link_enter(link, STATE_READY);
}

void link_distrust(struct link *link, const char *code, const char *text)
{
  link_report(link, code, text);
  link->distrust_until[link->fetch.kind - 1] = link_time_after(DISTRUST_MS);
  link->current = false;
  link_enter(link, STATE_READY);
}

static void distrust_seal(struct link *link)
{
  link_distrust(
      link, finding_id(FINDING_SEAL_FORGED),
      link->fetch.kind == DOCUMENT_OF_CATALOGUE
          ? _("the catalogue that came is not what the aggregator signed; the old one stays in use")
          : _("the register that came is not what the aggregator signed; the old one stays in use"));
}

void link_fetch_refused(struct link *link, const char *code, const char *text)
{
  bool is_replaced = link->fetch.manifest && finding_from_id(code) == FINDING_REQUEST_UNKNOWN;
  if (!is_replaced) {
    link_distrust(link, code, text);
    return;
  }
  fetch_clear(&link->fetch); /* another one is in force since the manifest: begin again */
  link_enter(link, STATE_GREETING);
}

void link_send_fetch(struct link *link)
{
  struct fetch *fetch = &link->fetch;
  struct frame frame = {0};
  if (!fetch->manifest) {
    frame.kind = FRAME_DOCUMENT_REQUEST;
    frame.document_request.kind = fetch->kind;
  } else {
    frame.kind = FRAME_CHUNK_REQUEST;
    frame.chunk_request.kind = fetch->kind;
    frame.chunk_request.hash = fetch->manifest->hash;
    frame.chunk_request.index = fetch->index;
  }
  link_send_request(link, &fetch->request, &frame);
}

static void store(struct link *link)
{
  struct fetch *fetch = &link->fetch;
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(fetch->data->data ? fetch->data->data : (const uint8_t *)"", fetch->data->len, hash);
  if (memcmp(hash, fetch->manifest->hash.data, sizeof hash) != 0) {
    distrust_seal(link);
    return;
  }
  gsize length;
  const uint8_t *sealed = g_bytes_get_data(fetch->sealed, &length);
  g_autoptr(GError) error = NULL;
  enum document_kind kind = fetch->kind;
  if (!home_store_document(link->home, kind, fetch->data->data ? fetch->data->data : (const uint8_t *)"",
                           fetch->data->len, sealed, length, &error)) {
    bool is_ours = !g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG) &&
                   !g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA);
    if (is_ours) /* the disk */
      link_fail(link, g_steal_pointer(&error));
    else
      link_distrust(link, finding_id(FINDING_MESSAGE_MALFORMED), error->message);
    return;
  }
  fetch_clear(fetch);
  if (link->events.document) link->events.document(kind, link->data);
  link_enter(link, STATE_GREETING); /* asks whether all is in force now */
}

static void ask_next(struct link *link)
{
  if (link->fetch.index == link->fetch.manifest->chunk_count)
    store(link);
  else
    request_make_due(&link->fetch.request);
}

static bool fits(const struct link *link, const struct manifest *manifest)
{
  return manifest && manifest->kind == link->fetch.kind && manifest->size <= LIMIT_DOCUMENT_BYTES &&
         manifest->chunk_count == (manifest->size + LIMIT_CHUNK_BYTES - 1) / LIMIT_CHUNK_BYTES &&
         (manifest->kind != DOCUMENT_OF_REGISTER ||
          strcmp(manifest->area, link->home->certificate->area) == 0);
}

void link_take_document(struct link *link, const struct frame *frame)
{
  struct fetch *fetch = &link->fetch;
  if (link->state != STATE_FETCHING || fetch->manifest || frame->document.kind != fetch->kind) return;
  fetch->request = (struct request){0};
  struct bytes_view sealed = frame->document.manifest, payload;
  if (home_open_sealed(link->home, sealed, SEAL_MANIFEST, &payload, NULL) != SEAL_OK) {
    distrust_seal(link);
    return;
  }
  fetch->manifest = manifest_decode(payload.data, payload.length);
  if (!fits(link, fetch->manifest)) {
    link_distrust(link, finding_id(FINDING_MESSAGE_MALFORMED),
                  _("the aggregator announced a document that does not fit; the old one stays in use"));
    return;
  }
  fetch->sealed = g_bytes_new(sealed.data, sealed.length);
  fetch->data = g_byte_array_new();
  ask_next(link);
}

void link_take_chunk(struct link *link, const struct frame *frame)
{
  struct fetch *fetch = &link->fetch;
  if (link->state != STATE_FETCHING || !fetch->manifest || frame->chunk.index != fetch->index ||
      frame->chunk.hash.length != SEAL_HASH_SIZE ||
      memcmp(frame->chunk.hash.data, fetch->manifest->hash.data, SEAL_HASH_SIZE) != 0)
    return;
  fetch->request = (struct request){0};
  struct bytes_view data = frame->chunk.data;
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(data.data ? data.data : (const uint8_t *)"", data.length, hash);
  uint64_t left = fetch->manifest->size - fetch->data->len;
  if (data.length != MIN(left, LIMIT_CHUNK_BYTES) ||
      memcmp(hash, fetch->manifest->chunks[fetch->index], sizeof hash) != 0) {
    distrust_seal(link);
    return;
  }
  g_byte_array_append(fetch->data, data.data, (guint)data.length);
  fetch->index++;
  ask_next(link);
}
