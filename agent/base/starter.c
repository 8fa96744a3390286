/* SPDX-License-Identifier: MIT */
/*
 * starter: one packet a request, with the program's descriptors and a file in memory that has its
 * strings; one packet for how it ended. Both have the request's number, as a process that was
 * forked by the client may have asked, and been killed before it heard the answer.
 */
#define _GNU_SOURCE
#include "agent/base/starter.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/libc.h"
#include "agent/base/limits.h"
#include "agent/base/pass-fds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Says where the channel is to a program of ours that this one becomes. */
#define VARIABLE "TODOKE_STARTER"

enum { STRINGS = PROGRAM_FDS, REQUEST_FDS }; /* behind those of the program: its strings */

static const char end_word = 'e';

/* Whoever asks: the process, and which of its requests. */
typedef struct {
	gint32 pid;
	gint32 number;
} RequestId;

/* A request; the strings are path, folder ("": none), and those of the three lists. */
typedef struct {
	RequestId id;
	guint32 mask;
	guint32 n_argv;
	guint32 n_envp;
	guint32 n_script; /* 0: there is no such list */
	guint32 len;      /* octets of all strings with their NULs */
} Request;

typedef struct {
	RequestId id;
	gint32 how;
} Reply;

/* Nothing that the loader of programs obeys, and no other place to look for programs. */
static bool
is_plain_environment(const char *const *envp)
{
	/* no pointers: each would cost every process that starts */
	static const char names[][16] = { "HOME=",   "USER=",      "LOGNAME=",        "HOST=",
		                          "SENDER=", "RECIPIENT=", "ORIG_RECIPIENT=", "QUEUE_ID=" };
	static const char whole[][40] = { "PATH=/usr/local/bin:/usr/bin:/bin",
		                          "PATH=/usr/sbin:/usr/bin:/bin", "LANG=C.UTF-8",
		                          "LANG=C" };

	for (; *envp != NULL; envp++) {
		bool is_known = false;
		for (size_t i = 0; i < G_N_ELEMENTS(names) && !is_known; i++)
			is_known = g_str_has_prefix(*envp, names[i]);
		for (size_t i = 0; i < G_N_ELEMENTS(whole) && !is_known; i++)
			is_known = strcmp(*envp, whole[i]) == 0;
		if (!is_known)
			return false;
	}

	return true;
}

/* Programs that are many in one, as busybox, do what they are called: none gets another name. */
static bool
is_called_by_its_name(const Program *program)
{
	const char *slash = strrchr(program->path, '/'), *called = program->argv[0];
	return strcmp(called, program->path) == 0 ||
	       (slash != NULL && strcmp(called, slash + 1) == 0);
}

/* "PATH -i -f SENDER [-N WORD] [-R WORD] [-V WORD] -- RECIPIENT": no other option, such as -C. */
static bool
is_call_of_sendmail(const char *const *argv)
{
	size_t n = g_strv_length((char **) (gpointer) argv), i = 4;
	if (n < 6 || strcmp(argv[1], "-i") != 0 || strcmp(argv[2], "-f") != 0)
		return false;

	for (; i + 2 < n; i += 2)
		if (strlen(argv[i]) != 2 || argv[i][0] != '-' || strchr("NRV", argv[i][1]) == NULL)
			return false;
	return i + 2 == n && strcmp(argv[i], "--") == 0;
}

/* A file right in the folder, whose name is no "..". */
static bool
is_in_folder(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	while (len > 0 && folder[len - 1] == '/')
		len--;
	const char *name = path + len + 1;

	return strncmp(path, folder, len) == 0 && path[len] == '/' && *name != '\0' &&
	       *name != '.' && strchr(name, '/') == NULL;
}

bool
starter_policy_allows(const StarterPolicy *policy, const Program *program)
{
	if (policy->any)
		return true;
	if (program->script_argv != NULL || program->argv[0] == NULL ||
	    !is_called_by_its_name(program) || !is_plain_environment(program->envp))
		return false;
	if (policy->cage != NULL && strcmp(program->path, policy->cage) == 0)
		return program->argv[1] == NULL && program->envp[0] == NULL;
	if (policy->sendmail != NULL && strcmp(program->path, policy->sendmail) == 0)
		return program->folder == NULL && is_call_of_sendmail(program->argv);
	return policy->folder != NULL && is_in_folder(program->path, policy->folder);
}

