#include "aggregator/leaf_name.h"

#include "aggregator/store/salvage.h"
#include "common/text.h"

#include <inttypes.h>

static const char *const KINDS[] = {
    [LEAF_GENESIS] = N_("the beginning"),
    [LEAF_CATALOGUE] = N_("a catalogue"),
    [LEAF_REGISTER] = N_("a register import"),
    [LEAF_INVITATION] = N_("an invitation"),
    [LEAF_ENROLMENT] = N_("an enrolment"),
    [LEAF_REVOCATION] = N_("a revocation"),
    [LEAF_SUBMISSION] = N_("a submission"),
    [LEAF_PERIOD] = N_("an opening or closing of a period"),
    [LEAF_PARK_ACT] = N_("an act of a park"),
    [LEAF_EXAMINATION] = N_("what an examination found"),
    [LEAF_ASK] = N_("a question to a park"),
    [LEAF_ACCEPT] = N_("an acceptance"),
    [LEAF_CONSENT] = N_("a consent"),
    [LEAF_DECLINE] = N_("a declined application"),
    [LEAF_EDITION] = N_("an edition"),
    [LEAF_EPOCH] = N_("a restore"),
    [LEAF_RESUME] = N_("a resume"),
    [LEAF_NOTE] = N_("a note of what an operator did"),
};

const char *leaf_kind_name(enum leaf_kind kind)
{
  return (size_t)kind < G_N_ELEMENTS(KINDS) && KINDS[kind] ? _(KINDS[kind]) : "";
}

/* By its receipt, whoever signed it: it is only a name. */
static bool ask_receipt(struct store *store, uint64_t position, char **ret_agent, uint64_t *ret_sequence)
{
  g_autoptr(GBytes) sealed = NULL;
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  const uint8_t *payload;
  size_t length;

  if (store_salvage_receipt(store, position, &sealed) != SALVAGE_GOOD ||
      !seal_peek(g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed), SEAL_RECEIPT, &payload, &length))
    return false;
  receipt = receipt_decode(payload, length);
  if (!receipt) return false;
  *ret_agent = g_strdup(receipt->agent);
  *ret_sequence = receipt->sequence;
  return true;
}

/* By what it is, where that can be read and only its row cannot. */
static enum leaf_kind ask_body(struct store *store, uint64_t position)
{
  g_autoptr(GBytes) body = NULL;
  CLEANUP(leaf_free) struct leaf *leaf = NULL;

  if (store_salvage_body(store, position, &body) == SALVAGE_GOOD)
    leaf = leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
  return leaf ? leaf->kind : 0;
}

char *leaf_name(struct store *store, uint64_t position)
{
  g_autofree char *agent = NULL;
  uint64_t sequence;
  enum leaf_kind kind = 0;
  int64_t recorded_ms;
  uint8_t hash[MERKLE_HASH_SIZE];

  if (store_salvage_row(store, position, &kind, &recorded_ms, hash) != SALVAGE_GOOD)
    kind = ask_body(store, position);
  if (store_salvage_sender(store, position, &agent, &sequence) == SALVAGE_GOOD ||
      ask_receipt(store, position, &agent, &sequence))
    return kind == LEAF_PARK_ACT ? g_strdup_printf(_("act %" PRIu64 " of %s"), sequence, agent)
                                 : g_strdup_printf(_("submission %" PRIu64 " of %s"), sequence, agent);
  return g_strdup(leaf_kind_name(kind));
}
