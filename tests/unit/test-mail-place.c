/* SPDX-License-Identifier: MIT */
/* Where a stored file is now: by its name, wherever it went, else by size, body and Message-ID. */
#define _GNU_SOURCE
#include "agent/store/mail-place.h"

#include "agent/base/fs.h"
#include "agent/message/message.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAIL "Message-ID: <1@x.test>\nA: 1\n\nbody\n"
#define OTHER "Message-ID: <2@x.test>\nA: 1\n\nbody\n"
#define CHANGED "Message-ID: <1@x.test>\nA: 1\n\nbodY\n"
#define NO_ID "X-Messages: <1@x.test>\nA: 1\n\nbody\n"

typedef struct {
	const char *name;
	const char *files[3]; /* path=contents */
	const char *path;     /* where it was stored */
	const char *id;
	const char *want; /* NULL: it is not found */
	const char *folder, *flags;
	bool is_moved, is_new, by_name;
} Row;

#define ID "<1@x.test>"

static const Row rows[] = {
	{ "where it was", { "new/a=x" }, "new/a", ID, "new/a", "", "", false, true, true },
	{ "read",
	  { "cur/a,S=1:2,FS=x" },
	  "new/a,S=1",
	  ID,
	  "cur/a,S=1:2,FS",
	  "",
	  "FS",
	  false,
	  false,
	  true },
	{ "in another folder",
	  { ".Work/cur/a:2,S=x" },
	  "new/a",
	  ID,
	  ".Work/cur/a:2,S",
	  ".Work",
	  "S",
	  true,
	  false,
	  true },
	{ "back in the INBOX",
	  { "cur/a:2,=x" },
	  ".Work/new/a",
	  ID,
	  "cur/a:2,",
	  "",
	  "",
	  true,
	  false,
	  true },
	{ "where it was comes first",
	  { "new/a=x", ".Work/cur/a:2,S=x" },
	  ".Work/new/a",
	  ID,
	  ".Work/cur/a:2,S",
	  ".Work",
	  "S",
	  false,
	  false,
	  true },
	{ "folders in folders",
	  { "Work/Old/cur/a:2,=x" },
	  "Work/new/a",
	  ID,
	  "Work/Old/cur/a:2,",
	  "Work/Old",
	  "",
	  true,
	  false,
	  true },
	{ "another name begins alike",
	  { "new/ab=x" },
	  "new/a",
	  ID,
	  NULL,
	  NULL,
	  NULL,
	  false,
	  false,
	  false },
	{ "another file", { "new/b=x" }, "new/a", ID, NULL, NULL, NULL, false, false, false },
	{ "a copy of a server",
	  { ".T/cur/z:2,=" MAIL },
	  "new/a",
	  ID,
	  ".T/cur/z:2,",
	  ".T",
	  "",
	  true,
	  false,
	  false },
	{ "a name comes before a copy",
	  { "cur/z:2,=" MAIL, ".T/new/a=x" },
	  "cur/a",
	  ID,
	  ".T/new/a",
	  ".T",
	  "",
	  true,
	  true,
	  true },
	{ "another Message-ID",
	  { "cur/z:2,=" OTHER },
	  "new/a",
	  ID,
	  NULL,
	  NULL,
	  NULL,
	  false,
	  false,
	  false },
	{ "another body",
	  { "cur/z:2,=" CHANGED },
	  "new/a",
	  ID,
	  NULL,
	  NULL,
	  NULL,
	  false,
	  false,
	  false },
	{ "no Message-ID where one is known",
	  { "cur/z:2,=" NO_ID },
	  "new/a",
	  ID,
	  NULL,
	  NULL,
	  NULL,
	  false,
	  false,
	  false },
	{ "none is known, and it has none",
	  { "cur/z:2,=" NO_ID },
	  "new/a",
	  NULL,
	  "cur/z:2,",
	  "",
	  "",
	  false,
	  false,
	  false },
	{ "none is known, and it has one",
	  { "cur/z:2,=" MAIL },
	  "new/a",
	  NULL,
	  NULL,
	  NULL,
	  NULL,
	  false,
	  false,
	  false },
	{ "another size",
	  { "cur/z:2,=" MAIL "more\n" },
	  "new/a",
	  ID,
	  NULL,
	  NULL,
	  NULL,
	  false,
	  false,
	  false },
	{ "hidden files are none",
	  { "new/.a=x", "tmp/a=x" },
	  "new/.a",
	  ID,
	  NULL,
	  NULL,
	  NULL,
	  false,
	  false,
	  false },
};

