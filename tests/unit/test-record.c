/* SPDX-License-Identifier: MIT */
/* The record: what a line looks like whatever is in it, what readers skip, rotation, forgetting. */
#include "agent/state/record-reader.h"

#include "agent/base/limits.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOW = 1700000000, DAY = 86400 };

static const RecordLineBounds wide = { NOW, G_MAXINT64, 365 * DAY };

/* A text as a line holds it, read back by jansson. */
typedef struct {
	const char *name;
	const char *in;
	const char *want;
} TextRow;

static const TextRow texts[] = {
	{ "plain", "a b", "a b" },
	{ "quotes and backslashes", "a \"b\" \\c", "a \"b\" \\c" },
	{ "control characters", "a\nb\tc\x01\x1f\x7f", "a\nb\tc\x01\x1f\x7f" },
	{ "UTF-8", "\xe5\xb1\x8a\xe3\x81\x91", "\xe5\xb1\x8a\xe3\x81\x91" },
	{ "octets that are not UTF-8", "a\xff\xc3z", "a\xef\xbf\xbd\xef\xbf\xbdz" },
	{ "a character that ends too early", "a\xe5\xb1", "a\xef\xbf\xbd\xef\xbf\xbd" },
	{ "empty", "", "" },
};

static json_t *
parse(const RecordLine *line)
{
	assert_int_equal(line->text[line->len - 1], '\n');
	assert_null(memchr(line->text, '\n', line->len - 1));
	return record_reader_parse(line->text, line->len - 1);
}

static void
test_text(void **state)
{
	const TextRow *row = *state;
	g_auto(RecordLine) line = { 0 };
	record_line_init(&line);
	record_line_text(&line, "value", row->in);
	record_line_end(&line);

	json_t *object = parse(&line);
	assert_string_equal(json_string_value(json_object_get(object, "value")), row->want);
	json_decref(object);
}

static void
test_kinds(void **state)
{
	(void) state;
	g_auto(RecordLine) line = { 0 };
	record_line_init(&line);
	record_line_time(&line, "time", (gint64) NOW * G_USEC_PER_SEC + 7000);
	record_line_text(&line, "nothing", NULL);
	record_line_open(&line, "list", '[');
	record_line_open(&line, NULL, '{');
	record_line_int(&line, "least", G_MININT64);
	record_line_int(&line, "zero", 0);
	record_line_close(&line, '{');
	record_line_text(&line, NULL, "b");
	record_line_close(&line, '[');
	record_line_open(&line, "none", '[');
	record_line_close(&line, '[');
	record_line_true(&line, "yes");
	record_line_end(&line);

	static const char want[] = "{\"schema\":\"todoke.record/1\",\"time\":1700000000.007,"
				   "\"list\":[{\"least\":-9223372036854775808,\"zero\":0},\"b\"],"
				   "\"none\":[],\"yes\":true}\n";
	assert_int_equal(line.len, strlen(want));
	assert_memory_equal(line.text, want, line.len);
	assert_int_equal(record_reader_time(line.text, line.len),
	                 (gint64) NOW * G_USEC_PER_SEC + 7000);
}

/* LIMIT_RECORD_VALUE, one over, with a character across it. */
static void
test_long_text(void **state)
{
	(void) state;
	g_autofree char *just = g_strnfill(LIMIT_RECORD_VALUE, 'x'),
			*over = g_strconcat(just + 1, "\xe5\xb1\x8a", NULL);
	g_auto(RecordLine) line = { 0 };
	record_line_init(&line);
	record_line_text(&line, "just", just);
	assert_false(line.is_cut);
	record_line_text(&line, "over", over);
	record_line_end(&line);

	json_t *object = parse(&line);
	assert_string_equal(json_string_value(json_object_get(object, "just")), just);
	assert_string_equal(json_string_value(json_object_get(object, "over")), just + 1);
	assert_true(json_is_true(json_object_get(object, "cut")));
	json_decref(object);
}

/* LIMIT_RECORD_LINE: lists end, the line does not get much longer. */
static void
test_long_list(void **state)
{
	(void) state;
	g_autofree char *item = g_strnfill(LIMIT_RECORD_VALUE, '\x01');
	g_auto(RecordLine) line = { 0 };
	unsigned items = 0;

	record_line_init(&line);
	record_line_open(&line, "list", '[');
	for (; items < 100 && record_line_has_room(&line); items++)
		record_line_text(&line, NULL, item);
	record_line_close(&line, '[');
	record_line_end(&line);

	json_t *object = parse(&line);
	assert_int_equal(json_array_size(json_object_get(object, "list")), items);
	assert_in_range(items, 2, 4); /* six octets for each of these */
	assert_in_range(line.len, LIMIT_RECORD_LINE, LIMIT_RECORD_LINE + 7 * LIMIT_RECORD_VALUE);
	assert_true(json_is_true(json_object_get(object, "cut")));
	json_decref(object);
}

