/* SPDX-License-Identifier: MIT */
/*
 * fuzz-code: what `todoke code` reads: log lines, words of servers, whole bounces. What it finds is
 * bounded, and in UTF-8. fuzz-readers.sh says how to fuzz.
 */
#include "agent/base/limits.h"
#include "agent/cmd/code-bounce.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static void
free_meaning(void *meaning)
{
	code_meaning_free(meaning);
}

static void
check(const GPtrArray *meanings, bool is_known)
{
	g_assert(is_known == (meanings->len > 0) && meanings->len <= LIMIT_CODE_MEANINGS);
	for (unsigned i = 0; i < meanings->len; i++) {
		const CodeMeaning *meaning = meanings->pdata[i];
		g_assert(meaning->what != NULL && meaning->todo != NULL);
		g_assert(meaning->said == NULL || g_utf8_validate(meaning->said, -1, NULL));
		g_assert(meaning->recipient == NULL ||
		         g_utf8_validate(meaning->recipient, -1, NULL));
		(void) code_text_class(meaning);
	}
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	g_autofree char *bytes = g_strndup((const char *) data, size);
	g_autofree char *text = g_utf8_make_valid(bytes, -1);
	g_autoptr(GPtrArray) of_text = g_ptr_array_new_with_free_func(free_meaning);
	check(of_text, code_text_find(text, of_text));

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) of_mail = g_ptr_array_new_with_free_func(free_meaning);
	(void) code_bounce_is_mail((const char *) data, size);
	check(of_mail, code_bounce_find((const char *) data, size, of_mail, &st));
	return 0;
}
