/* Preparing: from a file to a sendable batch in the outbox; the part of `push` that the service shares. */
#ifndef PARKTALLY_AGENT_PREPARE_H
#define PARKTALLY_AGENT_PREPARE_H

#include "agent/home.h"
#include "agent/outbox.h"
#include "agent/reading.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct prepare_options {
  struct home *home;
  struct outbox *outbox;
  bool check_only;             /* all that is to be found is said, nothing is made */
  const char *form;            /* or NULL */
  const struct period *period; /* or NULL */
  const char *approved_by;     /* who answers for the figures, unless check_only */
  bool whole_lines;  /* a file whose last line has no end is refused as cut off, for it may still be copied */
  const char *place; /* where the file stands, if answers are to be told beside it; or NULL */
  /* Asks the aggregator for the documents in force, briefly; true if the home has other ones now. May be
   * NULL. Called at most once for a file: where there are none yet, or before a unit is called unknown. */
  bool (*refresh)(void *data);
  finding_sink *findings;
  void *data;              /* of refresh and findings */
  const atomic_bool *stop; /* once true, preparing ends with ERROR_TEMPORARY and nothing is made; or NULL */
};

struct prepare_result {
  struct reading_result reading;
  int64_t batch;                 /* 0: nothing to send */
  uint64_t submissions, reports; /* to be sent */
  uint64_t unchanged;            /* as reported before, not sent again */
  uint64_t refused; /* because of what was reported before: blanks over figures, nothing to take back */
};

/* Reads, checks and, where the file was read whole, makes its good reports sendable in one final transaction.
 * False and `error` where nothing was made: the disk failed, the file cannot be read or changed meanwhile,
 * there is no catalogue yet. Blocking. The caller holds lock.push, unless check_only. */
bool prepare_file(const char *path, const struct prepare_options *options, struct prepare_result *ret_result,
                  GError **error);

/* 0, or 65 where anything of the file was refused. */
int prepare_exit_code(const struct prepare_result *result);

#endif