/* The starter, and the one program that it has running. */
typedef struct {
	const StarterPolicy *policy;
	int channel;
	int client; /* can be read when the client has ended */
	int program;
	pid_t pid; /* 0: none runs */
	RequestId id;
	gint64 ends; /* monotonic: when the program is killed */
} Starter;

static void
reply(const Starter *starter, const RequestId *id, int how)
{
	const Reply packet = { *id, how };
	(void) pass_fds_send(starter->channel, &packet, sizeof packet, NULL, 0);
}

/*
 * Whoever is left in its group goes before the leader is reaped: until then the number is nobody
 * else's.
 */
static int
kill_program(Starter *starter)
{
	int how = 0;

	(void) kill(-starter->pid, SIGKILL);
	(void) kill(starter->pid, SIGKILL);
	while (waitpid(starter->pid, &how, 0) < 0 && errno == EINTR)
		;
	starter->pid = 0;
	fs_close_auto(&starter->program);
	return how;
}

static void
end_program(Starter *starter)
{
	if (starter->pid > 0)
		reply(starter, &starter->id, kill_program(starter));
}

/* Its strings, in this process's own memory; ends with a NUL. NULL: it says what is not so. */
static char *
read_strings(int fd, size_t len)
{
	if (len == 0 || len > LIMIT_STARTER_REQUEST)
		return NULL;
	g_autofree char *text = g_try_malloc(len);

	for (size_t done = 0; text != NULL && done < len;) {
		ssize_t n = pread(fd, text + done, len - done, (off_t) done);
		if (n == 0 || (n < 0 && errno != EINTR))
			return NULL;
		done += n > 0 ? (size_t) n : 0;
	}

	return text != NULL && text[len - 1] == '\0' ? g_steal_pointer(&text) : NULL;
}

/* `n` strings, which stay where they are. NULL: there are fewer. Caller frees the list. */
static const char **
take_list(const char **at, const char *end, guint32 n)
{
	if (n > (size_t) (end - *at))
		return NULL;
	const char **list = g_new0(const char *, (gsize) n + 1);

	for (guint32 i = 0; i < n; i++) {
		if (*at == end) {
			g_free(list);
			return NULL;
		}
		list[i] = *at;
		*at += strlen(*at) + 1;
	}

	return list;
}

/* In the forked process, whose memory is its own: nothing is freed. */
static bool
take_program(const Request *request, int strings, Program *ret_program)
{
	const char *text = read_strings(strings, request->len), *at = text;
	const char *end = text != NULL ? text + request->len : NULL;
	const char **first = text != NULL ? take_list(&at, end, 2) : NULL;
	const char **argv = first != NULL ? take_list(&at, end, request->n_argv) : NULL;
	const char **envp = argv != NULL ? take_list(&at, end, request->n_envp) : NULL;
	const char **script = envp != NULL ? take_list(&at, end, request->n_script) : NULL;
	if (script == NULL || at != end || argv[0] == NULL)
		return false;

	*ret_program = (Program){ .path = first[0],
		                  .argv = argv,
		                  .envp = envp,
		                  .script_argv = request->n_script > 0 ? script : NULL,
		                  .folder = *first[1] != '\0' ? first[1] : NULL };
	return true;
}

G_NORETURN static void
become(const StarterPolicy *policy, const Request *request, const int *fds, pid_t parent)
{
	const int refused = EPERM;
	Program program;

	if (take_program(request, fds[STRINGS], &program) &&
	    starter_policy_allows(policy, &program)) {
		(void) umask((mode_t) request->mask & 0777);
		program_become(&program, fds, parent);
	}

	(void) !write(fds[PROGRAM_FAILURE], &refused, sizeof refused);
	_exit(126);
}

static void
start_program(Starter *starter, const Request *request, const int *fds)
{
	end_program(starter); /* whoever asked for it is not there any more */

	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		become(starter->policy, request, fds, parent);
	if (pid > 0)
		(void) setpgid(pid, pid); /* both do it: whoever comes first */

	int watched = pid > 0 ? pidfd_open(pid, 0) : -1;
	int failure = watched < 0 ? -errno : 0;
	starter->pid = MAX(pid, 0);
	starter->id = request->id;
	starter->program = watched;
	starter->ends = g_get_monotonic_time() + (gint64) starter->policy->seconds * G_USEC_PER_SEC;
	if (watched >= 0)
		return;

	(void) !write(fds[PROGRAM_FAILURE], &failure, sizeof failure);
	reply(starter, &request->id, pid > 0 ? kill_program(starter) : 0);
}

