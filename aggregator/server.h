/* The running aggregator: folder, writer, gate and office together, from start to a clean end. */
#ifndef PARKTALLY_AGGREGATOR_SERVER_H
#define PARKTALLY_AGGREGATOR_SERVER_H

#include "aggregator/folder.h"
#include "aggregator/office.h"
#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct server;

/* A command asks for another life of the server: with new keys, or with what the folder has now. In a thread
 * of the server's, which must not be stopped from within. */
typedef void server_renew(const struct server_renewal *renewal, void *data);

struct server_options {
  const char *config_path;    /* read again at a reload; it and what follows may be NULL */
  const char *data;           /* the folder */
  const char *listen, *enrol; /* in place of the configuration's */
  const int *lock;            /* the folder's, of the life before: taken over */
  server_renew *renew;
  void *renew_data;
};

/* Takes the folder's lock, opens the store and both endpoints, and starts. */
struct server *server_start(const struct server_options *options, GError **error);
/* Leaves the folder locked when it stops, for the next life: the lock. */
int server_keep_lock(struct server *server);
/* Takes nothing more, finishes what was taken, ends. */
void server_stop(struct server *server);
CLEANUP_DEFINE(struct server, server_stop)

/* Reads configuration and catalogue again, and logs that. A bad one is refused, with what is wrong in `error`
 * (may be NULL); the old one stays in force. In any thread, one after the other. */
#define SERVER_STARTS "start" /* is no act of anybody's */
bool server_reload(struct server *server, const char *by, const char *reason, GError **error);

const char *server_folder(const struct server *server);
/* Where it listens, and where agents enrol. */
const char *server_endpoint(const struct server *server);
const char *server_enrol_endpoint(const struct server *server);

#endif
