/* SPDX-License-Identifier: MIT */
/*
 * fuzz-conf: todoke.conf and an owner's settings. What is read must hold when it is asked for a
 * recipient; what is wrong must have its place. fuzz-readers.sh says how to fuzz.
 */
#define _GNU_SOURCE
#include "conf/conf-owner.h"
#include "conf/conf-parser.h"
#include "conf/conf-verify.h"
#include "conf/conf.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static void
on_setting(void *user, const ConfStatement *statement)
{
	unsigned *open = user;
	g_assert(*open <= 1 && statement->name.text != NULL);
	for (guint i = 0; i < statement->values->len; i++) {
		const ConfWord *word = &g_array_index(statement->values, ConfWord, i);
		g_assert(word->text != NULL && word->place.line >= 1);
	}
}

static bool
on_open(void *user, const ConfWord *kind, const ConfWord *title)
{
	unsigned *open = user;
	g_assert(kind->text != NULL && (title == NULL || title->text != NULL));
	(*open)++;
	return true;
}

static void
on_close(void *user, bool is_whole)
{
	unsigned *open = user;
	(void) is_whole;
	g_assert(*open == 1);
	(*open)--;
}

static void
on_include(void *user, const ConfWord *path)
{
	(void) user;
	g_assert(path->text != NULL);
}

static void
parse_only(const guchar *data, size_t size)
{
	static const ConfSink sink = { on_setting, on_open, on_close, on_include };
	g_autofree char *text = g_malloc(size + 1);
	g_autoptr(GPtrArray) problems = problem_list_new();
	unsigned open = 0;

	memcpy(text, data, size);
	text[size] = '\0';
	conf_parse(text, size, "fuzz", &sink, &open, problems);
	g_assert(open == 0);
}

/* From a file that is in memory only; what it includes is not read, for that may be any device. */
static void
read_whole(const guchar *data, size_t size)
{
	if (memmem(data, size, "include", strlen("include")) != NULL)
		return;

	int fd = memfd_create("conf", MFD_CLOEXEC);
	/* Root reads only what nobody else can write. */
	g_assert(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, data, size) == (ssize_t) size);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_autoptr(Conf) conf = conf_read(path, NULL, problems, &st);
	g_assert((conf == NULL) == (st.id != STATUS_OK) && (conf != NULL || problems->len > 0));

	if (conf != NULL) {
		g_autoptr(Conf) own = conf_for_recipient(conf, "ann@example.org");
		g_autoptr(Conf) local = conf_for_recipient(conf, "ann");
		conf_verify(own != NULL ? own : conf, problems);
	}
	(void) close(fd);
}

static void
use_owner(const guchar *data, size_t size)
{
	g_autofree char *text = g_malloc(size + 1);
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_autoptr(Conf) own = conf_copy(conf_default());

	memcpy(text, data, size);
	text[size] = '\0';
	conf_owner_use(own, text, size, "fuzz", problems);
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	parse_only(data, size);
	read_whole(data, size);
	use_owner(data, size);
	return 0;
}
