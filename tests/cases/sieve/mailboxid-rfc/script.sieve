# RFC 9042 4: the mailbox with the id, whatever it is called now.
require ["fileinto", "mailboxid"];
if header :contains "subject" "hello" {
  fileinto :mailboxid "F6352ae03-b7f5-463c-896f-d8b48ee3"
           "INBOX.name.will.not.be.used";
}
