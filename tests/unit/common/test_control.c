#include "common/control.h"

#include "common/control_wire.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The stall time without its time: in place of the library's, for this program. */
static atomic_bool stalled; /* set by the test, read by the server's thread */

int poll(struct pollfd *items, nfds_t count, int timeout)
{
  if (stalled && count == 1) return 0; /* one item: waiting for a client to read */
  struct timespec limit = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L};
  return ppoll(items, count, timeout < 0 ? NULL : &limit, NULL);
}

/* What the handler got last, and what it is to do. */
struct record {
  char *folder;
  char *path;
  struct control_server *server;
  unsigned calls;
  char *words;
  char *user;
  char *language;
  char *content; /* of the passed file */
  size_t flood;  /* bytes to write */
  int exit;
};

static int handle(struct control_request *request, void *data)
{
  struct record *record = data;
  record->calls++;
  g_free(record->words);
  g_free(record->user);
  g_free(record->language);
  g_free(record->content);
  record->words = g_strjoinv("|", request->words);
  record->user = g_strdup(request->user);
  record->language = g_strdup(request->language);
  record->content = NULL;
  if (request->file >= 0) {
    char content[64] = "";
    record->content = read(request->file, content, sizeof content - 1) < 0 ? NULL : g_strdup(content);
  }
  if (record->flood > 0) {
    g_autofree char *much = g_strnfill(record->flood, 'x');
    control_write(request->output, much, record->flood);
  } else {
    control_out(request->output, "one %d\n", 1);
    control_err(request->output, "two\n");
    control_out(request->output, "three\n");
  }
  return record->exit;
}

static struct control_server *open_server(struct record *record)
{
  g_autoptr(GError) error = NULL;
  struct control_server *server = control_server_open(record->path, NULL, handle, record, &error);
  assert_null(error);
  assert_non_null(server);
  return server;
}

static int set_up_path(void **state)
{
  struct record *record = g_new0(struct record, 1);
  record->folder = g_dir_make_tmp("parktally-control-XXXXXX", NULL);
  record->path = g_build_filename(record->folder, "control", NULL);
  record->exit = 65;
  *state = record;
  return record->folder ? 0 : -1;
}

static int set_up(void **state)
{
  if (set_up_path(state) != 0) return -1;
  struct record *record = *state;
  record->server = open_server(record);
  return 0;
}

static int tear_down(void **state)
{
  struct record *record = *state;
  stalled = false;
  control_server_close(record->server);
  g_unlink(record->path);
  g_rmdir(record->folder);
  g_free(record->folder);
  g_free(record->path);
  g_free(record->words);
  g_free(record->user);
  g_free(record->language);
  g_free(record->content);
  g_free(record);
  return 0;
}

static const char *const WORDS[] = {"totals", "--area", "柳东", "", NULL};

/* control_call() with our standard output and error going to files. */
struct result {
  bool answered;
  int exit;
  char *out;
  char *err;
  GError *error;
};

static void clear_result(struct result *result)
{
  g_free(result->out);
  g_free(result->err);
  g_clear_error(&result->error);
}

static int divert(int file, const char *folder, const char *name, int *ret_saved)
{
  g_autofree char *path = g_build_filename(folder, name, NULL);
  int target = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  unlink(path);
  *ret_saved = dup(file);
  dup2(target, file);
  return target;
}

static char *restore(int file, int target, int saved)
{
  dup2(saved, file);
  close(saved);
  size_t length = (size_t)lseek(target, 0, SEEK_END);
  char *text = g_malloc0(length + 1);
  assert_int_equal(pread(target, text, length, 0), length);
  close(target);
  return text;
}

static struct result call_server(struct record *record, const char *const *words, int file)
{
  struct result result = {.exit = -1};
  int saved_out, saved_err;
  fflush(stdout);
  int out = divert(STDOUT_FILENO, record->folder, "out", &saved_out);
  int err = divert(STDERR_FILENO, record->folder, "err", &saved_err);
  result.answered = control_call(record->path, words, file, &result.exit, &result.error);
  result.err = restore(STDERR_FILENO, err, saved_err);
  result.out = restore(STDOUT_FILENO, out, saved_out);
  return result;
}

static void assert_call_fails(struct record *record, const char *const *words, enum parktally_error code)
{
  struct result result = call_server(record, words, -1);
  assert_false(result.answered);
  assert_int_equal(result.exit, -1);
  assert_int_equal(result.error->domain, PARKTALLY_ERROR);
  assert_int_equal(result.error->code, code);
  clear_result(&result);
}

