# A script under test may be a suite's own helper.
require ["vnd.dovecot.testsuite", "envelope"];
if not envelope "from" "helper@example.org" {
	test_fail "the helper does not see the envelope of its suite";
}
