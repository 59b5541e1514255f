#include "aggregator/office.h"

#include "aggregator/delivery.h"
#include "aggregator/keys.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"
#include "common/who.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "park-aggregator"

#define COMMAND(words, usage, what) .command = {.name = words, .synopsis = usage, .summary = what}

const struct office_command office_commands[] = {
    {COMMAND("register import", N_("FILE [--reason R]"),
             N_("take over versions of units from a register file")),
     .carry_out = office_register_import, .takes_file = true},
    {COMMAND("invite", N_("--area CODE [--role park|bureau] [--forms F,…] [--valid 48h] [--reason R]"),
             N_("print an invitation by which one agent may enrol")),
     .carry_out = office_invite},
    {COMMAND("agents", "[--format table|csv|json]", N_("list the agents that are enrolled")),
     .carry_out = office_agents},
    {COMMAND("revoke", N_("AGENT [--since WHEN] [--reason R]"), N_("take its rights from an agent, at once")),
     .carry_out = office_revoke},
    {COMMAND("period status", N_("[--form F] [--period P] [--format table|csv|json]"),
             N_("print which periods are open, due or closed, until when, and who did that")),
     .carry_out = office_period_status},
    {COMMAND("period open", N_("--form F --period P [--area A] --reason R"),
             N_("take reports before the period begins")),
     .carry_out = office_period_open},
    {COMMAND("period close", N_("--form F --period P [--area A] [--reason R]"),
             N_("take no further reports for the period")),
     .carry_out = office_period_close},
    {COMMAND("period reopen", N_("--form F --period P [--area A] --reason R"),
             N_("take reports again, of one park or of all")),
     .carry_out = office_period_reopen},
    {COMMAND("period publish", N_("--form F --period P [--reason R]"),
             N_("publish an edition of a period's totals, which no later revision touches")),
     .carry_out = office_period_publish},
    {COMMAND("editions", N_("[--form F] [--period P] [--format table|csv|json]"),
             N_("list what was published")),
     .carry_out = office_editions},
    {COMMAND("totals",
             N_("[--area A] [--period P] [--indicator I] [--slice S] [--cumulative] [--yoy|--mom] [--causes] "
                "[--as-of T] [--format table|csv|json]"),
             N_("print totals of areas")),
     .carry_out = office_totals},
    {COMMAND("targets", N_("[--period P] [--area A] [--as-of T] [--format table|csv|json]"),
             N_("print where the plan's targets stand")),
     .carry_out = office_targets},
    {COMMAND("inquiries", N_("[--area A] [--form F --period P] [--all] [--format table|csv|json]"),
             N_("list what the parks are asked, and what they answered")),
     .carry_out = office_inquiries},
    {COMMAND("ask",
             N_("--area A --form F --period P --unit U [--indicator I] --reason QUESTION, or N --reason "
                "QUESTION"),
             N_("ask a park about a figure, or ask on after an answer")),
     .carry_out = office_ask},
    {COMMAND("accept", N_("N… [--reason R], or --area A --form F --period P [--reason R]"),
             N_("accept explanations, or a park's reports")),
     .carry_out = office_accept},
    {COMMAND("consent", N_("--area A --form F --period P --unit U --rule CODE --reason R"),
             N_("consent that a report breaks a quasi-mandatory rule")),
     .carry_out = office_consent},
    {COMMAND("explain",
             N_("AREA INDICATOR PERIOD [--cumulative] [--slice S] [--between T1 T2] [--most N] [--format "
                "table|csv|json]"),
             N_("list what changed a total, or what it rests on, unit by unit")),
     .carry_out = office_explain},
    {COMMAND("applications", N_("[--area A] [--all] [--format table|csv|json]"),
             N_("list the units that parks want registered, and the reports that wait for that")),
     .carry_out = office_applications},
    {COMMAND("decline", N_("NUMBER --reason R"), N_("decline an application to register a unit")),
     .carry_out = office_decline},
    {COMMAND("completeness",
             N_("[--form F] [--period P] [--area A] [--missing N|all] [--format table|csv|json]"),
             N_("print who has reported, in time or late, and who is missing")),
     .carry_out = office_completeness},
    {COMMAND("export",
             N_("TOPIC… --format csv|xlsx|json|sdmx-csv|sdmx-csv-1.0 [--output FILE] [--period P] [--area A] "
                "[--indicator I] [--slice S] [--cumulative] [--form F] [--edition N]"),
             N_("write totals, reports, targets or editions for spreadsheets and other programs")),
     .carry_out = office_export, .gives_file = true, .for_guests = true},
    {COMMAND("scorecard", N_("[--period YEAR] [--area A] [--format table|csv|json]"),
             N_("print what each area scores in a year, its rank, and why")),
     .carry_out = office_scorecard},
    {COMMAND("growth-plan", N_("[--period YEAR] [--area A] [--format table|csv|json]"),
             N_("print who stays in the growth plan, who does not, and who may join")),
     .carry_out = office_growth_plan},
    {COMMAND("ledger head", N_("[--format text|json]"),
             N_("print what the ledger is now, signed: the words to compare it by later")),
     .carry_out = office_ledger_head},
    {COMMAND("ledger prove", N_("SUBMISSION|LEAF [--format text|json]"),
             N_("prove that a submission is in the ledger")),
     .carry_out = office_ledger_prove},
    {COMMAND("ledger verify", "",
             N_("verify every seal, receipt, report, total and edition against the ledger")),
     .carry_out = office_ledger_verify, .alone = true},
    {COMMAND("ledger check", N_("[--repair [--from FILE]… [--give-up] [--reason R]] [--format text|json]"),
             N_("name every damage of the store; make a whole one of what is good, and of backups")),
     .carry_out = office_ledger_check, .alone = true},
    {COMMAND("ledger export", N_("[--output FILE]"),
             N_("write the whole ledger for an auditor, who checks it with parktally-verify")),
     .carry_out = office_ledger_export, .gives_file = true, .alone = true},
    {COMMAND("audit list", N_("[--by USER] [--act ACT] [--format table|csv|json]"),
             N_("list what operators did, when and why")),
     .carry_out = office_audit_list},
    {COMMAND("audit verify", "", N_("verify that this journal is as it was recorded")),
     .carry_out = office_audit_verify, .alone = true},
    {COMMAND("backup", N_("FILE"),
             N_("write all that cannot be made again into a file, and read it again; the server goes on")),
     .carry_out = office_backup, .alone = true},
    {COMMAND("key backup", N_("FILE"),
             N_("write the keys into a file that a passphrase protects, for another place than the data")),
     .carry_out = office_key_backup, .alone = true},
    {COMMAND("key rotate", N_("[--reason R]"),
             N_("replace the city's keys by new ones; agents go on by themselves")),
     .carry_out = office_key_rotate},
    {COMMAND("key retire", N_("[--reason R]"),
             N_("end what the keys of before were still good for: to be reached by agents that have not "
                "heard of the new ones")),
     .carry_out = office_key_retire},
    {COMMAND("resume", N_("[--revocations-checked] [--reason R]"), N_("take figures again after a restore")),
     .carry_out = office_resume},
    {COMMAND("reload", N_("[--reason R]"), N_("have the server read configuration and catalogue again")),
     .carry_out = office_reload},
    {COMMAND("import", N_("FILE… [--receipts FILE]"),
             N_("take submissions from files that agents exported; write their receipts")),
     .carry_out = office_import, .at_the_caller = office_import_files},
    {COMMAND(
         "top", N_("[--format table|csv|json]"),
         N_("print every limit of the running server: what is in use, what was, how often it was reached")),
     .carry_out = office_top},
    {COMMAND("rebuild", "[--check]", N_("make the tables anew from the ledger, or compare them with it")),
     .carry_out = office_rebuild, .alone = true},
    {.command = {.name = NULL}},
};

