# RFC 5235 3.2: one of them must be.
if spamtest "1" { keep; }
