# RFC 5229 3.2, the example: which match is the last successful one.
require ["fileinto", "variables"];
if header :matches ["To", "Cc"] ["coyote@**.com", "wile@**.com"] {
	fileinto "INBOX.business.${2}.${1}"; stop;
} else { fileinto "other.${0}"; }
