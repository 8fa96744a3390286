# RFC 5228 5.1: the test is restricted to headers that hold addresses.
if address "subject" "x" { keep; }