/* False: nobody is there, or says anything that it has learned here. */
static bool
hear(Starter *starter)
{
	Request request;
	int fds[REQUEST_FDS] = { -1, -1, -1, -1, -1 };
	ssize_t n = pass_fds_receive(starter->channel, &request, sizeof request, fds, REQUEST_FDS);
	bool has_fds = n > 0 && fds[0] >= 0;

	if (n == sizeof request && has_fds)
		start_program(starter, &request, fds);
	else if (n == sizeof end_word && !has_fds)
		end_program(starter);
	else
		n = -1;
	for (int i = 0; has_fds && i < REQUEST_FDS; i++)
		(void) close(fds[i]);
	return n > 0;
}

/* Milliseconds that the program may still run; -1: none runs. */
static int
milliseconds_left(const Starter *starter)
{
	gint64 left = (starter->ends - g_get_monotonic_time()) / 1000;
	return starter->pid == 0 ? -1 : (int) CLAMP(left, 0, G_MAXINT);
}

G_NORETURN static void
serve(Starter *starter)
{
	for (;;) {
		struct pollfd fds[] = {
			{ starter->channel, POLLIN, 0 },
			{ starter->client, POLLIN, 0 },
			{ starter->program, POLLIN, 0 },
		};
		int left = milliseconds_left(starter);
		int n = left != 0 ? poll(fds, G_N_ELEMENTS(fds), left) : 0;
		if (n < 0)
			continue;
		if (n == 0 || fds[2].revents != 0)
			end_program(starter);
		if (fds[1].revents != 0 || (fds[0].revents != 0 && !hear(starter)))
			break;
	}

	end_program(starter);
	_exit(0);
}

/*
 * Postfix waits until nobody holds its pipe, and nothing that is open here is the starter's
 * business. Signals for the delivery are heard by the delivery.
 */
static void
leave_all(int *channel, int *client)
{
	enum { CHANNEL = STDERR_FILENO + 1, CLIENT, FIRST_FREE };
	static const int handled[] = { SIGALRM, SIGSYS, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP };
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	int high[2] = { fcntl(*channel, F_DUPFD_CLOEXEC, FIRST_FREE),
		        fcntl(*client, F_DUPFD_CLOEXEC, FIRST_FREE) };
	int null = fs_open_null();

	for (int fd = 0; fd <= STDERR_FILENO && null >= 0; fd++)
		if (null != fd)
			(void) dup2(null, fd);
	if (null < 0 || high[0] < 0 || high[1] < 0 || dup3(high[0], CHANNEL, O_CLOEXEC) < 0 ||
	    dup3(high[1], CLIENT, O_CLOEXEC) < 0 || chdir("/") < 0)
		_exit(1);

	*channel = CHANNEL;
	*client = CLIENT;
	(void) close_range(FIRST_FREE, ~0u, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(handled); i++)
		(void) signal(handled[i], SIG_DFL);
	for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
		(void) signal(ignored[i], SIG_IGN);
}

G_NORETURN static void
begin(const StarterPolicy *policy, int channel, pid_t client)
{
	Starter starter = { .policy = policy, .channel = channel, .program = -1 };

	(void) prctl(PR_SET_NAME, "todoke-starter");
	starter.client = pidfd_open(client, 0);
	if (starter.client < 0 || getppid() != client)
		_exit(1);
	leave_all(&starter.channel, &starter.client);
	serve(&starter);
}

/* In the client. */
static int to_starter = -1;
static pid_t starter_pid;
static RequestId asked;
static Reply ended; /* to the last request that was answered */

bool
starter_fork(const StarterPolicy *policy)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return false;

	/*
	 * Others of the account, the process in the box among them, must not look into the starter,
	 * from its first moment on.
	 */
	int may_be_seen = prctl(PR_GET_DUMPABLE);
	(void) prctl(PR_SET_DUMPABLE, 0);
	pid_t client = getpid(), pid = fork();
	if (pid == 0)
		begin(policy, ends[1], client);

	int err = errno;
	(void) prctl(PR_SET_DUMPABLE, may_be_seen == 1 ? 1 : 0);
	(void) close(ends[1]);
	to_starter = ends[0];
	starter_pid = pid;
	if (pid < 0)
		fs_close_auto(&to_starter);
	errno = err;
	return pid > 0;
}

