/* The schema, as numbered migrations. To change it: append a migration that turns the last version into the
 * next one; never edit one that has been released. A store of a newer version than this table is refused.
 *
 * It is made to be read with a plain SQL shell: the views `reports` and `totals` show forms, periods and
 * areas by name. Writing from a shell breaks checksums, and the next read says which row. Periods are stored
 * as period_key(): year, first month, number of months, such as 20180501; days as days since 1970-01-01;
 * times as milliseconds since then, UTC. */
#include "aggregator/store/private.h"

/* A period's canonical text (period.h), in SQL. */
#define PERIOD_TEXT                                                                                          \
  "CASE book.period % 100"                                                                                   \
  " WHEN 12 THEN printf('%04d', book.period / 10000)"                                                        \
  " WHEN 3 THEN printf('%04d-Q%d', book.period / 10000, (book.period / 100 % 100 + 2) / 3)"                  \
  " WHEN 2 THEN printf('%04d-%02d/P2M', book.period / 10000, book.period / 100 % 100)"                       \
  " ELSE printf('%04d-%02d', book.period / 10000, book.period / 100 % 100) END"

/* Elements of a line of a block, or of a cell of a family. SQLite takes json_extract() for unsafe in a view.
 */
#define ELEMENT(n) "(SELECT value FROM json_each(item.value) WHERE key = " n ")"
#define ELEMENT_0 ELEMENT("0")
#define ELEMENT_1 ELEMENT("1")
#define ELEMENT_2 ELEMENT("2")
#define ELEMENT_3 ELEMENT("3")
#define ELEMENT_4 ELEMENT("4")
#define ELEMENT_5 ELEMENT("5")
#define ELEMENT_6 ELEMENT("6")
#define ELEMENT_7 ELEMENT("7")
#define REVISION "ifnull(" ELEMENT("9") ", 1)"
#define KIND "ifnull(" ELEMENT("10") ", 0)"
#define COUNTED "ifnull(" ELEMENT("12") ", 1)"

/* A report's figures: what its line says of them and, behind that, what stands in the ledger, which may go on
 * in the next part. */
#define IN_LEDGER(part, from, bytes)                                                                         \
  "ifnull((SELECT hex(substr(bytes, " from ", " bytes ")) FROM leaf_part WHERE leaf_part.id ="               \
  " (position << 16) + " part " AND length > 0), '')"
#define PART G_STRINGIFY(LIMIT_PART_BYTES)
#define FIGURES                                                                                              \
  "upper(figures) || " IN_LEDGER("1 + at / " PART, "at % " PART " + 1", "length") " || " IN_LEDGER(          \
      "2 + at / " PART, "1", "max(0, at % " PART " + length - " PART ")")

