#include "rot.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_SECONDS 60
#define QUESTIONS_MOST 64
#define HEAD_BYTES 120 /* of a page: where its type, its cells and an inner page's children stand */
#define PAGE_BYTES 8192
#define UNLESS "unless="
#define EITHER "?"

/* What the process of a flip tells: one answer for opening, then one for each question. */
struct progress {
  int done;
  struct answer {
    int code;
    off_t out_end, err_end; /* of what it wrote */
    gint64 microseconds;
  } answers[QUESTIONS_MOST + 1];
};

struct rot {
  const char *folder, *database;
  rot_opener *open;
  rot_answerer *answer;
  int count;
  char **questions[QUESTIONS_MOST];
  char *unless[QUESTIONS_MOST]; /* NULL, or what stands before a question */
  struct progress *progress;    /* shared with the process of a flip, as are the next two */
  int out, err;
  GPtrArray *paths, *contents; /* the files as they were: char *, GBytes * */
  char *flipped;               /* the one that is flipped, and its bytes */
  GBytes *pristine;
  struct progress expected;
  GBytes *expected_out;
  uint64_t harmless, detected, wrong;
};

static void fail(const char *what)
{
  perror(what);
  exit(2);
}

static void write_file(const char *path, const void *data, size_t length)
{
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || write(file, data, length) != (ssize_t)length) fail(path);
  close(file);
}

static GBytes *read_all(int file)
{
  off_t length = lseek(file, 0, SEEK_END);
  char *data = g_malloc((size_t)length + 1);
  if (pread(file, data, (size_t)length, 0) != length) fail("what was answered");
  data[length] = '\0';
  return g_bytes_new_take(data, (size_t)length);
}

/* --- the files --- */

static void keep_file(struct rot *rot, const char *name)
{
  char *path = g_build_filename(rot->folder, name, NULL), *data;
  size_t length;
  if (!g_file_get_contents(path, &data, &length, NULL)) {
    g_free(path);
    return;
  }
  g_ptr_array_add(rot->paths, path);
  g_ptr_array_add(rot->contents, g_bytes_new_take(data, length));
}

static void restore(struct rot *rot)
{
  static const char *const LEFT[] = {"-wal", "-shm"};
  for (size_t n = 0; n < G_N_ELEMENTS(LEFT); n++) {
    char *path = g_strconcat(rot->folder, "/", rot->database, LEFT[n], NULL);
    g_unlink(path);
    g_free(path);
  }
  for (guint n = 0; n < rot->paths->len; n++)
    write_file(rot->paths->pdata[n], g_bytes_get_data(rot->contents->pdata[n], NULL),
               g_bytes_get_size(rot->contents->pdata[n]));
}

/* splitmix64: flip n of a seed is the same whatever came before it. */
static uint64_t random_of(uint64_t state)
{
  state += 0x9e3779b97f4a7c15u;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
  return state ^ (state >> 31);
}

/* Half of them one bit, half of them any byte; one in four where a page begins. */
static void choose(const struct rot *rot, uint64_t seed, uint64_t n, size_t *ret_offset, uint8_t *ret_change)
{
  uint64_t base = random_of(seed) + n * 16;
  size_t length = g_bytes_get_size(rot->pristine);
  size_t offset = random_of(base) % length;
  if (random_of(base + 1) % 4 == 0) {
    size_t head = offset / PAGE_BYTES * PAGE_BYTES + random_of(base + 2) % HEAD_BYTES;
    if (head < length) offset = head;
  }
  uint64_t change = random_of(base + 3);
  *ret_offset = offset;
  *ret_change = (uint8_t)(change % 2 ? 1u << (change / 2 % 8) : 1 + change / 2 % 255);
}

static void flip(struct rot *rot, size_t offset, uint8_t change)
{
  int file = open(rot->flipped, O_WRONLY | O_CLOEXEC);
  uint8_t byte = (uint8_t)(((const uint8_t *)g_bytes_get_data(rot->pristine, NULL))[offset] ^ change);
  if (file < 0 || pwrite(file, &byte, 1, (off_t)offset) != 1) fail(rot->flipped);
  close(file);
}

/* --- asking --- */

static int answer_one(struct rot *rot, int n)
{
  if (n == 0) return rot->open(rot->folder);
  char **words = g_strdupv(rot->questions[n - 1]); /* which GLib takes apart */
  return rot->answer(rot->folder, words, (int)g_strv_length(words));
}

static G_NORETURN void answer_all(struct rot *rot)
{
  alarm(PATIENCE_SECONDS);
  dup2(rot->out, STDOUT_FILENO);
  dup2(rot->err, STDERR_FILENO);
  for (int n = 0; n <= rot->count; n++) {
    gint64 begun = g_get_monotonic_time();
    int code = answer_one(rot, n);
    fflush(NULL);
    rot->progress->answers[n] = (struct answer){code, lseek(rot->out, 0, SEEK_END),
                                                lseek(rot->err, 0, SEEK_END), g_get_monotonic_time() - begun};
    rot->progress->done = n + 1;
    if (n == 0 && code != 0) _exit(code);
  }
  _exit(0);
}