bool
starter_is_there(void)
{
	return to_starter >= 0;
}

int
starter_channel(void)
{
	return to_starter;
}

static guint32
put_list(GByteArray *strings, const char *const *list)
{
	guint32 n = 0;
	for (; list != NULL && list[n] != NULL; n++)
		g_byte_array_append(strings, (const guint8 *) list[n], (guint) strlen(list[n]) + 1);
	return n;
}

/* -1: errno. */
static int
put_into_memory(const GByteArray *strings)
{
	g_auto(Status) st = STATUS_INIT;
	if (strings->len > LIMIT_STARTER_REQUEST) {
		errno = E2BIG;
		return -1;
	}

	auto_fd int fd = memfd_create("program", MFD_CLOEXEC);
	if (fd < 0 || !fs_write_all(fd, strings->data, strings->len, "program", &st))
		return -1;
	return fs_steal_fd(&fd);
}

bool
starter_start(const Program *program, mode_t mask, const int fds[PROGRAM_FDS])
{
	const char *first[] = { program->path, program->folder != NULL ? program->folder : "",
		                NULL };
	g_autoptr(GByteArray) strings = g_byte_array_new();
	Request request = { .mask = mask };

	(void) put_list(strings, first);
	request.n_argv = put_list(strings, program->argv);
	request.n_envp = put_list(strings, program->envp);
	request.n_script = put_list(strings, program->script_argv);
	request.len = strings->len;
	auto_fd int fd = put_into_memory(strings);
	if (fd < 0)
		return false;

	asked = (RequestId){ (gint32) getpid(), asked.number + 1 };
	request.id = asked;
	const int all[REQUEST_FDS] = { fds[PROGRAM_IN], fds[PROGRAM_OUT], fds[PROGRAM_ERR],
		                       fds[PROGRAM_FAILURE], fd };
	deadline_stop_program(starter_stop);
	if (pass_fds_send(to_starter, &request, sizeof request, all, REQUEST_FDS))
		return true;
	deadline_stop_program(NULL);
	errno = ESRCH;
	return false;
}

/* The next reply to what was asked. False: there is none for now, or the starter is gone: errno. */
static bool
hear_reply(int flags)
{
	Reply packet;
	for (;;) {
		ssize_t n = recv(to_starter, &packet, sizeof packet, flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof packet) {
			errno = n < 0 ? errno : ESRCH;
			return false;
		}

		/* others are for a process that does not wait for them any more */
		if (memcmp(&packet.id, &asked, sizeof asked) == 0) {
			ended = packet;
			return true;
		}
	}
}

bool
starter_has_ended(void)
{
	return hear_reply(MSG_DONTWAIT) || errno != EAGAIN;
}

bool
starter_end(int *ret_wait)
{
	bool known = memcmp(&ended.id, &asked, sizeof asked) == 0;
	if (!known) {
		(void) pass_fds_send(to_starter, &end_word, sizeof end_word, NULL, 0);
		known = hear_reply(0);
	}

	deadline_stop_program(NULL);
	*ret_wait = known ? ended.how : 0;
	return known;
}

void
starter_stop(void)
{
	enum { PATIENCE_MS = 1000 };
	struct pollfd answer = { .fd = to_starter, .events = POLLIN };
	if (send(to_starter, &end_word, sizeof end_word, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		(void) poll(&answer, 1, PATIENCE_MS);
}

void
starter_finish(void)
{
	if (to_starter < 0)
		return;

	(void) shutdown(to_starter, SHUT_RDWR); /* a process that was forked may have it too */
	fs_close_auto(&to_starter);
	while (waitpid(starter_pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

bool
starter_hand_over(void)
{
	char numbers[32];
	if (to_starter < 0)
		return true;

	g_snprintf(numbers, sizeof numbers, "%d %d", to_starter, (int) starter_pid);
	return fcntl(to_starter, F_SETFD, 0) == 0 && setenv(VARIABLE, numbers, 1) == 0;
}

void
starter_take_over(void)
{
	const char *said = getenv(VARIABLE);
	int fd = -1, pid = 0, kind = 0;
	socklen_t len = sizeof kind;
	bool is_said = said != NULL && sscanf(said, "%d %d", &fd, &pid) == 2 && pid > 0;

	if (is_said && getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len) == 0 &&
	    kind == SOCK_SEQPACKET && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) {
		to_starter = fd;
		starter_pid = pid;
	}
	(void) unsetenv(VARIABLE);
}