static const char FIRST[] =
    "CREATE TABLE meta (\n"
    "  key TEXT PRIMARY KEY,\n"
    "  value BLOB NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    /* The ledger: the one thing that all the rest follows from. */
    "CREATE TABLE leaf (\n"
    "  position INTEGER PRIMARY KEY,\n"
    "  kind INTEGER NOT NULL,        -- enum leaf_kind, common/codec.h\n"
    "  recorded INTEGER NOT NULL,\n"
    "  hash BLOB NOT NULL            -- RFC 6962 leaf hash of the body, which is its parts, one after the "
    "other\n"
    ") STRICT;\n"
    /* A page each, so that a report's figures are read without the rest. */
    "CREATE TABLE leaf_part (\n"
    "  id INTEGER PRIMARY KEY,       -- position × 65536 + number; what stands before a sealed submission is "
    "0,\n"
    "                                -- the submission begins with 1\n"
    "  bytes BLOB NOT NULL\n"
    ") STRICT;\n"
    /* Ids arrive in random order, so nothing large stands beside them. */
    "CREATE TABLE submission (\n"
    "  id BLOB PRIMARY KEY,\n"
    "  position INTEGER NOT NULL UNIQUE,\n"
    "  agent TEXT NOT NULL,\n"
    "  sequence INTEGER NOT NULL,\n"
    "  UNIQUE (agent, sequence)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX submission_by_agent ON submission (agent, position);\n"
    "CREATE TABLE receipt (\n"
    "  position INTEGER PRIMARY KEY, -- of the submission\n"
    "  sealed BLOB NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE waiting (\n"
    "  position INTEGER NOT NULL,\n"
    "  line INTEGER NOT NULL,\n"
    "  unit TEXT NOT NULL,\n"
    "  base BLOB NOT NULL,           -- id of the submission that has not arrived, or waits itself\n"
    "  PRIMARY KEY (position, line),\n"
    "  UNIQUE (position, unit)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX waiting_by_base ON waiting (base, unit);\n"
    "CREATE TABLE book (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  form TEXT NOT NULL,\n"
    "  period INTEGER NOT NULL,\n"
    "  UNIQUE (form, period)\n"
    ") STRICT;\n"
    /* Current reports, many to a row; see block.h. */
    "CREATE TABLE block (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  book INTEGER NOT NULL,\n"
    "  unit TEXT NOT NULL,           -- reports of this unit and those after it, up to the next block\n"
    "  reports TEXT NOT NULL,        -- JSON\n"
    "  checksum INTEGER NOT NULL,\n"
    "  UNIQUE (book, unit)\n"
    ") STRICT;\n"
    "CREATE TABLE revision (\n"
    "  book INTEGER NOT NULL,\n"
    "  unit TEXT NOT NULL,\n"
    "  place INTEGER NOT NULL,       -- among the unit's reports, from 0, as parks came\n"
    "  revision INTEGER NOT NULL,    -- from 1: superseded\n"
    "  report TEXT NOT NULL,         -- as it stood in its block\n"
    "  checksum INTEGER NOT NULL,\n"
    "  PRIMARY KEY (book, unit, place, revision)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE membership (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  areas TEXT NOT NULL,          -- joined by ;\n"
    "  slices TEXT NOT NULL,\n"
    "  UNIQUE (areas, slices)\n"
    ") STRICT;\n"
    "CREATE TABLE family (\n"
    "  book INTEGER NOT NULL,\n"
    "  area TEXT NOT NULL,\n"
    "  slice TEXT NOT NULL,\n"
    "  cells TEXT NOT NULL,          -- JSON: [[slot,\"total\",units],…]: slot is a column of the form, or "
    "-1: reports of\n"
    "                                -- any kind, total (of slot -1: how many are nil) is exact, up to 128 "
    "bits\n"
    "  checksum INTEGER NOT NULL,\n"
    "  PRIMARY KEY (book, area, slice)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE expected (\n"
    "  form TEXT NOT NULL,\n"
    "  area TEXT NOT NULL,\n"
    "  slice TEXT NOT NULL,\n"
    "  day INTEGER NOT NULL,\n"
    "  units INTEGER NOT NULL,       -- by how many more (or fewer) from this day on\n"
    "  checksum INTEGER NOT NULL,\n"
    "  PRIMARY KEY (form, area, slice, day)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE register_version (\n"
    "  unit TEXT NOT NULL,\n"
    "  from_day INTEGER NOT NULL,\n"
    "  to_day INTEGER NOT NULL,\n"
    "  class TEXT NOT NULL,\n"
    "  parent TEXT NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  parks TEXT NOT NULL,\n"
    "  reporter TEXT NOT NULL,\n"
    "  in_boundary INTEGER NOT NULL,\n"
    "  industry TEXT NOT NULL,\n"
    "  clusters TEXT NOT NULL,\n"
    "  flags TEXT NOT NULL,\n"
    "  status TEXT NOT NULL,\n"
    "  succeeds TEXT NOT NULL,\n"
    "  PRIMARY KEY (unit, from_day)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE catalogue (\n"
    "  position INTEGER PRIMARY KEY, -- leaf that put it in force (last)\n"
    "  hash BLOB NOT NULL UNIQUE,\n"
    "  text BLOB NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE agent (\n"
    "  id TEXT PRIMARY KEY,\n"
    "  area TEXT NOT NULL,\n"
    "  role INTEGER NOT NULL,        -- 0 park, 1 bureau\n"
    "  forms TEXT NOT NULL,          -- joined by ;  empty: every form of the role\n"
    "  curve_key BLOB NOT NULL,\n"
    "  sign_key BLOB NOT NULL,\n"
    "  enrolled INTEGER NOT NULL,\n"
    "  revoked INTEGER NOT NULL,     -- 0: in force\n"
    "  certificate BLOB NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE invitation (\n"
    "  secret_hash BLOB PRIMARY KEY,\n"
    "  area TEXT NOT NULL,\n"
    "  role INTEGER NOT NULL,\n"
    "  forms TEXT NOT NULL,\n"
    "  expires INTEGER NOT NULL,\n"
    "  used_by TEXT                  -- agent; null: still open\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE VIEW line AS\n"
    "SELECT book, " ELEMENT_0 " AS unit, " ELEMENT_1 " AS park, " ELEMENT_2 " AS membership,\n"
    "  " ELEMENT_3 " AS position, " ELEMENT_4 " AS line, " ELEMENT_5 " AS figures, " ELEMENT_6 " AS at,\n"
    "  " ELEMENT_7 " AS length, " REVISION " AS revision, " KIND " AS kind, " COUNTED " AS counted\n"
    "FROM block, json_each(block.reports) AS item;\n"
    "CREATE VIEW reports AS\n"
    "SELECT book.form, " PERIOD_TEXT " AS period, unit, park, revision,\n"
    "  CASE kind WHEN 0 THEN 'figures' WHEN 1 THEN 'nil' ELSE 'withdrawal' END AS kind, counted,\n"
    "  membership.areas, membership.slices, position, line, " FIGURES " AS figures\n"
    "FROM line JOIN book ON book.id = line.book LEFT JOIN membership ON membership.id = line.membership;\n"
    "CREATE VIEW totals AS\n"
    "SELECT book.form, " PERIOD_TEXT " AS period, area, slice, " ELEMENT_0 " AS slot,\n"
    "  " ELEMENT_1 " AS total, " ELEMENT_2 " AS units\n"
    "FROM family JOIN book ON book.id = family.book, json_each(family.cells) AS item;\n";

