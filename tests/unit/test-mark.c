/* SPDX-License-Identifier: MIT */
/*
 * The mark against values that were made with Python's hmac (tests/loop/make-mark.py), its limits,
 * and its key file.
 */
#include "agent/base/limits.h"
#include "agent/message/mark.h"

#include "tests/lib/calls.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_2 "2222222222222222222222222222222222222222222222222222222222222222"

enum { MADE_AT = 1501685100, LIFETIME = 86400 };

static const AddressRules address_rules = { "", true };
static const char made_by_python[] =
	"v=2; k=k1; a=stored; t=1501685100;\n\t"
	"h=f29e96f0a64d76d159957769cbcaed23f682d1d9191e3e49f5c655913c402d86";
static const char made_by_version_1[] =
	"v=1; k=k1; a=stored; n=3; t=1501685100;\n\t"
	"h=62f849921a006787d6c7ff4773fcf6a06687fd20866a1cc674623d82743bbfad";
static const BodyPrint print = { "5 db36bbad8d328661683272ed8d949dba" };
static const BodyPrint other_print = { "5 900150983cd24fb0d6963f7d28e17f72" };

static Headers *
index_block(const char *block)
{
	Headers *headers = headers_new(NULL, "\n");
	bool ended;
	headers_index(headers, block, strlen(block), 0, true, &ended);
	return headers;
}

static const char message[] =
	"From: Sender <sender@client.test>\nDate: Wed, 2 Aug 2017 23:49:00 +0900\nMessage-ID: <1@client.test>\n";

static MarkKeys *
test_keys(const char *text)
{
	g_auto(Status) st = STATUS_INIT;
	MarkKeys *keys = mark_keys_parse(text, "keys", &st);
	assert_non_null(keys);
	return keys;
}

static void
test_same_as_python(void **state)
{
	(void) state;
	g_autoptr(MarkKeys) keys = test_keys("k1 " KEY_1 "\nk2 " KEY_2 "\n");
	g_autoptr(Headers) headers = index_block(message);
	g_autofree char *subject = mark_subject("Receiver@EXAMPLE1.jp", &address_rules, headers);
	Mark mark = { MARK_STORED, 2, MADE_AT }, got;
	g_autofree char *value = mark_make(keys, &mark, subject, &print);
	assert_string_equal(value, made_by_python);

	/* Those of version 1 are still checked, whatever the body. */
	assert_int_equal(
		mark_check(keys, made_by_version_1, subject, NULL, MADE_AT, LIFETIME, &got),
		MARK_VALID);
	assert_int_equal(
		mark_check(keys, made_by_version_1, subject, &other_print, MADE_AT, LIFETIME, &got),
		MARK_VALID);
	assert_int_equal(got.version, 1);
}

/*
 * One kind's mark can take another's place, and the one that is not known yet has the same length.
 */
static void
test_kinds_are_equally_long(void **state)
{
	(void) state;
	g_autoptr(MarkKeys) keys = test_keys("k1 " KEY_1);
	Mark mark = { .time = MADE_AT }, got;
	for (mark.kind = MARK_STORED; mark.kind <= MARK_COPIED; mark.kind++) {
		g_autofree char *value = mark_make(keys, &mark, "subject", &print),
				*blank = mark_make(keys, &mark, "subject", NULL);
		assert_int_equal(strlen(value),
		                 strlen("v=2; k=k1; a=stored; t=1501685100;\n\th=" KEY_1));
		assert_int_equal(strlen(blank), strlen(value));
		assert_int_equal(
			mark_check(keys, value, "subject", &print, MADE_AT, LIFETIME, &got),
			MARK_VALID);
		assert_int_equal(got.kind, mark.kind);
		assert_int_equal(
			mark_check(keys, value, "subject", &other_print, MADE_AT, LIFETIME, &got),
			MARK_OTHER);
		assert_int_equal(mark_check(keys, value, "subject", NULL, MADE_AT, LIFETIME, &got),
		                 MARK_OTHER);
		assert_int_equal(
			mark_check(keys, blank, "subject", &print, MADE_AT, LIFETIME, &got),
			MARK_OTHER);
	}
}

