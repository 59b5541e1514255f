/* Inquiries, consents and acceptance. */
#include "aggregator/store/inquiries.h"
#include "aggregator/store/private.h"

/* --- inquiries --- */

static void clear_inquiry(void *data)
{
  struct stored_inquiry *inquiry = data;

  g_free(inquiry->unit);
  g_free(inquiry->park);
  g_free(inquiry->rule);
  g_free(inquiry->indicator);
  g_free(inquiry->found);
  g_free(inquiry->expected);
  g_free(inquiry->question);
  g_free(inquiry->answer);
  g_free(inquiry->answered_by);
}

static const char *text_of(const char *text)
{
  return text ? text : "";
}

void store_inquiry_put(struct store *store, const struct stored_inquiry *inquiry)
{
  struct db_row *row = db_query(
      store->db, "INSERT OR REPLACE INTO inquiry (number, book, unit, park, rule, indicator, found, expected,"
                 " question, answer, answered_by, state, about, asked, answered, settled)"
                 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)inquiry->number);
  db_bind_int(row, inquiry->book);
  db_bind_text(row, inquiry->unit);
  db_bind_text(row, inquiry->park);
  db_bind_text(row, inquiry->rule);
  db_bind_text(row, text_of(inquiry->indicator));
  db_bind_text(row, text_of(inquiry->found));
  db_bind_text(row, text_of(inquiry->expected));
  db_bind_text(row, text_of(inquiry->question));
  db_bind_text(row, text_of(inquiry->answer));
  db_bind_text(row, text_of(inquiry->answered_by));
  db_bind_int(row, inquiry->state);
  db_bind_int(row, (int64_t)inquiry->about);
  db_bind_int(row, inquiry->asked_ms);
  db_bind_int(row, inquiry->answered_ms);
  db_bind_int(row, inquiry->settled_ms);
  db_run(row);
}

void store_inquiry_add(struct store *store, struct stored_inquiry *inquiry)
{
  {
    CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT max(number) FROM inquiry");
    inquiry->number = db_step(row) ? (uint64_t)db_int(row, 0) + 1 : 1;
  }
  store_inquiry_put(store, inquiry);
}

#define INQUIRY_COLUMNS                                                                                      \
  "SELECT number, book, unit, park, rule, indicator, found, expected, question, answer, answered_by, state," \
  " about, asked, answered, settled FROM inquiry "

static GArray *read_inquiries(struct db_row *row)
{
  GArray *inquiries = g_array_new(FALSE, FALSE, sizeof(struct stored_inquiry));

  g_array_set_clear_func(inquiries, clear_inquiry);
  while (db_step(row)) {
    struct stored_inquiry inquiry = {
        .number = (uint64_t)db_int(row, 0),
        .book = db_int(row, 1),
        .unit = g_strdup(db_text(row, 2)),
        .park = g_strdup(db_text(row, 3)),
        .rule = g_strdup(db_text(row, 4)),
        .indicator = g_strdup(db_text(row, 5)),
        .found = g_strdup(db_text(row, 6)),
        .expected = g_strdup(db_text(row, 7)),
        .question = g_strdup(db_text(row, 8)),
        .answer = g_strdup(db_text(row, 9)),
        .answered_by = g_strdup(db_text(row, 10)),
        .state = (enum inquiry_state)db_int(row, 11),
        .about = (uint64_t)db_int(row, 12),
        .asked_ms = db_int(row, 13),
        .answered_ms = db_int(row, 14),
        .settled_ms = db_int(row, 15),
    };
    g_array_append_val(inquiries, inquiry);
  }
  return inquiries;
}

GArray *store_inquiry(struct store *store, uint64_t number)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, INQUIRY_COLUMNS "WHERE number = ?");
  db_bind_int(row, (int64_t)MIN(number, INT64_MAX));
  return read_inquiries(row);
}

GArray *store_inquiries_about(struct store *store, int64_t book, const char *unit)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, INQUIRY_COLUMNS "WHERE book = ? AND unit = ? ORDER BY number");
  db_bind_int(row, book);
  db_bind_text(row, unit);
  return read_inquiries(row);
}

