# RFC 5435 3.7, 3.2: example 3: a scheme that we do not have is an error when it is used.
require ["enotify", "variables"];
set "notif_method"
"xmpp:tim@example.com?message;subject=SIEVE;body=You%20got%20mail";
if header :contains "subject" "Your dog" {
    set "notif_method" "tel:+14085551212";
}
if header :contains "to" "sievemailinglist@example.org" {
    set "notif_method" "";
}
if not string :is "${notif_method}" "" {
    notify "${notif_method}";
}