typedef struct {
	const char *name;
	const char *message;   /* NULL: the same */
	const char *recipient; /* NULL: the same */
	gint64 later;          /* seconds between making and checking */
	MarkCheck want;
} Row;

static const Row rows[] = {
	{ "the same message", NULL, NULL, 0, MARK_VALID },
	{ "the recipient in another spelling", NULL, "A@B.C", 0, MARK_VALID },
	{ "fields that are not covered",
	  "Subject: x\nFrom: a\nX-A: b\nDate: d e\nMessage-ID: <i>\n", NULL, 0, MARK_VALID },
	{ "folded anew", "Message-ID:\n <i>\nFrom:\ta\nDate: d\n\t e \n", NULL, 0, MARK_VALID },
	{ "a second Message-ID below", "From: a\nDate: d e\nMessage-ID: <i>\nMessage-ID: <j>\n",
	  NULL, 0, MARK_VALID },
	{ "another recipient", NULL, "a+x@b.c", 0, MARK_OTHER },
	{ "another Message-ID", "From: a\nDate: d e\nMessage-ID: <j>\n", NULL, 0, MARK_OTHER },
	{ "case of a covered field", "From: A\nDate: d e\nMessage-ID: <i>\n", NULL, 0, MARK_OTHER },
	{ "a field is missing", "From: a\nMessage-ID: <i>\n", NULL, 0, MARK_OTHER },
	{ "another Date", "From: a\nDate: de\nMessage-ID: <i>\n", NULL, 0, MARK_OTHER },
	{ "as old as its lifetime", NULL, NULL, LIFETIME, MARK_VALID },
	{ "a second older", NULL, NULL, LIFETIME + 1, MARK_EXPIRED },
	{ "as far ahead as clocks may differ", NULL, NULL, -MARK_CLOCK_SKEW, MARK_VALID },
	{ "a second further", NULL, NULL, -MARK_CLOCK_SKEW - 1, MARK_FUTURE },
};

static void
test_check(void **state)
{
	const Row *row = *state;
	static const char written[] = "From: a\nDate: d e\nMessage-ID: <i>\n";
	g_autoptr(MarkKeys) keys = test_keys("k1 " KEY_1);
	g_autoptr(Headers) headers = index_block(written);
	g_autofree char *subject = mark_subject("a@b.c", &address_rules, headers);
	Mark mark = { MARK_PASSED, 2, MADE_AT }, got = { MARK_STORED, 9, 9 };
	g_autofree char *value = mark_make(keys, &mark, subject, &print);
	g_autoptr(Headers) later = index_block(row->message != NULL ? row->message : written);
	g_autofree char *there = mark_subject(row->recipient != NULL ? row->recipient : "a@b.c",
	                                      &address_rules, later);

	assert_int_equal(
		mark_check(keys, value, there, &print, MADE_AT + row->later, LIFETIME, &got),
		row->want);
	assert_int_equal(got.kind, MARK_PASSED);
	assert_int_equal(got.time, MADE_AT);
}

/* A missing field is not an empty one, and what stands in one field cannot move to the next. */
static void
test_fields_do_not_run_together(void **state)
{
	(void) state;
	static const char *const blocks[] = { "", "Message-ID:\n", "Date:\n",
		                              "Message-ID: a Date=b\n",
		                              "Message-ID: a\nDate: b\n" };
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
		g_autoptr(Headers) headers = index_block(blocks[i]);
		assert_true(g_hash_table_add(seen, mark_subject("a@b", &address_rules, headers)));
	}
}

