/* The running aggregator: folder, writer, gate and office together, from start to a clean end. */
#ifndef PARKTALLY_AGGREGATOR_SERVER_H
#define PARKTALLY_AGGREGATOR_SERVER_H

#include "aggregator/folder.h"
#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct server;
/* Takes the folder's lock, opens the store and both endpoints, and starts. `config_path` is read again at a
 * reload; it and `data` may be NULL. */
struct server *server_start(const char *config_path, const char *data, const char *listen, const char *enrol,
                            GError **error);
/* Takes nothing more, finishes what was taken, ends. */
void server_stop(struct server *server);
CLEANUP_DEFINE(struct server, server_stop)

/* Reads configuration and catalogue again. A bad one is refused, with what is wrong in `error`; the old one
 * stays in force. */
#define SERVER_STARTS "start" /* is no act of anybody's */
bool server_reload(struct server *server, const char *by, GError **error);

/* Where it listens, and where agents enrol. */
const char *server_endpoint(const struct server *server);
const char *server_enrol_endpoint(const struct server *server);

#endif
