# RFC 5235 3.2: both capabilities may be named.
require ["spamtest", "spamtestplus", "fileinto"];
if spamtest :percent "0" { fileinto "yes"; }
