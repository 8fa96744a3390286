# RFC 9042: without :fcc it means nothing on vacation; it needs its require.
require ["vacation", "mailboxid", "fileinto"];
vacation :mailboxid "s" "I am away";
fileinto :mailboxid ["a", "b"] "x";
mailboxidexists "a";
