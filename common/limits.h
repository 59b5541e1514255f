/* Every limit, with its unit and its reason. Derived limits are computed, never typed twice. */
#ifndef PARKTALLY_COMMON_LIMITS_H
#define PARKTALLY_COMMON_LIMITS_H

#define LIMIT_KIB ((size_t)1024)
#define LIMIT_MIB ((size_t)1024 * 1024)

/* --- a figure --- */
/* Magnitude of a stored figure: below 2^53, so that a spreadsheet or a browser shows it unchanged. */
#define LIMIT_FIGURE (((int64_t)1 << 53) - 1)
/* Decimals of an indicator: 10^9 × the largest figure still fits the 128-bit sums of 10^9 units. */
#define LIMIT_DECIMALS 9
/* Digits of a number cell as written, separators and zeros included: more is no figure. */
#define LIMIT_NUMBER_TEXT 64

/* --- a form, a catalogue --- */
#define LIMIT_FORM_COLUMNS 256 /* presence bits of a report: 4 words */
#define LIMIT_CATALOGUE_BYTES (4 * LIMIT_MIB)
#define LIMIT_CATALOGUE_ITEMS 4096 /* areas, indicators, …, of each kind */
#define LIMIT_HOLIDAY_DAYS 31      /* of one holiday: a longer one is a slip of the year */
#define LIMIT_MISTAKES 1000        /* after which `check` says that there are more and stops */
#define LIMIT_AREA_DEPTH 16        /* nation, province, city, zone, park and room to spare */
#define LIMIT_SLICES 64            /* bits of a slice set */
#define LIMIT_CODE_BYTES 64        /* a code of an area, indicator, form, unit … */
#define LIMIT_RULE_CODE_BYTES                                                                                \
  40 /* of a rule, and of an area that reports: behind "rule.quasi-mandatory:" or "report.overlap:" it is    \
        still a code */
#define LIMIT_NAME_BYTES 512 /* a name of anything, a person's too */
#define LIMIT_HISTORY_PERIODS                                                                                \
  12 /* of a form, before a report's own, that it is compared with: a year of months, the same one included  \
      */

/* --- the wire --- */
#define LIMIT_SEALED_BYTES                                                                                   \
  (256 * LIMIT_KIB) /* anything sealed: five times as fast as small messages, still quick to resend */
#define LIMIT_FRAME_BYTES                                                                                    \
  (LIMIT_SEALED_BYTES + 4 * LIMIT_KIB) /* the frame around it; ZMQ_MAXMSGSIZE, both ways */
#define LIMIT_JOIN_BYTES                                                                                     \
  (4 * LIMIT_KIB) /* at the enrolment endpoint: the record has 160 bytes, CURVE's own handshake about 300;   \
                     who returns shows a certificate and changes of keys, of some 350 each */
#define LIMIT_KEY_CHANGES                                                                                    \
  64                         /* of one agent, or of the aggregator, ever: a change a year, and some in need  \
                              */
#define LIMIT_KEYS_SHOWN 8   /* changes that a returning agent shows, the last ones */
#define LIMIT_KEY_REASON 128 /* bytes of a change's reason, and of who did it */
#define LIMIT_CHUNK_BYTES (192 * LIMIT_KIB)    /* of a document, so that a chunk fits a frame */
#define LIMIT_DOCUMENT_BYTES (256 * LIMIT_MIB) /* a register of a million units is about 150 MiB */
#define LIMIT_DOCUMENT_CHUNKS (LIMIT_DOCUMENT_BYTES / LIMIT_CHUNK_BYTES + 1) /* × 32 bytes fits a seal */
#define LIMIT_DECODE_ARENA                                                                                   \
  (8 * LIMIT_MIB) /* a sealed message decoded: an empty field of 2 bytes costs up to 80 */
#define LIMIT_SUBMISSION_ARENA                                                                               \
  (3 * LIMIT_MIB) /* a submission decoded: a figure of a byte takes eight, a report of eight bytes sixty */