static void
append(const char *path, const char *id, const char *to, gint64 time,
       const RecordLineBounds *bounds)
{
	g_auto(Status) st = STATUS_INIT;
	g_auto(RecordLine) line = { 0 };
	record_line_init(&line);
	record_line_time(&line, "time", time * G_USEC_PER_SEC);
	record_line_text(&line, "queue_id", id);
	record_line_text(&line, "to", to);
	record_line_end(&line);
	assert_true(record_line_append(path, &line, bounds, &st));
}

static bool
add_id(void *user, const char *text, size_t len)
{
	json_t *object = record_reader_parse(text, len);
	assert_non_null(object);
	g_string_append_printf(user, "%s ", json_string_value(json_object_get(object, "queue_id")));
	json_decref(object);
	return true;
}

/* The ids of the lines that are read, each with a blank behind it. */
static char *
ids(const char *path, const char *needle)
{
	g_auto(Status) st = STATUS_INIT;
	GString *found = g_string_new(NULL);
	assert_true(record_reader_run(path, needle, add_id, found, &st));
	assert_int_equal(st.id, STATUS_OK);
	return g_string_free(found, FALSE);
}

static void
expect_ids(const char *path, const char *needle, const char *want)
{
	g_autofree char *found = ids(path, needle);
	assert_string_equal(found, want);
}

static void
test_read_back(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "a/b/record", NULL);
	struct stat sb;

	expect_ids(path, NULL, "");
	append(path, "A1", "ann@x.test", NOW, &wide);
	append(path, "B2", "bob@x.test", NOW, &wide);
	append(path, "C3", "ann@x.test", NOW, &wide);
	expect_ids(path, NULL, "A1 B2 C3 ");
	expect_ids(path, "ann@x.test", "A1 C3 ");
	expect_ids(path, "\"queue_id\":\"B2\"", "B2 ");
	expect_ids(path, "nobody", "");
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	scratch_remove(dir);
}

/* A line that a crash or a full disk tore, the line behind it, and one that is none of ours. */
static void
test_torn(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "record", NULL);
	static const char line[] = "{\"schema\":\"todoke.record/1\",\"queue_id\":\"%s\"}\n";
	FILE *file = fopen(path, "w");

	fprintf(file, line, "A1");
	fputs("{\"schema\":\"todoke.record/1\",\"queue_id\":\"to", file);
	fprintf(file, line, "B2");
	fputs("\n}\nnonsense\n{\"schema\":\"other/1\",\"queue_id\":\"Z\"}\n", file);
	fprintf(file, line, "C3");
	fputs("{\"schema\":\"todoke.record/1\",\"queue_id\":\"D4", file);
	assert_int_equal(fclose(file), 0);
	expect_ids(path, NULL, "A1 B2 C3 ");
	expect_ids(path, "queue_id", "A1 B2 C3 ");

	append(path, "E5", "ann@x.test", NOW, &wide);
	expect_ids(path, NULL, "A1 B2 C3 E5 ");
	scratch_remove(dir);
}

/* LIMIT_RECORD_LINE_READ: what is longer is no line of ours, and those around it are read. */
static void
test_longest_line(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "record", NULL),
			*fill = g_strnfill(LIMIT_RECORD_LINE_READ + LIMIT_COPY_CHUNK, 'x');

	append(path, "A1", "ann@x.test", NOW, &wide);
	FILE *file = fopen(path, "a");
	fprintf(file, "{\"schema\":\"todoke.record/1\",\"queue_id\":\"%s\"}\n", fill);
	assert_int_equal(fclose(file), 0);
	append(path, "B2", "ann@x.test", NOW, &wide);
	expect_ids(path, NULL, "A1 B2 ");
	scratch_remove(dir);
}

static void
test_link_is_not_followed(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "record", NULL),
			*other = g_build_filename(dir, "other", NULL);
	g_auto(Status) st = STATUS_INIT;
	g_auto(RecordLine) line = { 0 };

	scratch_write(dir, "other", "");
	assert_int_equal(symlink(other, path), 0);
	record_line_init(&line);
	record_line_end(&line);
	assert_false(record_line_append(path, &line, &wide, &st));
	assert_non_null(strstr(st.detail, "cannot open"));

	g_auto(Status) again = STATUS_INIT;
	assert_false(record_reader_run(path, NULL, add_id, NULL, &again));
	g_autofree char *left = scratch_read(dir, "other");
	assert_string_equal(left, "");
	scratch_remove(dir);
}

