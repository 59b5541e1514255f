/* Commands beside a running server: a Unix socket in its data folder, for users whom the operating system
 * vouches for.
 *
 * One request per connection: the command's words, the user's language, and one open file at most (passed as
 * a descriptor, so that the user's own rights to read it count). The answer is a stream of pieces for
 * standard output and standard error, then the exit code. */
#ifndef PARKTALLY_COMMON_CONTROL_H
#define PARKTALLY_COMMON_CONTROL_H

#include <glib.h>
#include <stdbool.h>

/* --- what a command prints to; in-process or over the socket --- */

struct control_output; /* writes to standard output/error, or to the client */

/* Both take printf formats; blocking for at most a few seconds on a stalled client, whose output is then
 * dropped. */
void control_out(struct control_output *output, const char *format, ...) G_GNUC_PRINTF(2, 3);
void control_err(struct control_output *output, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Unformatted, of any length. */
void control_write(struct control_output *output, const char *data, size_t length);
/* To this process's standard output and error; never freed. What goes to standard output is written when
 * there is much of it, at the end of the process, and by the second of these: false and errno if some of it
 * was not since the last time. */
struct control_output *control_output_standard(void);
bool control_output_flush(struct control_output *output);

/* --- server --- */

struct control_request {
  GStrv words;    /* command and arguments, without the program's name */
  char *user;     /* name of the peer's user, "uid:N" if it has none */
  bool guest;     /* the user is let in by name, and is no operator */
  char *language; /* value for LANGUAGE/LC_ALL: "zh_CN", "" */
  int file;       /* passed descriptor, or −1; owned by the request */
  struct control_output *output;
};

/* Called in a thread of the server's for each request, one at a time. Returns the exit code. */
typedef int control_handler(struct control_request *request, void *data);

struct control_server;
/* Listens on `path` (a socket left behind by a dead server is replaced). Peers other than root, the server's
 * own user and `guests` (names, ended by NULL; may be NULL; must live as long) are refused. The socket's mode
 * is 0600; with guests 0666, and its folder decides who reaches it. */
struct control_server *control_server_open(const char *path, const char *const *guests,
                                           control_handler *handler, void *data, GError **error);
/* Waits for the request under way, then ends the thread and removes the socket. */
void control_server_close(struct control_server *server);

/* --- client --- */

/* Runs the words at the server, passes it `file` (−1: none) and copies its output to ours, as it comes.
 * Blocks until the command has ended. ERROR_UNAVAILABLE if nobody listens, ERROR_PERMISSION for another user,
 * ERROR_USAGE beyond 64 KiB of words, ERROR_IO if the answer broke off or could not be printed. */
bool control_call(const char *path, const char *const *words, int file, int *ret_exit, GError **error);

#endif
