/* SPDX-License-Identifier: MIT */
/* Whose mail a mailbox takes: state, senders, size. */
#include "agent/run/account-admit.h"

#include "conf/conf-choices.h"
#include "tests/unit/unit.h"

#define SIZE_LIMIT 1000

static const struct {
	const char *name;
	const char *block[3], *allow[2];
	const char *sender;
	guint64 size;
	unsigned mailbox;
	StatusId want;
} rows[] = {
	{ "nothing is said",
	  { NULL },
	  { NULL },
	  "a@x.test",
	  1,
	  CONF_MAILBOX_STATE_OPEN,
	  STATUS_OK },
	{ "held", { NULL }, { NULL }, "a@x.test", 1, CONF_MAILBOX_STATE_HELD, STATUS_HELD },
	{ "disabled",
	  { NULL },
	  { NULL },
	  "a@x.test",
	  1,
	  CONF_MAILBOX_STATE_DISABLED,
	  STATUS_DISABLED },
	{ "an address", { "a@x.test" }, { NULL }, "a@x.test", 1, 0, STATUS_RULE_REFUSED },
	{ "case", { "A@x.test" }, { NULL }, "a@X.Test", 1, 0, STATUS_RULE_REFUSED },
	{ "case beyond ASCII",
	  { "\xc3\x84@x.test" },
	  { NULL },
	  "\xc3\xa4@x.test",
	  1,
	  0,
	  STATUS_RULE_REFUSED },
	{ "an address as others are compared",
	  { "stra\xc3\x9f"
	    "e@x.test" },
	  { NULL },
	  "STRASSE@x.test",
	  1,
	  0,
	  STATUS_RULE_REFUSED },
	{ "another address", { "a@x.test" }, { NULL }, "b@x.test", 1, 0, STATUS_OK },
	{ "the second pattern",
	  { "c@x.test", "b@x.test" },
	  { NULL },
	  "b@x.test",
	  1,
	  0,
	  STATUS_RULE_REFUSED },
	{ "a domain", { "x.test" }, { NULL }, "a@x.test", 1, 0, STATUS_RULE_REFUSED },
	{ "a domain with @", { "@x.test" }, { NULL }, "a@x.test", 1, 0, STATUS_RULE_REFUSED },
	{ "not the domain below", { "x.test" }, { NULL }, "a@y.x.test", 1, 0, STATUS_OK },
	{ "domains below", { "*.x.test" }, { NULL }, "a@y.x.test", 1, 0, STATUS_RULE_REFUSED },
	{ "a wildcard in the local part",
	  { "a?@x.test" },
	  { NULL },
	  "ab@x.test",
	  1,
	  0,
	  STATUS_RULE_REFUSED },
	{ "an @ in the local part",
	  { "x.test" },
	  { NULL },
	  "\"a@y\"@x.test",
	  1,
	  0,
	  STATUS_RULE_REFUSED },
	{ "a sender without domain", { "root" }, { NULL }, "root", 1, 0, STATUS_RULE_REFUSED },
	{ "bounces are not everybody", { "*" }, { NULL }, "", 1, 0, STATUS_OK },
	{ "bounces", { "<>" }, { NULL }, "", 1, 0, STATUS_RULE_REFUSED },
	{ "no sender is a bounce", { "<>" }, { NULL }, NULL, 1, 0, STATUS_RULE_REFUSED },
	{ "bounces alone", { "<>" }, { NULL }, "a@x.test", 1, 0, STATUS_OK },
	{ "everybody", { "*" }, { NULL }, "a@x.test", 1, 0, STATUS_RULE_REFUSED },
	{ "but this one", { "x.test" }, { "a@x.test" }, "a@x.test", 1, 0, STATUS_OK },
	{ "but that one", { "x.test" }, { "b@x.test" }, "a@x.test", 1, 0, STATUS_RULE_REFUSED },
	{ "not UTF-8", { "\xfc\xe4" }, { NULL }, "a\xfc@x.test", 1, 0, STATUS_OK },
	{ "as big as it may be", { NULL }, { NULL }, "a@x.test", SIZE_LIMIT, 0, STATUS_OK },
	{ "bigger", { NULL }, { NULL }, "a@x.test", SIZE_LIMIT + 1, 0, STATUS_TOO_BIG },
};

static void
test_row(void **state)
{
	size_t i = (size_t) (uintptr_t) *state - 1;
	char *block[3] = { (char *) (uintptr_t) rows[i].block[0],
		           (char *) (uintptr_t) rows[i].block[1], NULL };
	char *allow[2] = { (char *) (uintptr_t) rows[i].allow[0], NULL };
	const Conf conf = { .mailbox_state = rows[i].mailbox,
		            .sender_block = block,
		            .sender_allow = allow,
		            .message_size_limit = SIZE_LIMIT };
	g_auto(Status) st = STATUS_INIT;
	assert_int_equal(account_admit(&conf, rows[i].sender, rows[i].size, &st),
	                 rows[i].want == STATUS_OK);
	assert_int_equal(st.id, rows[i].want);
}

static void
test_no_limit(void **state)
{
	(void) state;
	char *none[] = { NULL };
	const Conf conf = { .sender_block = none, .sender_allow = none };
	g_auto(Status) st = STATUS_INIT;
	assert_true(account_admit(&conf, "a@x.test", G_MAXUINT64, &st));
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 1];
	size_t n = 0;
	for (; n < G_N_ELEMENTS(rows); n++)
		tests[n] = (struct CMUnitTest){ rows[n].name, test_row, NULL, NULL,
			                        (void *) (uintptr_t) (n + 1) };
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_limit);
	return _cmocka_run_group_tests("account-admit", tests, n, NULL, NULL);
}
