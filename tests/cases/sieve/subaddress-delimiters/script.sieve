# The separator is the site's recipient delimiter; one of several may be it.
require ["subaddress", "envelope"];
if envelope :detail "to" "b+c" { redirect "a@example.com"; }
if envelope :user "to" "a" { redirect "b@example.com"; }
