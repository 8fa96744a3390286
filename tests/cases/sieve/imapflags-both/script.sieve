# Issue 11.7: both names in one script mean the same; imap4flags itself has no mark.
require ["imapflags", "imap4flags"];
mark;
