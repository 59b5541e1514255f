/* Reports in the store at the size of a province: many blocks, in any order, with what a transaction undoes.
 */
#include "store_place.h"

#include "common/limits.h"

#include <stdlib.h>
#include <string.h>

#define UNITS 3000
#define PARKS 3

static const char *const parks[PARKS] = {"east", "north", "west"};

/* What one report of a unit should be; revision 0: there is none. */
struct model {
  unsigned revision;
  uint64_t position, first;
  int64_t membership;
  bool counted;
  unsigned place;
  uint8_t figures[40];
  size_t figures_length;
};

struct books {
  GRand *random;
  int64_t book[2];
  uint64_t position;
  struct model model[2][UNITS][PARKS];
};

static char *unit_of(int n)
{
  return g_strdup_printf("91450200MA%06dX", n);
}

static void compare_report(const struct stored_report *report, const struct model *model, int unit, int park)
{
  g_autofree char *name = unit_of(unit);
  assert_string_equal(report->unit, name);
  assert_string_equal(report->park, parks[park]);
  assert_int_equal(report->revision, model->revision);
  assert_int_equal(report->position, model->position);
  assert_int_equal(report->first, model->first);
  assert_int_equal(report->membership, model->membership);
  assert_int_equal(report->counted, model->counted);
  assert_int_equal(report->place, model->place);
  assert_int_equal(report->figures_length, model->figures_length);
  assert_memory_equal(report->figures, model->figures, model->figures_length);
}

static const struct model *at_place(const struct books *books, int b, int unit, unsigned place, int *ret_park)
{
  for (*ret_park = 0; *ret_park < PARKS; ++*ret_park) {
    const struct model *model = &books->model[b][unit][*ret_park];
    if (model->revision > 0 && model->place == place) return model;
  }
  return NULL;
}

static void compare_unit(struct store *store, const struct books *books, int b, int unit)
{
  g_autofree char *name = unit_of(unit);
  size_t count;
  const struct stored_report *reports = store_reports(store, books->book[b], name, &count);
  int park;
  for (size_t n = 0; n < count; n++) {
    const struct model *model = at_place(books, b, unit, (unsigned)n, &park);
    assert_non_null(model);
    compare_report(&reports[n], model, unit, park);
  }
  assert_null(at_place(books, b, unit, (unsigned)count, &park));
}

static void compare_book(struct store *store, const struct books *books, int b)
{
  struct store_reports_cursor *cursor = store_reports_open(store, books->book[b]);
  int park;
  for (int unit = 0; unit < UNITS; unit++) {
    const struct model *model;
    for (unsigned place = 0; (model = at_place(books, b, unit, place, &park)); place++) {
      const struct stored_report *report = store_reports_next(cursor);
      assert_non_null(report);
      compare_report(report, model, unit, park);
    }
  }
  assert_null(store_reports_next(cursor));
  store_reports_close(cursor);
  assert_null(store_error(store));
}

/* --- what is done to both --- */

static unsigned count_parks(const struct model *unit)
{
  unsigned count = 0;
  for (int park = 0; park < PARKS; park++) count += unit[park].revision > 0;
  return count;
}

static void fill_figures(struct books *books, struct model *model)
{
  model->figures_length = (size_t)g_rand_int_range(books->random, 1, (int)sizeof model->figures);
  for (size_t n = 0; n < model->figures_length; n++) model->figures[n] = (uint8_t)g_rand_int(books->random);
}

static struct stored_report report_of(const struct books *books, int b, const char *name, int park,
                                      const struct model *model)
{
  return (struct stored_report){.book = books->book[b],
                                .unit = name,
                                .place = model->place,
                                .park = parks[park],
                                .revision = model->revision,
                                .kind = KIND_FIGURES,
                                .position = model->position,
                                .row = 5,
                                .first = model->first,
                                .membership = model->membership,
                                .counted = model->counted,
                                .figures = model->figures,
                                .figures_length = model->figures_length};
}

static void put(struct store *store, struct books *books, int b, int unit, int park)
{
  g_autofree char *name = unit_of(unit);
  struct model *model = &books->model[b][unit][park];
  unsigned others = count_parks(books->model[b][unit]);
  bool first = others == 0 && g_rand_boolean(books->random);
  if (model->revision == 0) {
    model->place = others;
    model->first = books->position;
  }
  model->revision++;
  model->position = books->position++;
  model->membership = g_rand_int_range(books->random, 0, 4);
  model->counted = g_rand_boolean(books->random);
  fill_figures(books, model);
  struct stored_report report = report_of(books, b, name, park, model);
  if (first)
    assert_true(store_report_put_first(store, &report));
  else
    store_report_put(store, &report);
  assert_false(store_report_put_first(store, &report));
}

