#include "agent/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* What a submission that was refused whole is said with. */
static char *whole(const char *code, const char *text)
{
  const struct home home = {0};
  const struct refusal refusal = {.unit = "",
                                  .rule = code,
                                  .indicator = "",
                                  .found = "",
                                  .expected = text,
                                  .verdict = VERDICT_IS_REFUSED};
  return answer_format(&home, "monthly", "2018-05", &refusal);
}

static void a_submission_refused_whole_is_said_with_reason_and_advice(void **state)
{
  (void)state;
  static const struct {
    const char *code, *reason, *advice;
  } CASES[] = {
      {"sequence.reused", "(taken at 3)", "Send the files again"},
      {"message.malformed", "(taken at 3)", "Send the file again"},
      {"agent.revoked", "(taken at 3)", "Ask the city"},
      {OUTBOX_DAMAGED, "damaged", "send the file again"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
    g_autofree char *text = whole(CASES[i].code, "taken at 3");
    if (!strstr(text, CASES[i].reason) || !strstr(text, CASES[i].advice) || !strstr(text, CASES[i].code))
      fail_msg("%s", text);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_submission_refused_whole_is_said_with_reason_and_advice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
