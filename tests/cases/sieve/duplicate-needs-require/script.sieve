# RFC 7352 4: the capability.
if duplicate { discard; }