static const struct office_command *find_command(const char *name)
{
  for (const struct office_command *of = office_commands; of->command.name; of++)
    if (strcmp(of->command.name, name) == 0) return of;
  return NULL;
}

/* --- for the commands --- */

int office_fail(struct control_request *request, GError *error)
{
  int code = error_exit_code(error);
  control_err(request->output, "%s: %s\n", PROGRAM, error->message);
  g_error_free(error);
  return code;
}

static void print_usage(struct control_request *request, const char *name)
{
  const struct office_command *of = find_command(name);
  control_err(request->output, _("Usage: %s %s %s\n"), PROGRAM, name, _(of->command.synopsis));
}

int office_misused(struct control_request *request, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  control_err(request->output, "%s: %s\n", PROGRAM, message);
  return ERROR_USAGE;
}

/* GOption keeps a "--" that guards words which look like options. */
static void drop_guard(int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++) {
    if (strcmp(argv[i], "--") != 0) continue;
    memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof *argv);
    (*argc)--;
    return;
  }
}

/* The options of the command, and those that office_run() takes out before it comes here. */
static char *help_text(const struct command *command, const GOptionEntry *entries)
{
  static const GOptionEntry folder[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, NULL, N_("data folder"), N_("DIR")},
      {"config", 0, 0, G_OPTION_ARG_FILENAME, NULL, N_("configuration"), N_("FILE")},
      G_OPTION_ENTRY_NULL,
  };
  g_autoptr(GArray) all = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
  for (const GOptionEntry *entry = entries; entry->long_name; entry++) g_array_append_val(all, *entry);
  g_array_append_vals(all, folder, G_N_ELEMENTS(folder));
  return command_help(PROGRAM, command, (const GOptionEntry *)(void *)all->data);
}

