# RFC 5232 3: sets in variables.
require ["imap4flags", "fileinto", "variables"];
setflag "flagvar" "\\Flagged";
addflag "flagvar" ["\\Deleted", "x"];
removeflag "flagvar" "\\deleted";
fileinto :flags "${flagvar}" "INBOX.From Boss";