#define LIMIT_REFUSALS_INLINE                                                                                \
  500 /* in a receipt or a page of refusals; the page stays below a frame: see codec.c */
#define LIMIT_REFUSAL_TEXT 64   /* bytes of found or expected in a refusal */
#define LIMIT_ANSWER_BYTES 2048 /* of an explanation: some 680 characters */
#define LIMIT_STATE_INLINE 64   /* inquiries and consents in a page: each may be an explanation long */
#define LIMIT_HEADS_ASKED 16    /* heads of the ledger that one request asks about */
#define LIMIT_HEAD_BYTES 128    /* payload of a signed head, or of an epoch */
#define LIMIT_EPOCHS_TOLD 32    /* restores that an agent is told of, the last ones */
#define LIMIT_HEADS_TOLD (LIMIT_HEADS_ASKED + LIMIT_EPOCHS_TOLD) /* sizes that an answer has proofs of */
#define LIMIT_AGENT_FORMS 32       /* that an agent is invited to by name; more are every form of its role */
#define LIMIT_REPORTS 8192         /* reports in a submission: an empty one costs 20 bytes and more */
#define LIMIT_CREDIT_GLOBAL 64     /* submissions taken and not yet answered: × 256 KiB = 16 MiB */
#define LIMIT_CREDIT_AGENT 16      /* of them, from one agent */
#define LIMIT_QUESTIONS_AGENT 64   /* of one agent, not yet answered: some of each of its connections */
#define LIMIT_JOINING 64           /* joining records that are worked on; whoever comes then waits */
#define LIMIT_INVITATION_TEXT 2048 /* characters */

/* --- what comes in from the network, before anybody knows who it is (aggregator/bounds.h; those with a key
 * under `limits:` in aggregator.yaml are what holds where it says nothing) --- */
#define LIMIT_CONNECTIONS 4096 /* in all: a thousand parks, each with its service, a push and a dead one */
#define LIMIT_CONNECTIONS_ADDRESS 256 /* from one address: parks behind one NAT */
#define LIMIT_CONNECTIONS_AGENT                                                                              \
  8                           /* of one agent: its service, some pushes, and what a bad line left behind */
#define LIMIT_HANDSHAKES 1024 /* not yet over: each may hold some 34 KiB, most of it libzmq's */
#define LIMIT_HELLOS                                                                                         \
  32 /* of them, that libzmq works at: each costs half a millisecond, most of it in libzmq's one thread, so  \
        that a message waits no longer than for these */
#define LIMIT_HANDSHAKES_ADDRESS 64 /* of them, from one address */
#define LIMIT_CONNECTS_ADDRESS                                                                               \
  32 /* connections a second from one address, for as long as it likes; eight times as many at once, so that \
        parks behind a NAT come back together when a server was started anew */
#define LIMIT_CONNECTS_BURST 8
#define LIMIT_KNOWN_MS                                                                                       \
  ((int64_t)31 * 24 * 3600 * 1000) /* for which an address is known from which an agent came: parks report   \
                                      every month */
#define LIMIT_AGENT_RATE                                                                                     \
  (32 * LIMIT_MIB) /* bytes a second of one agent: more than one ever had to send; twice as many at once */
#define LIMIT_AGENT_BURST 2
#define LIMIT_AGENT_DAY                                                                                      \
  (4096LL * LIMIT_MIB) /* bytes of submissions of one agent within a day: a million units with 40 figures    \
                        are 200 MiB a month, and after a restore all of them may come again */
#define LIMIT_FRAME_COST                                                                                     \
  128 /* bytes that libzmq needs for a frame beside its content; so counted in rates and in what is unseen   \
       */
#define LIMIT_UNSEEN_AGENT                                                                                   \
  ((LIMIT_CREDIT_AGENT + 1) *                                                                                \
   LIMIT_FRAME_BYTES) /* of one agent on its way in, so in libzmq, of which no whole message has come out    \
                         yet: who keeps to its credit is never held */
