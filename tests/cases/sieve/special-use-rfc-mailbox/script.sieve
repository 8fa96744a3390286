# RFC 8579 3: a certain mailbox has all the uses.
require ["special-use"];
if specialuse_exists "INBOX/Spam" "\\Junk" { redirect "a@example.com"; }
if specialuse_exists "INBOX/Spam" ["\\Junk", "\\Archive"] { discard; }
if specialuse_exists "Old" ["\\Flagged", "\\Archive"] { redirect "b@example.com"; }
if specialuse_exists "INBOX" "\\Junk" { discard; }
if specialuse_exists "Nothing" "\\Junk" { discard; }
