#include "common/log.h"

#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static FILE *captured;
static int stderr_copy;

static struct wall_time noon(void)
{
  return (struct wall_time){1528632000000};
}

/* Standard error goes to a file until stop_capture(). */
static void start_capture(void)
{
  captured = tmpfile();
  stderr_copy = dup(STDERR_FILENO);
  dup2(fileno(captured), STDERR_FILENO);
}

static void stop_capture(char *ret_text, size_t size)
{
  dup2(stderr_copy, STDERR_FILENO);
  close(stderr_copy);
  rewind(captured);
  size_t length = fread(ret_text, 1, size - 1, captured);
  ret_text[length] = '\0';
  fclose(captured);
}

static void an_event_is_one_line_whatever_its_text_holds(void **state)
{
  (void)state;
  char text[512];
  start_capture();
  log_init("park-agent", LOG_LEVEL_NOTICE);
  log_say(LOG_LEVEL_ERROR, "file.refused", "%s", "a\nforged: line\r\x1b[31m\n\n");
  stop_capture(text, sizeof text);
  assert_string_equal(text, "2018-06-10T12:00:00Z park-agent: error: file.refused: a; forged: line  [31m\n");
}

static void what_is_below_the_level_is_not_said(void **state)
{
  (void)state;
  char text[512];
  start_capture();
  log_init("park-agent", LOG_LEVEL_WARNING);
  log_say(LOG_LEVEL_NOTICE, "a", "not said");
  log_say(LOG_LEVEL_WARNING, "b", "said %d", 7);
  stop_capture(text, sizeof text);
  assert_string_equal(text, "2018-06-10T12:00:00Z park-agent: warning: b: said 7\n");
}

static void the_journal_gets_the_priority_instead_of_time_and_name(void **state)
{
  (void)state;
  char text[512];
  start_capture();
  struct stat status;
  fstat(STDERR_FILENO, &status);
  g_autofree char *stream =
      g_strdup_printf("%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
  g_setenv("JOURNAL_STREAM", stream, TRUE);
  log_init("park-agent", LOG_LEVEL_NOTICE);
  log_say(LOG_LEVEL_WARNING, "b", "said");
  stop_capture(text, sizeof text);
  assert_string_equal(text, "<4>b: said\n");
}

static void a_journal_of_someone_else_is_no_journal(void **state)
{
  (void)state;
  static const int off[][2] = {{1, 0}, {0, 1}};
  for (size_t i = 0; i < G_N_ELEMENTS(off); i++) {
    char text[512];
    start_capture();
    struct stat status;
    fstat(STDERR_FILENO, &status);
    g_autofree char *stream = g_strdup_printf("%llu:%llu", (unsigned long long)status.st_dev + off[i][0],
                                              (unsigned long long)status.st_ino + off[i][1]);
    g_setenv("JOURNAL_STREAM", stream, TRUE);
    log_init("park-agent", LOG_LEVEL_NOTICE);
    log_say(LOG_LEVEL_WARNING, "b", "said");
    stop_capture(text, sizeof text);
    assert_false(g_str_has_prefix(text, "<"));
  }
}

/* What a manager that listens at this name ('@': an abstract one) gets. */
static void assert_notified(const char *name, const char *state)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, name, strlen(name));
  if (*name == '@') address.sun_path[0] = '\0';
  int manager = socket(AF_UNIX, SOCK_DGRAM, 0);
  assert_int_equal(bind(manager, (struct sockaddr *)&address,
                        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                   0);
  g_setenv("NOTIFY_SOCKET", name, TRUE);
  log_notify(state);
  char got[64] = "";
  assert_int_equal(recv(manager, got, sizeof got - 1, MSG_DONTWAIT), strlen(state));
  assert_string_equal(got, state);
  close(manager);
}

static void the_service_manager_is_told_at_a_path_or_an_abstract_name(void **state)
{
  (void)state;
  g_autofree char *folder = g_dir_make_tmp("parktally-log-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "notify", NULL);
  assert_notified(path, "READY=1");
  g_autofree char *name = g_strdup_printf("@parktally-test-%d", (int)getpid());
  assert_notified(name, "STOPPING=1");
  g_setenv("NOTIFY_SOCKET", path, TRUE); /* nobody listens any more */
  log_notify("READY=1");
  static const char *const NONE[] = {"", "@", "relative", "vsock:2:1"};
  for (size_t i = 0; i < G_N_ELEMENTS(NONE); i++) {
    g_setenv("NOTIFY_SOCKET", NONE[i], TRUE);
    log_notify("READY=1");
  }
  g_unsetenv("NOTIFY_SOCKET");
  log_notify("READY=1");
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
  clock_replace(noon);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_event_is_one_line_whatever_its_text_holds),
      cmocka_unit_test(what_is_below_the_level_is_not_said),
      cmocka_unit_test(the_journal_gets_the_priority_instead_of_time_and_name),
      cmocka_unit_test(a_journal_of_someone_else_is_no_journal),
      cmocka_unit_test(the_service_manager_is_told_at_a_path_or_an_abstract_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
