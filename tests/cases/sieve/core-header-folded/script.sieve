# RFC 5228 2.4.2.2: a folded value is one line; what separates stays.
if header :matches "x-folded" "one?two" { redirect "a@example.com"; }
