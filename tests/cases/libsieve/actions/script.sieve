# What the library reaches our own code carries out: names with quotation marks, flags, vacation's arguments, lines.
require ["fileinto", "vacation", "imap4flags"];
if header :contains "subject" "REPORT" {
	fileinto :flags "\\Seen" "a \"b\"";
	vacation :days 3 :subject "gone" text:
back
soon
.
;
	fileinto "a \"b\"";
} else {
	discard;
}
redirect "other@example.net";
stop;
discard;
