#include "agent/desk.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <stdio.h>
#include <string.h>

#define REFRESH_MS 5000 /* for the newest list */

bool desk_misused(GError **error, const char *message)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, message);
  return false;
}

bool desk_text_fits(const char *text, size_t most)
{
  size_t length = text ? strlen(text) : 0;
  return length > 0 && length <= most && text_is_clean(text, length);
}

bool desk_open(struct desk *desk, GError **error)
{
  desk->json = g_strcmp0(desk->format, "json") == 0;
  if (desk->format && !desk->json && strcmp(desk->format, "text") != 0)
    return desk_misused(error, _("--format is text or json"));
  g_autofree char *folder = home_folder(desk->data);
  desk->home = home_open(folder, NULL, error);
  if (!desk->home) return false;
  g_autofree char *path = g_build_filename(folder, "outbox.db", NULL);
  desk->outbox = outbox_open(path, error);
  return desk->outbox != NULL;
}

void desk_close(struct desk *desk)
{
  delivery_clear(&desk->delivery);
  outbox_close(desk->outbox);
  home_free(desk->home);
  g_free(desk->data);
  g_free(desk->format);
}

void desk_refresh(struct desk *desk)
{
  delivery_init(&desk->delivery, desk->home, desk->outbox);
  if (desk->delivery.link && !delivery_run(&desk->delivery, LINK_WELCOMED, REFRESH_MS)) {
    int64_t at_ms;
    (void)outbox_state(desk->outbox, &at_ms);
    g_autofree char *at = at_ms ? clock_format((struct wall_time){at_ms}) : g_strdup(_("never"));
    fprintf(stderr, _("the city cannot be reached now; the list was fetched last: %s\n"), at);
  }
}