bool office_options(struct control_request *request, const GOptionEntry *entries, int least, int most,
                    int *argc, char ***argv, int *ret_exit)
{
  const char *name = (*argv)[0];
  const struct command *command = &find_command(name)->command;
  gboolean help = FALSE;
  const GOptionEntry help_entry[] = {
      {"help", 'h', 0, G_OPTION_ARG_NONE, &help, NULL, NULL},
      G_OPTION_ENTRY_NULL,
  };
  if (!g_get_prgname()) g_set_prgname(PROGRAM); /* GLib would take the command for it */
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_option_context_set_help_enabled(context, FALSE); /* GLib's own would end the process */
  g_option_context_set_translation_domain(context, GETTEXT_PACKAGE);
  g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries(context, help_entry, GETTEXT_PACKAGE);

  g_autoptr(GError) error = NULL;
  bool parsed = g_option_context_parse(context, argc, argv, &error);
  *ret_exit = ERROR_USAGE;
  if (parsed && help) {
    g_autofree char *text = help_text(command, entries);
    control_write(request->output, text, strlen(text));
    *ret_exit = 0;
    return false;
  }
  if (!parsed) {
    office_misused(request, "%s", error->message);
    print_usage(request, name);
    return false;
  }
  drop_guard(argc, *argv);
  if (*argc - 1 >= least && *argc - 1 <= most) return true;
  office_misused(request, "%s",
                 *argc - 1 < least ? _("an argument is missing") : _("there are too many arguments"));
  print_usage(request, name);
  return false;
}

bool office_read_format(struct control_request *request, const char *text, enum print_format *ret_format)
{
  if (print_read_format(text, ret_format)) return true;
  office_misused(request, _("“%s” is no format; choose table, csv or json"), text);
  return false;
}

bool office_read_text_or_json(struct control_request *request, const char *text, bool *ret_json)
{
  *ret_json = g_strcmp0(text, "json") == 0;
  if (!text || *ret_json || strcmp(text, "text") == 0) return true;
  office_misused(request, _("“%s” is no format; choose text or json"), text);
  return false;
}

bool office_read_period(struct control_request *request, const char *text, struct period *ret_period)
{
  if (period_read(text, 0, ret_period)) return true;
  office_misused(request, _("“%s” is no period; write 2018-05, 2018-Q2, 2018 or 2018-01/P2M"), text);
  return false;
}

struct snapshot *office_snapshot(struct office *office)
{
  return present_get(writer_present(office->writer));
}

/* --- the handler --- */

/* How many of the words are the command's name; 0 if they are another's. */
static int match(const struct office_command *of, char *const *words)
{
  g_auto(GStrv) name = g_strsplit(of->command.name, " ", -1);
  int count = 0;
  for (; name[count]; count++)
    if (!words[count] || strcmp(words[count], name[count]) != 0) return 0;
  return count;
}

