/* SPDX-License-Identifier: MIT */
/* Every fault has its words in both languages. */
#include "agent/base/words.h"
#include "agent/cmd/code-text.h"

#include "tests/unit/unit.h"

#include <string.h>

static bool
has_japanese(const char *text)
{
	for (; *text != '\0'; text = g_utf8_next_char(text))
		if (g_utf8_get_char(text) >= 0x3041 && g_utf8_get_char(text) <= 0x30ff)
			return true;
	return false;
}

static void
test_row(void **state)
{
	StatusId id = (StatusId) (uintptr_t) *state; /* the number itself is the state */
	const char *what, *todo;

	assert_true(code_text_row(id, &what, &todo));
	const char *const texts[] = { what, todo, status_row(id)->text };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		assert_true(g_str_is_ascii(texts[i]));
		assert_true(strlen(texts[i]) > 20 || i == 2);
		if (words_has("ja"))
			assert_true(has_japanese(words_in("ja", texts[i])));
	}

	/* What is kept must not be said to have gone back, and the other way round. */
	bool temporary = status_row(id)->dsn[0] == '4';
	if (strstr(what, "is kept") != NULL || strstr(what, "tried again") != NULL)
		assert_true(temporary);
	if (strstr(what, "went back") != NULL)
		assert_false(temporary);
	g_autoptr(GPtrArray)
		meanings = g_ptr_array_new_with_free_func((GDestroyNotify) code_meaning_free);
	assert_true(code_text_find(status_row(id)->name, meanings));

	const CodeMeaning *meaning = meanings->pdata[0];
	assert_ptr_equal(meaning->what, what);
	assert_string_equal(meaning->code, status_row(id)->dsn);
}

int
main(void)
{
	struct CMUnitTest tests[STATUS_COUNT];
	for (StatusId id = 0; id < STATUS_COUNT; id++)
		tests[id] = (struct CMUnitTest){ status_row(id)->name, test_row, NULL, NULL,
			                         (void *) (uintptr_t) id };
	if (!words_has("ja"))
		print_message("# no catalogue of Japanese: only English is tried\n");
	return _cmocka_run_group_tests("code", tests, STATUS_COUNT, NULL, NULL);
}
