# RFC 5233 4: without a separator there is no detail, and the user is the whole local part.
require ["subaddress"];
if address :detail :contains "to" "" { discard; }
if address :user "to" "me" { redirect "a@example.com"; }
