# RFC 6609 3.2: the same example, a message that the site's script refuses; reject goes on with the scripts (3.5).
require ["include"];
include :global "spam_tests";
include :personal "spam_tests";
