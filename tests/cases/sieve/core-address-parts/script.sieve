# RFC 5228 2.7.4, 5.1: the whole address, its local part, its domain; :all is the default.
if address :all :is "from" "sender@example.org" { redirect "a@example.com"; }
if address :localpart :is "from" "sender" { redirect "b@example.com"; }
if address :domain :is "from" "EXAMPLE.org" { redirect "c@example.com"; }
if address :is "from" "sender@example.org" { redirect "d@example.com"; }
