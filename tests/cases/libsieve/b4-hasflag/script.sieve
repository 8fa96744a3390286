# filters/libsieve/FAULTS B4: hasflag without a comparator is a crash; refused.
require ["imap4flags", "fileinto"];
if hasflag :contains "x" { fileinto "flagged"; }
