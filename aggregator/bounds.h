/* What the server takes in at most: one table of limits, each with how much of it is in use, how much was at
 * most, and how often it was reached. The places that hold a limit ask its value here and tell what they did;
 * `park-aggregator top` prints the table.
 *
 * Thread-safe; nothing blocks. */
#ifndef PARKTALLY_AGGREGATOR_BOUNDS_H
#define PARKTALLY_AGGREGATOR_BOUNDS_H

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/text.h"

#include <glib.h>
#include <stdint.h>

/* name (the key under `limits:` too), what a person calls it, unit, value by default, and between what an
 * operator may set it: 0, 0 where it is not to be set. Values are kept in the last column's order, so new
 * ones may go anywhere. */
#define BOUNDS(X)                                                                                            \
  X(CONNECTIONS, "connections", N_("connections, in all"), "", LIMIT_CONNECTIONS, 8, 100000)                 \
  X(CONNECTIONS_ADDRESS, "connections_per_address", N_("connections of one address"), "",                    \
    LIMIT_CONNECTIONS_ADDRESS, 1, 100000)                                                                    \
  X(CONNECTIONS_AGENT, "connections_per_agent", N_("connections of one agent"), "", LIMIT_CONNECTIONS_AGENT, \
    1, 1000)                                                                                                 \
  X(HANDSHAKES, "handshakes", N_("handshakes under way, in all"), "", LIMIT_HANDSHAKES, 4, 100000)           \
  X(HELLOS, "hellos", N_("first steps of handshakes that are worked on"), "", LIMIT_HELLOS, 0, 0)            \
  X(HANDSHAKES_ADDRESS, "handshakes_per_address", N_("handshakes of one address"), "",                       \
    LIMIT_HANDSHAKES_ADDRESS, 1, 100000)                                                                     \
  X(CONNECTS_ADDRESS, "connects_per_address", N_("new connections of one address"), "1/s",                   \
    LIMIT_CONNECTS_ADDRESS, 1, 100000)                                                                       \
  X(HANDSHAKE_TIME, "handshake_time", N_("time for a handshake"), "ms", LIMIT_HANDSHAKE_MS, 0, 0)            \
  X(PROTOCOL, "protocol", N_("what is no ZMTP 3 with CURVE"), "", 0, 0, 0)                                   \
  X(FRAME, "frame", N_("a message"), "B", LIMIT_FRAME_BYTES, 0, 0)                                           \
  X(JOIN_FRAME, "join_frame", N_("a message of who enrols"), "B", LIMIT_JOIN_BYTES, 0, 0)                    \
  X(PARTS, "parts", N_("parts of a message"), "", 1, 0, 0)                                                   \
  X(RATE_AGENT, "rate_per_agent", N_("what one agent sends"), "B/s", LIMIT_AGENT_RATE, 65536, 1 << 30)       \
  X(DAY_AGENT, "disk_per_agent", N_("what one agent adds to the ledger within a day"), "B", LIMIT_AGENT_DAY, \
    1 << 20, (int64_t)1 << 40)                                                                               \
  X(UNSEEN_AGENT, "unseen_per_agent", N_("unfinished messages of one agent"), "B", LIMIT_UNSEEN_AGENT, 0, 0) \
  X(UNSEEN, "unseen", N_("unfinished messages, in all"), "B", LIMIT_UNSEEN, 0, 0)                            \
  X(UNTAKEN, "untaken", N_("answers that one connection does not take"), "B", LIMIT_UNTAKEN_BYTES, 0, 0)     \
  X(STALL, "stall_time", N_("time in which a connection has to get on"), "ms", LIMIT_STALL_MS, 1000, 600000) \
  X(CREDIT, "backlog", N_("submissions that are worked on, in all"), "", LIMIT_CREDIT_GLOBAL, 0, 0)          \
  X(CREDIT_AGENT, "backlog_per_agent", N_("submissions of one agent that are worked on"), "",                \
    LIMIT_CREDIT_AGENT, 0, 0)                                                                                \
  X(QUESTIONS_AGENT, "questions_per_agent", N_("questions of one agent that wait"), "",                      \
    LIMIT_QUESTIONS_AGENT, 0, 0)                                                                             \
  X(JOINING, "joining", N_("enrolments that are worked on"), "", LIMIT_JOINING, 0, 0)                        \
  X(FILES, "files", N_("open files"), "", 0, 0, 0)                                                           \
  X(DISK, "disk", N_("room kept on the disk; without it submissions are put off"), "B", LIMIT_RESERVE_BYTES, \
    0, 0)

#define BOUNDS_NAME(name, ...) BOUND_##name,
enum bound { BOUNDS(BOUNDS_NAME) BOUND_COUNT };

struct bound_kind {
  const char *name, *title, *unit; /* the title goes through gettext */
  int64_t value, least, most;
};
extern const struct bound_kind bound_kinds[BOUND_COUNT];

/* `values` has BOUND_COUNT of them, 0 for those that are as usual; NULL: all are. */
struct bounds;
struct bounds *bounds_new(const int64_t *values);
void bounds_free(struct bounds *bounds);
CLEANUP_DEFINE(struct bounds, bounds_free)

int64_t bounds_value(const struct bounds *bounds, enum bound which);
/* Where the machine gives less than was asked for. */
void bounds_set(struct bounds *bounds, enum bound which, int64_t value);

/* So much is in use now. */
void bounds_use(struct bounds *bounds, enum bound which, int64_t now);
/* It was reached, and somebody turned away, cut or made to wait. Logged with the id `limit.NAME`, with `who`
 * (an address, an agent; may be NULL), and not again for a minute. */
void bounds_bite(struct bounds *bounds, enum bound which, const char *who);

struct bound_reading {
  int64_t value, in_use, highest, refused;
};
struct bound_reading bounds_read(const struct bounds *bounds, enum bound which);

#endif
