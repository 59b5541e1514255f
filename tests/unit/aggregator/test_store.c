#include "add_cell.h"
#include "store_place.h"

#include "common/checksum.h"
#include "common/error.h"

#include <string.h>

static const struct period MAY = {.year = 2018, .month = 5, .months = 1};
static const uint8_t FIGURES[] = {1, 1, 42};

static struct stored_report first_report(int64_t book, const char *unit, const char *park)
{
  return (struct stored_report){.book = book,
                                .unit = unit,
                                .park = park,
                                .revision = 1,
                                .kind = KIND_FIGURES,
                                .position = 7,
                                .row = 3,
                                .first = 7,
                                .membership = 5,
                                .counted = true,
                                .figures = FIGURES,
                                .figures_length = sizeof FIGURES};
}

static void put_report(struct place *place, int64_t book, const char *unit, const char *park)
{
  struct stored_report report = first_report(book, unit, park);
  store_report_put(place->store, &report);
}

static void assert_int128(int128 value, const char *expected)
{
  char text[DECIMAL_TEXT_SIZE];
  assert_string_equal(decimal_format(value, 0, text), expected);
}

/* The error that is kept has this code and names all of these. Then it is forgotten. */
static void assert_error(struct place *place, int code, const char *const *words)
{
  g_autoptr(GError) error = NULL;
  assert_false(store_commit(place->store, &error));
  assert_int_equal(error->code, code);
  for (; *words; words++)
    if (!strstr(error->message, *words)) fail_msg("\"%s\" does not name %s", error->message, *words);
}

/* --- schema --- */

static void a_store_of_a_newer_program_is_refused(void **state)
{
  struct place *place = (struct place *)*state;
  place_sql(place, "PRAGMA user_version = 4711");
  static const enum store_mode modes[] = {STORE_CREATE, STORE_WRITE, STORE_READ};
  for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
    g_autoptr(GError) error = NULL;
    assert_null(store_open(place->path, modes[i], &error));
    assert_int_equal(error->code, ERROR_CONFIG);
    assert_non_null(strstr(error->message, "4711"));
  }
}

static void a_store_that_is_not_there_is_an_error(void **state)
{
  struct place *place = (struct place *)*state;
  g_autofree char *path = g_build_filename(place->folder, "none.db", NULL);
  g_autoptr(GError) error = NULL;
  assert_null(store_open(path, STORE_WRITE, &error));
  assert_non_null(error);
  g_clear_error(&error);
  assert_null(store_open(path, STORE_READ, &error));
  assert_non_null(error);
}

/* --- damage --- */

/* Something of everything that carries a checksum. */
static int64_t fill(struct place *place)
{
  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", MAY);
  put_report(place, book, "U1", "east");
  put_report(place, book, "U2", "west");
  struct stored_report sealed =
      first_report(book, "U3", "east"); /* its last two bytes are "dy" of the leaf */
  sealed.position = 0;
  sealed.figures = (const uint8_t *)"\1dy";
  sealed.sealed_at = sealed.sealed_length = 2;
  store_report_put(place->store, &sealed);
  add_cell(place->store, &(struct cell_key){book, "zone", "all", 2}, 100, 2);
  store_expected_add(place->store, "monthly", "zone", "all", 17000, 3);
  uint8_t hash[MERKLE_HASH_SIZE];
  merkle_leaf_hash((const uint8_t *)"body", 4, hash);
  store_leaf_add(place->store, 0, LEAF_GENESIS, 1, (const uint8_t *)"body", 4, 0, hash);
  place_commit(place);
  return book;
}

static bool pass_report(const struct stored_report *report, void *data)
{
  (void)report;
  ++*(unsigned *)data;
  return true;
}

static bool pass_cell(const struct cell_key *key, int128 total, int64_t units, void *data)
{
  (void)key;
  (void)total;
  (void)units;
  ++*(unsigned *)data;
  return true;
}

static bool pass_expected(const char *form, const char *area, const char *slice, day_number day,
                          int64_t units, void *data)
{
  (void)form;
  (void)area;
  (void)slice;
  (void)day;
  (void)units;
  ++*(unsigned *)data;
  return true;
}

static void read_reports(struct store *store, int64_t book)
{
  size_t count;
  store_reports(store, book, "U1", &count);
  assert_int_equal(count, 0);
}

static void read_next_book(struct store *store, int64_t book)
{
  read_reports(store, book + 1);
}

