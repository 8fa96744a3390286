# RFC 5435 3.7: example 1, a message to the list; notify does not cancel the implicit keep, fileinto does.
require ["enotify", "fileinto", "variables"];
if header :contains "to" "sievemailinglist@example.org" {
    # :matches is used to get the value of the Subject header
    if header :matches "Subject" "*" {
        set "subject" "${1}";
    }
    # :matches is used to get the value of the From header
    if header :matches "From" "*" {
        set "from" "${1}";
    }
    notify :importance "3"
        :message "[SIEVE] ${from}: ${subject}"
        "mailto:alm@example.com";
    fileinto "INBOX.sieve";
}
