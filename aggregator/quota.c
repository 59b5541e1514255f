#include "aggregator/quota.h"

#include <assert.h>
#include <glib.h>

struct quota {
  int references; /* atomic */
  GMutex lock;    /* of what follows */
  GCond changed;
  uint64_t turn; /* whose turn it is */
  size_t left;
};

struct quota *quota_new(size_t total)
{
  struct quota *quota = g_new0(struct quota, 1);

  quota->references = 1;
  g_mutex_init(&quota->lock);
  g_cond_init(&quota->changed);
  quota->left = total;
  return quota;
}

struct quota *quota_ref(struct quota *quota)
{
  g_atomic_int_inc(&quota->references);
  return quota;
}

void quota_unref(struct quota *quota)
{
  if (!quota || !g_atomic_int_dec_and_test(&quota->references)) return;
  g_mutex_clear(&quota->lock);
  g_cond_clear(&quota->changed);
  g_free(quota);
}

void quota_take(struct quota *quota, uint64_t turn, size_t part)
{
  g_mutex_lock(&quota->lock);
  assert(turn >= quota->turn);
  while (quota->turn != turn || quota->left < part) g_cond_wait(&quota->changed, &quota->lock);
  quota->turn++;
  quota->left -= part;
  g_cond_broadcast(&quota->changed);
  g_mutex_unlock(&quota->lock);
}

void quota_give(struct quota *quota, size_t part)
{
  g_mutex_lock(&quota->lock);
  quota->left += part;
  g_cond_broadcast(&quota->changed);
  g_mutex_unlock(&quota->lock);
}
