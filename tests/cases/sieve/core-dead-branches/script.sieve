# Issue 11.7: the branches behind one that is always true, in the middle of a chain too.
if header "subject" "nothing" { stop; }
elsif true { redirect "a@example.com"; }
elsif unknowntest "x" { discard; }
elsif header "subject" "x" { unknowncommand; }
else { unknowncommand; }
redirect "b@example.com";
