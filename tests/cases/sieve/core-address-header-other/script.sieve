# Issue 11.7: the address test reads any header that may hold addresses; one that we do not know is warned of.
if address :is ["x-original-from", "return-receipt-requested"] "owner@example.org" { redirect "a@example.com"; }
if address :domain :is "X-Answered-By" "example.org" { redirect "b@example.com"; }
