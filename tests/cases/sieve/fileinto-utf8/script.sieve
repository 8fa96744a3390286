# RFC 5228 4.1: names are UTF-8.
require "fileinto";
fileinto "日本語/Grüße";
