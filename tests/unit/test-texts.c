/* SPDX-License-Identifier: MIT */
/* Texts by key: placeholders, the site's file and its faults, both languages of an answer. */
#include "agent/base/texts.h"

#include "agent/base/limits.h"
#include "agent/base/words.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* The placeholders of a text in their order, as "{a}{b}". Caller frees. */
static char *
placeholders_of(const char *text)
{
	GString *found = g_string_new(NULL);

	for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
		const char *end = strchr(at, '}');
		assert_non_null(end);
		g_string_append_len(found, at, end - at + 1);
	}
	return g_string_free(found, FALSE);
}

/* Each row has a key of its own, uses all its placeholders, and its Japanese uses the same. */
static void
test_rows(void **state)
{
	(void) state;
	for (TextId id = 0; id < TEXT_COUNT; id++) {
		const TextRow *row = texts_row(id);
		for (TextId other = 0; other < id; other++)
			assert_string_not_equal(texts_row(other)->key, row->key);

		g_auto(GStrv) names = g_strsplit(row->placeholders, " ", -1);
		g_autofree char *used = placeholders_of(row->text);
		for (char **name = names; *name != NULL; name++) {
			g_autofree char *braces = g_strdup_printf("{%s}", *name);
			/* what only the words of a site may want to say */
			bool optional = strcmp(row->key, "notice.loop.subject") == 0 ||
			                (strcmp(row->key, "bounce.refusal") == 0 &&
			                 (strcmp(*name, "recipient") == 0 ||
			                  strcmp(*name, "name") == 0));
			assert_true(optional || strstr(used, braces) != NULL);
		}

		if (!words_has("ja"))
			continue;
		const char *japanese = words_in("ja", row->text);
		g_autofree char *ja_used = placeholders_of(japanese);
		assert_ptr_not_equal(japanese, row->text);
		assert_string_equal(ja_used, used);
	}
}

/* Problems of a file, each as "line:code". */
typedef struct {
	const char *name;
	const char *file;
	const char *problems;
} Faulty;

static const Faulty faulty[] = {
	{ "good", "# x\n\nstatus.quota = full\nstatus.quota[ja] = \xe6\xba\x80\n", "" },
	{ "unknown key", "\nstatus.nothing = x\n", "2:unknown-text " },
	{ "delivered is no failure", "status.ok = x\n", "1:unknown-text " },
	{ "unknown placeholder", "status.quota = {text} {recipient}\n", "1:unknown-placeholder " },
	{ "brace alone", "status.quota = a { b\n", "1:unknown-placeholder " },
	{ "brace not closed", "status.quota = {text\n", "1:unknown-placeholder " },
	{ "placeholder where none may be", "notice.rules.subject = {text}\n",
	  "1:unknown-placeholder " },
	{ "twice", "status.quota = a\nstatus.quota = b\n", "2:text-twice " },
	{ "twice with its language", "status.quota = a\nstatus.quota[en] = b\n", "2:text-twice " },
	{ "no text", "status.quota =\n", "1:empty-text " },
	{ "no equals sign", "status.quota\n", "1:no-text " },
	{ "unknown language", "status.quota[fr] = x\nstatus.quota[ja = x\n",
	  "1:unknown-language 2:unknown-language " },
	{ "answer of two lines", "status.quota = a\n b\nbounce.refusal = x\n y\n",
	  "1:long-text 3:long-text " },
	{ "notice of two lines", "notice.loop.body = a\n b\n .\n c\n", "" },
	{ "no UTF-8", "status.quota = \xff\n", "0:not-utf8 " },
	{ "each by itself", "x = 1\nstatus.loop = l\ny = 2\n", "1:unknown-text 3:unknown-text " },
};

static char *
print_problems(const char *file, size_t len)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	GString *printed = g_string_new(NULL);

	texts_read(file, len, "texts", problems);
	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		assert_string_equal(problem->file, "texts");
		g_string_append_printf(printed, "%u:%s ", problem->line, problem->code);
	}
	return g_string_free(printed, FALSE);
}

