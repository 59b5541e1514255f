/* Random cities that live twice: in a real aggregator's folder, and in the slow reckoning of reference.h. */
#ifndef PARKTALLY_TESTS_AGGREGATOR_REFERENCE_WORLD_H
#define PARKTALLY_TESTS_AGGREGATOR_REFERENCE_WORLD_H

#include "fixture.h"
#include "reference.h"

#include "aggregator/store/store.h"

#include <glib.h>

struct world {
  struct fixture fixture;
  struct fixture_agent agents[REFERENCE_PARKS];
  struct store *reader;
  GRand *random;
  char unit[REFERENCE_UNITS][32]; /* ascending */
  struct reference_city *city;    /* as of all events */
  GPtrArray *events;              /* struct reference_event */
  GArray *leaves;                 /* uint64_t: how many there were after each */
  struct reference_rules rules;
  int first_month;     /* of three that are reported, each year */
  unsigned columns[3]; /* that parks fill in, by form */
  int submissions;
  struct {
    uint8_t id[SUBMISSION_ID_SIZE];
    GBytes *sealed;
    struct reference_event *event;
    bool is_sent; /* then the event is the events' */
  } submission[REFERENCE_SUBMISSIONS];
  unsigned long cases;
};

/* With units, agents, a catalogue and a first register. */
struct world *reference_world_new(uint32_t seed);
void reference_world_free(struct world *world);

/* One thing happens: the register or the catalogue changes, a park reports, or what was kept back arrives. */
void reference_world_step(struct world *world);

/* The catalogue's code of a form. */
const char *reference_world_form(enum reference_form form);
struct period reference_world_period(struct reference_period period);

#endif
