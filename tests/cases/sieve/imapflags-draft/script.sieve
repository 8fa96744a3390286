# Issue 11.7: the name and words of draft-melnikov-sieve-imapflags; it is imap4flags now.
require ["fileinto", "imapflags"];
setflag "\\Answered";
mark;
fileinto "a";
unmark;
addflag ["\\Seen", "$work"];
keep;