/* The one of fill() whose figures end in the ledger. */
static void read_sealed(struct store *store, int64_t book)
{
  size_t count;
  store_reports(store, book, "U3", &count);
  assert_int_equal(count, 0);
}

static void read_each_report(struct store *store, int64_t book)
{
  unsigned seen = 0;
  assert_false(store_each_report(store, book, pass_report, &seen));
  assert_int_equal(seen, 0);
}

static void read_cursor(struct store *store, int64_t book)
{
  struct store_reports_cursor *cursor = store_reports_open(store, book);
  assert_null(store_reports_next(cursor));
  assert_null(store_reports_next(cursor));
  store_reports_close(cursor);
}

static void read_mark(struct store *store, int64_t book)
{
  store_report_mark(store, book, "U1", "east", 6, false);
}

static void read_cell(struct store *store, int64_t book)
{
  int128 total;
  int64_t units;
  assert_false(store_cell(store, &(struct cell_key){book, "zone", "all", 2}, &total, &units));
  assert_true(total == 0 && units == 0);
}

static void read_add(struct store *store, int64_t book)
{
  add_cell(store, &(struct cell_key){book, "zone", "all", 2}, 1, 0);
}

static void read_each_cell(struct store *store, int64_t book)
{
  (void)book;
  unsigned seen = 0;
  assert_false(store_each_cell(store, pass_cell, &seen));
  assert_int_equal(seen, 0);
}

static void read_expected(struct store *store, int64_t book)
{
  (void)book;
  assert_int_equal(store_expected(store, "monthly", "zone", "all", 17001), 0);
}

static void read_expected_add(struct store *store, int64_t book)
{
  (void)book;
  store_expected_add(store, "monthly", "zone", "all", 17000, 1);
}

static void read_each_expected(struct store *store, int64_t book)
{
  (void)book;
  unsigned seen = 0;
  assert_false(store_each_expected(store, pass_expected, &seen));
  assert_int_equal(seen, 0);
}

static void read_leaf(struct store *store, int64_t book)
{
  (void)book;
  assert_null(store_leaf(store, 0));
}

static void every_read_finds_a_damaged_row_and_names_it(void **state)
{
  struct place *place = (struct place *)*state;
  static const struct {
    const char *damage;
    void (*read)(struct store *, int64_t);
    const char *words[4];
  } cases[] = {
      {"UPDATE block SET reports = replace(reports, '01012a', '01012b')", read_reports, {"\"block\""}},
      {"UPDATE block SET reports = replace(reports, 'east', 'west')", read_each_report, {"\"block\""}},
      {"UPDATE block SET reports = '[]'", read_cursor, {"\"block\""}},
      {"UPDATE block SET checksum = checksum + 1", read_mark, {"\"block\""}},
      {"UPDATE block SET unit = 'U1'", read_mark, {"\"block\"", "U1"}},
      {"UPDATE block SET book = book + 1", read_next_book, {"\"block\""}},
      {"UPDATE leaf_part SET bytes = x'626f646a'", read_sealed, {"\"leaf_part\"", "U3", "east"}},
      {"DELETE FROM leaf_part", read_sealed, {"\"leaf_part\"", "U3", "east"}},
      {"UPDATE family SET cells = '[[2,\"101\",2]]'", read_cell, {"\"family\"", "zone, all"}},
      {"UPDATE family SET cells = 'much'", read_cell, {"\"family\"", "zone, all"}},
      {"UPDATE family SET checksum = checksum + 1", read_add, {"\"family\"", "zone, all"}},
      {"UPDATE family SET area = 'city'", read_each_cell, {"\"family\"", "city, all"}},
      {"UPDATE expected SET units = 4", read_expected, {"\"expected\"", "monthly, zone, all, 2016-07-18"}},
      {"UPDATE expected SET units = 4", read_expected_add, {"\"expected\"", "monthly, zone, all"}},
      {"UPDATE expected SET slice = 'cars'", read_each_expected, {"\"expected\"", "cars"}},
      {"UPDATE leaf SET hash = zeroblob(32)", read_leaf, {"\"leaf\"", "\"0\""}},
      {"UPDATE leaf_part SET bytes = x'626f647a'", read_leaf, {"\"leaf\"", "\"0\""}},
  };
  int64_t book = fill(place);
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    store_begin(place->store);
    store_cells_clear(place->store);
    store_expected_clear(place->store);
    store_clear(place->store);
    place_commit(place);
    place_sql(place, "DELETE FROM leaf; DELETE FROM leaf_part");
    book = fill(place);
    place_sql(place, cases[i].damage);
    store_begin(place->store);
    cases[i].read(place->store, book);
    assert_error(place, ERROR_DATA, cases[i].words);
  }
}

