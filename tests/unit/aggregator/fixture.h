/* A real aggregator's folder for tests: identity, store with ledger, tests/data/small.yaml, agents with keys,
 * and a writer. */
#ifndef PARKTALLY_TESTS_AGGREGATOR_FIXTURE_H
#define PARKTALLY_TESTS_AGGREGATOR_FIXTURE_H

#include "aggregator/writer.h"
#include "common/codec.h"
#include "common/identity.h"
#include "common/report.h"
#include "common/submission.h"

#include <glib.h>

struct fixture_agent {
  struct identity *identity;
  char *id;
  uint64_t sequence;
};

struct fixture {
  char *folder;
  struct identity *identity;
  struct writer *writer;
};

/* Valid codes of enterprises for n below 1000; static storage, a few calls deep. */
const char *fixture_uscc(unsigned n);

/* A new folder with genesis and catalogue; `register_csv` may be NULL. */
void fixture_setup(struct fixture *fixture, const char *register_csv);
/* Ends the writer and starts it again, as a restart does. */
void fixture_restart(struct fixture *fixture);
void fixture_teardown(struct fixture *fixture);

/* Acts, which must succeed. */
void fixture_import(struct fixture *fixture, const char *register_csv);
void fixture_enrol(struct fixture *fixture, const char *area, struct fixture_agent *ret_agent);
/* The same of one with a role and forms by name, joined by ";", or "". */
void fixture_enrol_for(struct fixture *fixture, const char *area, enum agent_role role, const char *forms,
                       struct fixture_agent *ret_agent);
void fixture_revoke(struct fixture *fixture, const struct fixture_agent *agent);
void fixture_agent_clear(struct fixture_agent *agent);

/* One report of a submission in the making. `columns`/`values` in the form's order; a NULL text is a blank
 * cell, "x" withdraws. */
struct fixture_report {
  const char *unit;
  enum report_kind kind;
  const uint8_t *base; /* or NULL */
  struct report_change change;
};

/* Seals reports (by unit) as the agent would. `ret_id` may be NULL. */
GBytes *fixture_seal(struct fixture *fixture, struct fixture_agent *agent, const char *form,
                     const char *period, const struct fixture_report *reports, size_t count,
                     uint8_t ret_id[SUBMISSION_ID_SIZE]);

/* The same under a catalogue that need not be the one in force. */
GBytes *fixture_seal_under(struct fixture *fixture, const struct catalogue *catalogue,
                           struct fixture_agent *agent, const char *form, const char *period,
                           const struct fixture_report *reports, size_t count,
                           uint8_t ret_id[SUBMISSION_ID_SIZE]);

/* An act in which `by` admits the agent. */
GBytes *fixture_seal_admission(struct fixture_agent *by, const struct fixture_agent *agent);
/* It must be carried out. */
void fixture_admit(struct fixture *fixture, struct fixture_agent *by, const struct fixture_agent *agent);

/* Judges and submits, waits for the commit. The receipt, or NULL and the error. */
struct receipt *fixture_submit(struct fixture *fixture, GBytes *sealed, GError **error);
/* The same of one that was judged already, which it takes. */
struct receipt *fixture_submit_judged(struct fixture *fixture, struct judged *judged, GError **error);

/* A change with one value of one column of a form. */
struct report_change fixture_value(unsigned column, int64_t value);

#endif
