/* SPDX-License-Identifier: MIT */
/*
 * The conversations of tests/cases/lmtp (.txt): "C: " is a line of the client, "c: " octets without
 * a line end, "C*N: " and "S*N: " the line N times, "O: " an option (trusted, size=N), "S: " what
 * we answer, "D: " what is delivered then. In C lines \r \n \\ and \xHH are octets. Each case runs
 * whole, octet by octet, cut in two at every place (the answers must be the same), and broken off
 * at every place (the backend must be told).
 */
#include "tests/lib/fake-lmtp.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	char *name;
	LmtpOptions options;
	GString *said;
	GString *want;
} Case;

/* Above this length a case is cut at a few places only; octets of all of a case's runs together. */
enum { EVERY_PLACE = 2000, MOST_OCTETS = 2 * 1000 * 1000 };

/* How far apart the places are where a case of `len` octets is cut. */
static size_t
find_stride(size_t len)
{
	return len <= EVERY_PLACE ? 1 : len / CLAMP(MOST_OCTETS / len, 2, 50);
}

static void
append_unescaped(GString *said, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text != '\\') {
			g_string_append_c(said, *text);
			continue;
		}
		text++;
		if (*text == 'x') {
			g_string_append_c(said, (char) (g_ascii_xdigit_value(text[1]) * 16 +
			                                g_ascii_xdigit_value(text[2])));
			text += 2;
		} else {
			g_string_append_c(said, *text == 'r' ? '\r' : *text == 'n' ? '\n' : *text);
		}
	}
}

static void
parse_option(Case *c, const char *text)
{
	if (strcmp(text, "trusted") == 0)
		c->options.trusted = true;
	else if (g_str_has_prefix(text, "size="))
		c->options.size_limit = strtoull(text + 5, NULL, 10);
	else
		fail_msg("%s: unknown option '%s'", c->name, text);
}

static void
parse_line(Case *c, const char *line)
{
	if (*line == '\0' || *line == '#')
		return;
	const char *text = strstr(line, ": ");
	if (text == NULL)
		fail_msg("%s: no case line: '%s'", c->name, line);
	text += 2;

	unsigned long times = line[1] == '*' ? strtoul(line + 2, NULL, 10) : 1;
	for (; times > 0 && (*line == 'S' || *line == 'D'); times--)
		g_string_append_printf(c->want, "%c: %s\n", *line, text);
	for (; times > 0 && (*line == 'C' || *line == 'c'); times--) {
		append_unescaped(c->said, text);
		g_string_append(c->said, *line == 'C' ? "\r\n" : "");
	}

	if (*line == 'O')
		parse_option(c, text);
}

static void
case_read(Case *c, const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *text = NULL;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	c->name = g_strdup(name);
	c->options = (LmtpOptions){ .hostname = "mx.test" };
	c->said = g_string_new(NULL);
	c->want = g_string_new(NULL);

	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		parse_line(c, *line);
}

/* Feed `len` octets in two parts, or (cut < 0) one by one; then hang up. Returns what was said. */
static char *
converse(const Case *c, size_t len, gssize cut)
{
	FakeLmtp fake;

	fake_lmtp_init(&fake);
	fake.session = lmtp_session_new(&c->options, &fake.backend);
	fake_lmtp_drain(&fake);

	size_t step = cut < 0 ? 1 : (size_t) cut;
	for (size_t at = 0; at < len;) {
		size_t part = MIN(MAX(step, 1), len - at);
		bool open = lmtp_session_feed(fake.session, c->said->str + at, part);
		fake_lmtp_drain(&fake);
		if (!open)
			break;
		at += part;
		step = cut < 0 ? 1 : len;
	}

	lmtp_session_free(fake.session);
	assert_false(fake.open);
	assert_false(fake.late);

	char *log = g_strdup(fake.log->str);
	fake_lmtp_clear(&fake);
	return log;
}

static void
check_same(const Case *c, gssize cut)
{
	g_autofree char *got = converse(c, c->said->len, cut);
	if (strcmp(got, c->want->str) != 0)
		print_message("%s, cut at %zd\n--- want\n%s--- got\n%s", c->name, cut, c->want->str,
		              got);
	assert_true(strcmp(got, c->want->str) == 0);
}

