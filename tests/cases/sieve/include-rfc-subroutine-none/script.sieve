# RFC 6609 3.4.1: a global variable without a value is empty, and an empty string does not count (RFC 5229 5).
require ["fileinto", "include", "variables", "relational"];
global "test_mailbox";
include "subject_tests";
if string :count "eq" "${test_mailbox}" "1" { fileinto "${test_mailbox}"; }
