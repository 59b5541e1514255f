/* Frames that say no, as bytes to be sent. */
#ifndef PARKTALLY_AGGREGATOR_REPLY_H
#define PARKTALLY_AGGREGATOR_REPLY_H

#include "common/submission.h"

#include <glib.h>
#include <stdint.h>

/* `id` is the submission's that it is about; NULL: about none. `code` is a finding's, `text` English: it is
 * for logs. */
GBytes *reply_fault(const uint8_t *id, const char *code, const char *text);
GBytes *reply_busy(const uint8_t id[SUBMISSION_ID_SIZE], uint32_t retry_ms);

#endif