static int turn_away(struct control_request *request)
{
  control_err(request->output,
              _("%s: the user %s may only export from this server; its own user and root may "
                "give other commands\n"),
              PROGRAM, request->user);
  return ERROR_PERMISSION;
}

static int carry_out(struct office *office, struct control_request *request)
{
  for (const struct office_command *of = office_commands; of->command.name; of++) {
    int named = match(of, request->words);
    if (named == 0) continue;
    if (request->guest && !of->for_guests) return turn_away(request);
    int argc = (int)g_strv_length(request->words) - named + 1;
    g_autofree char **argv = g_new0(char *, (size_t)argc + 1);
    argv[0] = (char *)of->command.name;
    for (int i = 1; i < argc; i++) argv[i] = request->words[named + i - 1];
    return of->carry_out(office, request, argc, argv);
  }
  return office_misused(request, _("the server knows no command “%s”; is it of another version?"),
                        request->words[0]);
}

int office_handle(struct control_request *request, void *office)
{
  text_speak(request->language);
  return carry_out(office, request);
}

/* --- from the command line --- */

/* Takes `--name VALUE` or `--name=VALUE` out of argv. False if the value is missing. */
static bool take_option(int *argc, char **argv, const char *name, char **ret_value)
{
  size_t length = strlen(name);
  for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0;) {
    int taken = 0;
    if (strcmp(argv[i], name) == 0) {
      if (i + 1 >= *argc) return false;
      *ret_value = argv[i + 1];
      taken = 2;
    } else if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=') {
      *ret_value = argv[i] + length + 1;
      taken = 1;
    }
    if (taken == 0) {
      i++;
      continue;
    }
    memmove(argv + i, argv + i + taken, (size_t)(*argc - i - taken) * sizeof *argv);
    *argc -= taken;
  }
  return true;
}

/* The first word that is neither an option nor its value. */
static const char *first_argument(int argc, char **argv)
{
  bool guarded = false;
  for (int i = 1; i < argc; i++) {
    if (guarded || strcmp(argv[i], "-") == 0 || argv[i][0] != '-') return argv[i];
    if (strcmp(argv[i], "--") == 0)
      guarded = true;
    else if (!strchr(argv[i], '='))
      i++;
  }
  return NULL;
}

/* What comes through a pipe is gathered here first: a server must not wait for whoever writes it. Takes
 * `from`; −1 and errno on failure. */
static int gather(int from)
{
  char piece[64 * 1024];
  int file = memfd_create("input", MFD_CLOEXEC);
  size_t all = 0;
  ssize_t got = 0;
  while (file >= 0 && all <= LIMIT_DOCUMENT_BYTES && (got = read(from, piece, sizeof piece)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || write(file, piece, (size_t)got) != got) break;
    all += (size_t)got;
  }
  int saved = errno;
  close(from);
  if (file >= 0 && (got < 0 || lseek(file, 0, SEEK_SET) != 0)) {
    close(file);
    file = -1;
  }
  errno = saved;
  return file;
}

