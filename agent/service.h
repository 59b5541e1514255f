/* The service's folders: what is put into 待审 is checked, what is put into 报送 is sent, each file once, and
 * each goes to done/ or refused/ inside its folder with what was found beside it (NAME.findings.txt).
 *
 * A file is taken when its writer has closed it or moved it in; one that was found, when it stands unchanged
 * for a while and no program has it open for writing. Where that cannot be told, as on many network folders,
 * it has to stand for longer; and of a file whose last line has no end nothing is sent. A kill between
 * sending and moving only means that it is read again, and then everything in it is unchanged. */
#ifndef PARKTALLY_AGENT_SERVICE_H
#define PARKTALLY_AGENT_SERVICE_H

#include "agent/home.h"
#include "agent/outbox.h"
#include "common/cleanup.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

struct service_options {
  struct home *home; /* with the folders in its configuration */
  struct outbox *outbox;
  bool (*refresh)(void *data);  /* as in prepare_options */
  void (*sendable)(void *data); /* there is something new to send */
  void *data;
  const atomic_bool *stop; /* ends service_step() between two files, and within one */
  int64_t settle_ms;       /* how long a file that was found must stand unchanged */
  int64_t unsure_ms; /* the same where it cannot be told whether a program still has it open for writing */
};

struct service;

/* Makes the folders that are missing and begins to watch. */
struct service *service_new(const struct service_options *options, GError **error);
void service_free(struct service *service);
CLEANUP_DEFINE(struct service, service_free)

/* Readable when something happened in a folder. */
int service_fd(const struct service *service);

/* Takes what is complete, file after file, and logs what came of each. Returns for how many milliseconds
 * nothing will be due, unless service_fd() says so. Blocking. */
int64_t service_step(struct service *service);

/* Tells refusals that came from the aggregator beside their files, which go to refused/. */
void service_tell(struct service *service);

#endif
