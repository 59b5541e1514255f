#include "aggregator/history.h"

#include <assert.h>
#include <string.h>

#define EACH_TENSE_BACK(tense) for (enum formula_tense tense = TENSE_LAST; tense < TENSE_COUNT; tense++)

static_assert((int)TENSE_COUNT <= (int)LIMIT_HISTORY_PERIODS, "there are times enough for tenses too");

/* Where in `packed` a report's figures are. */
struct place {
  bool there;
  guint at, length;
};

/* One of the times. */
struct moment {
  GArray *places;         /* of struct place, a row each; NULL: nothing is there */
  struct figures figures; /* of the row that was asked for last */
};

struct history {
  GByteArray *packed;
  struct moment moments[LIMIT_HISTORY_PERIODS]; /* by tense, or as they stand in the facts */
};

/* A unit's reports as they are met. */
struct meeting {
  struct history *history;
  const char *park;
  struct place place;
};

static bool meet(const struct stored_report *report, void *data)
{
  struct meeting *meeting = data;
  bool is_own = strcmp(report->park, meeting->park) == 0;
  struct place *place = &meeting->place;

  if (!is_own && !report->counted) return true;
  g_byte_array_set_size(meeting->history->packed, place->at); /* in place of the one that counts */
  g_byte_array_append(meeting->history->packed, report->figures, (guint)report->figures_length);
  place->there = true;
  place->length = (guint)report->figures_length;
  return !is_own;
}

static void read_book(struct history *history, struct store *store, int64_t book, const struct judged *judged,
                      size_t first, size_t end, GArray *places)
{
  struct meeting meeting = {.history = history, .park = judged->agent->stored.area};

  for (size_t n = first; n < end; n++) {
    struct submission_report report;

    submission_report(judged->submission, n, &report);
    meeting.place = (struct place){.at = history->packed->len};
    store_look_at(store, book, report.unit, meet, &meeting);
    g_array_append_val(places, meeting.place);
  }
}

/* One book (0: none) after the other: units ascend, so the store finds neighbours where it has just been.
 * NULL if there is no book. */
static struct history *read_books(struct store *store, const struct judged *judged, const int64_t *books,
                                  size_t count, size_t first, size_t rows)
{
  size_t end = MIN(first + rows, submission_size(judged->submission));
  struct history *history = NULL;

  for (size_t n = 0; n < count; n++) {
    struct moment *moment;

    if (books[n] == 0) continue;
    if (!history) {
      history = g_new0(struct history, 1);
      history->packed = g_byte_array_new();
    }
    moment = &history->moments[n];
    moment->places = g_array_sized_new(FALSE, FALSE, sizeof(struct place), (guint)(end - first));
    read_book(history, store, books[n], judged, first, end, moment->places);
  }
  return history;
}

void history_books(struct store *store, const struct judged *judged, int64_t ret_books[static TENSE_COUNT])
{
  const struct form *form = &judged->catalogue->forms[judged->form];
  struct period periods[TENSE_COUNT] = {[TENSE_LAST] = form_period_before(form, judged->period),
                                        [TENSE_YEAR_AGO] = period_last_year(judged->period)};

  memset(ret_books, 0, TENSE_COUNT * sizeof *ret_books);
  EACH_TENSE_BACK(tense)
  if (form->looks_back[tense]) ret_books[tense] = store_find_book(store, form->code, periods[tense]);
}

struct history *history_read(struct store *store, const struct judged *judged, size_t first, size_t count)
{
  int64_t books[TENSE_COUNT];

  history_books(store, judged, books);
  return read_books(store, judged, books, TENSE_COUNT, first, count);
}

struct history *history_read_past(struct store *store, const struct judged *judged,
                                  const struct suspicion_facts *facts, size_t first, size_t count)
{
  const char *form = judged->catalogue->forms[judged->form].code;
  int64_t books[LIMIT_HISTORY_PERIODS];

  for (size_t n = 0; n < LIMIT_HISTORY_PERIODS; n++)
    books[n] = store_find_book(store, form, facts->past[n].period);
  return read_books(store, judged, books, LIMIT_HISTORY_PERIODS, first, count);
}

void history_free(struct history *history)
{
  if (!history) return;
  for (size_t n = 0; n < LIMIT_HISTORY_PERIODS; n++)
    if (history->moments[n].places) g_array_unref(history->moments[n].places);
  g_byte_array_unref(history->packed);
  g_free(history);
}

/* The figures of a row at one of the times; NULL: there are none. */
static const struct figures *figures_at(struct history *history, size_t moment, size_t n)
{
  struct moment *of = history ? &history->moments[moment] : NULL;
  const struct place *place = of && of->places ? &g_array_index(of->places, struct place, n) : NULL;

  if (!place || !place->there) return NULL;
  figures_clear(&of->figures);
  (void)figures_unpack(history->packed->data + place->at, place->length, &of->figures); /* checksummed */
  return &of->figures;
}

void history_facts(struct history *history, size_t n, struct formula_facts *facts)
{
  EACH_TENSE_BACK(tense) facts->figures[tense] = figures_at(history, tense, n);
}

void history_past(struct history *history, size_t n, struct suspicion_facts *facts)
{
  for (size_t moment = 0; moment < LIMIT_HISTORY_PERIODS; moment++)
    facts->past[moment].figures = figures_at(history, moment, n);
}

/* --- as it is asked for --- */

struct history_window {
  struct store *store;
  const struct judged *judged;
  size_t rows;
  struct history *history; /* of rows from `first` up to `end` */
  size_t first, end;
};

struct history_window *history_window_new(struct store *store, const struct judged *judged, size_t rows)
{
  struct history_window *window = g_new0(struct history_window, 1);

  window->store = store;
  window->judged = judged;
  window->rows = rows;
  return window;
}

void history_window_free(struct history_window *window)
{
  if (!window) return;
  history_free(window->history);
  g_free(window);
}

void history_window_facts(struct history_window *window, size_t row, struct formula_facts *facts)
{
  if (row < window->first || row >= window->end) {
    history_free(window->history);
    window->history = history_read(window->store, window->judged, row, window->rows);
    window->first = row;
    window->end = row + window->rows;
  }
  history_facts(window->history, row - window->first, facts);
}
