# Issue 11.7: what can never run may hold what nobody here knows: a warning, as Pigeonhole accepts it.
if false { unknowncommand; }
if not true { redirect :foo 3; if unknowntest "x" { keep; } }
if allof (false, header "subject" "x") { fileinto "x"; }
redirect "a@example.com";