static void
test_faulty(void **state)
{
	const Faulty *row = *state;
	g_autofree char *printed = print_problems(row->file, strlen(row->file));
	assert_string_equal(printed, row->problems);
}

static void
test_limit(void **state)
{
	(void) state;
	for (size_t more = 0; more < 2; more++) {
		g_autofree char *text = g_strnfill(LIMIT_TEXT_BYTES + more, 'x');
		g_autofree char *file = g_strconcat("status.quota = ", text, "\n", NULL);
		g_autofree char *printed = print_problems(file, strlen(file));
		assert_string_equal(printed, more == 0 ? "" : "1:long-text ");
	}
}

/* A file with `text` that texts_use reads; returns its path. Caller frees and unlinks. */
static char *
write_file(const char *text)
{
	char *path = NULL;
	int fd = g_file_open_tmp("texts-XXXXXX", &path, NULL);
	assert_true(fd >= 0);
	FILE *file = fdopen(fd, "w");
	fputs(text, file);
	fclose(file);
	return path;
}

static void
assert_answer(StatusId id, const char *text, bool may_translate, const char *wanted)
{
	g_auto(Status) st = STATUS_INIT;
	if (text != NULL)
		status_fail(&st, id, "%s", text);
	else
		status_fail(&st, id, NULL);
	g_autofree char *answer = texts_answer(&st, may_translate);
	assert_string_equal(answer, wanted);
}

static void
test_answers(void **state)
{
	(void) state;
	g_autofree char *path = write_file("status.quota = {text}, call 1234 ({name})\n"
	                                   "nonsense\n"
	                                   "status.loop[ja] = {text}!\n"
	                                   "bounce.refusal = {reason}/{reason}\n");
	texts_use(&(TextsSettings){ .file = NULL, .language = "en", .both = true });
	assert_answer(STATUS_QUOTA, NULL, true, "mailbox is full");

	texts_use(&(TextsSettings){ .file = path, .language = "en", .both = false });
	assert_answer(STATUS_QUOTA, NULL, true, "mailbox is full, call 1234 (quota)");
	/* What stands in a value is no placeholder. */
	assert_answer(STATUS_QUOTA, "{name}{text}", true, "{name}{text}, call 1234 (quota)");
	assert_answer(STATUS_HOPS, "own words", true, "own words");

	const TextValue values[] = { { "reason", "{recipient}" }, { NULL, NULL } };
	g_autofree char *refusal = texts_for_sender(TEXT_BOUNCE_REFUSAL, values);
	assert_string_equal(refusal, "{recipient}/{recipient}");

	texts_use(&(TextsSettings){ .file = path, .language = "ja", .both = true });
	assert_answer(STATUS_QUOTA, NULL, false, "mailbox is full, call 1234 (quota)");
	if (words_has("ja")) {
		assert_answer(STATUS_HOPS, "own words", true,
		              "own words / メールが循環しています: "
		              "経由したサーバーが多すぎます");
		assert_answer(STATUS_LOOP, NULL, true, "mail is looping / メールが循環しています!");
	}

	assert_int_equal(remove(path), 0);
	texts_use(&(TextsSettings){ .file = path, .language = "en", .both = false });
	assert_answer(STATUS_QUOTA, NULL, true,
	              "mailbox is full"); /* a missing file harms nothing */
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(faulty) + 3];
	size_t n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(faulty); i++)
		tests[n++] = (struct CMUnitTest){ faulty[i].name, test_faulty, NULL, NULL,
			                          (void *) &faulty[i] };
	tests[n++] = (struct CMUnitTest){ "rows", test_rows, NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "a text over the limit", test_limit, NULL, NULL, NULL };
	tests[n++] = (struct CMUnitTest){ "answers", test_answers, NULL, NULL, NULL };

	return _cmocka_run_group_tests("texts", tests, n, NULL, NULL);
}
