# RFC 5228 4.1 example.
require "fileinto";
if header :contains ["from"] "sender" {
	fileinto "INBOX.harassment";
}
