# A test where a command stands, and the other way round.
header :contains "subject" "x";
if keep { discard; }