/* --- transactions --- */

static void the_first_error_is_told_and_nothing_is_left(void **state)
{
  struct place *place = (struct place *)*state;
  int64_t book = fill(place);
  place_sql(place, "UPDATE family SET checksum = 99; UPDATE leaf_part SET bytes = x'00'");
  store_begin(place->store);
  put_report(place, book, "U5", "east");
  read_add(place->store, book); /* the first */
  size_t count;
  store_reports(place->store, book, "U3", &count); /* would be the second */
  assert_int_equal(count, 0);
  put_report(place, book, "U4", "east");
  assert_int_equal(store_find_book(place->store, "monthly", MAY), 0); /* nothing is found after an error */
  assert_non_null(store_error(place->store));
  assert_error(place, ERROR_DATA, (const char *const[]){"\"family\"", NULL});

  assert_null(store_error(place->store));
  store_reports(place->store, book, "U5", &count);
  assert_int_equal(count, 0);
  store_reports(place->store, book, "U4", &count);
  assert_int_equal(count, 0);
  store_reports(place->store, book, "U1", &count);
  assert_int_equal(count, 1);
}

static void a_rollback_leaves_nothing(void **state)
{
  struct place *place = (struct place *)*state;
  int64_t book = fill(place);
  uint8_t id[SUBMISSION_ID_SIZE] = {1};
  uint64_t position;
  store_begin(place->store);
  store_submission_add(place->store, id, 1, "a", 1);
  assert_true(store_submission_position(place->store, id, &position));
  put_report(place, book, "U4", "east");
  store_rollback(place->store);
  size_t count;
  store_reports(place->store, book, "U4", &count);
  assert_int_equal(count, 0);
  assert_false(store_submission_position(place->store, id, &position)); /* not even from its cache */
}

static void a_commit_that_fails_forgets_cached_submissions(void **state)
{
  struct place *place = (struct place *)*state;
  uint8_t id[SUBMISSION_ID_SIZE] = {1};
  uint64_t position;
  store_begin(place->store);
  store_submission_add(place->store, id, 1, "a", 1);
  assert_true(store_submission_position(place->store, id, &position));
  store_receipt_put(place->store, (uint8_t[SUBMISSION_ID_SIZE]){2}, id, sizeof id);
  assert_error(place, ERROR_INTERNAL, (const char *const[]){NULL});
  assert_false(store_submission_position(place->store, id, &position));
}

static void readers_see_only_what_is_committed(void **state)
{
  struct place *place = (struct place *)*state;
  int64_t book = fill(place);
  CLEANUP(store_close) struct store *reader = place_open(place, STORE_READ);
  size_t count;
  store_begin(place->store);
  put_report(place, book, "U4", "east");
  store_reports(reader, book, "U4", &count);
  assert_int_equal(count, 0);

  store_begin(reader); /* a view that stays as it is */
  store_reports(reader, book, "U1", &count);
  assert_int_equal(count, 1);
  place_commit(place);
  store_reports(reader, book, "U4", &count);
  assert_int_equal(count, 0);
  assert_true(store_commit(reader, NULL));
  store_reports(reader, book, "U3", &count);
  assert_int_equal(count, 1);
}

static void a_reader_writes_nothing(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(store_close) struct store *reader = place_open(place, STORE_READ);
  store_begin(reader);
  store_book(reader, "monthly", MAY);
  g_autoptr(GError) error = NULL;
  assert_false(store_commit(reader, &error));
  assert_int_equal(error->code, ERROR_PERMISSION);
}

static int64_t file_size(const char *path)
{
  GStatBuf status;
  assert_int_equal(g_stat(path, &status), 0);
  return status.st_size;
}

