#include "aggregator/succession.h"

#include <glib.h>
#include <string.h>

/* Which unit it goes by that says where all of them are today. */
enum lead { LEAD_NONE, LEAD_WAS_THERE, LEAD_OWES, LEAD_REPORTED };

struct succession {
  GPtrArray *members;   /* char * */
  GArray *now, *before; /* struct compare_figure */
  enum lead lead;
  int64_t figure, today; /* of the leading unit */
  const char *leader;    /* of members */
};

struct successions {
  GHashTable *by_unit; /* → struct succession */
  GPtrArray *all;      /* owns them */
  GPtrArray *units;    /* the keys of by_unit, ascending */
  unsigned next;       /* of `units` */
};

static void succession_free(void *data)
{
  struct succession *succession = data;
  g_ptr_array_unref(succession->members);
  g_array_unref(succession->now);
  g_array_unref(succession->before);
  g_free(succession);
}

/* --- from the register --- */

static struct succession *succession_of(struct successions *successions, const char *unit)
{
  struct succession *succession = g_hash_table_lookup(successions->by_unit, unit);
  if (succession) return succession;
  succession = g_new0(struct succession, 1);
  succession->members = g_ptr_array_new_with_free_func(g_free);
  succession->now = g_array_new(FALSE, FALSE, sizeof(struct compare_figure));
  succession->before = g_array_new(FALSE, FALSE, sizeof(struct compare_figure));
  char *member = g_strdup(unit);
  g_ptr_array_add(succession->members, member);
  g_hash_table_insert(successions->by_unit, member, succession);
  return succession;
}

static void join(struct successions *successions, const char *successor, const char *predecessor)
{
  struct succession *into = succession_of(successions, successor);
  struct succession *from = succession_of(successions, predecessor);
  if (into == from) return;
  for (unsigned n = 0; n < from->members->len; n++)
    g_hash_table_insert(successions->by_unit, from->members->pdata[n], into);
  g_ptr_array_extend_and_steal(into->members, g_ptr_array_ref(from->members));
  succession_free(from);
}

/* Whether a version of the unit before the nth named it already. */
static bool succeeded_before(const struct unit_register *units, size_t n, const char *predecessor)
{
  const char *unit = register_nth(units, n)->unit;
  while (n-- > 0 && strcmp(register_nth(units, n)->unit, unit) == 0)
    if (register_list_has(register_nth(units, n)->succeeds, predecessor)) return true;
  return false;
}

static void join_version(struct successions *successions, const struct unit_register *units, size_t n)
{
  const struct unit_version *version = register_nth(units, n);
  g_auto(GStrv) predecessors = g_strsplit(version->succeeds, ";", -1);
  for (char **predecessor = predecessors; *predecessor; predecessor++)
    if (**predecessor && !succeeded_before(units, n, *predecessor))
      join(successions, version->unit, *predecessor);
}

