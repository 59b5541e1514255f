/* What an area is told of its inquiries, consents and applications, page by page. */
#include "aggregator/state.h"

#include "aggregator/store/applications.h"
#include "aggregator/store/inquiries.h"
#include "store_place.h"

#define MAY ((struct period){2018, 5, 1})

static void add_inquiry(struct place *place, int64_t book, const char *park, bool settled)
{
  struct stored_inquiry inquiry = {.book = book,
                                   .unit = (char *)"A1",
                                   .park = (char *)park,
                                   .rule = (char *)"inquiry.asked",
                                   .state = settled ? INQUIRY_ACCEPTED : INQUIRY_OPEN,
                                   .settled_ms = settled};
  store_inquiry_add(place->store, &inquiry);
}

static void add_consent(struct place *place, const char *area, uint64_t position)
{
  g_autofree char *unit = g_strdup_printf("C%u", (unsigned)position % 7); /* not in the order of positions */
  g_autofree char *rule = g_strdup_printf("r%u", (unsigned)position);
  store_consent_put(place->store, &(struct stored_consent){.form = (char *)"monthly",
                                                           .unit = unit,
                                                           .rule = rule,
                                                           .area = (char *)area,
                                                           .period = MAY,
                                                           .position = position});
}

static void add_application(struct place *place, const char *park)
{
  struct stored_application application = {.park = (char *)park,
                                           .unit = (char *)"N",
                                           .class = (char *)"code",
                                           .name = (char *)"新",
                                           .industry = (char *)"",
                                           .parent = (char *)"",
                                           .from = (char *)"",
                                           .text = (char *)"因为",
                                           .applied_by = (char *)"李四",
                                           .state = APPLICATION_IS_DECLINED};
  store_application_add(place->store, &application);
}

/* Those of two areas in turn, and as many settled inquiries. */
static void fill(struct place *place, unsigned inquiries, unsigned consents, unsigned applications)
{
  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", MAY);
  for (unsigned n = 0; n < inquiries; n++) {
    add_inquiry(place, book, "west", false);
    add_inquiry(place, book, "east", true);
    add_inquiry(place, book, "east", false);
  }
  for (unsigned n = 0; n < consents; n++) {
    add_consent(place, "west", 2 * n + 1);
    add_consent(place, "east", 2 * n + 2);
  }
  for (unsigned n = 0; n < applications; n++) {
    add_application(place, "west");
    add_application(place, "east");
  }
  place_commit(place);
}

/* All pages of the east, whose items come in their order: inquiries, consents, applications. */
static void expect_all(struct place *place, unsigned inquiries, unsigned consents, unsigned applications)
{
  unsigned seen[3] = {0}, pages = 0;
  uint64_t from = 0;
  do {
    CLEANUP(state_page_free) struct state_page *page = state_page_read(place->store, "east", from);
    assert_non_null(page);
    const struct frame *frame = state_page_frame(page);
    assert_true(frame->state_page.from == from);
    for (size_t n = 0; n < frame->state_page.inquiry_count; n++, seen[0]++)
      assert_int_equal(frame->state_page.inquiries[n].number, 3 * seen[0] + 3);
    if (frame->state_page.consent_count > 0) assert_int_equal(seen[0], inquiries);
    for (size_t n = 0; n < frame->state_page.consent_count; n++, seen[1]++) {
      g_autofree char *rule = g_strdup_printf("r%u", 2 * seen[1] + 2);
      assert_string_equal(frame->state_page.consents[n].rule, rule);
      assert_string_equal(frame->state_page.consents[n].period, "2018-05");
    }
    if (frame->state_page.application_count > 0) assert_int_equal(seen[1], consents);
    for (size_t n = 0; n < frame->state_page.application_count; n++, seen[2]++)
      assert_int_equal(frame->state_page.applications[n].number, 2 * seen[2] + 2);
    from = frame->state_page.next;
    pages++;
  } while (from != 0);
  assert_int_equal(seen[0], inquiries);
  assert_int_equal(seen[1], consents);
  assert_int_equal(seen[2], applications);
  assert_int_equal(pages, (inquiries + consents + applications) / LIMIT_STATE_INLINE + 1);
}

static void pages_follow_each_other_through_all_parts_of_the_list(void **state)
{
  (void)state;
  static const struct {
    unsigned inquiries, consents, applications;
  } cases[] = {{0, 0, 0},    {1, 1, 1},    {64, 0, 0},  {0, 64, 0},    {0, 0, 64}, {63, 1, 1},
               {30, 30, 30}, {64, 64, 64}, {65, 3, 70}, {150, 0, 140}, {0, 200, 1}};
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    void *place;
    place_set_up(&place);
    fill(place, cases[n].inquiries, cases[n].consents, cases[n].applications);
    expect_all(place, cases[n].inquiries, cases[n].consents, cases[n].applications);
    place_tear_down(&place);
  }
}

static void behind_every_place_that_may_be_asked_for_there_is_a_page(void **state)
{
  struct place *place = (struct place *)*state;
  static const uint64_t places[] = {1, UINT64_MAX, (uint64_t)1 << 62, (uint64_t)3 << 62, (uint64_t)1 << 63};
  fill(place, 2, 2, 2);
  for (size_t n = 0; n < G_N_ELEMENTS(places); n++) {
    CLEANUP(state_page_free) struct state_page *page = state_page_read(place->store, "east", places[n]);
    assert_non_null(page);
    assert_true(state_page_frame(page)->state_page.next == 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pages_follow_each_other_through_all_parts_of_the_list),
      cmocka_unit_test_setup_teardown(behind_every_place_that_may_be_asked_for_there_is_a_page, place_set_up,
                                      place_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
