#include "aggregator/history.h"

#include <string.h>

#define EACH_TENSE_BACK(tense) for (enum formula_tense tense = TENSE_LAST; tense < TENSE_COUNT; tense++)

/* Where in `packed` a report's figures are. */
struct place {
  bool there;
  guint at, length;
};

struct history {
  GByteArray *packed;
  GArray *places[TENSE_COUNT];         /* of struct place, a row each; NULL: nothing is there */
  struct figures figures[TENSE_COUNT]; /* of the row that was asked for last */
};

/* The books that the rules look at; 0: none. Whether there is any. */
static bool find_books(struct store *store, const struct judged *judged,
                       int64_t ret_books[static TENSE_COUNT])
{
  const struct form *form = &judged->catalogue->forms[judged->form];
  struct period periods[TENSE_COUNT] = {[TENSE_LAST] = form_period_before(form, judged->period),
                                        [TENSE_YEAR_AGO] = period_last_year(judged->period)};
  bool any = false;

  EACH_TENSE_BACK(tense)
  {
    ret_books[tense] = form->looks_back[tense] ? store_find_book(store, form->code, periods[tense]) : 0;
    any |= ret_books[tense] != 0;
  }
  return any;
}

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

/* One book after the other: units ascend, so the store finds neighbours where it has just been. */
struct history *history_read(struct store *store, const struct judged *judged, size_t first, size_t count)
{
  size_t end = MIN(first + count, submission_size(judged->submission));
  int64_t books[TENSE_COUNT];
  struct history *history;

  if (!find_books(store, judged, books)) return NULL;
  history = g_new0(struct history, 1);
  history->packed = g_byte_array_new();
  EACH_TENSE_BACK(tense)
  {
    if (books[tense] == 0) continue;
    history->places[tense] = g_array_sized_new(FALSE, FALSE, sizeof(struct place), (guint)(end - first));
    read_book(history, store, books[tense], judged, first, end, history->places[tense]);
  }
  return history;
}

void history_free(struct history *history)
{
  if (!history) return;
  EACH_TENSE_BACK(tense)
  if (history->places[tense]) g_array_unref(history->places[tense]);
  g_byte_array_unref(history->packed);
  g_free(history);
}

void history_facts(struct history *history, size_t n, struct formula_facts *facts)
{
  EACH_TENSE_BACK(tense)
  {
    const struct place *place =
        history && history->places[tense] ? &g_array_index(history->places[tense], struct place, n) : NULL;

    facts->figures[tense] = NULL;
    if (!place || !place->there) continue;
    figures_clear(&history->figures[tense]);
    (void)figures_unpack(history->packed->data + place->at, place->length,
                         &history->figures[tense]); /* checksummed */
    facts->figures[tense] = &history->figures[tense];
  }
}
