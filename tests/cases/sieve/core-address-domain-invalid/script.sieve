# RFC 5228 2.7.4: a syntactically invalid address has neither local part nor domain.
if address :domain :matches "from" "*" { discard; }
if address :localpart :matches "from" "*" { discard; }
