# RFC 7352 5.1: duplicates by Message-ID go to a folder of their own.
require ["duplicate", "fileinto", "mailbox"];
if duplicate {
  fileinto :create "Trash/Duplicate";
}
