# RFC 5228 4.1: fileinto cancels the implicit keep.
require "fileinto";
fileinto "INBOX.harassment";
