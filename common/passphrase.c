#include "common/passphrase.h"

#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MOST 1024 /* bytes */

struct passphrase {
  size_t length;
  char text[MOST];
};

const char *passphrase_text(const struct passphrase *passphrase)
{
  return passphrase->text;
}

void passphrase_free(struct passphrase *passphrase)
{
  sodium_free(passphrase);
}

static struct passphrase *passphrase_new(GError **error)
{
  struct passphrase *passphrase = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *passphrase);

  if (!passphrase)
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                        _("no protected memory for the passphrase could be had"));
  else
    memset(passphrase, 0, sizeof *passphrase);
  return passphrase;
}

/* A line, byte by byte, so that no buffer keeps it. */
static bool read_line(struct passphrase *passphrase)
{
  char byte = 0;
  ssize_t got;

  while ((got = read(STDIN_FILENO, &byte, 1)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || byte == '\n') break;
    if (passphrase->length + 1 >= MOST) return false;
    passphrase->text[passphrase->length++] = byte;
  }
  return passphrase->length > 0;
}

static bool ask(const char *prompt, struct passphrase *passphrase)
{
  struct termios shown, hidden;
  bool read;

  if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &shown) != 0) return read_line(passphrase);
  hidden = shown;
  hidden.c_lflag &= ~(tcflag_t)ECHO;
  fprintf(stderr, "%s", prompt);
  (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  read = read_line(passphrase);
  (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
  fprintf(stderr, "\n");
  return read;
}

static struct passphrase *refuse(GError **error, const char *why)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, why);
  return NULL;
}

struct passphrase *passphrase_read(bool chosen, GError **error)
{
  CLEANUP(passphrase_free) struct passphrase *passphrase = passphrase_new(error);
  CLEANUP(passphrase_free) struct passphrase *again = passphrase ? passphrase_new(error) : NULL;

  if (!again) return NULL;
  if (!ask(_("Passphrase: "), passphrase))
    return refuse(error,
                  _("a passphrase is needed: type it, or give it as the first line of standard input"));
  if (!chosen) return g_steal_pointer(&passphrase);
  if (g_utf8_strlen(passphrase->text, -1) < PASSPHRASE_LEAST)
    return refuse(error,
                  _("the passphrase is too short: take at least 12 characters, a few words for example"));
  if (isatty(STDIN_FILENO) &&
      (!ask(_("The same again: "), again) || sodium_memcmp(passphrase->text, again->text, MOST) != 0))
    return refuse(error, _("the two passphrases differ; nothing was written"));
  return g_steal_pointer(&passphrase);
}