static const Row bad_rows[] = {
	{ "empty", "", NULL, 0, MARK_MALFORMED },
	{ "another version", "v=3; k=k1; a=stored; t=1; h=" KEY_1, NULL, 0, MARK_MALFORMED },
	{ "version 2 with a part of version 1", "v=2; k=k1; a=stored; n=0; t=1; h=" KEY_1, NULL, 0,
	  MARK_MALFORMED },
	{ "version 2 with a kind of version 1", "v=2; k=k1; a=redirected; t=1; h=" KEY_1, NULL, 0,
	  MARK_MALFORMED },
	{ "version 1 with a kind of version 2", "v=1; k=k1; a=passed; n=0; t=1; h=" KEY_1, NULL, 0,
	  MARK_MALFORMED },
	{ "version 2, a wrong digest", "v=2; k=k1; a=stored; t=1; h=" KEY_1, NULL, 0, MARK_OTHER },
	{ "a part is missing", "v=1; k=k1; a=stored; t=1; h=" KEY_1, NULL, 0, MARK_MALFORMED },
	{ "a part twice", "v=1; k=k1; k=k1; a=stored; n=0; t=1; h=" KEY_1, NULL, 0,
	  MARK_MALFORMED },
	{ "an unknown part", "v=1; k=k1; a=stored; n=0; t=1; x=1; h=" KEY_1, NULL, 0,
	  MARK_MALFORMED },
	{ "an unknown kind", "v=1; k=k1; a=eaten; n=0; t=1; h=" KEY_1, NULL, 0, MARK_MALFORMED },
	{ "a negative number", "v=1; k=k1; a=stored; n=-1; t=1; h=" KEY_1, NULL, 0,
	  MARK_MALFORMED },
	{ "a huge time", "v=1; k=k1; a=stored; n=0; t=99999999999999999999; h=" KEY_1, NULL, 0,
	  MARK_MALFORMED },
	{ "a short digest", "v=1; k=k1; a=stored; n=0; t=1; h=11", NULL, 0, MARK_MALFORMED },
	{ "no hexadecimal digits", "v=1; k=k1; a=stored; n=0; t=1; h=x" KEY_1, NULL, 0,
	  MARK_MALFORMED },
	{ "a key id that is none", "v=1; k=k.1; a=stored; n=0; t=1; h=" KEY_1, NULL, 0,
	  MARK_MALFORMED },
	{ "a wrong digest", "v=1; k=k1; a=stored; n=0; t=1; h=" KEY_1, NULL, 0, MARK_OTHER },
	{ "an unknown key", "v=1; k=k3; a=stored; n=0; t=1; h=" KEY_1, NULL, 0, MARK_FOREIGN_KEY },
};

static void
test_bad(void **state)
{
	const Row *row = *state;
	g_autoptr(MarkKeys) keys = test_keys("k1 " KEY_1);
	Mark mark;
	assert_int_equal(mark_check(keys, row->message, "subject", &print, 1, 1, &mark), row->want);
}

static void
test_no_keys(void **state)
{
	(void) state;
	Mark mark = { MARK_STORED, 2, 1 };
	assert_null(mark_make(NULL, &mark, "subject", &print));

	g_autoptr(MarkKeys) none = test_keys("# nothing\n\n");
	assert_int_equal(mark_keys_count(none), 0);
	assert_null(mark_make(none, &mark, "subject", &print));
}

typedef struct {
	const char *name;
	const char *text;
	const char *detail;
} KeyRow;

static const KeyRow key_rows[] = {
	{ "no key on the line", "a " KEY_1 "\nb\n",
	  "keys:2: want 'id key': 1 to 16 letters or digits, 64 hexadecimal digits" },
	{ "a short key", "a 11\n",
	  "keys:1: want 'id key': 1 to 16 letters or digits, 64 hexadecimal digits" },
	{ "a long id", "a2345678901234567 " KEY_1,
	  "keys:1: want 'id key': 1 to 16 letters or digits, 64 hexadecimal digits" },
	{ "an id twice", "a " KEY_1 "\n# x\na " KEY_2,
	  "keys:3: there is another key with the id 'a'" },
};

static void
test_wrong_keys(void **state)
{
	const KeyRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	assert_null(mark_keys_parse(row->text, "keys", &st));
	assert_int_equal(st.id, STATUS_CONFIG);
	assert_string_equal(st.detail, row->detail);
}