/* In a process of its own. Its status. */
static int ask(struct rot *rot)
{
  int status;
  memset(rot->progress, 0, sizeof *rot->progress);
  if (ftruncate(rot->out, 0) != 0 || ftruncate(rot->err, 0) != 0) fail("what is answered");
  lseek(rot->out, 0, SEEK_SET);
  lseek(rot->err, 0, SEEK_SET);
  fflush(NULL);
  pid_t process = fork();
  if (process < 0) fail("fork");
  if (process == 0) answer_all(rot);
  if (waitpid(process, &status, 0) != process) fail("waitpid");
  return status;
}

/* --- comparing --- */

static const char *name_of(const struct rot *rot, int n)
{
  static char text[200];
  char *words = n == 0 ? g_strdup("open") : g_strjoinv(" ", rot->questions[n - 1]);
  g_strlcpy(text, words, sizeof text);
  g_free(words);
  return text;
}

static bool is_error_of_database(const struct rot *rot, int code, const char *said)
{
  return (code == 65 || code == 74) && strstr(said, rot->database);
}

static char *said_in(GBytes *all, off_t from, off_t to)
{
  return g_strndup((const char *)g_bytes_get_data(all, NULL) + from, (size_t)(to - from));
}

static bool equals(const struct rot *rot, GBytes *out, int n, int other)
{
  const struct answer *found = rot->progress->answers, *expected = rot->expected.answers;
  off_t from = n ? found[n - 1].out_end : 0, expected_from = other ? expected[other - 1].out_end : 0;
  return found[n].out_end - from == expected[other].out_end - expected_from &&
         memcmp((const char *)g_bytes_get_data(out, NULL) + from,
                (const char *)g_bytes_get_data(rot->expected_out, NULL) + expected_from,
                (size_t)(found[n].out_end - from)) == 0;
}

/* Which question's answer is expected of question n: its own, or what stands before it says another's. */
static int expected_of(const struct rot *rot, int n)
{
  if (n == 0 || !rot->unless[n - 1]) return n;
  g_auto(GStrv) parts = g_strsplit(rot->unless[n - 1], ":", 2);
  g_auto(GStrv) failing = g_strsplit(parts[0], ",", -1);
  for (char **which = failing; *which; which++)
    if (rot->progress->answers[atoi(*which)].code == 0) return n;
  return atoi(parts[1]);
}

/* Answer n: NULL if it is what it was; "" if it is a sound error; else what is wrong with it. */
static char *judge_answer(const struct rot *rot, GBytes *out, GBytes *err, int n)
{
  const struct answer *answers = rot->progress->answers;
  if (answers[n].code != rot->expected.answers[n].code) {
    g_autofree char *said = said_in(err, n ? answers[n - 1].err_end : 0, answers[n].err_end);
    return is_error_of_database(rot, answers[n].code, said)
               ? g_strdup("")
               : g_strdup_printf("exit code %d: %s", answers[n].code, said);
  }
  bool either = n > 0 && rot->unless[n - 1] && g_str_has_suffix(rot->unless[n - 1], EITHER);
  if (equals(rot, out, n, expected_of(rot, n)) || (either && equals(rot, out, n, n))) return NULL;
  off_t from = n ? answers[n - 1].out_end : 0;
  return g_strdup_printf("another answer: %.*s", (int)MIN(answers[n].out_end - from, 3000),
                         (const char *)g_bytes_get_data(out, NULL) + from);
}

/* The process did not come to its end: it may have ended by itself, with a word. */
static char *judge_end(const struct rot *rot, GBytes *err, int status)
{
  int done = rot->progress->done;
  off_t from = done ? rot->progress->answers[done - 1].err_end : 0;
  g_autofree char *said = said_in(err, from, (off_t)g_bytes_get_size(err));
  if (WIFSIGNALED(status)) return g_strdup_printf("signal %d: %s", WTERMSIG(status), said);
  return is_error_of_database(rot, WEXITSTATUS(status), said)
             ? g_strdup("")
             : g_strdup_printf("ended with %d: %s", WEXITSTATUS(status), said);
}

