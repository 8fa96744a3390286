# Issue 3: addresses as real mail has them; one bad address never spoils the rest (filters/libsieve/FAULTS addresses).
if address :is "to" "jqp@example.org" { redirect "a@example.com"; }
if address :is "to" "good@example.org" { redirect "b@example.com"; }
if address :domain :is "to" "[192.0.2.1]" { redirect "c@example.com"; }
if address :is "to" "member@example.org" { redirect "d@example.com"; }
if address :is "to" "list" { discard; }
