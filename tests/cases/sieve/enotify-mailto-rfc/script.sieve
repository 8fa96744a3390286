# RFC 5436 3: the first example's actions.
require ["enotify", "variables", "envelope"];
if header :contains "list-id" "knitting.example.com" {
	notify :message "[${1}] new" "mailto:0123456789@sms.example.net?to=backup@example.com";
}
