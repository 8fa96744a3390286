# RFC 5293 4: a value beyond ASCII is encoded (RFC 2047); tests see what was meant.
require ["editheader", "copy"];
addheader "X-U" "Grüße";
if header :is "X-U" "Grüße" { redirect "a@example.com"; }