static void only_a_checkpoint_moves_the_log_into_the_database(void **state)
{
  struct place *place = (struct place *)*state;
  static const uint8_t figures[900];
  CLEANUP(store_close) struct store *other = place_open(place, STORE_WRITE);
  int64_t before = file_size(place->path);
  store_begin(place->store);
  struct stored_report report = first_report(store_book(place->store, "monthly", MAY), "", "east");
  report.figures = figures;
  report.figures_length = sizeof figures;
  for (unsigned n = 0; n < 6000; n++) { /* SQLite's own checkpoint would come after 1000 pages */
    char unit[16];
    g_snprintf(unit, sizeof unit, "U%06u", n);
    report.unit = unit;
    store_report_put(place->store, &report);
  }
  place_commit(place);
  assert_int_equal(file_size(place->path), before);
  store_checkpoint(other);
  assert_null(store_error(other));
  assert_true(file_size(place->path) > before + 1000 * 4096);
}

/* --- reports --- */

static void a_revision_that_does_not_follow_is_our_bug(void **state)
{
  struct place *place = (struct place *)*state;
  int64_t book = fill(place);
  static const unsigned revisions[] = {1, 3};
  for (size_t i = 0; i < G_N_ELEMENTS(revisions); i++) {
    struct stored_report report = first_report(book, "U1", "east");
    report.revision = revisions[i];
    store_begin(place->store);
    store_report_put(place->store, &report);
    assert_error(place, ERROR_INTERNAL, (const char *const[]){NULL});
  }
  store_begin(place->store);
  store_report_mark(place->store, book, "U9", "east", 1, true);
  assert_error(place, ERROR_INTERNAL, (const char *const[]){"U9", NULL});
}

static void superseded_revisions_are_kept(void **state)
{
  struct place *place = (struct place *)*state;
  int64_t book = fill(place);
  static const uint8_t corrected[] = {1, 1, 44};
  struct stored_report report = first_report(book, "U1", "east");
  store_begin(place->store);
  for (report.revision = 2; report.revision <= 3; report.revision++) {
    report.position = 100 + report.revision;
    report.figures = corrected;
    store_report_put(place->store, &report);
  }
  place_commit(place);
  size_t count;
  const struct stored_report *reports = store_reports(place->store, book, "U1", &count);
  assert_int_equal(count, 1);
  assert_int_equal(reports->revision, 3);
  assert_int_equal(reports->position, 103);
  assert_int_equal(reports->first, 7);
  assert_memory_equal(reports->figures, corrected, sizeof corrected);
  g_autofree char *kept =
      place_query(place, "SELECT group_concat(revision || ':' || report, ' ')"
                         " FROM (SELECT * FROM revision WHERE unit = 'U1' ORDER BY revision)");
  g_autofree char *first = g_strdup_printf("1:[\"U1\",\"east\",5,7,3,\"01012a\",0,0,%u] 2:",
                                           (uint32_t)checksum_of(FIGURES, sizeof FIGURES));
  g_autofree char *second = g_strdup_printf("[\"U1\",\"east\",5,102,3,\"01012c\",0,0,%u,2,0,7,1]",
                                            (uint32_t)checksum_of(corrected, sizeof corrected));
  g_autofree char *expected = g_strconcat(first, second, NULL);
  assert_string_equal(kept, expected);
}

static void a_report_comes_back_as_it_was_put(void **state)
{
  struct place *place = (struct place *)*state;
  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", MAY);
  put_report(place, book, "U1", "west");
  struct stored_report nil = first_report(book, "U1", "east");
  nil.place = 1;
  nil.kind = KIND_NIL;
  nil.membership = 0;
  nil.counted = false;
  nil.position = UINT32_MAX + UINT64_C(5);
  nil.figures = NULL;
  nil.figures_length = 0;
  store_report_put(place->store, &nil);
  place_commit(place);

  size_t count;
  const struct stored_report *reports = store_reports(place->store, book, "U1", &count);
  assert_int_equal(count, 2); /* as the parks came */
  assert_string_equal(reports[0].park, "west");
  assert_int_equal(reports[0].row, 3);
  assert_int_equal(reports[0].membership, 5);
  assert_true(reports[0].counted);
  assert_memory_equal(reports[0].figures, FIGURES, sizeof FIGURES);
  assert_string_equal(reports[1].unit, "U1");
  assert_int_equal(reports[1].place, 1);
  assert_string_equal(reports[1].park, "east");
  assert_int_equal(reports[1].kind, KIND_NIL);
  assert_false(reports[1].counted);
  assert_int_equal(reports[1].position, nil.position);
  assert_int_equal(reports[1].figures_length, 0);

  /* Its own texts may be asked with. */
  reports = store_reports(place->store, book, reports[1].unit, &count);
  assert_int_equal(count, 2);
  store_reports(place->store, book + 1, "U1", &count);
  assert_int_equal(count, 0);
}

