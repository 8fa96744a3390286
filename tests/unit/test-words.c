/* SPDX-License-Identifier: MIT */
/*
 * The language of texts for people: which is chosen, and that nothing else of the process changes.
 */
#include "agent/base/words.h"

#include "tests/unit/unit.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	const char *name;
	const char *all, *messages, *lang, *option;
	const char *wanted;
} Row;

static const Row rows[] = {
	{ "nothing said", NULL, NULL, NULL, NULL, "en" },
	{ "LANG", NULL, NULL, "ja_JP.UTF-8", NULL, "ja" },
	{ "LC_MESSAGES before LANG", NULL, "ja", "de_DE", NULL, "ja" },
	{ "LC_ALL before all", "C", "ja_JP", "ja_JP", NULL, "en" },
	{ "an empty variable is none", "", "", "ja_JP.eucJP", NULL, "ja" },
	{ "the option before LC_ALL", "ja_JP", NULL, NULL, "en", "en" },
	{ "option", "C", NULL, NULL, "ja", "ja" },
	{ "a language without a catalogue", NULL, NULL, "de_DE", NULL, "en" },
	{ "a longer name", NULL, NULL, "jav_ID", NULL, "en" },
};

static void
set(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void
test_choice(void **state)
{
	const Row *row = *state;
	if (!words_has("ja"))
		skip();

	set("LC_ALL", row->all);
	set("LC_MESSAGES", row->messages);
	set("LANG", row->lang);
	words_choose(row->option);
	assert_string_equal(words_language(), row->wanted);
	const char *sender = _("the sender");
	assert_string_equal(sender, strcmp(row->wanted, "ja") == 0 ? "送信者" : "the sender");
}

static void
test_process_is_as_before(void **state)
{
	(void) state;
	setenv("LANGUAGE", "de", 1);
	words_choose("en");
	assert_string_equal(words_in("ja", ""), "");
	if (words_has("ja"))
		assert_string_equal(words_in("ja_JP.UTF-8", "the sender"), "送信者");
	assert_string_equal(words_in("en", "the sender"), "the sender");
	assert_string_equal(words_in("xx", "the sender"), "the sender");
	assert_string_equal(words_in("ja", "no such text"), "no such text");
	assert_string_equal(getenv("LANGUAGE"), "de");
	assert_string_equal(setlocale(LC_ALL, NULL), "C");
	assert_false(words_has("xx"));
	assert_true(words_has("en_GB") && words_has("C"));
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 1];
	size_t n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		tests[n++] = (struct CMUnitTest){ rows[i].name, test_choice, NULL, NULL,
			                          (void *) &rows[i] };
	tests[n++] = (struct CMUnitTest){ "the process is as before", test_process_is_as_before,
		                          NULL, NULL, NULL };
	return _cmocka_run_group_tests("words", tests, n, NULL, NULL);
}