static void mark(struct store *store, struct books *books, int b, int unit, int park)
{
  g_autofree char *name = unit_of(unit);
  struct model *model = &books->model[b][unit][park];
  if (model->revision == 0) return;
  model->membership = g_rand_int_range(books->random, 0, 100000);
  model->counted = g_rand_boolean(books->random);
  store_report_mark(store, books->book[b], name, parks[park], model->membership, model->counted);
}

/* Units in order from anywhere, as a submission has them, or one alone. */
static void do_something(struct store *store, struct books *books)
{
  int b = g_rand_int_range(books->random, 0, 2), park = g_rand_int_range(books->random, 0, PARKS);
  int unit = g_rand_int_range(books->random, 0, UNITS), step = g_rand_int_range(books->random, 1, 7);
  int count = g_rand_boolean(books->random) ? 1 : g_rand_int_range(books->random, 1, 400);
  bool marks = g_rand_int_range(books->random, 0, 4) == 0;
  for (; count > 0 && unit < UNITS; count--, unit += step) {
    if (marks)
      mark(store, books, b, unit, park);
    else
      put(store, books, b, unit, park);
    if (g_rand_int_range(books->random, 0, 50) == 0)
      compare_unit(store, books, b, g_rand_int_range(books->random, 0, UNITS));
  }
}

struct look {
  const struct books *books;
  int b, unit;
  unsigned place, most;
};

static bool compare_look(const struct stored_report *report, void *data)
{
  struct look *look = data;
  int park;
  const struct model *model = at_place(look->books, look->b, look->unit, look->place, &park);
  assert_non_null(model);
  compare_report(report, model, look->unit, park);
  return ++look->place < look->most;
}

/* As rules do that look back. */
static void look_around(struct store *store, const struct books *books)
{
  struct look look = {.books = books, .b = g_rand_int_range(books->random, 0, 2)};
  look.unit = g_rand_int_range(books->random, 0, UNITS);
  for (int n = 0; n < 50 && look.unit < UNITS; n++, look.unit += 3) {
    g_autofree char *name = unit_of(look.unit);
    int park;
    look.place = 0;
    look.most = (unsigned)g_rand_int_range(books->random, 1, 4);
    if (store_look_at(store, books->book[look.b], name, compare_look, &look))
      assert_null(at_place(books, look.b, look.unit, look.place, &park));
    else
      assert_int_equal(look.place, look.most);
  }
}

static struct books *books_new(struct store *store)
{
  struct books *books = g_new0(struct books, 1);
  const char *given = g_getenv("PARKTALLY_SEED");
  uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : g_random_int();
  print_message("PARKTALLY_SEED=%u\n", seed);
  books->random = g_rand_new_with_seed(seed);
  for (int b = 0; b < 2; b++)
    books->book[b] =
        store_book(store, "monthly", (struct period){.year = 2018, .month = (uint8_t)(1 + b), .months = 1});
  return books;
}

static void books_free(struct books *books)
{
  g_rand_free(books->random);
  g_free(books);
}

static void any_order_comes_to_the_same_as_a_plain_table(void **state)
{
  struct place *place = *state;
  store_begin(place->store);
  struct books *books = books_new(place->store);
  place_commit(place);
  g_autofree struct books *before = g_new(struct books, 1);
  for (int round = 0; round < 30; round++) {
    *before = *books;
    store_begin(place->store);
    for (int n = g_rand_int_range(books->random, 1, 12); n > 0; n--) {
      look_around(place->store, books);
      do_something(place->store, books);
    }
    if (round % 5 == 4) compare_book(place->store, books, round % 2); /* within the transaction */
    if (g_rand_int_range(books->random, 0, 4) == 0) {
      store_rollback(place->store);
      *books = *before; /* the random numbers go on */
    } else {
      place_commit(place);
    }
  }
  for (int n = 0; n < 20; n++) do_something(place->store, books); /* without any transaction */
  compare_book(place->store, books, 0);
  compare_book(place->store, books, 1);
  CLEANUP(store_close) struct store *reader = place_open(place, STORE_READ);
  compare_book(reader, books, 0);
  for (int unit = 0; unit < UNITS; unit += 7) compare_unit(reader, books, 1, unit);
  books_free(books);
}

