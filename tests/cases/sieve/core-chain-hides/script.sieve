# Issue 3: all branches of a chain stop, so nothing behind it is reached.
if exists "subject" { keep; stop; } else { stop; }
discard;
