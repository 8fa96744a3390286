# RFC 8579 4.1 with RFC 5490: :create, :copy and :flags stand beside it.
require ["fileinto", "mailbox", "special-use", "copy", "imap4flags"];
fileinto :create :copy :flags "x" :specialuse "\\Archive" "INBOX/Archive";