static bool count_up(const struct stored_report *report, void *data)
{
  assert_int_equal(report->revision, 1);
  ++*(int *)data;
  return true;
}

/* Those that were looked at first are forgotten by then. */
static void look_at_all_twice(struct store *reader, int64_t book, int all)
{
  G_STATIC_ASSERT(LIMIT_BLOCKS_LOOKED_AT <= LIMIT_BLOCKS_OPEN);
  int found = 0;
  store_begin(reader);
  for (int n = 0; n < 2 * all; n++) {
    g_autofree char *unit = unit_of(n % all);
    assert_true(store_look_at(reader, book, unit, count_up, &found));
    assert_int_equal(found, n + 1);
  }
  assert_true(store_commit(reader, NULL));
}

/* More than are held in memory at once. */
static void more_blocks_than_memory_holds_are_written_within_a_transaction(void **state)
{
  struct place *place = *state;
  const int all = LIMIT_BLOCKS_OPEN * 3 * LIMIT_BLOCK_BYTES / 100 / 2; /* at about a hundred bytes each */
  static const uint8_t figures[] = {1, 1, 42};
  store_begin(place->store);
  struct stored_report report = {.book = store_book(place->store, "monthly", (struct period){2018, 5, 1}),
                                 .park = "east",
                                 .revision = 1,
                                 .position = 1,
                                 .first = 1,
                                 .counted = true,
                                 .figures = figures,
                                 .figures_length = sizeof figures};
  for (int part = 0; part < 3; part++) /* so that blocks are opened again */
    for (int n = part; n < all; n += 3) {
      g_autofree char *unit = unit_of(n);
      report.unit = unit;
      assert_true(store_report_put_first(place->store, &report));
    }
  CLEANUP(store_close) struct store *reader = place_open(place, STORE_READ);
  assert_int_equal(store_find_book(reader, "monthly", (struct period){2018, 5, 1}), 0);
  place_commit(place);
  look_at_all_twice(reader, report.book, all);
  g_autofree char *blocks = place_query(place, "SELECT count(*) FROM block");
  assert_true(atoi(blocks) > LIMIT_BLOCKS_OPEN);
  g_autofree char *longest = place_query(place, "SELECT max(length(reports)) FROM block");
  assert_true(atoi(longest) <= LIMIT_BLOCK_BYTES);
  struct store_reports_cursor *cursor = store_reports_open(place->store, report.book);
  for (int n = 0; n < all; n++) {
    g_autofree char *unit = unit_of(n);
    const struct stored_report *found = store_reports_next(cursor);
    assert_non_null(found);
    assert_string_equal(found->unit, unit);
  }
  assert_null(store_reports_next(cursor));
  store_reports_close(cursor);
}

/* --- what is only looked at stays in memory --- */

static bool take_revision(const struct stored_report *report, void *data)
{
  *(unsigned *)data = report->revision;
  return true;
}

/* Of the report of unit 0, or 0. */
static unsigned revision_looked_at(struct store *store, int64_t book)
{
  g_autofree char *unit = unit_of(0);
  unsigned revision = 0;
  assert_true(store_look_at(store, book, unit, take_revision, &revision));
  return revision;
}

static void put_report(struct store *store, int64_t book, int unit, unsigned revision)
{
  static const uint8_t figures[] = {1, 1, 42};
  g_autofree char *name = unit_of(unit);
  store_report_put(store, &(struct stored_report){.book = book,
                                                  .unit = name,
                                                  .park = "east",
                                                  .revision = revision,
                                                  .position = revision,
                                                  .first = 1,
                                                  .counted = true,
                                                  .figures = figures,
                                                  .figures_length = sizeof figures});
}

static void what_another_wrote_is_seen_by_the_next_transaction(void **state)
{
  struct place *place = *state;
  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", (struct period){2018, 5, 1});
  put_report(place->store, book, 0, 1);
  place_commit(place);
  for (unsigned revision = 1; revision < 4; revision++) {
    for (int n = 0; n < 2; n++) { /* from the database, and from memory */
      store_begin(place->store);
      assert_int_equal(revision_looked_at(place->store, book), revision);
      place_commit(place);
    }
    CLEANUP(store_close) struct store *other = place_open(place, STORE_WRITE);
    store_begin(other);
    put_report(other, book, 0, revision + 1);
    assert_true(store_commit(other, NULL));
  }
}