GArray *store_inquiries_in_book(struct store *store, int64_t book)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, INQUIRY_COLUMNS "WHERE book = ? AND state <> 4 ORDER BY number");
  db_bind_int(row, book);
  return read_inquiries(row);
}

static GArray *read_chosen(struct db_row *row, const char *park, int64_t book, uint64_t behind, size_t most)
{
  db_bind_text(row, park);
  db_bind_int(row, book);
  db_bind_int(row, (int64_t)MIN(behind, INT64_MAX));
  db_bind_int(row, (int64_t)MIN(most, INT64_MAX));
  return read_inquiries(row);
}

GArray *store_inquiries_unsettled(struct store *store, const char *park, int64_t book, uint64_t behind,
                                  size_t most)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, INQUIRY_COLUMNS
                                "WHERE settled = 0 AND (?1 IS NULL OR park = ?1) AND (?2 = 0 OR book = ?2)"
                                " AND number > ?3 ORDER BY number LIMIT ?4");
  return read_chosen(row, park, book, behind, most);
}

GArray *store_inquiries_all(struct store *store, const char *park, int64_t book, uint64_t behind, size_t most)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, INQUIRY_COLUMNS "WHERE (?1 IS NULL OR park = ?1) AND (?2 = 0 OR book = ?2)"
                                          " AND number > ?3 ORDER BY number LIMIT ?4");
  return read_chosen(row, park, book, behind, most);
}

GArray *store_inquiries_page(struct store *store, const char *park, uint64_t behind, size_t most)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, INQUIRY_COLUMNS
                                "WHERE settled = 0 AND park = ? AND number > ? ORDER BY number LIMIT ?");
  db_bind_text(row, park);
  db_bind_int(row, (int64_t)MIN(behind, INT64_MAX));
  db_bind_int(row, (int64_t)MIN(most, INT64_MAX));
  return read_inquiries(row);
}

size_t store_inquiries_count(struct store *store, const char *park)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT count(*) FROM inquiry WHERE settled = 0 AND park = ?");
  db_bind_text(row, park);
  return db_step(row) ? (size_t)db_int(row, 0) : 0;
}

bool store_has_inquiries(struct store *store, int64_t book)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT 1 FROM inquiry WHERE book = ? AND state <> 4 LIMIT 1");
  db_bind_int(row, book);
  return db_step(row);
}

void store_examined_put(struct store *store, uint64_t position)
{
  struct db_row *row = db_query(store->db, "INSERT OR REPLACE INTO meta (key, value) VALUES ('examined', ?)");
  int64_t stored = GINT64_TO_LE((int64_t)position);

  db_bind_blob(row, &stored, sizeof stored);
  db_run(row);
}

uint64_t store_examined(struct store *store)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT value FROM meta WHERE key = 'examined'");
  int64_t stored = 0;
  size_t length;

  if (!db_step(row)) return 0;
  const uint8_t *value = db_blob(row, 0, &length);
  if (length == sizeof stored)
    memcpy(&stored, value, sizeof stored);
  else
    store_damaged(store, "meta", "examined");
  return (uint64_t)GINT64_FROM_LE(stored);
}

/* --- consents --- */

void store_consent_put(struct store *store, const struct stored_consent *consent)
{
  struct db_row *row = db_query(store->db, "INSERT OR IGNORE INTO consent (form, period, unit, rule, area,"
                                           " position) VALUES (?, ?, ?, ?, ?, ?)");
  db_bind_text(row, consent->form);
  db_bind_int(row, period_key(consent->period));
  db_bind_text(row, consent->unit);
  db_bind_text(row, consent->rule);
  db_bind_text(row, consent->area);
  db_bind_int(row, (int64_t)consent->position);
  db_run(row);
}

