# RFC 5429 2.1.1, the other way round.
require ["reject", "fileinto"];
fileinto "a";
reject "no";
