/* SPDX-License-Identifier: MIT */
/* The history of marks: waits and their ends, retries, rotation, hosts, what is no line. */
#include "agent/state/mark-history.h"

#include "agent/base/limits.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUBJECT "0123456789abcdef0123456789abcdef"
#define OTHER "0123456789abcdef0123456789abcdee"
#define ARRIVAL "00112233445566778899aabbccddeeff"

enum { NOW = 1700000000, LIFETIME = 1000 };

/* Bodies; that of the first turns files that are full. */
static const BodyPrint turns = { "12 00aa" }, body = { "12 01aa" }, another = { "12 01ab" };

static MarkTag
tag_at(gint64 now, const BodyPrint *print, const char *arrival)
{
	return (MarkTag){ now, SUBJECT "tail", print, NULL, arrival };
}

static void
append(const char *folder, const char *host, GString *lines, gint64 now)
{
	g_auto(Status) st = STATUS_INIT;
	assert_true(mark_history_append(folder, host, lines, now, LIFETIME, &st));
	g_string_free(lines, TRUE);
}

static void
add_line(const char *folder, const char *host, void (*print)(GString *lines, const MarkTag *tag),
         gint64 time, const char *arrival)
{
	GString *lines = g_string_new(NULL);
	MarkTag tag = tag_at(time, &body, arrival);
	print(lines, &tag);
	append(folder, host, lines, time);
}

static void
check_waits(const char *folder, gint64 now, const char *arrival, gint64 waits, gint64 put_off)
{
	g_auto(MarkHistory) history;
	MarkTag tag = tag_at(now, &body, arrival);
	mark_history_read(folder, &tag, &history);
	assert_int_equal(history.waits, waits);
	assert_int_equal(history.put_off, put_off);
}

