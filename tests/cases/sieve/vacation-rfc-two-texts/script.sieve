# RFC 5230 4.2: another text is another response, the same text for all is one: the handle is of the text.
require "vacation";
if header :contains "subject" "cyrus" {
    vacation "I'm out -- send mail to cyrus-bugs";
} else {
    vacation "I'm out -- call me at +1 304 555 0123";
}