#define LIMIT_UNSEEN                                                                                         \
  (64 * LIMIT_MIB) /* of all; beyond it an agent may have no more than a message on its way */
#define LIMIT_UNSEEN_JOINER (8 * LIMIT_KIB) /* of a connection that enrols: its record has 160 bytes */
#define LIMIT_UNTAKEN_BYTES                                                                                  \
  (2 * LIMIT_MIB) /* of answers that one connection did not take: then it gets no more documents and pages   \
                   */
#define LIMIT_STALL_MS                                                                                       \
  30000 /* for which a peer takes nothing of its answers, or brings no message to its end */
#define LIMIT_INITIATE_BYTES                                                                                 \
  1024 /* the last step of the handshake: 257, and a few properties of the socket */
#define LIMIT_FRONT_BUFFER                                                                                   \
  (128 * LIMIT_KIB)           /* of a connection that is slow, each way; as much is read at a time */
#define LIMIT_ADDRESSES 65536 /* that are remembered: 10 MiB */

/* --- files --- */
#define LIMIT_CELL_BYTES (64 * LIMIT_KIB) /* a cell of a spreadsheet holds 32 767 characters */
#define LIMIT_ROW_CELLS 1024
#define LIMIT_ROW_BYTES (1 * LIMIT_MIB)   /* all cells of a row together: 1 KiB for each */
#define LIMIT_HEADER_ROWS 40              /* title rows that may stand above the header */
#define LIMIT_SPILL_BYTES (8 * LIMIT_MIB) /* held before a run goes to disk: 20 000 units × 40 figures */
#define LIMIT_CONFIG_BYTES (1 * LIMIT_MIB)

/* --- the outbox --- */
#define LIMIT_DRAFT_BYTES                                                                                    \
  (1 * LIMIT_MIB) /* of sealed submissions in memory before they are written in one transaction */
#define LIMIT_KEPT_BYTES                                                                                     \
  (LIMIT_CREDIT_AGENT * LIMIT_SEALED_BYTES /                                                                 \
   2) /* of what was written and is soon sent, in memory beside the spill: half of what may be on its way */

/* --- a file on a stick --- */
#define LIMIT_CARRIED_BYTES LIMIT_FRAME_BYTES /* a record: anything sealed, or a frame as on the wire */
#define LIMIT_PIECE_BYTES                                                                                    \
  (8 * LIMIT_MIB) /* of a file that goes to the server at a time, so that other commands have their turn */

/* --- time --- */
#define LIMIT_HANDSHAKE_MS 5000
#define LIMIT_DATABASE_BUSY_MS                                                                               \
  10000 /* waiting for another connection's lock; a transaction of ours takes far less */
#define LIMIT_HEARTBEAT_MS 15000
#define LIMIT_RECONNECT_MS 200
#define LIMIT_RECONNECT_MAX_MS 30000
#define LIMIT_ANSWER_MS 30000  /* nothing heard for so long: the link makes its socket anew */
#define LIMIT_FAREWELL_MS 2000 /* for a closing server's last answers: peers that take none are left */
#define LIMIT_CLOCK_SKEW_MS (10 * 60 * 1000) /* a difference worth a finding */
#define LIMIT_INVITATION_MS ((int64_t)48 * 3600 * 1000)
#define LIMIT_INVITATION_MOST_MS                                                                             \
  ((int64_t)30 * 24 * 3600 * 1000) /* a forgotten invitation must not stay open */

/* --- the control socket --- */
#define LIMIT_CONTROL_REQUEST (64 * LIMIT_KIB)   /* the words of a command */
#define LIMIT_CONTROL_PIECE (16 * LIMIT_KIB)     /* of an answer: gathered before it is sent */
#define LIMIT_CONTROL_UNPRINTED (64 * LIMIT_MIB) /* an answer that waits at the client, for a pager say */
#define LIMIT_CONTROL_STALL_MS                                                                               \
  5000 /* a client that takes so long over a piece is given up: others wait behind it */

