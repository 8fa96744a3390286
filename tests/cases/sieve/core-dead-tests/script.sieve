# Issue 11.7: tests behind the one that decides an allof or anyof are never asked.
if allof (false, unknowntest "x") { discard; }
if anyof (true, unknowntest "x", header :nosuch "a" "b") { redirect "a@example.com"; }
if not anyof (header "subject" "nothing", true, unknowntest) { discard; }