static void assert_server_answers(struct record *record)
{
  struct result result = call_server(record, WORDS, -1);
  assert_true(result.answered);
  assert_int_equal(result.exit, record->exit);
  clear_result(&result);
}

static void assert_open_fails(const char *path, enum parktally_error code)
{
  g_autoptr(GError) error = NULL;
  assert_null(control_server_open(path, NULL, handle, NULL, &error));
  assert_int_equal(error->domain, PARKTALLY_ERROR);
  assert_int_equal(error->code, code);
}

/* --- no server --- */

static void without_a_server_the_call_is_unavailable(void **state)
{
  assert_call_fails(*state, WORDS, ERROR_UNAVAILABLE);
}

static void a_file_in_the_socket_s_place_is_left_alone(void **state)
{
  struct record *record = *state;
  assert_true(g_file_set_contents(record->path, "precious", -1, NULL));
  assert_open_fails(record->path, ERROR_CONFIG);
  g_autofree char *content = NULL;
  assert_true(g_file_get_contents(record->path, &content, NULL, NULL));
  assert_string_equal(content, "precious");
}

static void a_path_too_long_or_missing_is_said(void **state)
{
  struct record *record = *state;
  g_autofree char *filler = g_strnfill(120, 'x');
  g_autofree char *path = g_build_filename(record->folder, filler, NULL);
  assert_open_fails(path, ERROR_CONFIG);
  g_autofree char *missing = g_build_filename(record->folder, "missing", "control", NULL);
  assert_open_fails(missing, ERROR_IO);
}

static void a_second_server_is_refused_and_the_first_goes_on(void **state)
{
  struct record *record = *state;
  assert_open_fails(record->path, ERROR_UNAVAILABLE);
  assert_server_answers(record);
}

static int listen_raw(const char *path)
{
  struct sockaddr_un address;
  assert_true(control_make_address(path, &address, NULL));
  int file = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(file, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(file, 1), 0);
  return file;
}

static void the_socket_of_a_dead_server_is_replaced(void **state)
{
  struct record *record = *state;
  close(listen_raw(record->path));
  record->server = open_server(record);
  assert_server_answers(record);
}

static void closing_removes_the_own_socket_and_no_other_server_s(void **state)
{
  struct record *record = *state;
  struct control_server *old = record->server;
  g_unlink(record->path);
  record->server = open_server(record);
  control_server_close(old);
  assert_server_answers(record);
  control_server_close(record->server);
  record->server = NULL;
  assert_false(g_file_test(record->path, G_FILE_TEST_EXISTS));
}

/* --- who may --- */

