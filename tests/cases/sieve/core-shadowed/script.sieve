# Issue 3: a rule with the same test as an earlier one that stops is never true.
if header :contains "subject" "x" { keep; stop; }
if header :contains "from" "x" { keep; }
if header :contains "subject" "x" { discard; }
