# RFC 5229 1: without require ${x} is text.
require "fileinto";
fileinto "${x}";