static void
test_key_file(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *folder = g_dir_make_tmp("todoke-test-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "key", NULL);
	MarkKeys *keys = (MarkKeys *) &st;
	assert_true(mark_keys_read(path, &keys, &st)); /* no file is no fault */
	assert_null(keys);

	g_autofree char *first = NULL, *second = NULL, *third = NULL;
	g_autoptr(MarkKeys) one = NULL, three = NULL;
	assert_true(mark_key_generate(path, &first, &st));

	struct stat sb;
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 07007, 0);
	assert_true(mark_keys_read(path, &one, &st));
	assert_int_equal(mark_keys_count(one), 1);

	assert_int_equal(chmod(path, 0600), 0);
	assert_true(mark_key_generate(path, &second, &st));
	assert_true(mark_key_generate(path, &third, &st));
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	assert_true(mark_keys_read(path, &three, &st));
	assert_int_equal(mark_keys_count(three), 2); /* the first one is gone */

	Mark mark = { MARK_STORED, 2, 100 };
	g_autofree char *old = mark_make(one, &mark, "subject", &print),
			*fresh = mark_make(three, &mark, "subject", &print);
	assert_int_equal(mark_check(three, fresh, "subject", &print, 100, 100, &mark), MARK_VALID);
	assert_int_equal(mark_check(three, old, "subject", &print, 100, 100, &mark),
	                 MARK_FOREIGN_KEY);

	/* a key that could not be put there has no id */
	char *id = NULL;
	g_auto(Status) denied = STATUS_INIT;
	(void) unlink(path);
	calls_break("rename", NULL, CALLS_EACH, EACCES);
	assert_false(mark_key_generate(path, &id, &denied));
	(void) calls_end();
	assert_null(id);
	assert_int_equal(denied.id, STATUS_NO_PERMISSION);
	assert_true(mark_key_generate(path, &id, &st));
	assert_non_null(id);
	g_free(id);
	assert_int_equal(unlink(path), 0);

	assert_int_equal(rmdir(folder), 0); /* nothing else was left behind */
}

/*
 * An owner's and the site's: one of them signs, both verify, the other does not sign where the
 * first is missing.
 */
static void
test_joined_keys(void **state)
{
	(void) state;
	g_autoptr(MarkKeys) own = test_keys("own " KEY_1), site = test_keys("site " KEY_2);
	g_autoptr(MarkKeys) both = mark_keys_join(own, site),
			    only_site = mark_keys_join(NULL, site);
	Mark mark = { MARK_STORED, 2, 100 };
	g_autofree char *by_site = mark_make(site, &mark, "subject", &print),
			*by_both = mark_make(both, &mark, "subject", &print);
	assert_int_equal(mark_check(both, by_site, "subject", &print, 100, 100, &mark), MARK_VALID);
	assert_int_equal(mark_check(own, by_both, "subject", &print, 100, 100, &mark), MARK_VALID);
	assert_false(mark_keys_sign(only_site));
	assert_null(mark_make(only_site, &mark, "subject", &print));
	assert_int_equal(mark_check(only_site, by_site, "subject", &print, 100, 100, &mark),
	                 MARK_VALID);
	assert_null(mark_keys_join(NULL, NULL));
}

/* What one of many signs with a key that it has made or read, once all of them are there. */
static void
sign_at_once(const char *path, int start, int results)
{
	g_auto(Status) st = STATUS_INIT;
	char signal;
	const Mark mark = { MARK_STORED, 2, 100 };
	if (read(start, &signal, 1) != 0) /* the end, for all at once */
		_exit(1);

	g_autoptr(MarkKeys) keys = mark_keys_read_or_make(path, &st);
	g_autofree char *value = keys != NULL ? mark_make(keys, &mark, "subject", &print) : NULL;
	g_autofree char *line = g_strdup_printf("%s\n", value != NULL ? value : "none");
	g_strdelimit(line, "\n", ' '); /* a folded field */
	line[strlen(line) - 1] = '\n';
	_exit(write(results, line, strlen(line)) == (ssize_t) strlen(line) ? 0 : 1);
}

