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
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static bool
has(const guchar *data, size_t size, const char *text)
{
	return memmem(data, size, text, strlen(text)) != NULL;
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

	int fd = memfd_create("fuzz.svtest", MFD_CLOEXEC);
	g_assert(fd >= 0 && write(fd, data, size) == (ssize_t) size);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	const char *const overrides[] = { "sieve_max_steps=200000", NULL };
	const SuiteOptions options = { .conf_path = "/dev/null",
		                       .overrides = overrides,
		                       .trust = SCRIPT_OWNER };
	unsigned tests = 0;
	const SuiteListener listener = { take_test, take_note, &tests };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) problems = problem_list_new();

	/* What did not run says why. */
	if (!suite_run(path, &options, &listener, problems, &st))
		g_assert(problems->len > 0 || st.id != STATUS_OK);
	(void) close(fd);

	return 0;
}