/* So many blocks that the first ones are written before the transaction ends, and can be looked at. */
static void what_was_rolled_back_is_no_longer_there(void **state)
{
  struct place *place = *state;
  const int all = LIMIT_BLOCKS_OPEN * LIMIT_BLOCK_BYTES / 50;
  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", (struct period){2018, 5, 1});
  place_commit(place);
  store_begin(place->store);
  for (int n = 0; n < all; n++) put_report(place->store, book, n, 1);
  assert_int_equal(revision_looked_at(place->store, book), 1);
  store_rollback(place->store);
  store_begin(place->store);
  assert_int_equal(revision_looked_at(place->store, book), 0);
  place_commit(place);
}

/* --- figures that the ledger keeps --- */

#define SEALED_BYTES (3 * LIMIT_PART_BYTES + 100)

static void figures_in_the_ledger_are_read_wherever_they_stand(void **state)
{
  struct place *place = *state;
  static const size_t places[] = {0,
                                  1,
                                  LIMIT_PART_BYTES - 40,
                                  LIMIT_PART_BYTES - 39,
                                  LIMIT_PART_BYTES - 1,
                                  LIMIT_PART_BYTES,
                                  2 * LIMIT_PART_BYTES - 20,
                                  SEALED_BYTES - 40};
  static const char PREFIX[] = "what stands before";
  g_autofree uint8_t *body = g_malloc(sizeof PREFIX + SEALED_BYTES);
  memcpy(body, PREFIX, sizeof PREFIX);
  uint8_t *sealed = body + sizeof PREFIX;
  for (size_t n = 0; n < SEALED_BYTES; n++) sealed[n] = (uint8_t)(n * 31 + n / 251);
  uint8_t hash[MERKLE_HASH_SIZE];
  merkle_leaf_hash(body, sizeof PREFIX + SEALED_BYTES, hash);

  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", (struct period){2018, 5, 1});
  store_leaf_coming(place->store, 3, sealed, SEALED_BYTES);
  for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
    g_autofree char *unit = unit_of((int)i);
    uint8_t figures[43] = {2, 255, 255};
    memcpy(figures + 3, sealed + places[i], 40);
    struct stored_report report = {.book = book,
                                   .unit = unit,
                                   .park = "east",
                                   .revision = 1,
                                   .position = 3,
                                   .first = 3,
                                   .counted = true,
                                   .figures = figures,
                                   .figures_length = sizeof figures,
                                   .sealed_at = (uint32_t)places[i],
                                   .sealed_length = 40};
    assert_true(store_report_put_first(place->store, &report));
  }
  g_autofree uint8_t *kept = g_memdup2(sealed, SEALED_BYTES);
  for (int before = 1; before >= 0; before--) { /* while the leaf is about to come, and when it is there */
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
      g_autofree char *unit = unit_of((int)i);
      size_t count;
      const struct stored_report *reports = store_reports(place->store, book, unit, &count);
      assert_int_equal(count, 1);
      assert_int_equal(reports->figures_length, 43);
      assert_memory_equal(reports->figures + 3, kept + places[i], 40);
    }
    if (!before) break;
    store_leaf_add(place->store, 3, LEAF_SUBMISSION, 1, body, sizeof PREFIX + SEALED_BYTES, sizeof PREFIX,
                   hash);
    memset(sealed, 0, SEALED_BYTES); /* it need not live any longer */
  }
  place_commit(place);
  g_autoptr(GBytes) leaf = store_leaf(place->store, 3);
  assert_int_equal(g_bytes_get_size(leaf), sizeof PREFIX + SEALED_BYTES);
  assert_memory_equal((const uint8_t *)g_bytes_get_data(leaf, NULL) + sizeof PREFIX, kept, SEALED_BYTES);

  for (size_t i = 0; i < G_N_ELEMENTS(places); i++) { /* and by a plain SQL shell */
    g_autofree char *sql =
        g_strdup_printf("SELECT figures FROM reports WHERE unit = '91450200MA%06dX'", (int)i);
    GString *expected = g_string_new("02FFFF");
    for (size_t n = 0; n < 40; n++) g_string_append_printf(expected, "%02X", kept[places[i] + n]);
    CLEANUP(db_close) struct db *db = db_open(place->path, DB_READ_ONLY, 256, NULL);
    CLEANUP(db_end) struct db_row *row = db_query(db, g_intern_string(sql));
    assert_true(db_step(row));
    assert_string_equal(db_text(row, 0), expected->str);
    g_string_free(expected, TRUE);
  }
}

/* --- parts of a book --- */

