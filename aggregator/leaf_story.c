#include "aggregator/leaf_story.h"

#include "common/codec.h"
#include "common/text.h"

#include <string.h>

struct leaf_stories {
  struct store *store;
  uint64_t before, after;
  GHashTable *known;   /* int64_t in the value → struct leaf_story: lines of one submission are many */
  GHashTable *changed; /* unit → leaf that changed its versions last, + 1; NULL until asked for */
  struct leaf_story given;
};

static void story_free(void *data)
{
  struct leaf_story *story = data;

  g_free(story->by);
  g_free(story->submission);
  g_free(story->reason);
  g_free(story);
}

struct leaf_stories *leaf_stories_new(struct store *store, uint64_t before, uint64_t after)
{
  struct leaf_stories *stories = g_new0(struct leaf_stories, 1);

  stories->store = store;
  stories->before = before;
  stories->after = after;
  stories->known = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, story_free);
  return stories;
}

void leaf_stories_free(struct leaf_stories *stories)
{
  if (!stories) return;
  g_hash_table_unref(stories->known);
  if (stories->changed) g_hash_table_unref(stories->changed);
  g_free(stories);
}

/* --- leaves --- */

static char *approver_of(const struct leaf *leaf)
{
  const uint8_t *payload = NULL;
  size_t length = 0;
  CLEANUP(submission_free) struct submission *submission = NULL;

  if (seal_peek(leaf->submission.sealed.data, leaf->submission.sealed.length, SEAL_SUBMISSION, &payload,
                &length))
    submission = submission_decode(payload, length);
  return g_strdup(submission ? submission_head(submission)->approved_by : "");
}

static struct leaf_story *read_story(struct leaf_stories *stories, uint64_t position)
{
  g_autoptr(GBytes) body = store_leaf(stories->store, position);
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;
  struct leaf_story *story;
  uint8_t id[SUBMISSION_ID_SIZE];

  if (!leaf) return NULL;
  story = g_new0(struct leaf_story, 1);
  story->position = position;
  story->recorded_ms = leaf->recorded_at_ms;
  story->reason = g_strdup(leaf->reason);
  if (leaf->kind == LEAF_SUBMISSION && store_submission_at(stories->store, position, id)) {
    story->submission = text_hex(id, sizeof id);
    story->by = approver_of(leaf);
  } else {
    story->submission = g_strdup("");
    story->by = g_strdup(leaf->by);
  }
  return story;
}

static const struct leaf_story *story_at(struct leaf_stories *stories, uint64_t position)
{
  int64_t key = (int64_t)position;
  struct leaf_story *story = g_hash_table_lookup(stories->known, &key);

  if (story) return story;
  story = read_story(stories, position);
  if (story) g_hash_table_insert(stories->known, &story->position, story);
  return story;
}

/* --- the register --- */

static bool note_change(uint64_t position, const char *unit, day_number from,
                        const struct unit_version *before, void *data)
{
  struct leaf_stories *stories = data;

  (void)from;
  (void)before;
  if (position >= stories->after) return false;
  g_hash_table_insert(stories->changed, g_strdup(unit), GSIZE_TO_POINTER((size_t)position + 1));
  return true;
}

/* The first leaf of a register is not told unit by unit: what no other has changed is its. */
static const struct leaf_story *story_of_register(struct leaf_stories *stories, const char *unit)
{
  uint64_t first = stories->after;
  size_t changed;

  if (!stories->changed) {
    stories->changed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    store_each_version_change(stories->store, stories->before, note_change, stories);
  }
  changed = GPOINTER_TO_SIZE(g_hash_table_lookup(stories->changed, unit));
  if (changed) return story_at(stories, changed - 1);
  while (store_last_leaf_of(stories->store, LEAF_REGISTER, first, &first)) continue;
  return first >= stories->before && first < stories->after ? story_at(stories, first) : NULL;
}

const struct leaf_story *leaf_stories_of(struct leaf_stories *stories, const struct explain_line *line)
{
  const struct leaf_story *story;
  uint64_t position;

  switch (line->cause) {
  case EXPLAIN_CATALOGUE:
    return store_last_leaf_of(stories->store, LEAF_CATALOGUE, stories->after, &position)
               ? story_at(stories, position)
               : NULL;
  case EXPLAIN_REGISTER:
    return story_of_register(stories, line->unit);
  case EXPLAIN_REPORT:
    story = line->revision > 0 ? story_at(stories, line->position) : NULL;
    if (!story) return NULL;
    stories->given = *story;
    stories->given.recorded_ms =
        store_leaf_recorded(stories->store, line->since); /* where it waited: later */
    return &stories->given;
  case EXPLAIN_COLUMNS:
  case EXPLAIN_CAUSES:
    break;
  }
  return NULL;
}