/* --- the writer --- */
#define LIMIT_DECODED_BYTES                                                                                  \
  (16 * LIMIT_MIB) /* of submissions decoded and not yet written; some thirty honest ones of 256 KiB */
#define LIMIT_GROUP_BYTES (8 * LIMIT_MIB) /* of submissions in one transaction */
#define LIMIT_GROUP_JOBS 64
#define LIMIT_BLOCK_BYTES 8000 /* of reports in a row of the store: a page of 8192 holds it and its key */
#define LIMIT_BLOCKS_OPEN                                                                                    \
  512 /* in memory until they are written: a group's reports lie side by side, so in few of them */
#define LIMIT_BLOCKS_LOOKED_AT                                                                               \
  512 /* the same, of another period's reports, for what looks back, 4 MiB: what several parks that go side  \
         by side through a register ask for. The reports of a small park lie all over the register: for      \
         those, with 2048 of them, hardly less had to be read */
#define LIMIT_PART_BYTES 8128 /* of a leaf's body in a row: likewise a page */
#define LIMIT_PARTS_KEPT                                                                                     \
  256 /* of leaves in memory, 2 MiB: in the order of units each park's submissions lie between the others',  \
         of two periods and more */
#define LIMIT_WRITER_CACHE_KIB                                                                               \
  (12 * LIMIT_KIB) /* a group and what it changes; 24 and 64 MiB gained nothing, and pages that are written  \
                      once stay in whatever there is */
#define LIMIT_READER_CACHE_KIB (4 * LIMIT_KIB) /* several readers may be open */
/* The store's write-ahead log. It is copied into the database when nothing was committed for a moment, so
 * that a burst has the disk and the processor for itself; but beside the writer once it is this long … */
#define LIMIT_LOG_CALM_BYTES (64 * LIMIT_MIB)
/* … and beside a writer that never rests the copying never reaches its end, so then the writer pauses for it.
 */
#define LIMIT_LOG_BYTES (128 * LIMIT_MIB)
#define LIMIT_HEAP_BYTES                                                                                     \
  (128 * LIMIT_MIB) /* in huge pages: what the server of a city may need; filled from below */
#define LIMIT_RESERVE_BYTES (16 * LIMIT_MIB) /* of disk, for acts when it is full: thousands of them */

/* --- what one park may cause --- */
#define LIMIT_INQUIRIES_OPEN                                                                                 \
  1000 /* about what was found, open or answered, of a park: nobody explains more one by one; what is over   \
          is counted */
#define LIMIT_APPLICATIONS_PENDING 2000 /* of a park: each is looked at with every import of the register */

/* --- disclosure control: a table that is to be published --- */
#define LIMIT_DISCLOSE_CELLS 200000 /* twenty-five times parks × clusters × slices of the bench */
#define LIMIT_DISCLOSE_TERMS 2000000
#define LIMIT_DISCLOSE_RELATION 10000 /* cells of one relation */
#define LIMIT_DISCLOSE_COEFFICIENT 1000000000
/* Of a value: a billion of the largest figures. × coefficient × cells of a relation it still fits 128 bits.
 */
#define LIMIT_DISCLOSE_VALUE ((int128)LIMIT_FIGURE * 1000000000)
#define LIMIT_DISCLOSE_PROGRAMME                                                                             \
  3000 /* terms of a linear programme that protects: some hundredths of a second */
#define LIMIT_DISCLOSE_ATTACK                                                                                \
  1000000 /* of an attacker's, over all that is withheld: some 100 MiB of GLPK's */
/* Steps of the simplex for one programme, and for a table: a programme that takes more is given up, and so is
 * its cell, to coarsening. Steps and no seconds, so that the same table gives the same pattern. */
#define LIMIT_DISCLOSE_STEPS 2000
#define LIMIT_DISCLOSE_ALL_STEPS 8000
#define LIMIT_DISCLOSE_LOOKS                                                                                 \
  50000000 /* at terms of relations in the search for moves, for a table: some seconds; then what has none   \
              yet is given up */

#endif
