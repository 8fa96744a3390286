/* SPDX-License-Identifier: MIT */
/*
 * sieve-case: cases of the Sieve engine.
 *
 *	sieve-case FOLDER [LINE]...  print what the case comes to, with further lines of `envelope`
 *	sieve-case --tap ROOT...     find all cases below the folders, hold each against its
 *	                             `expect`, print TAP
 *
 * A case is a folder with
 *	script.sieve   its first comment says the clause and the reason
 *	message.eml    default: the message.eml of the nearest folder above
 *	envelope       may be missing (tests/lib/sieve-world.h)
 *	expect         problems, plan and status, see sieve_world_outcome
 *	stored.eml     may be missing: the message as the first action of the plan stores it or
 *	               sends it
 */
#define _GNU_SOURCE
#include "agent/base/fs.h"
#include "tests/lib/sieve-world.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The text of a file of the case, or NULL. */
static char *
read_text(const char *folder, const char *name, size_t *ret_len)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	char *text = NULL;
	return g_file_get_contents(path, &text, ret_len, NULL) ? text : NULL;
}

static Message *
read_message(const char *folder)
{
	g_autofree char *at = g_strdup(folder);
	while (strlen(at) > 1) {
		size_t len = 0;
		g_autofree char *text = read_text(at, "message.eml", &len);
		g_auto(Status) st = STATUS_INIT;
		if (text != NULL)
			return message_from_bytes(text, len, &st);
		char *parent = g_path_get_dirname(at);
		g_free(at);
		at = parent;
	}

	return NULL;
}

/* Does the first action store these bytes? */
static bool
stores(const char *folder, Message *message, const Plan *plan, GString *out)
{
	size_t len = 0;
	g_autofree char *want = read_text(folder, "stored.eml", &len);
	if (want == NULL)
		return true;

	const PlanAction *action = plan_count(plan) > 0 ? plan_get(plan, 0) : NULL;
	Message *body = action != NULL && action->message != NULL ? action->message : message;
	Headers *headers = action != NULL && action->headers != NULL ? action->headers
	                                                             : message_headers(body);
	auto_fd int fd = memfd_create("stored", MFD_CLOEXEC);
	g_auto(Status) st = STATUS_INIT;
	if (action == NULL || !message_write(body, headers, fd, NULL, &st))
		return false;

	size_t size = (size_t) lseek(fd, 0, SEEK_CUR);
	g_autofree char *got = g_malloc(size + 1);
	if (pread(fd, got, size, 0) != (ssize_t) size)
		return false;

	got[size] = '\0';
	if (size == len && memcmp(got, want, len) == 0)
		return true;

	g_string_append_printf(out, "stored:\n%s", got);
	return false;
}

/*
 * What the case comes to; NULL: it is no case. `further` (NULL: none) are lines of the envelope,
 * too.
 */
static char *
run_case(const char *folder, char **further, bool *ret_stored_well)
{
	size_t len = 0;
	g_autofree char *script = read_text(folder, "script.sieve", &len);
	g_autofree char *own = read_text(folder, "envelope", NULL);
	g_autofree char *more = further != NULL ? g_strjoinv("\n", further) : NULL;
	g_autofree char *lines = g_strjoin("\n", own != NULL ? own : "", more, NULL);
	g_autoptr(Message) message = read_message(folder);
	g_autoptr(SieveWorld) world = sieve_world_new(lines, folder);

	if (script == NULL || message == NULL || world == NULL)
		return NULL;
	FilterSource source = {
		.file = "script.sieve", .text = script, .len = len, .trust = world->trust
	};
	g_autoptr(Plan) plan = NULL;
	GString *out = g_string_new(NULL);
	g_autofree char *outcome = sieve_world_outcome(world, &source, message, &plan);
	g_string_append(out, outcome);
	*ret_stored_well = stores(folder, message, plan, out);

	return g_string_free(out, FALSE);
}

static void
find_cases(const char *folder, GPtrArray *cases)
{
	g_autofree char *script = g_build_filename(folder, "script.sieve", NULL);

	if (g_file_test(script, G_FILE_TEST_EXISTS))
		g_ptr_array_add(cases, g_strdup(folder));
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			find_cases(path, cases);
	}
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
print_block(const char *what, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++)
		if (lines[i][0] != '\0')
			printf("# %s %s\n", what, lines[i]);
}

/* One line of TAP; a failure shows both sides and how to run it again. */
static bool
judge(size_t number, const char *folder, const char *program)
{
	bool stored_well = false;
	g_autofree char *want = read_text(folder, "expect", NULL);
	g_autofree char *got = run_case(folder, NULL, &stored_well);
	bool good = want != NULL && got != NULL && strcmp(got, want) == 0 && stored_well;
	g_autofree char *name = g_path_get_basename(folder);

	printf("%sok %zu - %s\n", good ? "" : "not ", number, name);
	if (!good) {
		print_block("want", want != NULL ? want : "(no expect)");
		print_block("got ", got != NULL ? got : "(no case)");
		printf("# again: %s %s | diff -u %s/expect -\n", program, folder, folder);
	}

	fflush(stdout);
	return good;
}

static int
judge_all(char **roots, const char *program)
{
	g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; roots[i] != NULL; i++)
		find_cases(roots[i], cases);
	qsort(cases->pdata, cases->len, sizeof(gpointer), compare_names);
	printf("1..%u\n", cases->len);

	bool good = true;
	for (guint i = 0; i < cases->len; i++)
		good = judge(i + 1, cases->pdata[i], program) && good;
	return good && cases->len > 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--tap") == 0)
		return judge_all(argv + 2, argv[0]);
	bool stored_well;
	g_autofree char *outcome = argc >= 2 && argv[1][0] != '-'
	                                   ? run_case(argv[1], argv + 2, &stored_well)
	                                   : NULL;
	if (outcome == NULL) {
		fprintf(stderr, "usage: sieve-case FOLDER [LINE]... | --tap ROOT...\n");
		return 2;
	}

	fputs(outcome, stdout);
	return 0;
}
