/* Scope-bound cleanup for our own structs, as g_autoptr() is for GLib's types:
 *
 *   CLEANUP(db_close) struct db *db = db_open(…);
 */
#ifndef PARKTALLY_COMMON_CLEANUP_H
#define PARKTALLY_COMMON_CLEANUP_H

/* In a header, after the prototype of `function`, which takes a `type *`. */
#define CLEANUP_DEFINE(type, function)                                                                       \
  __attribute__((unused)) static inline void function##_at_scope_end(type **pointer)                         \
  {                                                                                                          \
    if (*pointer) function(*pointer);                                                                        \
  }

/* The variable may be there for its end alone. */
#define CLEANUP(function) __attribute__((unused, cleanup(function##_at_scope_end)))

#endif
