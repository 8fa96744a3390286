# RFC 6609 3.2: the example with five scripts; each has its own require.
require ["include"];
include :personal "always_allow";
include :global "spam_tests";
include :personal "spam_tests";
include :personal "mailing_lists";