static void a_first_report_is_put_where_there_is_none(void **state)
{
  struct place *place = (struct place *)*state;
  int64_t book = fill(place); /* U1 and U2 of east */
  struct stored_report report = first_report(book, "U1", "west");
  report.position = 9;
  size_t count;
  store_begin(place->store);
  assert_false(store_report_put_first(place->store, &report)); /* whichever park's it is */
  report.unit = "U0";
  assert_true(store_report_put_first(place->store, &report));
  assert_false(store_report_put_first(place->store, &report));
  report.book = store_book(place->store, "monthly", (struct period){2018, 6, 1});
  report.unit = "U1";
  assert_true(store_report_put_first(place->store, &report));
  place_commit(place);
  const struct stored_report *reports = store_reports(place->store, book, "U1", &count);
  assert_int_equal(count, 1);
  assert_string_equal(reports->park, "east");
  assert_int_equal(reports->position, 7);
  reports = store_reports(place->store, book, "U0", &count);
  assert_int_equal(count, 1);
  assert_int_equal(reports->position, 9);
}

static void a_report_of_the_greatest_size_comes_back(void **state)
{
  struct place *place = (struct place *)*state;
  uint8_t figures[FIGURES_PACKED_MOST];
  for (size_t i = 0; i < sizeof figures; i++) figures[i] = (uint8_t)(i * 7);
  g_autofree char *unit = g_strnfill(LIMIT_CODE_BYTES, '"'), *park = g_strnfill(LIMIT_CODE_BYTES, '\\');
  store_begin(place->store);
  struct stored_report report = first_report(store_book(place->store, "monthly", MAY), unit, park);
  report.position = report.first = INT64_MAX;
  report.row = UINT32_MAX;
  report.kind = KIND_WITHDRAWAL;
  report.membership = INT64_MAX;
  report.figures = figures;
  report.figures_length = sizeof figures;
  store_report_put(place->store, &report);
  place_commit(place);
  size_t count;
  const struct stored_report *found = store_reports(place->store, report.book, unit, &count);
  assert_int_equal(count, 1);
  assert_string_equal(found->unit, unit);
  assert_string_equal(found->park, park);
  assert_int_equal(found->position, INT64_MAX);
  assert_int_equal(found->row, UINT32_MAX);
  assert_int_equal(found->kind, KIND_WITHDRAWAL);
  assert_int_equal(found->membership, INT64_MAX);
  assert_int_equal(found->figures_length, sizeof figures);
  assert_memory_equal(found->figures, figures, sizeof figures);
}

static void a_mark_changes_marks_alone(void **state)
{
  struct place *place = (struct place *)*state;
  int64_t book = fill(place);
  store_begin(place->store);
  store_report_mark(place->store, book, "U1", "east", 9, false);
  place_commit(place);
  size_t count;
  const struct stored_report *reports = store_reports(place->store, book, "U1", &count);
  assert_int_equal(count, 1);
  assert_int_equal(reports->membership, 9);
  assert_false(reports->counted);
  assert_int_equal(reports->revision, 1);
  assert_memory_equal(reports->figures, FIGURES, sizeof FIGURES);
  reports = store_reports(place->store, book, "U2", &count);
  assert_int_equal(reports->membership, 5);
}

static bool list_report(const struct stored_report *report, void *data)
{
  GString *list = (GString *)data;
  g_string_append_printf(list, "%s/%s ", report->unit, report->park);
  return list->len < 40;
}

