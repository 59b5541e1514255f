/* What the files of the service share: service.c watches, service_file.c handles one file, service_tell.c
 * what was answered. */
#ifndef PARKTALLY_AGENT_SERVICE_PRIVATE_H
#define PARKTALLY_AGENT_SERVICE_PRIVATE_H

#include "agent/findings_file.h"
#include "agent/service.h"
#include "common/clock.h"

#include <sys/types.h>

#define DONE_FOLDER "done"
#define REFUSED_FOLDER "refused"

/* A watched folder. */
struct watch {
  const char *folder;     /* of the configuration; "" is none */
  bool submit;            /* files are sent, not only checked */
  int descriptor;         /* inotify's */
  GHashTable *candidates; /* name → struct candidate */
};

struct service {
  struct service_options options;
  int inotify;
  struct watch watches[2];
  struct mono_time scan_at; /* the next slow look at everything */
  GHashTable *said;         /* set of paths of which trouble was said, once of each */
};

/* Checks or sends the file and moves it. False: it stays and is looked at again later. */
bool service_handle(struct service *service, const struct watch *watch, const char *name);

/* done/ or refused/, which somebody may have removed while the service ran. False: it cannot be made. */
bool service_make_folder(const char *path);

/* Moves `from` into `folder` under its own name, or one made unique with the time; its findings file goes to
 * the place that is returned with FINDINGS_SUFFIX. NULL on failure, which is logged. Newly allocated. */
char *service_move(const char *from, const char *folder);
/* The path that it would get. */
char *service_free_path(const char *folder, const char *name);

#endif
