/* Returning: an agent that changed its keys shows where agents enrol that it is still itself; the door lets
 * in who is known alone. Likewise a city that was restored from a backup does not know the agents that
 * enrolled since, and its door turns them away without a word. Where nothing is heard for some connections,
 * the certificate is shown at the door where agents enrol; whoever is known, or could not be reached at all,
 * is no worse off. */
#include "agent/link_private.h"

#include "common/limits.h"

#define UNHEARD 3 /* connections, between two times */
#define ANSWER_MS 5000

bool link_may_return(const struct link *link)
{
  bool has_news = link->home->keys->papers->len > outbox_keys_known(link->outbox);

  return link->home->enrol_endpoint &&
         (link->unheard == 0 ? has_news : link->unheard % (UNHEARD + 1) == UNHEARD);
}

void link_begin_return(struct link *link)
{
  const struct home *home = link->home;
  GError *error = NULL;

  link->unheard++;
  link->client =
      channel_client_open(link->context, home->enrol_endpoint, key_chain_present(home->server)->curve_key,
                          home->identity, home->config.proxy[0] ? home->config.proxy : NULL, &error);
  if (!link->client) {
    link_reopen(link);
    link_fail(link, error);
    return;
  }
  request_make_due(&link->certificate);
  link_enter(link, STATE_RETURNING);
}

static bool show(struct link *link)
{
  g_autoptr(GBytes) data = home_return(link->home);

  return channel_client_send(link->client, data);
}

int64_t link_run_returning(struct link *link)
{
  int64_t waited = clock_since(link->certificate.since);

  if (waited > MIN(ANSWER_MS, link->answer_ms)) {
    link_reopen(link);
    return 0;
  }
  if (link->certificate.due && show(link))
    link->certificate = (struct request){.awaited = true, .since = link->certificate.since};
  return MIN(link_request_pause(link, &link->certificate), MIN(ANSWER_MS, link->answer_ms) - waited + 1);
}

/* Ours again, as the greeting will show. */
void link_take_certificate(struct link *link, const struct frame *frame)
{
  (void)frame;
  if (link->state != STATE_RETURNING) return;
  outbox_note_keys(link->outbox, link->home->keys->papers->len);
  link_note_progress(link);
  link_reopen(link);
}