static void a_book_is_read_by_unit_and_place(void **state)
{
  struct place *place = (struct place *)*state;
  store_begin(place->store);
  int64_t book = store_book(place->store, "monthly", MAY);
  int64_t other = store_book(place->store, "yearly", MAY);
  static const char *const units[] = {"U3", "U1", "U2"};
  for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
    put_report(place, book, units[i], "west");
    put_report(place, other, units[i], "west");
  }
  struct stored_report second = first_report(book, "U1", "east");
  second.place = 1;
  store_report_put(place->store, &second);
  place_commit(place);

  g_autoptr(GString) list = g_string_new(NULL);
  assert_true(store_each_report(place->store, book, list_report, list));
  assert_string_equal(list->str, "U1/west U1/east U2/west U3/west ");
  g_string_assign(list, "");
  assert_true(store_each_report_after(place->store, book, "U1", list_report, list));
  assert_string_equal(list->str, "U2/west U3/west ");
  g_string_assign(list, "----------------------------------------");
  assert_false(store_each_report(place->store, book, list_report, list)); /* the sink ended it */
  assert_string_equal(list->str, "----------------------------------------U1/west ");

  struct store_reports_cursor *left = store_reports_open(place->store, book);
  struct store_reports_cursor *right = store_reports_open(place->store, other);
  const struct stored_report *a = store_reports_next(left), *b = store_reports_next(right);
  assert_string_equal(a->park, "west");
  assert_string_equal(b->park, "west");
  assert_int_equal(b->book, other);
  for (unsigned n = 0; n < 2; n++) b = store_reports_next(right);
  assert_string_equal(b->unit, "U3");
  assert_null(store_reports_next(right));
  assert_string_equal(store_reports_next(left)->park, "east");
  store_reports_close(left);
  store_reports_close(right);
}

/* --- books and memberships --- */

static void books_are_made_once_and_listed_by_form_and_period(void **state)
{
  struct place *place = (struct place *)*state;
  static const struct period june = {2018, 6, 1}, joint = {2018, 1, 2};
  store_begin(place->store);
  int64_t later = store_book(place->store, "monthly", june);
  int64_t yearly = store_book(place->store, "yearly", (struct period){2018, 1, 12});
  int64_t first = store_book(place->store, "monthly", joint);
  assert_int_equal(store_book(place->store, "monthly", june), later);
  assert_int_equal(store_find_book(place->store, "monthly", MAY), 0);
  place_commit(place);
  assert_int_equal(store_find_book(place->store, "yearly", (struct period){2018, 1, 12}), yearly);

  g_autoptr(GArray) books = store_books(place->store, NULL);
  assert_int_equal(books->len, 3);
  const struct stored_book *book = &g_array_index(books, struct stored_book, 0);
  assert_int_equal(book->book, first);
  assert_true(period_equal(book->period, joint));
  assert_string_equal(g_array_index(books, struct stored_book, 2).form, "yearly");
  g_autoptr(GArray) monthly = store_books(place->store, "monthly");
  assert_int_equal(monthly->len, 2);
}

static void memberships_are_interned(void **state)
{
  struct place *place = (struct place *)*state;
  store_begin(place->store);
  int64_t one = store_membership(place->store, "zone;east", "all");
  int64_t two = store_membership(place->store, "zone;east", "all;cars");
  assert_true(one != 0 && two != 0 && one != two);
  assert_int_equal(store_membership(place->store, "zone;east", "all"), one);
  assert_int_equal(store_membership(place->store, "", ""), 0);
  g_autofree char *areas = NULL, *slices = NULL, *none = NULL, *nothing = NULL;
  assert_true(store_membership_text(place->store, two, &areas, &slices));
  assert_string_equal(areas, "zone;east");
  assert_string_equal(slices, "all;cars");
  assert_true(store_membership_text(place->store, 0, &none, &nothing));
  assert_string_equal(none, "");
  assert_false(store_membership_text(place->store, 4711, NULL, NULL));
  assert_error(place, ERROR_DATA, (const char *const[]){"\"membership\"", "4711", NULL});
}

/* --- cells --- */

static void totals_are_exact_beyond_64_bits(void **state)
{
  struct place *place = (struct place *)*state;
  struct cell_key key = {1, "zone", "all", 0};
  int128 total;
  int64_t units;
  store_begin(place->store);
  for (unsigned n = 0; n < 4; n++) add_cell(place->store, &key, INT64_MAX, 1);
  place_commit(place);
  assert_true(store_cell(place->store, &key, &total, &units));
  assert_int128(total, "36893488147419103228");
  assert_int_equal(units, 4);
  store_begin(place->store);
  add_cell(place->store, &key, -(int128)INT64_MAX * 8, 4);
  place_commit(place);
  assert_true(store_cell(place->store, &key, &total, &units));
  assert_int128(total, "-36893488147419103228");
  assert_int_equal(units, 8);
}