static void judge(struct rot *rot, int status, uint64_t number, size_t offset, uint8_t change)
{
  g_autoptr(GBytes) out = read_all(rot->out), err = read_all(rot->err);
  bool detected = false, wrong = false;
  int done = rot->progress->done;
  for (int n = 0; n <= done && n <= rot->count; n++) {
    bool ended = n == done; /* before this answer */
    if (ended && done > 0 && rot->progress->answers[done - 1].code != 0 && done == 1) break; /* not opened */
    g_autofree char *found = ended ? judge_end(rot, err, status) : judge_answer(rot, out, err, n);
    if (!found) continue;
    detected = detected || *found == '\0';
    wrong = wrong || *found != '\0';
    if (*found)
      printf("flip %" PRIu64 ": byte %zu ^ %#x: %s: %s\n", number, offset, change, name_of(rot, n), found);
  }
  if (done == rot->count + 1 && status != 0) {
    printf("flip %" PRIu64 ": byte %zu ^ %#x: at the end: status %#x\n", number, offset, change,
           (unsigned)status);
    wrong = true;
  }
  if (wrong)
    rot->wrong++;
  else if (detected)
    rot->detected++;
  else
    rot->harmless++;
}

/* --- the program --- */

static void read_questions(struct rot *rot, const char *path)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents(path, &text, NULL, NULL)) fail(path);
  g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
  for (char **line = lines; *line && rot->count < QUESTIONS_MOST; line++) {
    char **words = g_strsplit(*line, "\t", -1);
    if (g_str_has_prefix(words[0], UNLESS)) {
      rot->unless[rot->count] = words[0] + strlen(UNLESS);
      words++;
    }
    rot->questions[rot->count++] = words;
  }
}

static void init(struct rot *rot, char **argv)
{
  g_autofree char *log = g_strconcat(rot->database, "-wal", NULL);
  read_questions(rot, argv[3]);
  rot->progress =
      mmap(NULL, sizeof *rot->progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  rot->out = memfd_create("out", 0);
  rot->err = memfd_create("err", 0);
  if (rot->progress == MAP_FAILED || rot->out < 0 || rot->err < 0) fail("memory");
  rot->paths = g_ptr_array_new_with_free_func(g_free);
  rot->contents = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  keep_file(rot, rot->database);
  keep_file(rot, log);
  rot->flipped = g_build_filename(rot->folder, argv[2], NULL);
  for (guint n = 0; n < rot->paths->len; n++)
    if (strcmp(rot->paths->pdata[n], rot->flipped) == 0) rot->pristine = rot->contents->pdata[n];
  if (!rot->pristine) fail(rot->flipped);
}

/* What is answered where nothing is flipped, twice the same. */
static void expect(struct rot *rot)
{
  for (int turn = 0; turn < 2; turn++) {
    restore(rot);
    int status = ask(rot);
    if (status != 0 || rot->progress->done != rot->count + 1) {
      g_autoptr(GBytes) err = read_all(rot->err);
      printf("what is not damaged: status %#x at %s: %s\n", (unsigned)status,
             name_of(rot, MIN(rot->progress->done, rot->count)), (const char *)g_bytes_get_data(err, NULL));
      exit(2);
    }
    g_autoptr(GBytes) out = read_all(rot->out), err = read_all(rot->err);
    for (int n = 0; turn == 1 && n <= rot->count; n++) {
      g_autofree char *found = judge_answer(rot, out, err, n);
      if (!found) continue;
      printf("answered differently without damage: %s: %s\n", name_of(rot, n), found);
      exit(2);
    }
    rot->expected = *rot->progress;
    if (!rot->expected_out) rot->expected_out = g_bytes_ref(out);
  }
}

/* For whoever changes the questions. */
static void show(const struct rot *rot)
{
  printf("%s\n", (const char *)g_bytes_get_data(rot->expected_out, NULL));
  for (int n = 0; n <= rot->count; n++)
    printf("%6" PRId64 " us: %s\n", rot->expected.answers[n].microseconds, name_of(rot, n));
}

int rot_main(int argc, char **argv, const char *database, rot_opener *opener, rot_answerer *answerer)
{
  if (argc != 7) return 64;
  struct rot rot = {.folder = argv[1], .database = database, .open = opener, .answer = answerer};
  uint64_t seed = strtoull(argv[4], NULL, 10), first = strtoull(argv[5], NULL, 10);
  uint64_t count = strtoull(argv[6], NULL, 10);
  init(&rot, argv);
  expect(&rot);
  if (getenv("ROT_SHOW")) show(&rot);
  for (uint64_t n = first; n < first + count; n++) {
    size_t offset;
    uint8_t change;
    choose(&rot, seed, n, &offset, &change);
    restore(&rot);
    flip(&rot, offset, change);
    judge(&rot, ask(&rot), n, offset, change);
  }
  restore(&rot);
  printf("{\"flips\": %" PRIu64 ", \"harmless\": %" PRIu64 ", \"detected\": %" PRIu64 ", \"wrong\": %" PRIu64
         ", \"bytes\": %zu, \"answers\": %zu}\n",
         count, rot.harmless, rot.detected, rot.wrong, g_bytes_get_size(rot.pristine),
         g_bytes_get_size(rot.expected_out));
  return rot.wrong ? 1 : 0;
}
