# RFC 5228 2.7.4: one address part.
require "subaddress";
if address :user :domain "to" "me" { keep; }
