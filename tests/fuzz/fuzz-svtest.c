/* SPDX-License-Identifier: MIT */
/*
 * fuzz-svtest: rule tests (vnd.dovecot.testsuite) from their file to their results, which are
 * carried out in a private folder. What says where programs are is left out: none may start.
 * tests/fuzz/fuzz-svtest.sh says how to fuzz.
 */
#define _GNU_SOURCE
#include "agent/suite/suite.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static bool
has(const guchar *data, size_t size, const char *text)
{
	return memmem(data, size, text, strlen(text)) != NULL;
}

/* Its path; *ret_fd closes it. Caller frees. */
static char *
memory_file(const void *octets, size_t size, int *ret_fd)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	g_assert(fd >= 0 && fchmod(fd, 0600) == 0);
	g_assert(write(fd, octets, size) == (ssize_t) size);
	*ret_fd = fd;
	return g_strdup_printf("/proc/self/fd/%d", fd);
}

static void
take_test(void *user, const SuiteTest *test)
{
	unsigned *tests = user;
	g_assert(test->name != NULL);
	for (guint i = 0; i < test->failures->len; i++) {
		const SuiteFailure *failure = test->failures->pdata[i];
		g_assert(failure->reason != NULL && failure->reason[0] != '\0');
	}
	*tests += 1;
}

static void
take_note(void *user, unsigned line, const char *text)
{
	(void) user;
	(void) line;
	g_assert(text != NULL);
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	if (has(data, size, "_bin_dir") || has(data, size, "program_"))
		return 0;

	int fd, conf_fd;
	g_autofree char *path = memory_file(data, size, &fd);
	g_autofree char *conf_path = memory_file("", 0, &conf_fd);
	const char *const overrides[] = { "sieve_max_steps=200000", NULL };
	const SuiteOptions options = { .conf_path = conf_path,
		                       .overrides = overrides,
		                       .trust = SCRIPT_OWNER };
	unsigned tests = 0;
	const SuiteListener listener = { take_test, take_note, &tests };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) problems = problem_list_new();

	/* What did not run says why. */
	if (!suite_run(path, &options, &listener, problems, &st))
		g_assert(problems->len > 0 || st.id != STATUS_OK);
	g_assert(st.id != STATUS_CONFIG || tests > 0);
	(void) close(fd);
	(void) close(conf_fd);

	return 0;
}
