# Issue 3: the same test twice in one chain.
if header :contains "subject" "x" { keep; }
elsif exists "nothing" { discard; }
elsif header :contains "subject" "x" { discard; }