static void
put(const char *dir, const char *file)
{
	const char *end = strstr(file, "=Message-ID"); /* S=1 in a name has one, too */
	end = end != NULL                   ? end
	      : strstr(file, "=X-") != NULL ? strstr(file, "=X-")
	                                    : strrchr(file, '=');
	g_autofree char *name = g_strndup(file, (gsize) (end - file));
	g_autofree char *path = g_build_filename(dir, name, NULL),
			*folder = g_path_get_dirname(path);
	assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
	scratch_write(dir, name, end + 1);
}

static void
test_row(void **state)
{
	const Row *row = *state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	for (size_t i = 0; i < G_N_ELEMENTS(row->files) && row->files[i] != NULL; i++)
		put(dir, row->files[i]);

	g_autoptr(Message) message = message_from_bytes(MAIL, strlen(MAIL), &st);
	BodyPrint print = *message_print(message, &st);
	g_strdelimit(print.text, " ", '.');
	const MailPlaceWanted wanted = { row->path, strlen(MAIL), print.text, row->id };
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_auto(MailPlace) place = { 0 };
	bool all = false;
	gint64 now = g_get_real_time();

	assert_int_equal(mail_place_find(fd, &wanted, &place, &all), row->want != NULL);
	if (row->want != NULL) {
		assert_string_equal(place.path, row->want);
		assert_string_equal(place.folder, row->folder);
		assert_string_equal(place.flags, row->flags);
		assert_int_equal(place.is_moved, row->is_moved);
		assert_int_equal(place.is_new, row->is_new);
		assert_int_equal(place.by_name, row->by_name);
		assert_in_range(place.changed_us, now - 60 * G_USEC_PER_SEC, now + G_USEC_PER_SEC);
	} else
		assert_true(all);
	scratch_remove(dir);
}

/* Without its print or its size only the name counts. Links are not looked into. */
static void
test_names_alone(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	put(dir, "cur/z:2,=" MAIL);
	put(dir, "elsewhere/cur/a:2,=x");
	g_autofree char *link = g_build_filename(dir, ".Link", NULL),
			*from = g_build_filename(dir, "elsewhere", NULL);
	char *other = scratch_new();
	g_autofree char *moved = g_build_filename(other, "elsewhere", NULL);
	assert_int_equal(symlink(moved, link), 0);
	g_autofree char *command = g_strdup_printf("mv '%s' '%s'", from, moved);
	assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));

	g_autoptr(Message) message = message_from_bytes(MAIL, strlen(MAIL), &st);
	BodyPrint print = *message_print(message, &st);
	g_strdelimit(print.text, " ", '.');
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const MailPlaceWanted wanted[] = { { "new/a", 0, print.text, ID },
		                           { "new/a", strlen(MAIL), NULL, ID } };
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
		g_auto(MailPlace) place = { 0 };
		bool all = false;
		assert_false(mail_place_find(fd, &wanted[i], &place, &all));
		assert_true(all);
	}
	scratch_remove(other);
	scratch_remove(dir);
}

static void
test_base(void **state)
{
	(void) state;
	static const char *const names[][2] = {
		{ "a", "a" }, { "new/a,S=1:2,S", "a" }, { ".W/cur/a:2,S", "a" }, { "cur/", "" }
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *base = mail_place_base(names[i][0]);
		assert_string_equal(base, names[i][1]);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 2];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_names_alone);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_base);

	return _cmocka_run_group_tests("mail-place", tests, n, NULL, NULL);
}