/* Size and age put the file aside; the one that was put aside before is gone. */
static void
test_rotation(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "record", NULL),
			*old = g_build_filename(dir, "record.old", NULL);
	const RecordLineBounds by_size = { NOW, 100000, 365 * DAY },
			       by_age = { NOW + 10 * DAY, G_MAXINT64, 9 * DAY };
	struct stat sb;

	for (unsigned i = 0; i < 10000 && stat(old, &sb) < 0; i++) {
		g_autofree char *id = g_strdup_printf("A%u", i);
		append(path, id, "ann@x.test", NOW, &by_size);
	}
	assert_int_equal(stat(old, &sb), 0);
	assert_in_range(sb.st_size, 100001, 200000);

	append(path, "NEXT", "ann@x.test", NOW, &by_size);
	expect_ids(path, "\"queue_id\":\"A1\"", "A1 ");
	expect_ids(path, "NEXT", "NEXT ");

	for (unsigned i = 0; i < 10000; i++) {
		g_autofree char *id = g_strdup_printf("B%u", i), *kept = NULL;
		append(path, id, "ann@x.test", NOW + 10 * DAY, &by_age);
		kept = ids(path, "\"queue_id\":\"A1\"");
		if (*kept == '\0')
			break;
	}
	expect_ids(path, "\"queue_id\":\"A1\"", "");
	expect_ids(path, "NEXT", "NEXT ");
	scratch_remove(dir);
}

/* Processes that write and rotate at once: each line is there once, as one file is enough. */
static void
test_many_writers(void **state)
{
	(void) state;
	enum { WRITERS = 4, LINES = 500 };
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "record", NULL);
	const RecordLineBounds bounds = { NOW, 120000, 365 * DAY };
	int result;

	for (unsigned w = 0; w < WRITERS; w++)
		if (fork() == 0) {
			for (unsigned i = 0; i < LINES; i++) {
				g_autofree char *id = g_strdup_printf("%u.%u", w, i);
				append(path, id, "ann@x.test", NOW, &bounds);
			}
			_exit(0);
		}
	while (wait(&result) > 0)
		assert_int_equal(result, 0);

	g_autofree char *found = ids(path, NULL);
	g_auto(GStrv) words = g_strsplit(found, " ", -1);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (char **word = words; *word != NULL; word++)
		assert_true(g_hash_table_add(seen, *word));
	assert_int_equal(g_hash_table_size(seen),
	                 WRITERS * LINES + 1); /* and what follows the last */
	scratch_remove(dir);
}

static bool
is_anns(void *user, const char *text, size_t len)
{
	json_t *object = record_reader_parse(text, len);
	bool is = record_reader_mentions(object, "Ann@X.test");
	(void) user;
	json_decref(object);
	return is;
}

static void
test_forget(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "record", NULL),
			*old = g_build_filename(dir, "record.old", NULL),
			*left = g_build_filename(dir, "record.forget", NULL);
	g_auto(Status) st = STATUS_INIT;
	unsigned gone = 99;
	struct stat sb;

	append(old, "A1", "ann@x.test", NOW, &wide);
	append(old, "B2", "bob@x.test", NOW, &wide);
	append(left, "C3", "ann@x.test", NOW, &wide); /* by a forgetting that died */
	append(left, "D4", "bob@x.test", NOW, &wide);
	append(path, "E5", "\"Ann\" <ANN@x.test>", NOW, &wide);
	append(path, "F6", "joann@x.test", NOW, &wide);
	append(path, "G7", "ann@x.testing", NOW, &wide);
	assert_true(record_reader_forget(path, is_anns, NULL, &gone, &st));
	assert_int_equal(gone, 3);
	expect_ids(path, NULL, "B2 D4 F6 G7 ");
	assert_int_equal(stat(path, &sb), -1);
	assert_int_equal(stat(left, &sb), -1);
	assert_int_equal(stat(old, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);

	append(path, "H8", "ann@x.test", NOW, &wide);
	expect_ids(path, NULL, "B2 D4 F6 G7 H8 ");
	scratch_remove(dir);
}

static void
test_forget_where_nothing_is(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "none/record", NULL);
	g_auto(Status) st = STATUS_INIT;
	unsigned gone = 99;

	assert_true(record_reader_forget(path, is_anns, NULL, &gone, &st));
	assert_int_equal(gone, 0);
	scratch_remove(dir);
}

int
main(void)
{
	struct CMUnitTest tests[64];
	size_t n = 0;
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_link_is_not_followed),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_many_writers),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_forget_where_nothing_is),
	};

	UNIT_ROWS(tests, n, texts, test_text);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		tests[n++] = others[i];
	return _cmocka_run_group_tests("record", tests, n, NULL, NULL);
}
