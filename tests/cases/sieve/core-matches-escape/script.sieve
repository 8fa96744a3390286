# RFC 5228 2.7.1: "\\*" and "\\?" stand for the signs themselves.
if header :matches "subject" "a\\*b\\?c" { redirect "a@example.com"; }
if header :matches "subject" "a\\?b*" { discard; }
