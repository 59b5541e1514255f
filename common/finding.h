/* Findings: what is wrong, or worth a look, in a file or a submission; and the table of every stable code
 * there is.
 *
 * The table is read by the agent's checks, the aggregator's refusals, proto/README.md (a test compares) and
 * --help. */
#ifndef PARKTALLY_COMMON_FINDING_H
#define PARKTALLY_COMMON_FINDING_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum severity {
  SEVERITY_NOTE,   /* said, hinders nothing */
  SEVERITY_REPORT, /* this report is refused, the others go on */
  SEVERITY_FILE,   /* the file or the submission is refused whole */
};

/* Code, severity, what it means (English, translated by _()), what to do. */
#define FINDING_TABLE(X)                                                                                     \
  X(FILE_EMPTY, "file.empty", FILE, N_("the file has no rows of figures"),                                   \
    N_("put a header line and at least one unit below it"))                                                  \
  X(FILE_CUT, "file.cut", FILE, N_("the file ends in the middle of a row"),                                  \
    N_("save or copy it again and send the whole file; nothing of it was sent"))                             \
  X(FILE_BINARY, "file.binary", FILE, N_("this is no text file"), N_("save it as CSV (comma separated)"))    \
  X(FILE_ENCODING, "file.encoding", FILE, N_("bytes that are neither UTF-8 nor GB18030/GBK"),                \
    N_("save it again as “CSV UTF-8”"))                                                                      \
  X(FILE_QUOTES, "file.quotes", FILE, N_("a quotation mark stands where none may be"),                       \
    N_("double it inside a quoted cell, or remove it"))                                                      \
  X(FILE_TOO_WIDE, "file.too-wide", FILE, N_("a row or a cell is too large"),                                \
    N_("check the separators of this row"))                                                                  \
  X(FILE_FORM, "file.form", FILE, N_("the columns fit no form, or more than one"),                           \
    N_("name the form with --form"))                                                                         \
  X(FILE_NO_LINE_END, "file.no-line-end", NOTE, N_("the last line has no line end; it may be cut off"),      \
    N_("compare the last row with your own file"))                                                           \
  X(COLUMN_UNKNOWN, "column.unknown", FILE, N_("no column of the form has this heading"),                    \
    N_("correct the heading, or list it under “ignore” in the configuration"))                               \
  X(COLUMN_TWICE, "column.twice", FILE, N_("two columns have the same meaning"), N_("remove one of them"))   \
  X(COLUMN_MISSING, "column.missing", FILE, N_("a column that every file needs is not there"),               \
    N_("add it: the unit's code (uscc) and, without --period, the period"))                                  \
  X(COLUMN_MEASURE, "column.measure", FILE, N_("the measure cannot be converted to the indicator's"),        \
    N_("give the figures in the measure of the form"))                                                       \
  X(ROW_SHORT, "row.short", REPORT, N_("the row has fewer or more cells than the header"),                   \
    N_("check the separators of this row"))                                                                  \
  X(ROW_TWICE, "row.twice", NOTE, N_("the row stands twice with the same figures; it was taken once"), "")   \
  X(ROW_CONFLICT, "row.conflict", REPORT,                                                                    \
    N_("the unit stands twice with different figures; none was taken"),                                      \
    N_("keep the right row and remove the other"))                                                           \
  X(ROW_WITH_REFUSED, "row.with-refused", REPORT,                                                            \
    N_("another row of the same unit and period is refused, and this one with it"),                          \
    N_("correct the other row"))                                                                             \
  X(ROW_TOTAL, "row.total", NOTE, N_("a total row was passed over"), "")                                     \
  X(TOTAL_DIFFERS, "total.differs", NOTE, N_("the file's own total row differs from the sum of its rows"),   \
    N_("find out which one is wrong"))                                                                       \
  X(UNIT_MISSING, "unit.missing", REPORT, N_("the row has no unit code"), N_("fill in the unit's code"))     \
  X(UNIT_SHAPE, "unit.shape", REPORT, N_("this is no unit code"),                                            \
    N_("an enterprise has 18 characters (统一社会信用代码), a plant of it 18 and -01"))                      \
  X(UNIT_DAMAGED, "unit.damaged", REPORT,                                                                    \
    N_("a spreadsheet has turned this code into a number and lost some of it"),                              \
    N_("format the column as text and type the code again"))                                                 \
  X(UNIT_CHECK, "unit.check-digit", NOTE, N_("the check character of this code does not agree"),             \
    N_("compare it with the business licence"))                                                              \
  X(UNIT_UNKNOWN, "unit.unknown", REPORT, N_("the unit is not in the register of this area"),                \
    N_("correct the code, or apply for its registration: park-agent apply"))                                 \
  X(UNIT_ELSEWHERE, "unit.elsewhere", REPORT, N_("the unit is not registered in this park for this period"), \
    N_("leave it to its own park, or ask the city to correct the register"))                                 \
  X(UNIT_WAITING, "unit.waiting", NOTE,                                                                      \
    N_("the report is kept, and counts once the unit is registered, as was applied for"), "")                \
  X(UNIT_CLASS, "unit.class", REPORT, N_("units of this class do not report this form"),                     \
    N_("check the form and the unit's code"))                                                                \
  X(PERIOD_MISSING, "period.missing", REPORT, N_("the row has no period"),                                   \
    N_("fill it in, or give --period"))                                                                      \
  X(PERIOD_SHAPE, "period.shape", REPORT, N_("this is no period"), N_("write it as 2018-05"))                \
  X(PERIOD_WRONG, "period.wrong", REPORT, N_("the form does not take this period"),                          \
    N_("correct the period"))                                                                                \
  X(PERIOD_FUTURE, "period.future", NOTE, N_("the period has not begun by this computer's clock"),           \
    N_("check the period, and the computer's date"))                                                         \
  X(PERIOD_NOT_BEGUN, "period.not-begun", FILE, N_("the period has not begun by the city's clock"),          \
    N_("check the period; send the file again when it has begun"))                                           \
  X(PERIOD_CLOSED, "period.closed", FILE, N_("the city has closed this period"),                             \
    N_("ask the city to reopen it for your park, then send the file again"))                                 \
  X(VALUE_TEXT, "value.text", REPORT, N_("this is not a number"), N_("write digits only"))                   \
  X(VALUE_DECIMALS, "value.decimals", REPORT, N_("too many decimals"), N_("round it to the form's measure")) \
  X(VALUE_RANGE, "value.range", REPORT, N_("the number is out of range"),                                    \
    N_("check the figure and its measure"))                                                                  \
  X(VALUE_TINY, "value.tiny", REPORT, N_("“…” (below the smallest unit) is no figure"),                      \
    N_("write 0 if it rounds to nothing, or leave the cell empty if it is unknown"))                         \
  X(VALUE_BLANK, "value.blank", REPORT, N_("an empty cell over a figure that was reported before"),          \
    N_("write the figure again, or 撤销 to take it back"))                                                   \
  X(VALUE_NIL, "value.nil", REPORT, N_("“本期无数据” stands beside figures"), N_("keep one of the two"))     \
  X(REPORT_EMPTY, "report.empty", REPORT, N_("the row has no figure at all"),                                \
    N_("leave the row out, or write 本期无数据 if the unit has nothing to report on the whole form"))        \
  X(REPORT_STALE, "report.stale", REPORT,                                                                    \
    N_("another submission has changed this report since; this one is kept and not counted"),                \
    N_("compare both, then send the right figures again"))                                                   \
  X(REPORT_UNCHANGED, "report.unchanged", NOTE, N_("the report already says the same"), "")                  \
  X(REPORT_WAITING, "report.waiting", NOTE, N_("the report waits for the one that it corrects"), "")         \
  X(REPORT_WAITED, "report.waited", REPORT, N_("the report waited, and was refused when it was decided"),    \
    N_("send it again: the answer says why"))                                                                \
  X(REPORT_LATE, "report.late", NOTE, N_("the reports came after the deadline"), "")                         \
  X(REPORT_NOTHING, "report.nothing-to-withdraw", REPORT, N_("there is no report to take back"),             \
    N_("check the unit and the period"))                                                                     \
  X(FORM_UNKNOWN, "form.unknown", FILE, N_("the catalogue has no such form"),                                \
    N_("choose one of those listed"))                                                                        \
  X(INDICATOR_UNKNOWN, "indicator.unknown", FILE, N_("the form has no such column"),                         \
    N_("check the heading"))                                                                                 \
  X(APPROVAL_MISSING, "approval.missing", FILE, N_("nobody answers for the figures"),                        \
    N_("name the person with --approved-by or in the configuration"))                                        \
  X(CLOCK_OFF, "clock.off", NOTE, N_("the clocks of the two computers differ"),                              \
    N_("set the computer's clock"))                                                                          \
  X(SEAL_FORGED, "seal.forged", FILE, N_("the signature does not belong to these bytes"), "")                \
  X(SEAL_RETIRED, "seal.retired-key", FILE, N_("its key was changed before that"),                           \
    N_("a copy of the folder is in use, with keys of before: use one folder alone, or ask the city for a "   \
       "new "                                                                                                \
       "invitation"))                                                                                        \
  X(SERVER_KEYS, "server.keys", NOTE, N_("the city's server has new keys, signed with those before"), "")    \
  X(SEAL_UNKNOWN, "seal.unknown-key", FILE, N_("no agent is enrolled with this key"),                        \
    N_("enrol with an invitation"))                                                                          \
  X(AGENT_REVOKED, "agent.revoked", FILE, N_("the city has revoked this agent"), N_("ask the city"))         \
  X(AGENT_OTHER, "agent.other", FILE, N_("the submission names another agent than its key"), "")             \
  X(FORM_RIGHT, "form.no-right", FILE, N_("this agent has no right to this form"), N_("ask the city"))       \
  X(SEQUENCE_REUSED, "sequence.reused", FILE, N_("this sequence number was used for another submission"),    \
    N_("send the files again; this happens once after the agent's folder was restored from a backup"))       \
  X(CATALOGUE_UNKNOWN, "catalogue.unknown", FILE, N_("the aggregator does not know this catalogue"),         \
    N_("let the agent fetch the catalogue and push again"))                                                  \
  X(MESSAGE_SIZE, "message.size", FILE, N_("the message is too large"), "")                                  \
  X(MESSAGE_MALFORMED, "message.malformed", FILE, N_("the message cannot be decoded"), "")                   \
  X(INVITATION_REFUSED, "invitation.refused", FILE, N_("the invitation is unknown, used or expired"),        \
    N_("ask the city for a new one"))                                                                        \
  X(VALUE_RETIRED, "value.retired", REPORT, N_("the form no longer asks for this figure"),                   \
    N_("leave the cell empty"))                                                                              \
  X(RULE_MANDATORY, "rule.mandatory", REPORT, N_("the figures break a mandatory rule"),                      \
    N_("correct the figures"))                                                                               \
  X(RULE_QUASI, "rule.quasi-mandatory", REPORT, N_("the figures break a quasi-mandatory rule"),              \
    N_("correct the figures; if they are right, ask the city for its consent"))                              \
  X(RULE_VERIFY, "rule.verify", NOTE, N_("these figures call for a second look"),                            \
    N_("correct them, or explain them when the city asks"))                                                  \
  X(REPORT_OVERLAP, "report.overlap", NOTE, N_("another park reports this unit with other figures"),         \
    N_("agree with the other park on the right figure; the wrong one is corrected"))                         \
  X(INQUIRY_ASKED, "inquiry.asked", NOTE, N_("the city asks"), "")                                           \
  X(INQUIRY_MORE, "inquiry.more", NOTE,                                                                      \
    N_("so much more was found in these reports, which is not asked about one by one"),                      \
    N_("look for a common cause, such as a wrong measure; correct the figures, or explain them together"))   \
  X(INQUIRY_UNKNOWN, "inquiry.unknown", REPORT, N_("this park was asked nothing under this number"),         \
    N_("“park-agent inquiries” lists what was asked"))                                                       \
  X(INQUIRY_SETTLED, "inquiry.settled", REPORT, N_("this inquiry is settled already"), "")                   \
  X(ANSWER_EMPTY, "answer.empty", REPORT, N_("this is no explanation"),                                      \
    N_("say why the figure is as it is, in a sentence of your own; or correct it"))                          \
  X(APPLICATION_CLASS, "application.class", REPORT,                                                          \
    N_("the catalogue has no such class of units, or the code is none of that class"),                       \
    N_("check the class and the code"))                                                                      \
  X(APPLICATION_PENDING, "application.pending", REPORT, N_("this park has applied for this unit already"),   \
    N_("“park-agent applications” lists them"))                                                              \
  X(APPLICATION_MANY, "application.many", REPORT, N_("too many applications of this park are pending"),      \
    N_("apply again when the city has settled some; “park-agent applications” lists them"))                  \
  X(APPLICATION_REGISTERED, "application.registered", REPORT,                                                \
    N_("the unit is registered in this park already"), N_("send its reports"))                               \
  X(ADMISSION_WAITING, "admission.waiting", FILE,                                                            \
    N_("this agent waits until another agent of its area admits it"),                                        \
    N_("“park-agent admit” on the computer that has reported so far lets it in; nothing is lost, and "   \
       "nothing need be sent again"))                                                                        \
  X(ADMISSION_UNKNOWN, "admission.unknown", REPORT,                                                          \
    N_("no agent of this name and key is enrolled for this area"),                                           \
    N_("“park-agent admissions” lists those that wait"))                                                     \
  X(ADMISSION_SETTLED, "admission.settled", REPORT, N_("this agent does not wait for admission"), "")        \
  X(ADMISSION_RIGHT, "admission.no-right", REPORT,                                                           \
    N_("only an agent that has the same rights can admit this one"),                                         \
    N_("admit it with an agent that reports the same forms, or ask the city to invite it to fewer"))         \
  X(FIGURE_SLIP, "figure.slip", NOTE,                                                                        \
    N_("the figure is about ten or a thousand times what the unit reports, or a tenth or a thousandth"),     \
    N_("compare its measure with the form's; if it is right, be ready to explain it to the city"))           \
  X(FIGURE_UNCONSERVED, "figure.unconserved", NOTE,                                                          \
    N_("January to this month is not the period before plus this one"),                                      \
    N_("correct the wrong one; if earlier months were revised, be ready to say so to the city"))             \
  X(FIGURE_LAST_YEAR, "figure.last-year", NOTE, N_("last year's figure is not what was reported then"),      \
    N_("write what was reported then, or be ready to explain the difference to the city"))                   \
  X(FIGURE_SIGN, "figure.sign", NOTE, N_("the sign, or that of the month that follows from it, is unusual"), \
    N_("check the sign; if the figure is right, be ready to explain it to the city"))                        \
  X(FIGURE_OUTLIER, "figure.outlier", NOTE, N_("the figure is far from what the unit has reported so far"),  \
    N_("check it; if it is right, be ready to explain it to the city"))                                      \
  X(REGISTER_HEADER, "register.header", FILE, N_("the header line is not that of a register file"),          \
    N_("take the column names from the register's manual; unit, class and parks must be there"))             \
  X(REGISTER_CLASS, "register.class", REPORT, N_("the catalogue has no such class of units"),                \
    N_("choose one of those listed"))                                                                        \
  X(REGISTER_PARENT, "register.parent", REPORT, N_("this cannot be the unit's parent"),                      \
    N_("a plant belongs to the first 18 characters of its code, an enterprise to itself; leave the cell "    \
       "empty"))                                                                                             \
  X(REGISTER_PARENT_UNKNOWN, "register.parent-unknown", NOTE, N_("the legal entity is not in this file"),    \
    N_("nothing, if it lies outside the parks or is registered already"))                                    \
  X(REGISTER_AREA, "register.area", REPORT, N_("units are not registered in an area of this code"),          \
    N_("write the code of a park"))                                                                          \
  X(REGISTER_REPORTER, "register.reporter", REPORT, N_("the reporter is none of the unit's parks"),          \
    N_("name one of them, or leave the cell empty"))                                                         \
  X(REGISTER_BOUNDARY, "register.boundary", REPORT, N_("this says neither inside nor outside the boundary"), \
    N_("write 1 for inside, 0 for outside"))                                                                 \
  X(REGISTER_CLUSTER, "register.cluster", REPORT, N_("the catalogue has no such cluster"),                   \
    N_("correct the code, or add the cluster to the catalogue first"))                                       \
  X(REGISTER_FLAG, "register.flag", REPORT, N_("the catalogue has no such flag"),                            \
    N_("correct the code, or add the flag to the catalogue first"))                                          \
  X(REGISTER_STATUS, "register.status", REPORT, N_("the catalogue has no such status"),                      \
    N_("choose one of those listed"))                                                                        \
  X(REGISTER_DAY, "register.day", REPORT, N_("this is no day"), N_("write it as 2018-06-01"))                \
  X(REGISTER_DAYS_REVERSED, "register.days-reversed", REPORT, N_("the last day lies before the first"),      \
    N_("correct one of the two"))                                                                            \
  X(REGISTER_TEXT, "register.text", REPORT,                                                                  \
    N_("the text is too long or holds characters that cannot be shown"), N_("shorten or retype it"))         \
  X(REGISTER_TWICE, "register.twice", REPORT, N_("the unit stands twice with the same first day"),           \
    N_("keep the right row and remove the other"))                                                           \
  X(REQUEST_UNKNOWN, "request.unknown", FILE, N_("the aggregator has nothing under this id"), "")            \
  X(LEDGER_RESTORED, "ledger.restored", NOTE, N_("the city's ledger was restored from a backup"), "")        \
  X(LEDGER_FORKED, "ledger.forked", FILE, N_("the city's ledger is not what the city has signed before"),    \
    N_("ask the city which of its servers is the right one; nothing is sent until then"))

