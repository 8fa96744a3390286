# RFC 5228 2.10.3: twice into one mailbox is one copy.
require "fileinto";
fileinto "a"; fileinto "b"; fileinto "a";
