/* Rights: what an agent may report, and whose consent a further agent needs. Pure.
 *
 * An agent has rights in one area: to the forms that it was invited to by name, or else to every form of its
 * role. Who has rights is an agent that neither waits for admission nor is revoked. */
#ifndef PARKTALLY_AGGREGATOR_RIGHTS_H
#define PARKTALLY_AGGREGATOR_RIGHTS_H

#include "aggregator/snapshot.h"

#include <stdbool.h>

/* Whether it has rights. */
bool rights_in_force(const struct stored_agent *agent);

/* Whether it was enrolled for the form, which may be NULL: no form. */
bool rights_to_form(const struct stored_agent *agent, const struct form *form);

/* Whether one of them could say something in the other's name: in the same area, where a park's agents share
 * everything (inquiries, applications, admissions), and bureaux the forms that both have. */
bool rights_overlap(const struct catalogue *catalogue, const struct stored_agent *one,
                    const struct stored_agent *other);

/* What an agent finds that enrols now. */
enum agent_entry rights_entry(const struct snapshot *snapshot, const struct stored_agent *newcomer);

/* Whether `by`, which has rights, may admit one that waits: their rights overlap, and each form of the
 * newcomer that anybody has rights to in the area is one of its own. `*ret_form` is the one that is not, or
 * NULL. */
bool rights_to_admit(const struct snapshot *snapshot, const struct stored_agent *by,
                     const struct stored_agent *newcomer, const char **ret_form);

/* Who has rights that were those of a revoked agent, and enrolled after it: ids, joined by ", ". Newly
 * allocated. */
char *rights_successors(const struct snapshot *snapshot, const struct stored_agent *revoked);

#endif
