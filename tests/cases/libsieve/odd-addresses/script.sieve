# Only atoms and dots go to the library, with an atom on each side of a dot (filters/libsieve/FAULTS); our own engine decides the others.
require "fileinto";
if address :contains "from" "a" { fileinto "plain"; }
if address :contains "to" "a" { fileinto "two-dots"; }
if address :contains "cc" "a" { fileinto "quoted"; }
if address :contains "bcc" "a" { fileinto "dot-first"; }
if address :contains "reply-to" "a" { fileinto "literal"; }
if address :contains "sender" "a" { fileinto "dot-last"; }
if address :domain :is "resent-from" "sub.example.org" { fileinto "signs"; }