static void a_sum_that_cannot_be_is_stopped(void **state)
{
  struct place *place = (struct place *)*state;
  struct cell_key key = {1, "zone", "all", 0};
  const int128 most = (int128)(((unsigned __int128)1 << 127) - 1);
  static const struct {
    bool is_most; /* adds the largest total */
    int64_t units;
  } cases[] = {{true, 0}, {false, INT64_MAX}, {false, -2}};
  store_begin(place->store);
  add_cell(place->store, &key, most - 5, 1);
  place_commit(place);
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    store_begin(place->store);
    add_cell(place->store, &key, cases[i].is_most ? 6 : 0, cases[i].units);
    assert_error(place, ERROR_INTERNAL, (const char *const[]){"zone, all, 0", NULL});
  }
  int128 total;
  int64_t units;
  assert_true(store_cell(place->store, &key, &total, &units));
  assert_true(total == most - 5 && units == 1);
}

static bool list_cell(const struct cell_key *key, int128 total, int64_t units, void *data)
{
  char text[DECIMAL_TEXT_SIZE];
  g_string_append_printf((GString *)data, "%d/%s/%s/%d=%s(%d) ", (int)key->book, key->area, key->slice,
                         key->slot, decimal_format(total, 0, text), (int)units);
  return true;
}

static void a_cell_vanishes_with_its_last_unit_and_not_before(void **state)
{
  struct place *place = (struct place *)*state;
  struct cell_key east = {1, "east", "all", 0}, reported = {1, "east", "all", SLOT_REPORTED};
  g_autoptr(GString) list = g_string_new(NULL);
  store_begin(place->store);
  add_cell(place->store, &reported, 0, 0); /* nothing becomes of nothing */
  add_cell(place->store, &east, 5, 1);
  add_cell(place->store, &east, -5, 0); /* a figure of zero is not missing */
  add_cell(place->store, &reported, 1, 1);
  assert_true(store_each_cell(place->store, list_cell, list));
  assert_string_equal(list->str, "1/east/all/-1=1(1) 1/east/all/0=0(1) ");
  add_cell(place->store, &east, 0, -1);
  g_string_assign(list, "");
  assert_true(store_each_cell(place->store, list_cell, list));
  assert_string_equal(list->str, "1/east/all/-1=1(1) ");
  int128 total = 9;
  int64_t units = 9;
  assert_false(store_cell(place->store, &east, &total, &units));
  assert_true(total == 0 && units == 0);
  add_cell(place->store, &east, 5, 0); /* makes no sense, so it must stay to be seen */
  assert_true(store_cell(place->store, &east, &total, &units));
  assert_true(total == 5 && units == 0);
  store_cells_clear(place->store);
  g_string_assign(list, "");
  assert_true(store_each_cell(place->store, list_cell, list));
  assert_string_equal(list->str, "");
  place_commit(place);
}

/* --- expected units --- */

static bool list_expected(const char *form, const char *area, const char *slice, day_number day,
                          int64_t units, void *data)
{
  g_string_append_printf((GString *)data, "%s/%s/%s/%d=%d ", form, area, slice, day, (int)units);
  return true;
}