/* Inquiries, consents and acceptance. */
static const char INQUIRIES[] =
    "CREATE TABLE inquiry (\n"
    "  number INTEGER PRIMARY KEY,\n"
    "  book INTEGER NOT NULL,\n"
    "  unit TEXT NOT NULL,\n"
    "  park TEXT NOT NULL,           -- area that is asked\n"
    "  rule TEXT NOT NULL,           -- what was found, or inquiry.asked\n"
    "  indicator TEXT NOT NULL,      -- column, or empty\n"
    "  found TEXT NOT NULL,\n"
    "  expected TEXT NOT NULL,\n"
    "  question TEXT NOT NULL,       -- an operator's words\n"
    "  answer TEXT NOT NULL,\n"
    "  answered_by TEXT NOT NULL,\n"
    "  state INTEGER NOT NULL,       -- 1 open, 2 answered, 3 accepted, 4 corrected\n"
    "  about INTEGER NOT NULL,       -- leaf of the submission in which it was found, or of the question\n"
    "  asked INTEGER NOT NULL,\n"
    "  answered INTEGER NOT NULL,    -- 0: never\n"
    "  settled INTEGER NOT NULL      -- 0: open or answered\n"
    ") STRICT;\n"
    "CREATE INDEX inquiry_by_report ON inquiry (book, unit);\n"
    "CREATE INDEX inquiry_unsettled ON inquiry (park, number) WHERE settled = 0;\n"
    "CREATE INDEX inquiry_in_book ON inquiry (book) WHERE settled = 0;\n"
    "CREATE TABLE consent (\n"
    "  form TEXT NOT NULL,\n"
    "  period INTEGER NOT NULL,\n"
    "  unit TEXT NOT NULL,\n"
    "  rule TEXT NOT NULL,\n"
    "  area TEXT NOT NULL,           -- park that reports\n"
    "  position INTEGER NOT NULL,    -- of the leaf\n"
    "  PRIMARY KEY (form, period, unit, rule, area)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX consent_by_area ON consent (area, position);\n"
    "CREATE TABLE acceptance (\n"
    "  book INTEGER NOT NULL,\n"
    "  area TEXT NOT NULL,\n"
    "  position INTEGER NOT NULL,    -- of the leaf: reports before it are accepted\n"
    "  PRIMARY KEY (book, area)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE area_state (\n"
    "  area TEXT PRIMARY KEY,\n"
    "  state INTEGER NOT NULL        -- position of the leaf that last changed what it is asked, plus one\n"
    ") STRICT, WITHOUT ROWID;\n";

