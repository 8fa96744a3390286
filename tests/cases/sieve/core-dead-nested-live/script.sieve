# Issue 11.7: a live rule within a dead one is dead; one behind it is not.
if false { if true { nothere; } else { keep; } }
if true { if false { nothere; } redirect "a@example.com"; }
