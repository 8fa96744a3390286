/* SPDX-License-Identifier: MIT */
/* Whose files are used, by owner, mode and group; and the command that corrects one. */
#include "agent/run/trust.h"

#include "tests/unit/unit.h"

enum { OWNER = 1000, GROUP = 2000, OTHER = 3000 };

typedef struct {
	const char *name;
	TrustRule rule;
	uid_t owner, uid;
	gid_t gid;
	mode_t mode;
	const char *want; /* the command; NULL: it is used */
} Row;

static const Row rows[] = {
	{ "anything that somebody named", TRUST_ALL, OWNER, OTHER, OTHER, 0666, NULL },
	{ "the owner's", TRUST_OWNER, OWNER, OWNER, GROUP, 0600, NULL },
	{ "root's", TRUST_OWNER, OWNER, 0, 0, 0644, NULL },
	{ "of somebody else", TRUST_OWNER, OWNER, OTHER, GROUP, 0600, "chown 1000 /x" },
	{ "writable by all", TRUST_OWNER, OWNER, OWNER, GROUP, 0602, "chmod go-w /x" },
	{ "writable by the owner's group", TRUST_OWNER, OWNER, OWNER, GROUP, 0660, NULL },
	{ "writable by another group", TRUST_OWNER, OWNER, OWNER, OTHER, 0660, "chmod g-w /x" },
	{ "writable by root's group", TRUST_OWNER, OWNER, OWNER, 0, 0660, NULL },
	{ "read by another group", TRUST_OWNER, OWNER, OWNER, OTHER, 0640, NULL },
	{ "included: another group", TRUST_INCLUDED, OWNER, OWNER, OTHER, 0660, NULL },
	{ "included: all", TRUST_INCLUDED, OWNER, OWNER, GROUP, 0606, "chmod go-w /x" },
	{ "included: somebody else", TRUST_INCLUDED, OWNER, OTHER, GROUP, 0600, "chown 1000 /x" },
	{ "the site's: root's", TRUST_SITE, 0, 0, 0, 0644, NULL },
	{ "the site's: its author's", TRUST_SITE, OWNER, OWNER, GROUP, 0644, NULL },
	{ "the site's: somebody else", TRUST_SITE, OWNER, OTHER, GROUP, 0644, "chown 0 /x" },
	{ "the site's: its group", TRUST_SITE, OWNER, OWNER, GROUP, 0664, "chmod g-w /x" },
	{ "nobody knows whose", TRUST_OWNER, TRUST_ANYBODY, OTHER, GROUP, 0600, NULL },
	{ "nobody knows whose: all", TRUST_OWNER, TRUST_ANYBODY, OTHER, GROUP, 0602,
	  "chmod go-w /x" },
};

static void
test_row(void **state)
{
	const Row *row = *state;
	const Trust trust = { row->rule, "/x", row->owner, GROUP };
	const struct stat sb = { .st_uid = row->uid,
		                 .st_gid = row->gid,
		                 .st_mode = S_IFREG | row->mode };
	g_autofree char *command = NULL, *why = trust_explain(&sb, &trust, &command);
	assert_int_equal(why != NULL, row->want != NULL);
	assert_int_equal(g_strcmp0(command, row->want), 0);

	g_autofree char *judged = trust_judge(&sb, &trust);
	assert_int_equal(judged != NULL, row->want != NULL);
	if (row->want != NULL) {
		g_autofree char *mode = g_strdup_printf("(mode %04o)", (unsigned) row->mode);
		assert_true(g_str_has_prefix(judged, "/x: not used, as "));
		assert_true(g_str_has_suffix(judged, row->want));
		assert_non_null(g_strrstr(judged, mode));
	}
}

/* What a shell would take apart is quoted. */
static void
test_quoted(void **state)
{
	(void) state;
	const Trust trust = { TRUST_OWNER, "/a b", OWNER, GROUP };
	const struct stat sb = { .st_uid = OWNER, .st_gid = GROUP, .st_mode = S_IFREG | 0602 };
	g_autofree char *command = NULL, *why = trust_explain(&sb, &trust, &command);
	assert_non_null(why);
	assert_string_equal(command, "chmod go-w '/a b'");
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 1];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_quoted);
	return _cmocka_run_group_tests("trust", tests, n, NULL, NULL);
}