static void expected_units_are_as_of_a_day(void **state)
{
  struct place *place = (struct place *)*state;
  store_begin(place->store);
  store_expected_add(place->store, "monthly", "zone", "all", DAY_MIN, 10);
  store_expected_add(place->store, "monthly", "zone", "all", 100, 3);
  store_expected_add(place->store, "monthly", "zone", "all", 200, -1);
  store_expected_add(place->store, "monthly", "zone", "all", 200, -1);
  store_expected_add(place->store, "monthly", "east", "all", 100, 1);
  store_expected_add(place->store, "yearly", "zone", "all", 100, 1000);
  store_expected_add(place->store, "monthly", "zone", "cars", 100, 1000);
  place_commit(place);
  static const struct {
    day_number day;
    int64_t units;
  } cases[] = {{DAY_MIN, 10}, {99, 10}, {100, 13}, {199, 13}, {200, 11}, {DAY_NONE, 11}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
    assert_int_equal(store_expected(place->store, "monthly", "zone", "all", cases[i].day), cases[i].units);
  assert_int_equal(store_expected(place->store, "monthly", "east", "all", 99), 0);
  assert_int_equal(store_expected(place->store, "monthly", "west", "all", 999), 0);

  store_begin(place->store);
  store_expected_add(place->store, "monthly", "zone", "all", 200, 2); /* the change is undone: no row */
  store_expected_add(place->store, "monthly", "zone", "all", 300, 0);
  place_commit(place);
  g_autoptr(GString) list = g_string_new(NULL);
  assert_true(store_each_expected(place->store, list_expected, list));
  assert_string_equal(list->str,
                      "monthly/east/all/100=1 monthly/zone/all/-2147483648=10 monthly/zone/all/100=3 "
                      "monthly/zone/cars/100=1000 yearly/zone/all/100=1000 ");
}

/* --- for a plain SQL shell --- */

static void views_show_reports_and_totals_by_name(void **state)
{
  struct place *place = (struct place *)*state;
  static const struct period periods[] = {{2018, 1, 2}, {2018, 4, 3}, {2018, 1, 12}, {2018, 11, 1}};
  store_begin(place->store);
  for (size_t i = 0; i < G_N_ELEMENTS(periods); i++) {
    int64_t book = store_book(place->store, "form", periods[i]);
    struct stored_report report = first_report(book, "U1", "east");
    report.membership = store_membership(place->store, "zone;east", "all");
    store_report_put(place->store, &report);
    add_cell(place->store, &(struct cell_key){book, "zone", "all", 0}, 7, 1);
  }
  place_commit(place);
  for (size_t i = 0; i < G_N_ELEMENTS(periods); i++) {
    char text[PERIOD_TEXT_SIZE];
    g_autofree char *expected = g_strdup_printf("%s zone", period_format(periods[i], text));
    g_autofree char *totals =
        g_strdup_printf("SELECT period || ' ' || area FROM totals WHERE period = '%s'", text);
    g_autofree char *reports =
        g_strdup_printf("SELECT period || ' ' || substr(areas, 1, 4) FROM reports WHERE period = '%s'", text);
    g_autofree char *total = place_query(place, totals), *report = place_query(place, reports);
    assert_string_equal(total, expected);
    assert_string_equal(report, expected);
  }
}

static void clearing_keeps_the_ledger_and_the_ids(void **state)
{
  struct place *place = (struct place *)*state;
  uint8_t id[SUBMISSION_ID_SIZE] = {1};
  int64_t book = fill(place);
  store_begin(place->store);
  store_submission_add(place->store, id, 0, "a", 1);
  store_receipt_put(place->store, id, id, 5);
  store_waiting_add(place->store, id, 0, 0, "U1");
  store_membership(place->store, "zone", "all");
  store_clear(place->store);
  place_commit(place);
  size_t count;
  store_reports(place->store, book, "U1", &count);
  assert_int_equal(count, 0);
  assert_false(store_is_waiting(place->store, 0, "U1"));
  assert_int_equal(store_find_book(place->store, "monthly", MAY), 0);
  assert_int_equal(store_leaf_count(place->store), 1);
  struct stored_submission submission;
  assert_true(store_submission(place->store, id, &submission));
  assert_int_equal(g_bytes_get_size(submission.receipt), 5);
  g_bytes_unref(submission.receipt);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      CASE(a_store_of_a_newer_program_is_refused),
      CASE(a_store_that_is_not_there_is_an_error),
      CASE(every_read_finds_a_damaged_row_and_names_it),
      CASE(the_first_error_is_told_and_nothing_is_left),
      CASE(a_rollback_leaves_nothing),
      CASE(a_commit_that_fails_forgets_cached_submissions),
      CASE(readers_see_only_what_is_committed),
      CASE(a_reader_writes_nothing),
      CASE(only_a_checkpoint_moves_the_log_into_the_database),
      CASE(a_revision_that_does_not_follow_is_our_bug),
      CASE(superseded_revisions_are_kept),
      CASE(a_report_comes_back_as_it_was_put),
      CASE(a_first_report_is_put_where_there_is_none),
      CASE(a_report_of_the_greatest_size_comes_back),
      CASE(a_mark_changes_marks_alone),
      CASE(a_book_is_read_by_unit_and_place),
      CASE(books_are_made_once_and_listed_by_form_and_period),
      CASE(memberships_are_interned),
      CASE(totals_are_exact_beyond_64_bits),
      CASE(a_sum_that_cannot_be_is_stopped),
      CASE(a_cell_vanishes_with_its_last_unit_and_not_before),
      CASE(expected_units_are_as_of_a_day),
      CASE(views_show_reports_and_totals_by_name),
      CASE(clearing_keeps_the_ledger_and_the_ids),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
