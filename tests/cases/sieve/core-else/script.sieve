# RFC 5228 3.1: else runs where no test was true.
if header :contains "subject" "nothing" { discard; }
elsif header :contains "subject" "nothing more" { discard; }
else { redirect "c@example.com"; }
