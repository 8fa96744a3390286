# RFC 5173 3: the capability.
if body "x" { keep; }
