# RFC 5490 3.1: true if all of them exist.
require ["mailbox"];
if mailboxexists "Work" { redirect "a@example.com"; }
if mailboxexists ["Work", "Nothing"] { discard; }
if mailboxexists ["Work", "INBOX"] { redirect "b@example.com"; }