bool store_has_consent(struct store *store, const char *form, struct period period, const char *unit,
                       const char *rule, const char *area)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT 1 FROM consent WHERE form = ? AND period = ? AND unit = ?"
                                           " AND rule = ? AND area = ?");
  db_bind_text(row, form);
  db_bind_int(row, period_key(period));
  db_bind_text(row, unit);
  db_bind_text(row, rule);
  db_bind_text(row, area);
  return db_step(row);
}

static void clear_consent(void *data)
{
  struct stored_consent *consent = data;

  g_free(consent->form);
  g_free(consent->unit);
  g_free(consent->rule);
  g_free(consent->area);
}

#define CONSENT_COLUMNS "SELECT form, period, unit, rule, area, position FROM consent "

static GArray *read_consents(struct store *store, struct db_row *row)
{
  GArray *consents = g_array_new(FALSE, FALSE, sizeof(struct stored_consent));
  g_array_set_clear_func(consents, clear_consent);
  while (db_step(row)) {
    struct stored_consent consent = {.position = (uint64_t)db_int(row, 5)};
    int64_t key = db_int(row, 1);

    if (key < 0 || key > INT32_MAX || !period_from_key((int32_t)key, &consent.period)) {
      store_damaged(store, "consent", "%s", db_text(row, 2));
      break;
    }
    consent.form = g_strdup(db_text(row, 0));
    consent.unit = g_strdup(db_text(row, 2));
    consent.rule = g_strdup(db_text(row, 3));
    consent.area = g_strdup(db_text(row, 4));
    g_array_append_val(consents, consent);
  }
  return consents;
}

GArray *store_consents(struct store *store)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, CONSENT_COLUMNS "ORDER BY position");
  return read_consents(store, row);
}

GArray *store_consents_page(struct store *store, const char *area, uint64_t behind, size_t most)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, CONSENT_COLUMNS "WHERE area = ? AND position > ? ORDER BY position LIMIT ?");
  db_bind_text(row, area);
  db_bind_int(row, (int64_t)MIN(behind, INT64_MAX));
  db_bind_int(row, (int64_t)MIN(most, INT64_MAX));
  return read_consents(store, row);
}

/* --- acceptance --- */

void store_acceptance_put(struct store *store, int64_t book, const char *area, uint64_t position)
{
  struct db_row *row =
      db_query(store->db, "INSERT OR REPLACE INTO acceptance (book, area, position) VALUES (?, ?, ?)");
  db_bind_int(row, book);
  db_bind_text(row, area);
  db_bind_int(row, (int64_t)position);
  db_run(row);
}

uint64_t store_acceptance(struct store *store, int64_t book, const char *area)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT position FROM acceptance WHERE book = ? AND area = ?");
  db_bind_int(row, book);
  db_bind_text(row, area);
  return db_step(row) ? (uint64_t)db_int(row, 0) : 0;
}

static void clear_acceptance(void *data)
{
  g_free(((struct stored_acceptance *)data)->area);
}

GArray *store_acceptances(struct store *store)
{
  GArray *acceptances = g_array_new(FALSE, FALSE, sizeof(struct stored_acceptance));
  g_array_set_clear_func(acceptances, clear_acceptance);
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT book, area, position FROM acceptance ORDER BY book, area");
  while (db_step(row)) {
    struct stored_acceptance acceptance = {
        .book = db_int(row, 0), .area = g_strdup(db_text(row, 1)), .position = (uint64_t)db_int(row, 2)};
    g_array_append_val(acceptances, acceptance);
  }
  return acceptances;
}

/* --- what an area is told --- */

uint64_t store_area_state(struct store *store, const char *area)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT state FROM area_state WHERE area = ?");
  db_bind_text(row, area);
  return db_step(row) ? (uint64_t)db_int(row, 0) : 0;
}

void store_area_state_put(struct store *store, const char *area, uint64_t state)
{
  struct db_row *row = db_query(store->db, "INSERT OR REPLACE INTO area_state (area, state) VALUES (?, ?)");
  db_bind_text(row, area);
  db_bind_int(row, (int64_t)state);
  db_run(row);
}
