/* What an area is told of its inquiries, consents, applications and agents, page by page. */
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

static void add_agent(struct place *place, const char *area, unsigned enrolled)
{
  g_autofree char *id = g_strdup_printf("%s-%u-%u", area, enrolled % 7, enrolled); /* nor by id */
  store_agent_put(place->store,
                  &(struct stored_agent){.id = id, .area = (char *)area, .enrolled_ms = enrolled});
}

struct counts {
  unsigned inquiries, consents, applications, agents;
};

/* Those of two areas in turn, and as many settled inquiries. */
static void fill(struct place *place, struct counts counts)
{
  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", MAY);
  for (unsigned n = 0; n < counts.inquiries; n++) {
    add_inquiry(place, book, "west", false);
    add_inquiry(place, book, "east", true);
    add_inquiry(place, book, "east", false);
  }
  for (unsigned n = 0; n < counts.consents; n++) {
    add_consent(place, "west", 2 * n + 1);
    add_consent(place, "east", 2 * n + 2);
  }
  for (unsigned n = 0; n < counts.applications; n++) {
    add_application(place, "west");
    add_application(place, "east");
  }
  for (unsigned n = 0; n < counts.agents; n++) {
    add_agent(place, "west", 2 * n + 1);
    add_agent(place, "east", 2 * n + 2);
  }
  place_commit(place);
}

/* What a page has of each kind stands behind what was seen, and begins where the kind before ends. */
static void expect_page(const struct frame *frame, const struct counts *all, struct counts *seen)
{
  for (size_t n = 0; n < frame->state_page.inquiry_count; n++, seen->inquiries++)
    assert_int_equal(frame->state_page.inquiries[n].number, 3 * seen->inquiries + 3);
  if (frame->state_page.consent_count > 0) assert_int_equal(seen->inquiries, all->inquiries);
  for (size_t n = 0; n < frame->state_page.consent_count; n++, seen->consents++) {
    g_autofree char *rule = g_strdup_printf("r%u", 2 * seen->consents + 2);
    assert_string_equal(frame->state_page.consents[n].rule, rule);
    assert_string_equal(frame->state_page.consents[n].period, "2018-05");
  }
  if (frame->state_page.application_count > 0) assert_int_equal(seen->consents, all->consents);
  for (size_t n = 0; n < frame->state_page.application_count; n++, seen->applications++)
    assert_int_equal(frame->state_page.applications[n].number, 2 * seen->applications + 2);
  if (frame->state_page.agent_count > 0) assert_int_equal(seen->applications, all->applications);
  for (size_t n = 0; n < frame->state_page.agent_count; n++, seen->agents++)
    assert_int_equal(frame->state_page.agents[n].enrolled_at_ms, 2 * seen->agents + 2);
}

/* All pages of the east, whose items come in their order: inquiries, consents, applications, agents. */
static void expect_all(struct place *place, bool agents_only, struct counts all)
{
  struct counts seen = {0};
  unsigned pages = 0;
  uint64_t from = 0;
  do {
    CLEANUP(state_page_free)
    struct state_page *page = state_page_read(place->store, "east", agents_only, from);
    assert_non_null(page);
    const struct frame *frame = state_page_frame(page);
    assert_true(frame->state_page.from == from);
    expect_page(frame, &all, &seen);
    from = frame->state_page.next;
    pages++;
  } while (from != 0);
  assert_memory_equal(&seen, &all, sizeof all);
  assert_int_equal(pages,
                   (all.inquiries + all.consents + all.applications + all.agents) / LIMIT_STATE_INLINE + 1);
}

static void pages_follow_each_other_through_all_parts_of_the_list(void **state)
{
  (void)state;
  static const struct counts cases[] = {
      {0, 0, 0, 0},  {1, 1, 1, 1},     {64, 0, 0, 0},    {0, 64, 0, 0},   {0, 0, 64, 0},    {0, 0, 0, 64},
      {63, 1, 1, 1}, {30, 30, 30, 30}, {64, 64, 64, 64}, {65, 3, 70, 70}, {150, 0, 140, 0}, {0, 200, 1, 130},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    void *place;
    place_set_up(&place);
    fill(place, cases[n]);
    expect_all(place, false, cases[n]);
    expect_all(place, true, (struct counts){.agents = cases[n].agents});
    place_tear_down(&place);
  }
}

static void behind_every_place_that_may_be_asked_for_there_is_a_page(void **state)
{
  struct place *place = (struct place *)*state;
  static const uint64_t places[] = {1, UINT64_MAX, (uint64_t)1 << 62, (uint64_t)3 << 62, (uint64_t)1 << 63};
  fill(place, (struct counts){2, 2, 2, 2});
  for (size_t n = 0; n < G_N_ELEMENTS(places); n++)
    for (int agents_only = 0; agents_only < 2; agents_only++) {
      CLEANUP(state_page_free)
      struct state_page *page = state_page_read(place->store, "east", agents_only, places[n]);
      assert_non_null(page);
      assert_true(state_page_frame(page)->state_page.next == 0);
      if (agents_only) assert_int_equal(state_page_frame(page)->state_page.inquiry_count, 0);
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
