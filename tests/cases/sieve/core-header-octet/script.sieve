# RFC 5228 2.7.3: i;octet minds the case.
if header :comparator "i;octet" "subject" "hello world" { discard; }
if header :comparator "i;octet" :contains "subject" "Hello" { redirect "a@example.com"; }
