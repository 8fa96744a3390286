/* SPDX-License-Identifier: MIT */
/* Script sets: what is printed comes back; what was damaged does not. */
#include "agent/run/script-compile-set.h"

#include "tests/unit/unit.h"

#include <string.h>

static ScriptSet *
make_set(const char *second)
{
	ScriptSet *set = script_set_new();

	script_set_add(set, PLACE_PATH, "/home/a/main.sieve", "main.sieve",
	               g_memdup2("keep;\0\n#", 9), 8);
	script_set_add(set, PLACE_PERSONAL, "a\nb", "a\nb.sieve", g_strdup(second), strlen(second));
	script_set_add(set, PLACE_GLOBAL, "a\nb", "a\nb.sieve", g_strdup(""), 0);

	return set;
}

static void
test_round_trip(void **state)
{
	(void) state;
	g_autoptr(ScriptSet) set = make_set("stop;");
	g_autoptr(GBytes) octets = script_set_print(set);
	size_t len;
	const char *data = g_bytes_get_data(octets, &len);
	g_autoptr(ScriptSet) back = script_set_parse(data, len);
	assert_non_null(back);
	assert_int_equal(script_set_sum(back), script_set_sum(set));
	assert_int_equal(script_set_first(back)->len, 8);
	assert_memory_equal(script_set_first(back)->text, "keep;\0\n#", 9);
	assert_string_equal(script_set_find(back, PLACE_PERSONAL, "a\nb")->text, "stop;");
	assert_int_equal(script_set_find(back, PLACE_GLOBAL, "a\nb")->len, 0);
	assert_null(script_set_find(back, PLACE_PATH, "/home/a/main.sieve"));
	assert_null(script_set_find(back, PLACE_GLOBAL, "a"));
	assert_string_equal(script_set_find_file(back, "main.sieve")->name, "/home/a/main.sieve");
}

static void
test_sum_tells_changes(void **state)
{
	(void) state;
	g_autoptr(ScriptSet) one = make_set("stop;"), same = make_set("stop;"),
			     other = make_set("stop; "), none = script_set_new();
	assert_true(script_set_sum(one) == script_set_sum(same));
	assert_true(script_set_sum(one) != script_set_sum(other));
	assert_true(script_set_sum(one) != script_set_sum(none));
	assert_null(script_set_first(none));

	/* One octet more is a change, whatever it is, and so is another way to part the same. */
	static const struct {
		const char *name, *text;
		size_t len;
	} texts[] = { { "n", "keep;", 5 },   { "n", "keep;\0", 6 }, { "n", "keep;\0\0", 7 },
		      { "n", "\0keep;", 6 }, { "n\nkeep;", "", 0 }, { "n", "", 0 } };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		for (size_t n = 0; n < i; n++) {
			g_autoptr(ScriptSet) a = script_set_new(), b = script_set_new();
			script_set_add(a, PLACE_PATH, texts[i].name, "f",
			               g_memdup2(texts[i].text, texts[i].len + 1), texts[i].len);
			script_set_add(b, PLACE_PATH, texts[n].name, "f",
			               g_memdup2(texts[n].text, texts[n].len + 1), texts[n].len);
			assert_true(script_set_sum(a) != script_set_sum(b));
		}
}

/* Cut anywhere but between two records it is none; and no octet of it is trusted. */
static void
test_damage(void **state)
{
	(void) state;
	g_autoptr(ScriptSet) set = make_set("stop;");
	g_autoptr(GBytes) octets = script_set_print(set);
	size_t len, good = 0;
	const char *data = g_bytes_get_data(octets, &len);
	for (size_t n = 0; n < len; n++) {
		/* of its own, so that a sanitizer sees its end */
		g_autofree char *part = g_memdup2(data, n > 0 ? n : 1);
		g_autoptr(ScriptSet) cut = script_set_parse(part, n);
		good += cut != NULL;
	}

	assert_int_equal(good, 2);
	g_autofree char *flipped = g_memdup2(data, len);
	for (size_t n = 0; n < len * 8; n++) {
		flipped[n / 8] ^= (char) (1 << n % 8);
		script_set_free(script_set_parse(flipped, len));
		flipped[n / 8] ^= (char) (1 << n % 8);
	}

	assert_null(script_set_parse("-1 1 1 1\nabc", 12));
	assert_null(script_set_parse("3 1 1 1\nabc", 11));
	assert_null(script_set_parse("2 1 1 18446744073709551615\nabc", 30));
	assert_null(script_set_parse("2 18446744073709551615 2 1\nabc", 30));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_sum_tells_changes),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
