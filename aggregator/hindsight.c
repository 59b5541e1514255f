#include "aggregator/hindsight.h"

#include "aggregator/folder.h"
#include "aggregator/history.h"
#include "common/clock.h"

/* One moment serves many submissions, since whoever commits in between makes the store forget the blocks that
 * the next one needs as well. It is given back before it keeps the log from being copied for long. */
#define MOMENT_MS 500

struct hindsight {
  GMutex mutex; /* over what follows: one core is the writer's, so one reader is as good as several */
  struct store *store;
  bool has_moment;
  struct mono_time begun;
  uint64_t leaves; /* that the moment has */
};

struct hindsight *hindsight_new(const char *folder, GError **error)
{
  CLEANUP(hindsight_free) struct hindsight *hindsight = g_new0(struct hindsight, 1);
  g_autofree char *path = folder_path(folder, "store.db");

  g_mutex_init(&hindsight->mutex);
  hindsight->store = store_open(path, STORE_READ, error);
  return hindsight->store ? g_steal_pointer(&hindsight) : NULL;
}

void hindsight_free(struct hindsight *hindsight)
{
  if (!hindsight) return;
  hindsight_rest(hindsight);
  store_close(hindsight->store);
  g_mutex_clear(&hindsight->mutex);
  g_free(hindsight);
}

static void leave_moment(struct hindsight *hindsight)
{
  if (hindsight->has_moment) store_rollback(hindsight->store);
  hindsight->has_moment = false;
}

static void enter_moment(struct hindsight *hindsight)
{
  if (hindsight->has_moment && clock_since(hindsight->begun) < MOMENT_MS) return;
  leave_moment(hindsight);
  store_begin(hindsight->store);
  hindsight->has_moment = true;
  hindsight->begun = clock_mono();
  hindsight->leaves = store_leaf_count(hindsight->store);
}

/* Nothing that is found needs a consent, so none is looked up. */
static bool upholds(const struct judged *judged, size_t n, struct formula_facts *facts)
{
  struct submission_report report;
  struct rule_breach breach;
  size_t next = 0;

  submission_report(judged->submission, n, &report);
  facts->figures[TENSE_NOW] = &report.change.figures;
  return !rule_next_breach(&judged->catalogue->forms[judged->form], RULES_BACK, RULE_QUASI, facts, &next,
                           &breach);
}

static void ask(struct hindsight *hindsight, const struct judged *judged, bool *upheld)
{
  size_t count = submission_size(judged->submission);
  struct formula_facts facts = {.month = period_last_month(judged->period)};

  for (size_t first = 0; first < count; first += HISTORY_ROWS) {
    CLEANUP(history_free)
    struct history *history = history_read(hindsight->store, judged, first, HISTORY_ROWS);

    for (size_t n = first; n < MIN(first + HISTORY_ROWS, count); n++) {
      history_facts(history, n - first, &facts);
      upheld[n] = judged->sound[n] && upholds(judged, n, &facts);
    }
  }
}

void hindsight_ask(struct hindsight *hindsight, struct judged *judged)
{
  g_autofree bool *upheld = NULL;

  if (!judged->sound) return;
  upheld = g_new0(bool, submission_size(judged->submission));
  g_mutex_lock(&hindsight->mutex);
  enter_moment(hindsight);
  history_books(hindsight->store, judged, judged->books);
  ask(hindsight, judged, upheld);
  judged->leaves = hindsight->leaves;
  if (store_error(hindsight->store))
    leave_moment(hindsight);
  else
    judged->upheld = g_steal_pointer(&upheld);
  g_mutex_unlock(&hindsight->mutex);
}

void hindsight_rest(struct hindsight *hindsight)
{
  g_mutex_lock(&hindsight->mutex);
  leave_moment(hindsight);
  g_mutex_unlock(&hindsight->mutex);
}

bool hindsight_holds(struct store *store, const struct judged *judged)
{
  int64_t books[TENSE_COUNT];

  if (!judged->upheld) return false;
  history_books(store, judged, books);
  for (size_t n = 0; n < TENSE_COUNT; n++)
    if (books[n] != judged->books[n] || store_book_changed(store, books[n]) > judged->leaves) return false;
  return true;
}