static void only_the_owner_may_write_to_the_socket(void **state)
{
  struct record *record = *state;
  struct stat facts;
  assert_int_equal(stat(record->path, &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0600);
}

/* Runs in a child of another user: what control_call() came to. */
static int call_as_stranger(struct record *record)
{
  pid_t child = fork();
  if (child == 0) {
    int exit_code = 0;
    GError *error = NULL;
    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(1);
    close(STDERR_FILENO);
    open("/dev/null", O_WRONLY);
    _exit(control_call(record->path, WORDS, -1, &exit_code, &error) ? exit_code : error->code);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WEXITSTATUS(status);
}

static void another_user_is_refused(void **state)
{
  struct record *record = *state;
  if (geteuid() != 0) skip();
  assert_int_equal(chmod(record->folder, 0711), 0);
  assert_int_equal(call_as_stranger(record), ERROR_PERMISSION);
  assert_int_equal(chmod(record->path, 0666), 0); /* even if the file lets them in */
  assert_int_equal(call_as_stranger(record), ERROR_PERMISSION);
  assert_int_equal(record->calls, 0);
  record->exit = 0;
  assert_server_answers(record);
}

/* --- bad requests --- */

static int connect_raw(struct record *record)
{
  struct sockaddr_un address;
  assert_true(control_make_address(record->path, &address, NULL));
  int file = control_connect(&address);
  assert_true(file >= 0);
  return file;
}

/* Reads to the end; the exit code is the last thing. Closes. */
static int32_t read_exit(int file)
{
  char data[4096];
  int32_t code = -1;
  ssize_t got, total = 0;
  while ((got = read(file, data + total, sizeof data - (size_t)total)) > 0) total += got;
  assert_true(total >= (ssize_t)(sizeof(struct head) + sizeof code));
  memcpy(&code, data + total - sizeof code, sizeof code);
  close(file);
  return code;
}

static void a_request_that_is_none_never_reaches_the_handler(void **state)
{
  static const struct {
    const char *why;
    struct head head;
    const char *body;
    size_t length;
  } cases[] = {
      {"another magic", {0x12345678, 8}, "\0status", 8}, {"no bytes at all", {MAGIC, 0}, "", 0},
      {"language alone", {MAGIC, 3}, "zh", 3},           {"no zero at the end", {MAGIC, 4}, "\0tot", 4},
      {"cut short", {MAGIC, 400}, "\0totals", 8},
  };
  struct record *record = *state;
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    int file = connect_raw(record);
    assert_int_equal(send(file, &cases[i].head, sizeof cases[i].head, 0), sizeof cases[i].head);
    if (cases[i].length > 0) send(file, cases[i].body, cases[i].length, MSG_NOSIGNAL);
    shutdown(file, SHUT_WR);
    int32_t code = read_exit(file);
    if (code != ERROR_USAGE || record->calls > 0) fail_msg("%s", cases[i].why);
  }
  int file = connect_raw(record);
  shutdown(file, SHUT_WR);
  assert_int_equal(read_exit(file), ERROR_USAGE);
  assert_server_answers(record);
}

static void a_request_beyond_the_limit_never_reaches_the_handler(void **state)
{
  struct record *record = *state;
  static const struct head head = {MAGIC, LIMIT_CONTROL_REQUEST + 1};
  g_autofree char *body = g_malloc0(head.length);
  memset(body + 1, 'x', head.length - 2);
  int file = connect_raw(record);
  send(file, &head, sizeof head, 0);
  send(file, body, head.length, MSG_NOSIGNAL);
  shutdown(file, SHUT_WR);
  assert_int_equal(read_exit(file), ERROR_USAGE);
  assert_int_equal(record->calls, 0);
}

static unsigned count_descriptors(void)
{
  GDir *folder = g_dir_open("/proc/self/fd", 0, NULL);
  unsigned count = 0;
  while (g_dir_read_name(folder)) count++;
  g_dir_close(folder);
  return count;
}

static void send_descriptors(int socket, const void *data, size_t length, size_t count)
{
  int files[4] = {STDERR_FILENO, STDERR_FILENO, STDERR_FILENO, STDERR_FILENO};
  union {
    char bytes[CMSG_SPACE(sizeof files)];
    struct cmsghdr aligned;
  } control = {0};
  struct iovec part = {.iov_base = (void *)data, .iov_len = length};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(count * sizeof(int))};
  struct cmsghdr *item = CMSG_FIRSTHDR(&message);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(item), files, count * sizeof(int));
  assert_int_equal(sendmsg(socket, &message, 0), length);
}

/* The server closes a connection a moment after its client has the answer. */
static void await_descriptors(unsigned expected)
{
  int64_t end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
  while (count_descriptors() != expected && g_get_monotonic_time() < end) g_thread_yield();
  assert_int_equal(count_descriptors(), expected);
}

static void more_than_one_descriptor_is_refused_and_none_stays_open(void **state)
{
  struct record *record = *state;
  unsigned before = count_descriptors(); /* no client has come yet */
  assert_server_answers(record);
  await_descriptors(before);
  static const struct head head = {MAGIC, 8};
  for (size_t count = 2; count <= 4; count++) {
    int file = connect_raw(record);
    send_descriptors(file, &head, sizeof head, count);
    send(file, "\0totals", 8, MSG_NOSIGNAL);
    assert_int_equal(read_exit(file), ERROR_USAGE);
  }
  int file = connect_raw(record); /* one with each half */
  send_descriptors(file, &head, sizeof head, 1);
  send_descriptors(file, "\0totals", 8, 1);
  assert_int_equal(read_exit(file), ERROR_USAGE);
  assert_int_equal(record->calls, 1);
  await_descriptors(before);
}

static void a_language_that_is_none_is_not_passed_on(void **state)
{
  static const char body[] = "../../zh\0totals";
  struct record *record = *state;
  struct head head = {MAGIC, sizeof body};
  int file = connect_raw(record);
  send(file, &head, sizeof head, 0);
  send(file, body, sizeof body, 0);
  assert_int_equal(read_exit(file), record->exit);
  assert_string_equal(record->language, "");
}

