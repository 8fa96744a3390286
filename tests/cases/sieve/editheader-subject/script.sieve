# RFC 5293 6: addition and deletion of Subject must be permitted.
require ["editheader", "variables"];
if header :matches "Subject" "*" {
	deleteheader "Subject";
	addheader :last "Subject" "[list] ${1}";
}
