# RFC 5230 3: the capability.
vacation "t";
