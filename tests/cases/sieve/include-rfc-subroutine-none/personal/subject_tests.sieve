require ["include", "variables"];
global "test_mailbox";
if header :contains "Subject" "$$" { set "test_mailbox" "spam"; }