static void put_many(struct place *place, int64_t book, int count)
{
  const uint8_t figures[100] = {1, 2};
  for (int n = 0; n < count; n++) {
    g_autofree char *unit = unit_of(2 * n);
    struct stored_report report = {.book = book,
                                   .unit = unit,
                                   .park = "east",
                                   .revision = 1,
                                   .position = 1,
                                   .first = 1,
                                   .counted = true,
                                   .figures = figures,
                                   .figures_length = sizeof figures};
    assert_true(store_report_put_first(place->store, &report));
  }
}

static void assert_begins(struct store *store, int64_t book, const char *from, const char *expected)
{
  struct store_reports_cursor *cursor = store_reports_open_at(store, book, from);
  const struct stored_report *first = store_reports_next(cursor);
  if (!expected) assert_null(first);
  if (expected) assert_string_equal(first->unit, expected);
  if (expected) assert_int_equal(first->place, 0);
  store_reports_close(cursor);
}

static void a_book_is_read_from_any_unit_on(void **state)
{
  struct place *place = *state;
  enum { COUNT = 300 };
  size_t blocks;
  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", (struct period){2018, 5, 1});
  assert_null(store_middle_unit(place->store, book, &blocks));
  assert_int_equal(blocks, 0);
  assert_begins(place->store, book, "", NULL);
  put_many(place, book, COUNT);
  g_autofree char *first = unit_of(0);
  assert_begins(place->store, book, "", first);
  for (int n = 0; n < 2 * COUNT; n++) {
    g_autofree char *from = unit_of(n);
    g_autofree char *expected = n < 2 * COUNT - 1 ? unit_of(n + n % 2) : NULL;
    assert_begins(place->store, book, from, expected);
  }
  g_autofree char *middle = store_middle_unit(place->store, book, &blocks);
  g_autofree char *quarter = unit_of(COUNT / 2), *three_quarters = unit_of(3 * COUNT / 2);
  assert_true(blocks > 4);
  assert_true(strcmp(quarter, middle) < 0 && strcmp(middle, three_quarters) < 0);
  place_commit(place);
}

/* More than are kept in memory, and each is needed for every so many-th report. */
static void reports_of_many_submissions_side_by_side_are_read_whole(void **state)
{
  struct place *place = *state;
  enum { SUBMISSIONS = LIMIT_PARTS_KEPT + 90, REPORTS = 2 };
  uint8_t sealed[64], hash[MERKLE_HASH_SIZE];
  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", (struct period){2018, 5, 1});
  for (int submission = 0; submission < SUBMISSIONS; submission++) {
    memset(sealed, submission % 251, sizeof sealed);
    merkle_leaf_hash(sealed, sizeof sealed, hash);
    for (int n = 0; n < REPORTS; n++) {
      g_autofree char *unit = unit_of(submission + n * SUBMISSIONS);
      uint8_t figures[43] = {2, 255, 255};
      memcpy(figures + 3, sealed, 40);
      struct stored_report report = {.book = book,
                                     .unit = unit,
                                     .park = "east",
                                     .revision = 1,
                                     .position = (uint64_t)submission,
                                     .first = (uint64_t)submission,
                                     .counted = true,
                                     .figures = figures,
                                     .figures_length = sizeof figures,
                                     .sealed_at = 8,
                                     .sealed_length = 40};
      assert_true(store_report_put_first(place->store, &report));
    }
    store_leaf_add(place->store, (uint64_t)submission, LEAF_SUBMISSION, 1, sealed, sizeof sealed, 0, hash);
  }
  place_commit(place);
  store_begin(place->store);
  struct store_reports_cursor *cursor = store_reports_open(place->store, book);
  for (int n = 0; n < SUBMISSIONS * REPORTS; n++) {
    const struct stored_report *report = store_reports_next(cursor);
    assert_non_null(report);
    assert_int_equal(report->figures_length, 43);
    assert_int_equal(report->figures[42], n % SUBMISSIONS % 251);
  }
  assert_null(store_reports_next(cursor));
  store_reports_close(cursor);
  place_commit(place);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(figures_in_the_ledger_are_read_wherever_they_stand),
      TEST(any_order_comes_to_the_same_as_a_plain_table),
      TEST(a_book_is_read_from_any_unit_on),
      TEST(reports_of_many_submissions_side_by_side_are_read_whole),
      TEST(more_blocks_than_memory_holds_are_written_within_a_transaction),
      TEST(what_another_wrote_is_seen_by_the_next_transaction),
      TEST(what_was_rolled_back_is_no_longer_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
