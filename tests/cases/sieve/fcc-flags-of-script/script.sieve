# RFC 8580 3.1.1: the internal flags are those of the message, not of the answer.
require ["vacation", "fcc", "imap4flags"];
setflag "x";
vacation :handle "h" :fcc "Sent" "t";