static void
test_lines(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *folder = g_build_filename(dir, "a/b", NULL);
	static const BodyPrint whole = { "20 ff" };
	MarkTag tag = { NOW, SUBJECT "tail", &body, &whole, ARRIVAL },
		none = tag_at(NOW, &body, NULL);
	GString *lines = g_string_new(NULL);
	mark_history_kept(lines, &tag, "new/a b", 7);
	mark_history_kept_in_mbox(lines, &tag, "/box", SUBJECT);
	mark_history_copied(lines, &none);
	mark_history_passed(lines, &none);
	mark_history_disposed(lines, &tag, "rules:3");
	mark_history_returned(lines, &tag);
	mark_history_waits(lines, &tag);
	mark_history_taken(lines, &tag);
	append(folder, NULL, lines, NOW);

#define HEAD "1700000000/0011223344556677 " SUBJECT " 12.01aa "
#define PLAIN "1700000000 " SUBJECT " 12.01aa "
	g_autofree char *got = scratch_read(folder, "marks");
	assert_string_equal(got,
	                    HEAD "kept f 7 new/a%20b\n" HEAD "kept m " SUBJECT " /box\n" PLAIN
	                         "copied\n" PLAIN "passed\n" HEAD "disposed rules:3 20.ff\n" HEAD
	                         "returned\n" HEAD "waits\n" HEAD "taken\n");
	struct stat sb;
	g_autofree char *file = g_build_filename(folder, "marks", NULL);
	assert_int_equal(stat(file, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	scratch_remove(dir);
}

/* No lines make no file. */
static void
test_nothing(void **state)
{
	(void) state;
	char *dir = scratch_new();
	append(dir, NULL, g_string_new(NULL), NOW);
	g_autofree char *names = scratch_list(dir, ".");
	assert_string_equal(names, "");

	g_auto(MarkHistory) history;
	MarkTag tag = tag_at(NOW, &body, NULL);
	mark_history_read(dir, &tag, &history);
	assert_false(history.known || history.kept_any || history.passed);
	assert_int_equal(history.kept->len, 0);
	assert_int_equal(history.returns, 0);
	assert_null(history.disposed);
	scratch_remove(dir);
}

/* What an earlier try of this very arrival wrote says nothing but when its wait began. */
static void
test_own_lines(void **state)
{
	(void) state;
	char *dir = scratch_new();
	add_line(dir, NULL, mark_history_passed, NOW, ARRIVAL);
	add_line(dir, NULL, mark_history_returned, NOW, ARRIVAL);
	add_line(dir, NULL, mark_history_copied, NOW, ARRIVAL);
	MarkTag own = tag_at(NOW, &body, ARRIVAL "and more"), other = tag_at(NOW, &body, "ff");
	MarkTag unknown = tag_at(NOW, &another, NULL);

	g_auto(MarkHistory) mine, theirs, changed;
	mark_history_read(dir, &own, &mine);
	assert_false(mine.known || mine.kept_any || mine.passed || mine.returns > 0);
	mark_history_read(dir, &other, &theirs);
	assert_true(theirs.known && theirs.kept_any && theirs.passed);
	assert_int_equal(theirs.returns, 1);

	/* with another body it is known, and was kept and returned; nothing was passed on */
	mark_history_read(dir, &unknown, &changed);
	assert_true(changed.known && changed.kept_any && !changed.passed);
	assert_int_equal(changed.returns, 1);
	scratch_remove(dir);
}

static void
test_waits(void **state)
{
	(void) state;
	char *dir = scratch_new();
	add_line(dir, NULL, mark_history_waits, NOW, ARRIVAL);
	add_line(dir, NULL, mark_history_waits, NOW + 5, ARRIVAL);
	check_waits(dir, NOW + 9, ARRIVAL, NOW, NOW);
	check_waits(dir, NOW + 9, NULL, 0, NOW);
	check_waits(dir, NOW + 9, "ff", 0, NOW);
	check_waits(dir, NOW, ARRIVAL, NOW, NOW);
	/* no wait began later than now: the clock was set back */
	check_waits(dir, NOW - 1, ARRIVAL, 0, 0);

	add_line(dir, NULL, mark_history_taken, NOW + 6, ARRIVAL);
	check_waits(dir, NOW + 9, ARRIVAL, NOW, 0);
	add_line(dir, NULL, mark_history_waits, NOW + 7, "ff");
	check_waits(dir, NOW + 9, ARRIVAL, NOW, NOW + 7);

	/* another copy that is kept ends it as well */
	GString *lines = g_string_new(NULL);
	MarkTag kept = tag_at(NOW + 8, &body, NULL);
	mark_history_kept(lines, &kept, "new/a", 1);
	append(dir, NULL, lines, NOW + 8);
	check_waits(dir, NOW + 9, ARRIVAL, NOW, 0);
	scratch_remove(dir);
}

/* Each host has a file, and the end of a wait that another one wrote ends what began before it. */
static void
test_hosts(void **state)
{
	(void) state;
	static const struct {
		gint64 begins, ends,
			again; /* on "a", on "b", on "a" or, negative, on "b"; 0: none */
		gint64 want;
	} rows[] = {
		{ NOW, 0, 0, NOW },
		{ NOW, NOW + 1, 0, 0 },
		{ NOW + 1, NOW, 0, NOW + 1 },
		{ NOW, NOW + 1, NOW + 2, 0 }, /* that of "a" began at NOW, and went on */
		{ NOW, NOW + 1, -(NOW + 2), NOW + 2 },
		{ NOW + 3, NOW + 1, -(NOW + 2), NOW + 2 },
		{ NOW + 2, NOW + 1, -(NOW + 3), NOW + 2 },
	};

	for (int turned = 0; turned < 2; turned++) {
		const char *a = turned ? "h/z" : "h/a", *b = "h/m";
		for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
			char *dir = scratch_new();
			add_line(dir, a, mark_history_waits, rows[i].begins, ARRIVAL);
			if (rows[i].ends != 0)
				add_line(dir, b, mark_history_taken, rows[i].ends, ARRIVAL);
			if (rows[i].again != 0)
				add_line(dir, rows[i].again > 0 ? a : b, mark_history_waits,
				         ABS(rows[i].again), ARRIVAL);
			check_waits(dir, NOW + 9, NULL, 0, rows[i].want);
			g_autofree char *names = scratch_list(dir, ".");
			if (rows[i].ends != 0)
				assert_string_equal(names, turned ? "marks@h_m marks@h_z"
				                                  : "marks@h_a marks@h_m");
			scratch_remove(dir);
		}
	}
}

/* A file that is older than a mark lives is put aside, by one body in many. */
static void
test_rotation(void **state)
{
	(void) state;
	static const struct {
		const BodyPrint *print;
		gint64 age;
		const char *host, *want;
	} rows[] = {
		{ &turns, LIFETIME, NULL, "marks" },
		{ &turns, LIFETIME + 1, NULL, "marks.old" },
		{ &body, LIFETIME + 1, NULL, "marks" },
		{ &turns, LIFETIME + 1, "h", "marks@h.old" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *dir = scratch_new();
		add_line(dir, rows[i].host, mark_history_passed, NOW, NULL);
		GString *lines = g_string_new(NULL);
		MarkTag tag = tag_at(NOW + rows[i].age, rows[i].print, NULL);
		mark_history_returned(lines, &tag);
		append(dir, rows[i].host, lines, tag.now);
		g_autofree char *names = scratch_list(dir, ".");
		assert_string_equal(names, rows[i].want);

		/* both are read */
		add_line(dir, rows[i].host, mark_history_returned, NOW + LIFETIME + 2, NULL);
		g_auto(MarkHistory) history;
		mark_history_read(dir, &tag, &history);
		assert_int_equal(history.returns, 2);
		scratch_remove(dir);
	}
}

/* The older file of a host is read first: what its newer one says counts. */
static void
test_old_file_first(void **state)
{
	(void) state;
	char *dir = scratch_new();
	scratch_write(dir, "marks.old", "1700000005 " SUBJECT " 12.01aa disposed old 20.ff\n");
	scratch_write(dir, "marks", "1700000001 " SUBJECT " 12.01aa disposed new 20.ff\n");
	scratch_write(dir, "markses", "1700000009 " SUBJECT " 12.01aa disposed none 20.ff\n");
	static const BodyPrint whole = { "20 ff" }, other = { "20 fe" };
	MarkTag tag = { NOW, SUBJECT, &body, &whole, NULL },
		more = { NOW, SUBJECT, &body, &other, NULL };

	g_auto(MarkHistory) history, none;
	mark_history_read(dir, &tag, &history);
	assert_string_equal(history.disposed, "new");
	mark_history_read(dir, &more, &none);
	assert_null(none.disposed);
	assert_true(none.known);
	scratch_remove(dir);
}

/* Newest first, and no more than LIMIT_KEPT_COPIES of them. */
static void
test_kept(void **state)
{
	(void) state;
	char *dir = scratch_new();
	MarkTag tag = tag_at(NOW, &body, NULL);
	for (guint i = 0; i < LIMIT_KEPT_COPIES + 2; i++) {
		GString *lines = g_string_new(NULL);
		MarkTag at = tag_at(NOW + i, &body, NULL);
		g_autofree char *path = g_strdup_printf("new/%u", i);
		mark_history_kept(lines, &at, path, i);
		append(dir, NULL, lines, NOW + i);
	}

	g_auto(MarkHistory) history;
	mark_history_read(dir, &tag, &history);
	assert_int_equal(history.kept->len, LIMIT_KEPT_COPIES);
	for (guint i = 0; i < LIMIT_KEPT_COPIES; i++) {
		const KeptCopy *copy = history.kept->pdata[i];
		assert_int_equal(copy->bytes, LIMIT_KEPT_COPIES + 1 - i);
		assert_int_equal(copy->time, NOW + LIMIT_KEPT_COPIES + 1 - i);
		assert_null(copy->sign);
	}
	scratch_remove(dir);
}

/* Lines that cannot be read say nothing. */
static void
test_no_lines(void **state)
{
	(void) state;
	static const char *const none[] = {
		"1700000000 " SUBJECT " 12.01aa\n",
		"x " SUBJECT " 12.01aa returned\n",
		"1700000000 " OTHER " 12.01aa returned\n",
		"1700000000 " SUBJECT " 12.01aa returned", /* it is being written */
		"-1 " SUBJECT " 12.01aa returned\n",
	};
	static const char *const copies[] = {
		"f 7",        "f x new/a", "g 7 new/a", "m 0123 /box",
		"m " SUBJECT, "f 7 %",     "f 7 ",      "f -1 new/a",
	};
	MarkTag tag = tag_at(NOW, &body, NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(none) + G_N_ELEMENTS(copies); i++) {
		char *dir = scratch_new();
		bool is_copy = i >= G_N_ELEMENTS(none);
		g_autofree char *line = is_copy ? g_strdup_printf("1700000000 " SUBJECT
		                                                  " 12.01aa kept %s\n",
		                                                  copies[i - G_N_ELEMENTS(none)])
		                                : g_strdup(none[i]);
		scratch_write(dir, "marks", line);
		g_auto(MarkHistory) history;
		mark_history_read(dir, &tag, &history);
		assert_int_equal(history.known, is_copy);
		assert_int_equal(history.kept->len, 0);
		assert_int_equal(history.returns, 0);
		scratch_remove(dir);
	}
}

/* A line too long is passed over, and so is what a line begins that a piece ends in. */
static void
test_pieces(void **state)
{
	(void) state;
	static const char line[] = "1700000000 " SUBJECT " 12.01aa returned\n";
	MarkTag tag = tag_at(NOW, &body, NULL);

	for (size_t before = 0; before < sizeof line + 1; before += 7) {
		char *dir = scratch_new();
		g_autoptr(GString) text = g_string_new(NULL);
		while (text->len < LIMIT_COPY_CHUNK - before)
			g_string_append(text, text->len + 64 < LIMIT_COPY_CHUNK - before
			                              ? "1699999999 " OTHER " 12.01aa copied x\n"
			                              : "\n");
		g_string_append(text, line);
		g_autofree char *long_word = g_strnfill(9000, 'x');
		g_string_append_printf(text, "1700000000 " SUBJECT " 12.01aa returned %s\n",
		                       long_word);
		g_string_append(text, line);
		scratch_write(dir, "marks", text->str);
		g_auto(MarkHistory) history;
		mark_history_read(dir, &tag, &history);
		assert_int_equal(history.returns, 2);
		scratch_remove(dir);
	}
}

/* Links lead to nobody's file. */
static void
test_link(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "marks", NULL);
	g_auto(Status) st = STATUS_INIT;
	scratch_write(dir, "target", "1700000000 " SUBJECT " 12.01aa returned\n");
	assert_int_equal(symlink("target", path), 0);
	g_autoptr(GString) lines = g_string_new("x\n");
	assert_false(mark_history_append(dir, NULL, lines, NOW, LIFETIME, &st));
	assert_non_null(strstr(st.detail, "/marks'"));

	g_auto(MarkHistory) history;
	MarkTag tag = tag_at(NOW, &body, NULL);
	mark_history_read(dir, &tag, &history);
	assert_false(history.known);
	scratch_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),          cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_own_lines),      cmocka_unit_test(test_waits),
		cmocka_unit_test(test_hosts),          cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_old_file_first), cmocka_unit_test(test_kept),
		cmocka_unit_test(test_no_lines),       cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_link),
	};

	return cmocka_run_group_tests_name("mark-history", tests, NULL, NULL);
}
