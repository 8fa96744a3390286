# RFC 6134 2.1: the capability.
if header :list "subject" "a" { discard; }