static bool is_pipe(int file)
{
  struct stat status;
  return file >= 0 && fstat(file, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

/* −1 where there is none, and the command says so. */
static bool open_file(const struct office_command *of, int argc, char **argv, int *ret_file, GError **error)
{
  *ret_file = -1;
  const char *name = of->takes_file ? first_argument(argc, argv) : NULL;
  if (!name) return true;
  *ret_file = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (is_pipe(*ret_file)) *ret_file = gather(*ret_file);
  if (*ret_file >= 0) return true;
  int saved = errno;
  g_set_error(error, PARKTALLY_ERROR, saved == EACCES || saved == EPERM ? ERROR_PERMISSION : ERROR_IO,
              _("%s cannot be opened: %s"), name, g_strerror(saved));
  return false;
}

/* `option` may be NULL. */
static GStrv join_words(const char *name, const char *option, int argc, char **argv)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  g_auto(GStrv) first = g_strsplit(name, " ", -1);
  for (char **word = first; *word; word++) g_strv_builder_add(builder, *word);
  if (option) g_strv_builder_add(builder, option);
  for (int i = 1; i < argc; i++) g_strv_builder_add(builder, argv[i]);
  return g_strv_builder_end(builder);
}

/* Called in the writer's thread: the disk failed, and nothing may be acknowledged. */
static void end_process(const GError *error, void *data)
{
  (void)data;
  fprintf(stderr, "%s: %s\n", PROGRAM, error->message);
  (void)control_output_flush(control_output_standard());
  fflush(NULL);
  _exit(error_exit_code(error));
}

static bool open_office(struct office *office, GError **error)
{
  const char *folder = office->config->data;
  g_autofree char *keys = folder_path(folder, "identity.key");
  g_autofree char *store = folder_path(folder, "store.db");
  office->identity = identity_load(keys, error);
  if (!office->identity) return false;
  office->writer = writer_new(folder, office->identity, end_process, NULL, error);
  if (!office->writer || !keys_catch_up(office->writer, office->identity, error)) return false;
  office->reader = store_open(store, STORE_READ, error);
  return office->reader != NULL;
}

static void close_office(struct office *office)
{
  store_close(office->reader);
  writer_free(office->writer);
  identity_free((struct identity *)office->identity);
}

/* Without a server: under the lock that a server would hold. */
static int run_here(const struct aggregator_config *config, struct control_request *request)
{
  GError *error = NULL;
  int lock = folder_lock(config->data, &error);
  if (lock < 0) return office_fail(request, error);
  struct office office = {.config = config};
  int code = open_office(&office, &error) ? carry_out(&office, request) : office_fail(request, error);
  close_office(&office);
  close(lock);
  return code;
}

/* --- a command that is carried out in part by the caller --- */

struct office_caller {
  const struct aggregator_config *config;
  struct control_request *request;
  int lock; /* −1: not held */
  bool open;
  struct office office; /* once no server was there */
};

static bool open_here(struct office_caller *caller, GError **error)
{
  if (caller->open) return true;
  caller->lock = folder_lock(caller->config->data, error);
  if (caller->lock < 0) return false;
  caller->office.config = caller->config;
  caller->open = open_office(&caller->office, error);
  return caller->open;
}

static void caller_clear(struct office_caller *caller)
{
  close_office(&caller->office);
  if (caller->lock >= 0) close(caller->lock);
}

/* Where standard output goes meanwhile. −1 and errno. */
static int turn_output(int *ret_standard)
{
  int file = memfd_create("answer", MFD_CLOEXEC);
  (void)control_output_flush(control_output_standard());
  fflush(stdout);
  *ret_standard = file < 0 ? -1 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  if (*ret_standard >= 0 && dup2(file, STDOUT_FILENO) >= 0) return file;
  if (file >= 0) close(file);
  return -1;
}

/* Closes both. NULL and errno. */
static GBytes *turn_back(int file, int standard)
{
  bool written = control_output_flush(control_output_standard()) && fflush(stdout) == 0;
  off_t size = written ? lseek(file, 0, SEEK_END) : -1;
  g_autofree uint8_t *data = size >= 0 ? g_malloc((size_t)size + 1) : NULL;
  bool whole = data && pread(file, data, (size_t)size, 0) == (ssize_t)size;
  dup2(standard, STDOUT_FILENO);
  close(standard);
  close(file);
  return whole ? g_bytes_new_take(g_steal_pointer(&data), (gsize)size) : NULL;
}

static bool ask(struct office_caller *caller, const char *const *words, int file, int *ret_exit,
                GError **error)
{
  g_autofree char *path = folder_path(caller->config->data, "control");
  g_autoptr(GError) failure = NULL;
  if (!caller->open && control_call(path, words, file, ret_exit, &failure)) return true;
  if (failure && !g_error_matches(failure, PARKTALLY_ERROR, ERROR_UNAVAILABLE)) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!open_here(caller, error)) return false;
  struct control_request request = *caller->request;
  request.words = g_strdupv((GStrv)words);
  request.file = file;
  *ret_exit = carry_out(&caller->office, &request);
  g_strfreev(request.words);
  return true;
}

