/* What the files of the home share. */
#ifndef PARKTALLY_AGENT_HOME_PRIVATE_H
#define PARKTALLY_AGENT_HOME_PRIVATE_H

#include "agent/home.h"

/* Reads agent.yaml; `required`: its absence is an error. Fills only on success. */
bool home_config_read(const char *path, bool required, struct agent_config *ret_config, GError **error);
void home_config_clear(struct agent_config *config);

/* --- keys (home_keys.c), and the file that says who is who (home.c) --- */

/* Both files, as they are now. Nothing changes on failure, but for what is read first. */
bool home_read_keys(struct home *home, GError **error);
bool home_read_enrolment(struct home *home, GError **error);
void home_clear_enrolment(struct home *home);
/* The aggregator's keys since the invitation into the file, durably. */
bool home_write_server_keys(const struct home *home, const struct key_chain *keys, GError **error);

/* Reads catalogue and register from the folder into `home`, as far as they are there and right. */
bool home_read_documents(struct home *home, GError **error);

/* The whole of a small file; NULL without error if it does not exist, ERROR_CONFIG if it is larger than
 * `most`. */
GBytes *home_read_file(const char *folder, const char *name, size_t most, GError **error);
/* Replaces a file, mode 0600, durably. */
bool home_write_file(const char *folder, const char *name, const void *data, size_t length, GError **error);

#endif