static int by_text(const void *left, const void *right)
{
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void list(struct successions *successions)
{
  GHashTableIter iter;
  void *unit, *item;
  g_hash_table_iter_init(&iter, successions->by_unit);
  while (g_hash_table_iter_next(&iter, &unit, &item)) {
    struct succession *succession = item;
    g_ptr_array_add(successions->units, unit);
    if (succession->members->pdata[0] == unit) g_ptr_array_add(successions->all, succession);
  }
  g_ptr_array_sort(successions->units, by_text);
}

struct successions *successions_new(const struct unit_register *units, struct period base,
                                    struct period period)
{
  struct successions *successions = g_new0(struct successions, 1);
  day_number first = period_first_day(base), last = period_last_day(period);
  successions->by_unit = g_hash_table_new(g_str_hash, g_str_equal);
  successions->all = g_ptr_array_new_with_free_func(succession_free);
  successions->units = g_ptr_array_new();
  for (size_t n = 0; n < register_size(units); n++) {
    const struct unit_version *version = register_nth(units, n);
    if (version->succeeds[0] && version->from > first && version->from <= last)
      join_version(successions, units, n);
  }
  list(successions);
  return successions;
}

void successions_free(struct successions *successions)
{
  if (!successions) return;
  g_hash_table_unref(successions->by_unit);
  g_ptr_array_unref(successions->units);
  g_ptr_array_unref(successions->all);
  g_free(successions);
}

/* --- figures --- */

struct succession *successions_next(struct successions *successions, const char *unit)
{
  while (successions->next < successions->units->len) {
    int order = strcmp(successions->units->pdata[successions->next], unit);
    if (order == 0) return g_hash_table_lookup(successions->by_unit, unit);
    if (order > 0) break;
    successions->next++;
  }
  return NULL;
}

static void append(GArray *figures, const struct compare_figure *added, size_t count)
{
  if (count > 0) g_array_append_vals(figures, added, (unsigned)count);
}

static const char *member_of(const struct succession *succession, const char *code)
{
  for (unsigned n = 0; n < succession->members->len; n++)
    if (strcmp(succession->members->pdata[n], code) == 0) return succession->members->pdata[n];
  return NULL;
}

/* Of equals the first by code. */
static void follow(struct succession *succession, const char *code, enum lead lead, int64_t figure,
                   int64_t today)
{
  if (lead == LEAD_NONE || lead < succession->lead) return;
  if (lead == succession->lead) {
    if (figure < succession->figure) return;
    if (figure == succession->figure && strcmp(code, succession->leader) >= 0) return;
  }
  succession->leader = member_of(succession, code);
  succession->lead = lead;
  succession->figure = figure;
  succession->today = today;
}

void succession_add(struct succession *succession, const char *code, const struct compare_unit *unit)
{
  int64_t figure = 0;
  for (size_t n = 0; n < unit->now_count; n++) figure += unit->now[n].value;
  follow(succession, code, unit->now_count > 0 ? LEAD_REPORTED : LEAD_WAS_THERE, figure, unit->today);
  append(succession->now, unit->now, unit->now_count);
  append(succession->before, unit->before, unit->before_count);
}

static const struct compare_figure *figures_of(const GArray *figures)
{
  return (const struct compare_figure *)(const void *)figures->data;
}

void successions_join(struct successions *successions, const struct successions *later)
{
  for (unsigned n = 0; n < later->all->len; n++) {
    const struct succession *from = later->all->pdata[n];
    struct succession *into = g_hash_table_lookup(successions->by_unit, from->members->pdata[0]);
    if (from->leader) follow(into, from->leader, from->lead, from->figure, from->today);
    append(into->now, figures_of(from->now), from->now->len);
    append(into->before, figures_of(from->before), from->before->len);
  }
}

/* All of them: also a unit that reported nothing in either period may have owed something. */
static void ask_members(struct succession *succession, succession_owed *owed, void *data,
                        struct compare_unit *unit)
{
  for (unsigned n = 0; n < succession->members->len; n++) {
    const char *code = succession->members->pdata[n];
    struct compare_unit member = {.now_count = 0};
    owed(code, &member, data);
    if (member.owed_now) follow(succession, code, LEAD_OWES, 0, member.today);
    unit->owed_now |= member.owed_now;
    unit->owed_before |= member.owed_before;
  }
}

void successions_compare(struct successions *successions, struct comparing *comparing, succession_owed *owed,
                         void *data)
{
  for (unsigned n = 0; n < successions->all->len; n++) {
    struct succession *succession = successions->all->pdata[n];
    struct compare_unit unit = {.now = figures_of(succession->now),
                                .before = figures_of(succession->before),
                                .now_count = succession->now->len,
                                .before_count = succession->before->len};
    if (unit.now_count + unit.before_count == 0) continue;
    ask_members(succession, owed, data, &unit);
    unit.today = succession->today;
    comparing_add(comparing, &unit);
  }
}
