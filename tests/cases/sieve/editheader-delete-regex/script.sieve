# RFC 5293 5: match types of other extensions.
require ["editheader", "regex"];
deleteheader :regex "X-Hello" "^[0-9]+$";