enum finding_code {
#define X(name, code, severity, text, advice) FINDING_##name,
  FINDING_TABLE(X)
#undef X
      FINDING_COUNT
};

const char *finding_id(enum finding_code code); /* "unit.unknown" */
enum severity finding_severity(enum finding_code code);
const char *finding_text(enum finding_code code);   /* in the language of the locale */
const char *finding_advice(enum finding_code code); /* may be "" */
/* FINDING_COUNT if there is no such id. Behind ":" may stand the code of a rule of the catalogue. */
enum finding_code finding_from_id(const char *id);
/* "rule.mandatory:rd-components". Newly allocated. */
char *finding_rule_id(enum finding_code code, const char *rule);
/* What stands behind ":", NULL if nothing does. Lives as long as `id`. */
const char *finding_rule(const char *id);

/* One finding. Texts are borrowed for the duration of the call that passes it; NULL where there is none. */
struct finding {
  enum finding_code code;
  const char *file;
  const char *sheet;
  size_t row;          /* from 1, as an editor shows it; 0: the file as a whole */
  size_t column;       /* from 1; 0: the row as a whole */
  const char *heading; /* of the column */
  const char *unit;
  const char *unit_name;
  const char *indicator; /* code of the column */
  const char *found;
  const char *expected;
  const char *rule;      /* code of a rule of the catalogue */
  const char *rule_says; /* what should hold, in the language of the locale */
};

/* Where findings go. */
typedef void finding_sink(const struct finding *finding, void *data);

/* One line for a person: "may.csv, row 7, column C (工业总产值): this is not a number: found “12x”, expected
 * digits. Write digits only. [value.text]". Free with g_free. */
char *finding_format(const struct finding *finding);

/* "A", "B", … "AA" of a column from 1. */
void finding_column_letters(size_t column, char ret_letters[8]);

#endif
