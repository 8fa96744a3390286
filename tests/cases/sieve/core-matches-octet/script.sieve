# RFC 5228 2.7.1: with i;octet and i;ascii-casemap a character is one octet, even within UTF-8.
if header :matches "subject" "?" { discard; }
if header :matches "subject" "??" { redirect "a@example.com"; }