static const char PERIODS[] = "CREATE TABLE period_act (\n"
                              "  form TEXT NOT NULL,\n"
                              "  period INTEGER NOT NULL,\n"
                              "  position INTEGER NOT NULL,    -- of its leaf\n"
                              "  action INTEGER NOT NULL,      -- 1 open, 2 close, 3 reopen\n"
                              "  area TEXT NOT NULL,           -- empty: everybody's\n"
                              "  by TEXT NOT NULL,\n"
                              "  reason TEXT NOT NULL,\n"
                              "  recorded INTEGER NOT NULL,\n"
                              "  PRIMARY KEY (form, period, position)\n"
                              ") STRICT, WITHOUT ROWID;\n";

/* For the past. A store that was filled before has what versions were only after `rebuild`. */
static const char PAST[] =
    "CREATE INDEX leaf_of_act ON leaf (kind, position) WHERE kind <> 7; -- all but submissions\n"
    /* What versions were before a leaf changed them: null where there was none. Not of the first leaf. */
    "CREATE TABLE register_change (\n"
    "  position INTEGER NOT NULL,    -- of that leaf\n"
    "  unit TEXT NOT NULL,\n"
    "  from_day INTEGER NOT NULL,\n"
    "  to_day INTEGER,\n"
    "  class TEXT,\n"
    "  parent TEXT,\n"
    "  name TEXT,\n"
    "  parks TEXT,\n"
    "  reporter TEXT,\n"
    "  in_boundary INTEGER,\n"
    "  industry TEXT,\n"
    "  clusters TEXT,\n"
    "  flags TEXT,\n"
    "  status TEXT,\n"
    "  succeeds TEXT,\n"
    "  PRIMARY KEY (position, unit, from_day)\n"
    ") STRICT, WITHOUT ROWID;\n";

/* Applications to register units, and the reports that wait for that. */
static const char APPLICATIONS[] =
    "CREATE TABLE application (\n"
    "  number INTEGER PRIMARY KEY,\n"
    "  park TEXT NOT NULL,           -- area that applied\n"
    "  unit TEXT NOT NULL,\n"
    "  class TEXT NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  industry TEXT NOT NULL,\n"
    "  parent TEXT NOT NULL,\n"
    "  from_day TEXT NOT NULL,       -- from when it is to be registered; empty: since ever\n"
    "  text TEXT NOT NULL,           -- why\n"
    "  applied_by TEXT NOT NULL,\n"
    "  state INTEGER NOT NULL,       -- 1 pending, 2 registered, 3 declined\n"
    "  reason TEXT NOT NULL,         -- of who declined it\n"
    "  applied INTEGER NOT NULL,\n"
    "  settled INTEGER NOT NULL      -- 0: pending\n"
    ") STRICT;\n"
    "CREATE INDEX application_by_park ON application (park, number);\n"
    "CREATE UNIQUE INDEX application_pending ON application (park, unit) WHERE state = 1;\n"
    "CREATE TABLE waiting_unit (\n"
    "  position INTEGER NOT NULL,\n"
    "  line INTEGER NOT NULL,\n"
    "  unit TEXT NOT NULL,\n"
    "  park TEXT NOT NULL,           -- area that reports\n"
    "  book INTEGER NOT NULL,\n"
    "  PRIMARY KEY (position, line),\n"
    "  UNIQUE (position, unit)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX waiting_by_unit ON waiting_unit (unit, position);\n";

