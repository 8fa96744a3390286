# POSIX: in a bracket expression a backslash is itself, and classes have names.
require "regex";
if header :regex "subject" "^[[:alpha:]]+[\\]b[]x]$" { redirect "a@example.com"; }
