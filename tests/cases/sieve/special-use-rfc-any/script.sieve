# RFC 8579 3: a mailbox of that use, whichever; all uses must be there.
require ["special-use", "fileinto"];
if specialuse_exists "\\Junk" { redirect "a@example.com"; }
if specialuse_exists ["\\Junk", "\\Archive"] { redirect "b@example.com"; }
if specialuse_exists ["\\Junk", "\\Drafts"] { discard; }
