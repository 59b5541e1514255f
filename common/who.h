/* Who gave a command: what the operating system vouches for. */
#ifndef PARKTALLY_COMMON_WHO_H
#define PARKTALLY_COMMON_WHO_H

#include <sys/types.h>

/* The user's name, "uid:N" if it has none. Newly allocated. */
char *who_name(uid_t user);

/* The same; of root, with who logged in as somebody else and became root,
 * where the system has kept that (audit(7)'s login uid): "root (liming)". Newly allocated. `process` is one
 * of that user's, 0 for this one. */
char *who_is(uid_t user, pid_t process);

#endif
