# RFC 5703 8: the capability.
enclose "x";