bool office_hand_over(struct office_caller *caller, const char *const *words, int file, int *ret_exit,
                      GBytes **ret_answer, GError **error)
{
  int standard = -1, output = turn_output(&standard);
  if (output < 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("there is no room in memory for an answer: %s"),
                g_strerror(errno));
    return false;
  }
  bool asked = ask(caller, words, file, ret_exit, error);
  g_autoptr(GBytes) answer = turn_back(output, standard);
  if (asked && !answer) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("there is no room in memory for an answer: %s"),
                g_strerror(errno));
    return false;
  }
  if (asked) *ret_answer = g_steal_pointer(&answer);
  return asked;
}

static int run_at_the_caller(const struct aggregator_config *config, const struct office_command *of,
                             struct control_request *request, int argc, char **argv)
{
  struct office_caller caller = {.config = config, .request = request, .lock = -1};
  int code = of->at_the_caller(&caller, request, argc, argv);
  caller_clear(&caller);
  return code;
}

static int run_alone(const struct aggregator_config *config, struct control_request *request)
{
  g_autoptr(GError) held = NULL;
  int lock = folder_lock(config->data, &held);
  if (lock < 0 && !g_error_matches(held, PARKTALLY_ERROR, ERROR_TEMPORARY))
    return office_fail(request, g_steal_pointer(&held));
  struct office office = {.config = config, .locked = lock >= 0};
  int code = carry_out(&office, request);
  if (lock >= 0) close(lock);
  return code;
}

static int run_there_or_here(const struct aggregator_config *config, struct control_request *request)
{
  g_autofree char *path = folder_path(config->data, "control");
  GError *error = NULL;
  int code;
  if (control_call(path, (const char *const *)request->words, request->file, &code, &error)) return code;
  if (!g_error_matches(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE)) return office_fail(request, error);
  g_clear_error(&error);
  return run_here(config, request);
}

static int run_command(const struct office_command *of, const struct aggregator_config *config,
                       struct control_request *request)
{
  return of->alone ? run_alone(config, request) : run_there_or_here(config, request);
}

/* With standard output turned to the file that --output named. */
static int deliver(const struct office_command *of, const struct aggregator_config *config,
                   struct control_request *request, const char *output)
{
  GError *error = NULL;
  struct delivery *delivery = delivery_begin(output, &error);
  if (!delivery) return office_fail(request, error);
  int code = run_command(of, config, request);
  if (!delivery_end(delivery, code == 0, NULL, NULL, &error)) return office_fail(request, error);
  return code;
}

static bool asks_for_help(int argc, char **argv)
{
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
  return false;
}

static int run_words(const struct office_command *of, int argc, char **argv)
{
  char *data = NULL, *config_path = NULL, *output = NULL;
  g_autofree char *user = who_is(getuid(), 0);
  struct control_request request = {
      .user = user, .language = (char *)text_language(), .file = -1, .output = control_output_standard()};
  bool complete =
      take_option(&argc, argv, "--data", &data) && take_option(&argc, argv, "--config", &config_path);
  if (of->gives_file) complete &= take_option(&argc, argv, "--output", &output);
  bool to_terminal = of->gives_file && !output && isatty(STDOUT_FILENO);
  g_auto(GStrv) words =
      join_words(of->command.name, to_terminal ? "--" OFFICE_TO_TERMINAL : NULL, argc, argv);
  request.words = words;
  if (!complete) return office_misused(&request, "%s", _("--data, --config and --output need a value"));
  if (asks_for_help(argc, argv)) return carry_out(NULL, &request);

  GError *error = NULL;
  CLEANUP(aggregator_config_free) struct aggregator_config *config = folder_config(config_path, data, &error);
  if (!config || !open_file(of, argc, argv, &request.file, &error)) return office_fail(&request, error);
  int code = of->at_the_caller ? run_at_the_caller(config, of, &request, argc, argv)
             : output          ? deliver(of, config, &request, output)
                               : run_command(of, config, &request);
  if (request.file >= 0) close(request.file);
  return code;
}

int office_run(const char *name, int argc, char **argv)
{
  const struct office_command *of = find_command(name);
  g_assert(of);
  int code = run_words(of, argc, argv);
  if (control_output_flush(control_output_standard())) return code;
  g_autoptr(GError) error = g_error_new(
      PARKTALLY_ERROR, ERROR_IO,
      _("the answer could not be written to standard output (%s); the command itself ended with code %d"),
      g_strerror(errno), code);
  return command_fail(error);
}
