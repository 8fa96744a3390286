# RFC 7352 5.1: a message that was not seen stays.
require ["duplicate", "fileinto", "mailbox"];
if duplicate {
  fileinto :create "Trash/Duplicate";
}