/* What was published. */
static const char EDITIONS[] = "CREATE TABLE edition (\n"
                               "  number INTEGER PRIMARY KEY,\n"
                               "  form TEXT NOT NULL,\n"
                               "  period INTEGER NOT NULL,\n"
                               "  vintage TEXT NOT NULL,        -- P provisional, F final, R revised\n"
                               "  leaves INTEGER NOT NULL,      -- of the ledger, on which it rests\n"
                               "  position INTEGER NOT NULL,    -- of its own leaf, which has it\n"
                               "  recorded INTEGER NOT NULL,\n"
                               "  by TEXT NOT NULL,\n"
                               "  reason TEXT NOT NULL,\n"
                               "  published INTEGER NOT NULL,   -- cells\n"
                               "  withheld INTEGER NOT NULL\n"
                               ") STRICT;\n";

/* Of agents that were not the first with their rights. One that enrolled before is in force. */
static const char ADMISSIONS[] =
    "CREATE TABLE admission (\n"
    "  agent TEXT PRIMARY KEY,\n"
    "  entry INTEGER NOT NULL,       -- 1 waits unless admitted, 2 came after all others were revoked\n"
    "  position INTEGER NOT NULL,    -- of the leaf that admitted it; 0: none did\n"
    "  admitted_by TEXT NOT NULL,    -- agent\n"
    "  approved_by TEXT NOT NULL,\n"
    "  reason TEXT NOT NULL,\n"
    "  recorded INTEGER NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX agent_by_area ON agent (area, enrolled);\n";

/* What became of reports that waited. */
static const char DECISIONS[] = "CREATE TABLE decided (\n"
                                "  position INTEGER NOT NULL,\n"
                                "  line INTEGER NOT NULL,\n"
                                "  verdict INTEGER NOT NULL,\n"
                                "  PRIMARY KEY (position, line)\n"
                                ") STRICT, WITHOUT ROWID;\n";

/* Of the ledger's tree, for proofs. */
static const char NODES[] =
    "CREATE TABLE node (\n"
    "  level INTEGER NOT NULL,       -- 8, 16 …\n"
    "  number INTEGER NOT NULL,      -- of leaves number << level and the 2^level - 1 after it\n"
    "  hash BLOB NOT NULL,           -- RFC 6962: their root\n"
    "  PRIMARY KEY (level, number)\n"
    ") STRICT, WITHOUT ROWID;\n";

/* Restores from backups, and agents that such a backup does not know and that are not to come back. */
static const char EPOCHS[] = "CREATE TABLE epoch (\n"
                             "  number INTEGER PRIMARY KEY,   -- rising\n"
                             "  position INTEGER NOT NULL,    -- of its leaf\n"
                             "  recorded INTEGER NOT NULL,\n"
                             "  resumed INTEGER NOT NULL,     -- 1: figures are taken again\n"
                             "  sealed BLOB NOT NULL          -- as agents are shown it\n"
                             ") STRICT;\n"
                             "CREATE TABLE barred (\n"
                             "  agent TEXT PRIMARY KEY,\n"
                             "  recorded INTEGER NOT NULL\n"
                             ") STRICT, WITHOUT ROWID;\n";

/* Changes of keys, of agents and, where the agent is "", of the aggregator. */
static const char KEYS[] = "CREATE TABLE key_change (\n"
                           "  agent TEXT NOT NULL,\n"
                           "  number INTEGER NOT NULL,      -- from 0\n"
                           "  sealed BLOB NOT NULL,\n"
                           "  PRIMARY KEY (agent, number)\n"
                           ") STRICT, WITHOUT ROWID;\n";

const char *const store_migrations[] = {FIRST,      INQUIRIES, PERIODS, PAST,   APPLICATIONS, EDITIONS,
                                        ADMISSIONS, DECISIONS, NODES,   EPOCHS, KEYS};
const size_t store_migration_count = G_N_ELEMENTS(store_migrations);