static void a_client_that_went_away_does_not_hurt_the_server(void **state)
{
  struct record *record = *state;
  record->flood = 4 * LIMIT_MIB;
  static const struct head head = {MAGIC, 8};
  int file = connect_raw(record);
  send(file, &head, sizeof head, 0);
  send(file, "\0totals", 8, 0);
  close(file);
  close(connect_raw(record));
  assert_server_answers(record);
  assert_int_equal(record->calls, 2);
}

static void a_stalled_client_is_given_up(void **state)
{
  struct record *record = *state;
  record->flood = 4 * LIMIT_MIB;
  stalled = true;
  static const struct head head = {MAGIC, 8};
  int file = connect_raw(record);
  send(file, &head, sizeof head, 0);
  send(file, "\0totals", 8, 0);
  char first;
  assert_int_equal(recv(file, &first, 1, MSG_PEEK), 1); /* the answer has begun */
  control_server_close(record->server);                 /* would wait for ever: nobody reads on */
  record->server = NULL;
  assert_int_equal(record->calls, 1);
  close(file);
}

static void words_beyond_the_limit_are_refused_before_they_are_sent(void **state)
{
  struct record *record = *state;
  g_autofree char *much = g_strnfill(LIMIT_CONTROL_REQUEST, 'x');
  const char *words[] = {"totals", much, NULL};
  assert_call_fails(record, words, ERROR_USAGE);
  assert_int_equal(record->calls, 0);
}

/* --- bad answers --- */

struct answer {
  int listener;
  GByteArray *data;
};

static void add_piece(GByteArray *data, uint32_t kind, size_t length)
{
  struct head head = {kind, (uint32_t)length};
  g_byte_array_append(data, (const uint8_t *)&head, sizeof head);
  g_autofree char *zeros = g_malloc0(length + 1);
  g_byte_array_append(data, (const uint8_t *)zeros, (guint)length);
}

static void *answer_raw(void *data)
{
  struct answer *answer = data;
  int file = accept(answer->listener, NULL, NULL);
  send(file, answer->data->data, answer->data->len, MSG_NOSIGNAL);
  close(file);
  return NULL;
}

static void an_answer_that_breaks_off_is_an_error_and_no_exit_code(void **state)
{
  static const struct {
    const char *why;
    uint32_t kind; /* of the first piece; a good exit piece follows */
    size_t length;
    size_t cut; /* from the end */
  } cases[] = {{"nothing comes", PIECE_OUT, 0, 20},
               {"half a head", PIECE_OUT, 0, 15},
               {"half a piece", PIECE_OUT, 8, 16},
               {"no exit", PIECE_OUT, 8, 12},
               {"half an exit", PIECE_OUT, 8, 1},
               {"unknown piece", 'z', 8, 0},
               {"piece too long", PIECE_OUT, LIMIT_CONTROL_PIECE + 1, 0},
               {"exit too long", PIECE_EXIT, 5, 0}};
  struct record *record = *state;
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct answer answer = {listen_raw(record->path), g_byte_array_new()};
    add_piece(answer.data, cases[i].kind, cases[i].length);
    add_piece(answer.data, PIECE_EXIT, sizeof(int32_t));
    g_byte_array_set_size(answer.data, answer.data->len - (guint)cases[i].cut);
    GThread *thread = g_thread_new("answer", answer_raw, &answer);
    struct result result = call_server(record, WORDS, -1);
    g_thread_join(thread);
    if (result.answered || result.exit != -1 || result.error->code != ERROR_IO) fail_msg("%s", cases[i].why);
    clear_result(&result);
    close(answer.listener);
    g_byte_array_unref(answer.data);
    g_unlink(record->path);
  }
}

/* Sends a piece only when the one before it has come out of the client. */
struct dialogue {
  int listener;
  int printed; /* the client's standard output, to read */
  bool good;
};

static void *answer_step_by_step(void *data)
{
  struct dialogue *dialogue = data;
  int file = accept(dialogue->listener, NULL, NULL);
  for (int i = 0; i < 5; i++) {
    struct head head = {PIECE_OUT, 100};
    char sent[100], seen[100];
    memset(sent, 'a' + i, sizeof sent);
    send(file, &head, sizeof head, MSG_NOSIGNAL);
    send(file, sent, sizeof sent, MSG_NOSIGNAL);
    size_t got = 0;
    while (got < sizeof seen) {
      ssize_t part = read(dialogue->printed, seen + got, sizeof seen - got);
      if (part <= 0) break;
      got += (size_t)part;
    }
    dialogue->good = dialogue->good && got == sizeof seen && memcmp(sent, seen, sizeof seen) == 0;
  }
  struct head head = {PIECE_EXIT, sizeof(int32_t)};
  int32_t code = 0;
  send(file, &head, sizeof head, MSG_NOSIGNAL);
  send(file, &code, sizeof code, MSG_NOSIGNAL);
  close(file);
  return NULL;
}

