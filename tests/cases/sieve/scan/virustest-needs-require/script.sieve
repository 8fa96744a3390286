# RFC 5235 3.3: the capability.
if virustest "1" { keep; }
