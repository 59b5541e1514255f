#include "fixture_home.h"

#include "agent/commands.h"
#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

static struct fixture_home fixture;
static struct outbox *outbox;
static int link_lock; /* as if another process sent: nothing here waits for a network */

static int setup(void **state)
{
  (void)state;
  fixture_home_setup(&fixture, NULL);
  outbox = fixture_outbox(&fixture);
  link_lock = home_lock(fixture.data, "link", false, NULL);
  return link_lock < 0;
}

static int teardown(void **state)
{
  (void)state;
  close(link_lock);
  outbox_close(outbox);
  fixture_home_teardown(&fixture);
  return 0;
}

/* Pushes a file with figures of fixture_unit(0) that were counted before: nothing is sent. */
static int push_unchanged(void)
{
  g_autofree char *text = g_strdup_printf("uscc,period,output\n%s,2018-05,1\n", fixture_unit(0));
  g_autofree char *path = fixture_file(&fixture, "two.csv", text);
  g_autofree char *data = g_strconcat("--data=", fixture.data, NULL);
  char *arguments[] = {"push", path, data, "--approved-by=Zhang", "--wait", NULL};
  return command_push(5, arguments);
}

static void a_refusal_of_an_earlier_push_is_told_by_the_next_one(void **state)
{
  (void)state;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report both[] = {{0, fixture_change(1, (const int64_t[]){10}), NULL},
                                  {1, fixture_change(1, (const int64_t[]){10}), NULL}};
  fixture_sendable(&fixture, outbox, both, 2, id);
  struct refusal refused = {.row = 1,
                            .unit = fixture_unit(1),
                            .rule = "value.range",
                            .indicator = "output",
                            .found = "1",
                            .expected = "less",
                            .verdict = VERDICT_IS_REFUSED};
  fixture_answer(&fixture, outbox, id, 2, &refused, 1, 1);
  assert_int_equal(push_unchanged(), ERROR_DATA);
  assert_int_equal(push_unchanged(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_refusal_of_an_earlier_push_is_told_by_the_next_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
