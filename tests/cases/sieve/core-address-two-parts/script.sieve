# RFC 5228 2.7.4: one address part.
if address :all :domain "from" "x" { keep; }
