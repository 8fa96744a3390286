# RFC 5233 4: "user+" has an empty detail.
require ["subaddress", "envelope"];
if envelope :detail "to" "" { redirect "a@example.com"; }