static void
test_case(void **state)
{
	const Case *c = *state;
	size_t len = c->said->len, stride = find_stride(len);

	check_same(c, (gssize) len);
	if (len <= MOST_OCTETS / 8)
		check_same(c, -1);
	for (size_t cut = 1; cut < len; cut += stride)
		check_same(c, (gssize) cut);
}

/*
 * Whatever was answered up to there must be a beginning of the whole: nothing is said or stored
 * early.
 */
static void
test_hang_up(void **state)
{
	const Case *c = *state;
	size_t len = c->said->len, stride = find_stride(len);

	for (size_t end = 0; end < len; end += stride) {
		g_autofree char *got = converse(c, end, (gssize) end);
		assert_true(g_str_has_prefix(c->want->str, got));
	}
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static GPtrArray *
list_cases(const char *folder)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;)
		if (g_str_has_suffix(name, ".txt"))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return names;
}

/* The door closes between messages at once, in the middle after the last reply. */
static void
test_wind_down(void **state)
{
	(void) state;
	static const char begin[] = "LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nDATA\r\nx",
			  end[] = "\r\n.\r\nNOOP\r\n";
	LmtpOptions options = { .hostname = "mx.test" };
	FakeLmtp fake;
	fake_lmtp_init(&fake);
	fake.session = lmtp_session_new(&options, &fake.backend);
	assert_true(lmtp_session_feed(fake.session, begin, strlen(begin)));
	lmtp_session_wind_down(fake.session);
	fake_lmtp_drain(&fake);
	assert_null(strstr(fake.log->str, "421"));
	assert_false(lmtp_session_feed(fake.session, end, strlen(end)));
	fake_lmtp_drain(&fake);
	assert_true(g_str_has_suffix(
		fake.log->str,
		"S: 250 2.0.0 <u@d> stored\nS: 421 4.3.2 service is shutting down\n"));
	lmtp_session_free(fake.session);

	fake.session = lmtp_session_new(&options, &fake.backend);
	lmtp_session_wind_down(fake.session);
	fake_lmtp_drain(&fake);
	assert_true(g_str_has_suffix(
		fake.log->str,
		"S: 220 mx.test LMTP todoke\nS: 421 4.3.2 service is shutting down\n"));
	assert_false(lmtp_session_feed(fake.session, "NOOP\r\n", 6));
	lmtp_session_free(fake.session);

	fake.session = lmtp_session_new(&options, &fake.backend);
	assert_true(lmtp_session_feed(fake.session, begin, strlen(begin) - strlen("DATA\r\nx")));
	lmtp_session_wind_down(fake.session);
	fake_lmtp_drain(&fake);
	assert_true(g_str_has_suffix(
		fake.log->str,
		"S: 250 2.1.5 recipient ok\nS: 421 4.3.2 service is shutting down\n"));
	lmtp_session_free(fake.session);
	fake_lmtp_clear(&fake);
}

int
main(void)
{
	const char *top = g_getenv("top_srcdir");
	g_autofree char *folder = g_build_filename(top != NULL ? top : ".", "tests", "cases",
	                                           "lmtp", NULL);
	g_autoptr(GPtrArray) names = list_cases(folder);

	if (names->len == 0) {
		puts("Bail out! no cases found");
		return 1;
	}

	g_autofree Case *cases = g_new0(Case, names->len);
	g_autofree struct CMUnitTest *tests = g_new0(struct CMUnitTest, 2 * names->len + 1);
	size_t n = 0;
	for (guint i = 0; i < names->len; i++) {
		case_read(&cases[i], folder, g_ptr_array_index(names, i));
		g_autofree char *hang_up = g_strconcat(cases[i].name, ", hung up", NULL);
		tests[n++] = (struct CMUnitTest){ cases[i].name, test_case, NULL, NULL, &cases[i] };
		tests[n++] = (struct CMUnitTest){ g_intern_string(hang_up), test_hang_up, NULL,
			                          NULL, &cases[i] };
	}

	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_wind_down);
	int failed = _cmocka_run_group_tests("lmtp-session", tests, n, NULL, NULL);
	for (guint i = 0; i < names->len; i++) {
		g_free(cases[i].name);
		g_string_free(cases[i].said, TRUE);
		g_string_free(cases[i].want, TRUE);
	}

	return failed;
}