/* Made once, by whoever is first; nobody reads half of it, or signs with another. */
static void
test_key_is_made(void **state)
{
	(void) state;
	enum { MAKERS = 20 };
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *folder = g_dir_make_tmp("todoke-test-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "mark.keys", NULL);
	int start[2], results[2];
	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(results), 0);

	for (int i = 0; i < MAKERS; i++) {
		if (fork() != 0)
			continue;
		close(start[1]);
		sign_at_once(path, start[0], results[1]);
	}
	close(start[0]);
	close(start[1]);
	close(results[1]);
	for (int i = 0; i < MAKERS; i++) {
		int status = -1;
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}

	struct stat sb;
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);

	g_autoptr(MarkKeys) keys = NULL;
	assert_true(mark_keys_read(path, &keys, &st));
	assert_int_equal(mark_keys_count(keys), 1);
	g_autoptr(GIOChannel) channel = g_io_channel_unix_new(results[0]);
	for (int i = 0; i < MAKERS; i++) {
		g_autofree char *value = NULL;
		gsize end = 0;
		Mark mark;
		assert_int_equal(g_io_channel_read_line(channel, &value, NULL, &end, NULL),
		                 G_IO_STATUS_NORMAL);
		value[end] = '\0';
		assert_int_equal(mark_check(keys, value, "subject", &print, 100, 100, &mark),
		                 MARK_VALID);
	}
	close(results[0]);

	/* without links the last one wins; another fault makes no key, and leaves no file */
	static const int errors[] = { EPERM, EOPNOTSUPP, ENOSYS, EMLINK, EACCES };
	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		g_auto(Status) fault = STATUS_INIT;
		bool links = errors[i] == EACCES;
		(void) unlink(path);
		calls_break("link", NULL, CALLS_EACH, errors[i]);
		g_autoptr(MarkKeys) made = mark_keys_read_or_make(path, &fault);
		assert_int_equal(calls_end(), 1);
		assert_int_equal(mark_keys_count(made), links ? 0 : 1);
		assert_int_equal(fault.id, links ? STATUS_NO_PERMISSION : STATUS_OK);
		assert_int_equal(access(path, F_OK), links ? -1 : 0);
	}

	assert_int_equal(rmdir(folder), 0); /* nothing else was left behind */
	g_autoptr(MarkKeys) none = mark_keys_read_or_make(path, &st);
	assert_null(none);
	assert_int_equal(st.id, STATUS_MISSING);
}

static void
test_key_file_limit(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = NULL, *text = g_strnfill(LIMIT_KEY_FILE_BYTES + 1, '#');
	int fd = g_file_open_tmp("todoke-test-XXXXXX", &path, NULL);
	assert_int_equal(write(fd, text, LIMIT_KEY_FILE_BYTES + 1), LIMIT_KEY_FILE_BYTES + 1);

	MarkKeys *keys = NULL;
	assert_false(mark_keys_read(path, &keys, &st));
	assert_int_equal(st.id, STATUS_LIMIT);
	status_clear(&st);
	assert_int_equal(ftruncate(fd, LIMIT_KEY_FILE_BYTES), 0);
	assert_true(mark_keys_read(path, &keys, &st));
	assert_null(keys);
	close(fd);
	unlink(path);
}

int
main(void)
{
	struct CMUnitTest
		tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(bad_rows) + G_N_ELEMENTS(key_rows) + 8];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_check);
	UNIT_ROWS(tests, n, bad_rows, test_bad);
	UNIT_ROWS(tests, n, key_rows, test_wrong_keys);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_same_as_python);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_fields_do_not_run_together);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_keys);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_key_file);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_key_file_limit);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_kinds_are_equally_long);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_joined_keys);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_key_is_made);

	return _cmocka_run_group_tests("mark", tests, n, NULL, NULL);
}
