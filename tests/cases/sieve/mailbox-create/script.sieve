# RFC 5490 3.2: :create on fileinto.
require ["mailbox", "fileinto"];
fileinto :create "a";
