# RFC 5228 3.1: the first branch whose test is true, and only that.
if header :contains "subject" "nothing" { discard; }
elsif header :contains "subject" "hello" { redirect "b@example.com"; }
elsif header :contains "subject" "world" { redirect "c@example.com"; }
else { discard; }