static void an_answer_is_printed_as_it_comes(void **state)
{
  struct record *record = *state;
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  struct dialogue dialogue = {listen_raw(record->path), ends[0], true};
  GThread *thread = g_thread_new("answer", answer_step_by_step, &dialogue);
  fflush(stdout);
  int saved = dup(STDOUT_FILENO), exit_code = -1;
  dup2(ends[1], STDOUT_FILENO);
  bool answered = control_call(record->path, WORDS, -1, &exit_code, NULL);
  dup2(saved, STDOUT_FILENO);
  g_thread_join(thread);
  assert_true(answered);
  assert_int_equal(exit_code, 0);
  assert_true(dialogue.good);
  close(saved);
  close(ends[0]);
  close(ends[1]);
  close(dialogue.listener);
}

static void an_answer_that_cannot_be_printed_is_an_error(void **state)
{
  struct record *record = *state;
  int saved = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);
  fflush(stdout);
  dup2(full, STDOUT_FILENO);
  int exit_code = -1;
  g_autoptr(GError) error = NULL;
  bool answered = control_call(record->path, WORDS, -1, &exit_code, &error);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  close(full);
  assert_false(answered);
  assert_int_equal(error->code, ERROR_IO);
}

/* --- good --- */

static void words_user_language_and_file_arrive_and_the_answer_comes_back(void **state)
{
  struct record *record = *state;
  g_autofree char *path = g_build_filename(record->folder, "passed", NULL);
  assert_true(g_file_set_contents(path, "unit,class", -1, NULL));
  int file = open(path, O_RDONLY);
  g_unlink(path);
  g_setenv("LANGUAGE", "zh_CN", true);
  text_speak("zh_CN");
  struct result result = call_server(record, WORDS, file);
  text_speak("");
  g_unsetenv("LANGUAGE");
  close(file);
  assert_true(result.answered);
  assert_int_equal(result.exit, 65);
  assert_string_equal(result.out, "one 1\nthree\n");
  assert_string_equal(result.err, "two\n");
  assert_string_equal(record->words, "totals|--area|柳东|");
  assert_string_equal(record->language, "zh_CN");
  assert_string_equal(record->content, "unit,class");
  struct passwd *own = getpwuid(geteuid());
  if (own) assert_string_equal(record->user, own->pw_name);
  clear_result(&result);
}

static void a_long_answer_arrives_whole(void **state)
{
  struct record *record = *state;
  record->flood = 3 * LIMIT_MIB + 1;
  struct result result = call_server(record, WORDS, -1);
  assert_true(result.answered);
  assert_int_equal(strlen(result.out), record->flood);
  assert_int_equal(strspn(result.out, "x"), record->flood);
  clear_result(&result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_ALONE(name) cmocka_unit_test_setup_teardown(name, set_up_path, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST_ALONE(without_a_server_the_call_is_unavailable),
      TEST_ALONE(a_file_in_the_socket_s_place_is_left_alone),
      TEST_ALONE(a_path_too_long_or_missing_is_said),
      TEST(a_second_server_is_refused_and_the_first_goes_on),
      TEST_ALONE(the_socket_of_a_dead_server_is_replaced),
      TEST(closing_removes_the_own_socket_and_no_other_server_s),
      TEST(only_the_owner_may_write_to_the_socket),
      TEST(another_user_is_refused),
      TEST(a_request_that_is_none_never_reaches_the_handler),
      TEST(a_request_beyond_the_limit_never_reaches_the_handler),
      TEST(more_than_one_descriptor_is_refused_and_none_stays_open),
      TEST(a_language_that_is_none_is_not_passed_on),
      TEST(a_client_that_went_away_does_not_hurt_the_server),
      TEST(a_stalled_client_is_given_up),
      TEST(words_beyond_the_limit_are_refused_before_they_are_sent),
      TEST_ALONE(an_answer_that_breaks_off_is_an_error_and_no_exit_code),
      TEST(an_answer_that_cannot_be_printed_is_an_error),
      TEST_ALONE(an_answer_is_printed_as_it_comes),
      TEST(words_user_language_and_file_arrive_and_the_answer_comes_back),
      TEST(a_long_answer_arrives_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
