# RFC 5233 4: :user and :detail.
require ["subaddress", "envelope", "fileinto"];
if envelope :detail "to" "mta-filters" { fileinto "inbox.ietf-mta-filters"; }
if envelope :user "to" "ken" { redirect "a@example.com"; }
if envelope :localpart "to" "ken+mta-filters" { redirect "b@example.com"; }
