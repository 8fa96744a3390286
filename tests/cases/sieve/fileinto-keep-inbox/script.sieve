# RFC 5228 2.10.3: keep and fileinto "INBOX" store in the same place.
require "fileinto";
fileinto "INBOX"; keep;
