# A pattern that is wrong says nothing, and the trace tells.
require ["spamtest", "fileinto"];
if spamtest "0" { fileinto "yes"; }
