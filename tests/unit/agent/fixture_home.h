/* An enrolled agent's folder for tests, with the keys of its aggregator at hand: catalogue
 * tests/data/small.yaml, area east. */
#ifndef PARKTALLY_TESTS_AGENT_FIXTURE_HOME_H
#define PARKTALLY_TESTS_AGENT_FIXTURE_HOME_H

#include "agent/home.h"
#include "agent/outbox.h"
#include "common/report.h"

#include <glib.h>

#define FIXTURE_UNITS 10 /* enterprises in the register, from fixture_unit(0) on */

struct fixture_home {
  char *folder; /* holds the data folder and the aggregator's keys */
  char *data;   /* the data folder */
  struct identity *server;
  struct home *home;
};

/* Codes with right check characters, ascending with n < 1000. */
const char *fixture_unit(unsigned n);

/* Enrolled, with agent.yaml of this text (NULL: none), and without documents. `endpoint` NULL: one where
 * nobody is. */
void fixture_home_enrol(struct fixture_home *fixture, const char *endpoint, const char *config);
/* Also with catalogue and register. */
void fixture_home_setup(struct fixture_home *fixture, const char *config);
void fixture_home_teardown(struct fixture_home *fixture);
void fixture_home_reopen(struct fixture_home *fixture);

/* The texts of catalogue and register. */
char *fixture_catalogue_text(void);
char *fixture_register_text(unsigned units);
/* A sealed manifest of a document. */
GByteArray *fixture_manifest(const struct fixture_home *fixture, enum document_kind kind, const char *text,
                             size_t length);
void fixture_home_store(struct fixture_home *fixture, enum document_kind kind, const char *text);

/* `path` within the fixture's folder gets this content. Newly allocated path. */
char *fixture_file(const struct fixture_home *fixture, const char *name, const char *content);

struct outbox *fixture_outbox(const struct fixture_home *fixture);

/* A change of the form `monthly` that asks the first `asked` columns; values below 0 are blank cells. */
struct report_change fixture_change(unsigned asked, const int64_t *values);

/* Adds a sealed submission of `monthly`, 2018-05, to a batch: one report for each unit. `bases`: an id for
 * each, or NULL. */
struct fixture_report {
  unsigned unit;
  struct report_change change;
  const uint8_t *base;
};
void fixture_submission(const struct fixture_home *fixture, struct outbox *outbox, int64_t batch,
                        const struct fixture_report *reports, size_t count,
                        uint8_t ret_id[SUBMISSION_ID_SIZE]);
/* The same as a sendable batch of its own. */
void fixture_sendable(const struct fixture_home *fixture, struct outbox *outbox,
                      const struct fixture_report *reports, size_t count, uint8_t ret_id[SUBMISSION_ID_SIZE]);

/* The aggregator's ledger: a leaf for each submission that got a receipt. Begins anew with each home. */
#define FIXTURE_LEAVES 200
#define FIXTURE_FIRST 7 /* leaves before the first submission */
/* A frame with its sealed head, and that it continues the heads of these sizes. */
GBytes *fixture_head(const struct fixture_home *fixture, const uint64_t *from, size_t count);
/* All from that leaf on are lost, as after restoring a backup. */
void fixture_ledger_set_back(uint64_t size);
/* Receipts prove nothing about their leaf, or do. */
void fixture_ledger_lies(bool lies);
/* The leaf is another one. */
void fixture_ledger_alter(uint64_t position);

/* A sealed receipt of the aggregator's; counts follow from `reports` and the refusals. */
GByteArray *fixture_receipt(const struct fixture_home *fixture, const uint8_t id[SUBMISSION_ID_SIZE],
                            unsigned reports, const struct refusal *refusals, size_t count, unsigned total);
/* Makes it and gives it to the outbox. */
void fixture_answer(const struct fixture_home *fixture, struct outbox *outbox,
                    const uint8_t id[SUBMISSION_ID_SIZE], unsigned reports, const struct refusal *refusals,
                    size_t count, unsigned total);

#endif
