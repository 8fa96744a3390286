# RFC 5230 4.8: mingled with other rules; vacation does not cancel the implicit keep, redirect does.
require "vacation";
if header :contains "from" "sender@example.org" {
    redirect "pleeb@isp.example.org";
} else {
    vacation "Sorry, I'm away, I'll read your
message when I get around to it.";
}
