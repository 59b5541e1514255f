#include "common/who.h"

#include <glib.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>

char *who_name(uid_t user)
{
  struct passwd entry, *found = NULL;
  char buffer[4096];
  if (getpwuid_r(user, &entry, buffer, sizeof buffer, &found) == 0 && found) return g_strdup(found->pw_name);
  return g_strdup_printf("uid:%u", (unsigned)user);
}

/* False where nobody logged in, as in a service, or where it is not kept. */
static bool find_login(pid_t process, uid_t *ret_user)
{
  g_autofree char *path =
      process > 0 ? g_strdup_printf("/proc/%ld/loginuid", (long)process) : g_strdup("/proc/self/loginuid");
  g_autofree char *text = NULL;
  guint64 user;
  if (!g_file_get_contents(path, &text, NULL, NULL)) return false;
  if (!g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, UINT32_MAX - 1, &user, NULL)) return false;
  *ret_user = (uid_t)user;
  return true;
}

char *who_is(uid_t user, pid_t process)
{
  char *name = who_name(user);
  uid_t login;
  if (user != 0 || !find_login(process, &login) || login == 0) return name;
  g_autofree char *root = name, *person = who_name(login);
  return g_strdup_printf("%s (%s)", root, person);
}
