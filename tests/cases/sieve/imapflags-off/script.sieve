# Issue 11.7: where imap4flags is switched off, its old name is.
require "imapflags";
mark;
