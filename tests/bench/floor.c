/* SPDX-License-Identifier: MIT */
/*
 * floor: the least that a durable delivery into a Maildir can be, for tests/bench/bench to compare
 * with: standard input into tmp/, fsync, link into new/, fsync of new/. It looks at nothing and
 * knows nobody.
 *
 *     floor MAILDIR < MESSAGE
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

enum { BUFFER = 65536, EX_TEMPFAIL_ = 75 };

static bool
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t) n;
	}
	return true;
}

static bool
copy_all(int from, int to)
{
	static char buffer[BUFFER];
	ssize_t n;

	while ((n = read(from, buffer, sizeof buffer)) > 0)
		if (!write_all(to, buffer, (size_t) n))
			return false;
	return n == 0;
}

int
main(int argc, char **argv)
{
	unsigned long unique;
	char tmp[64], new[64];
	if (argc != 2 || chdir(argv[1]) < 0 ||
	    getrandom(&unique, sizeof unique, 0) != (ssize_t) sizeof unique)
		return EX_TEMPFAIL_;

	snprintf(tmp, sizeof tmp, "tmp/%lu.floor", unique);
	snprintf(new, sizeof new, "new/%lu.floor", unique);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || !copy_all(STDIN_FILENO, fd) || fsync(fd) < 0 || close(fd) < 0 ||
	    link(tmp, new) < 0)
		return EX_TEMPFAIL_;

	int dir = open("new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0 || unlink(tmp) < 0)
		return EX_TEMPFAIL_;

	return 0;
}
