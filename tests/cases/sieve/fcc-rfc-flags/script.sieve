# RFC 8580 3.1.1, 3.1.2: with mailbox and imap4flags, :create and :flags stand beside :fcc.
require ["vacation", "fcc", "mailbox", "imap4flags"];
vacation :handle "h" :create :flags ["\\Seen", "a b"] :fcc "Sent" "t";
