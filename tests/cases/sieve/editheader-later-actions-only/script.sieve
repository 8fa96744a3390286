# RFC 5293 7: an action has the fields that are current when it is executed.
require ["editheader", "copy"];
redirect :copy "a@example.com";
addheader "X-A" "1";
