/* SPDX-License-Identifier: MIT */
/*
 * floor-lmtp: what any LMTP server has to do and nothing else: floor-lmtp SOCKET FOLDER. One
 * process a connection; every message is written to FOLDER/tmp, flushed, renamed into FOLDER/new,
 * which is flushed: two syncs, as todoke has. No check of anything; dots stay stuffed. Only for
 * tests/bench/bench-lmtp.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[1 << 20];

static void
say(int client, const char *line)
{
	if (write(client, line, strlen(line)) < 0)
		_exit(1);
}

static void
store(int client, int tmp, int new, const char *body, size_t len)
{
	static unsigned number;
	char name[64];

	snprintf(name, sizeof name, "%d.%u", (int) getpid(), number++);
	int fd = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, body, len) != (ssize_t) len || fsync(fd) < 0 || close(fd) < 0 ||
	    renameat(tmp, name, new, name) < 0 || fsync(new) < 0)
		say(client, "451 4.3.0 no\r\n");
	else
		say(client, "250 2.0.0 stored\r\n");
}

/* Answer one line; returns false for DATA. */
static bool
answer(int client, const char *line, unsigned *recipients)
{
	if (strncasecmp(line, "LHLO", 4) == 0)
		say(client, "250-floor\r\n250 PIPELINING\r\n");
	else if (strncasecmp(line, "DATA", 4) == 0)
		say(client, "354 go\r\n");
	else
		say(client, strncasecmp(line, "QUIT", 4) == 0 ? "221 bye\r\n" : "250 ok\r\n");

	if (strncasecmp(line, "MAIL", 4) == 0)
		*recipients = 0;
	*recipients += strncasecmp(line, "RCPT", 4) == 0;
	return strncasecmp(line, "DATA", 4) != 0;
}

static void
serve(int client, int tmp, int new)
{
	size_t used = 0;
	bool commands = true;
	unsigned recipients = 0;

	say(client, "220 floor\r\n");
	for (ssize_t n; (n = read(client, buffer + used, sizeof buffer - used - 1)) > 0;) {
		used += (size_t) n;
		buffer[used] = '\0';
		for (char *end; (end = strstr(buffer, commands ? "\r\n" : "\r\n.\r\n")) != NULL;) {
			size_t len = (size_t) (end - buffer) + (commands ? 2 : 5);
			for (unsigned i = 0; !commands && i < recipients; i++)
				store(client, tmp, new, buffer, len - 3);
			commands = commands ? answer(client, buffer, &recipients) : true;
			memmove(buffer, buffer + len, used - len + 1);
			used -= len;
		}
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (argc != 3 || strlen(argv[1]) >= sizeof address.sun_path || chdir(argv[2]) < 0)
		return 2;

	strcpy(address.sun_path, argv[1]);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int tmp = open("tmp", O_RDONLY | O_DIRECTORY), new = open("new", O_RDONLY | O_DIRECTORY);
	if (listener < 0 || tmp < 0 || new < 0 ||
	    bind(listener, (struct sockaddr *) &address, sizeof address) < 0 ||
	    listen(listener, 100) < 0)
		return 1;

	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0) /* so that their CPU time counts as ours */
			continue;
		int client = accept(listener, NULL, NULL);
		if (client >= 0 && fork() == 0) {
			serve(client, tmp, new);
			_exit(0);
		}
		if (client >= 0)
			close(client);
	}
}
