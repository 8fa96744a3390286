# The same arguments of another test ask for something else: nothing is shadowed.
if header :is "from" "a@example.com" { discard; }
elsif address :is "from" "a@example.com" { redirect "x@example.com"; }
