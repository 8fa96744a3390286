# RFC 5228 2.6.2: tags in any order.
if address :comparator "i;octet" :domain :is "from" "example.org" { redirect "a@example.com"; }
if address :is :domain :comparator "i;octet" "from" "example.org" { redirect "b@example.com"; }
