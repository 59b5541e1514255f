/* Tells ThreadSanitizer what GLib's own locks and queues order: they wait on futexes, which it does not see
 * in a library that was not compiled for it. Part of the unit tests of the preset "tsan" alone. */
#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

static void *next(const char *name)
{
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) g_error("GLib has no %s", name);
  return function;
}

/* The function of this name behind ours. */
#define NEXT(type, name, ...)                                                                                \
  static void *found;                                                                                        \
  void *function = __atomic_load_n(&found, __ATOMIC_ACQUIRE);                                                \
  if (!function) __atomic_store_n(&found, function = next(#name), __ATOMIC_RELEASE);                         \
  type (*real)(__VA_ARGS__) = (type(*)(__VA_ARGS__))function

/* --- locks --- */

void g_mutex_lock(GMutex *mutex)
{
  NEXT(void, g_mutex_lock, GMutex *);
  real(mutex);
  __tsan_acquire(mutex);
}

void g_mutex_unlock(GMutex *mutex)
{
  NEXT(void, g_mutex_unlock, GMutex *);
  __tsan_release(mutex);
  real(mutex);
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
  NEXT(void, g_cond_wait, GCond *, GMutex *);
  __tsan_release(mutex);
  real(cond, mutex);
  __tsan_acquire(mutex);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end)
{
  NEXT(gboolean, g_cond_wait_until, GCond *, GMutex *, gint64);
  __tsan_release(mutex);
  gboolean signalled = real(cond, mutex, end);
  __tsan_acquire(mutex);
  return signalled;
}

/* Asked where it was not made yet; who is second waits here for the first. */
gboolean(g_once_init_enter)(volatile void *location)
{
  NEXT(gboolean, g_once_init_enter, volatile void *);
  gboolean first = real(location);
  __tsan_acquire((void *)location);
  return first;
}

void(g_once_init_leave)(volatile void *location, gsize result)
{
  NEXT(void, g_once_init_leave, volatile void *, gsize);
  __tsan_release((void *)location);
  real(location, result);
}

/* --- queues: what was done before a push is done before the pop that gets it --- */

void g_async_queue_push(GAsyncQueue *queue, void *data)
{
  NEXT(void, g_async_queue_push, GAsyncQueue *, void *);
  __tsan_release(data);
  __tsan_release(queue);
  real(queue, data);
}

void *g_async_queue_pop(GAsyncQueue *queue)
{
  NEXT(void *, g_async_queue_pop, GAsyncQueue *);
  void *data = real(queue);
  __tsan_acquire(data);
  return data;
}

void *g_async_queue_try_pop(GAsyncQueue *queue)
{
  NEXT(void *, g_async_queue_try_pop, GAsyncQueue *);
  void *data = real(queue);
  if (data) __tsan_acquire(data);
  return data;
}

void *g_async_queue_timeout_pop(GAsyncQueue *queue, guint64 timeout)
{
  NEXT(void *, g_async_queue_timeout_pop, GAsyncQueue *, guint64);
  void *data = real(queue, timeout);
  if (data) __tsan_acquire(data);
  return data;
}

void g_async_queue_unref(GAsyncQueue *queue)
{
  NEXT(void, g_async_queue_unref, GAsyncQueue *);
  __tsan_acquire(queue);
  real(queue);
}

/* --- pools of threads --- */

struct pool_work {
  GFunc work;
  void *data;
};

static void run_in_pool(void *item, void *data)
{
  struct pool_work *of = data;
  __tsan_acquire(item);
  of->work(item, of->data);
  __tsan_release(of);
}

static GHashTable *works; /* pool → struct pool_work; pools are made and freed by one thread */

GThreadPool *g_thread_pool_new(GFunc work, void *data, int threads, gboolean exclusive, GError **error)
{
  NEXT(GThreadPool *, g_thread_pool_new, GFunc, void *, int, gboolean, GError **);
  struct pool_work *of = g_new0(struct pool_work, 1);
  of->work = work;
  of->data = data;
  GThreadPool *pool = real(run_in_pool, of, threads, exclusive, error);
  if (!works) works = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  g_hash_table_insert(works, pool, of);
  return pool;
}

gboolean g_thread_pool_push(GThreadPool *pool, void *item, GError **error)
{
  NEXT(gboolean, g_thread_pool_push, GThreadPool *, void *, GError **);
  __tsan_release(item);
  return real(pool, item, error);
}

void g_thread_pool_free(GThreadPool *pool, gboolean immediate, gboolean wait)
{
  NEXT(void, g_thread_pool_free, GThreadPool *, gboolean, gboolean);
  real(pool, immediate, wait);
  __tsan_acquire(g_hash_table_lookup(works, pool));
  g_hash_table_remove(works, pool);
}

/* --- counted references: the last owner comes after all others --- */

void g_bytes_unref(GBytes *bytes)
{
  NEXT(void, g_bytes_unref, GBytes *);
  if (bytes) {
    __tsan_release(bytes);
    __tsan_acquire(bytes);
  }
  real(bytes);
}
