# A bracket without the other one: the address is found where it can be, and nothing is read beyond the value.
require ["fileinto", "envelope"];
if address :all :is "from" "a@example.org" { fileinto "from"; }
if address :all :is "to" "a@example.org" { fileinto "to"; }
if address :all :contains "cc" "@" { fileinto "never"; }
if address :all :is "reply-to" "b@example.org" { fileinto "first"; }
if address :all :is "reply-to" "c@example.org" { fileinto "second"; }
