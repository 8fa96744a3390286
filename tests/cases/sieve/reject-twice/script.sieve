# RFC 5429 2: one refusal.
require ["reject", "ereject"];
reject "no"; ereject "no";
