# A mailbox has a name.
require "fileinto";
fileinto "";
fileinto ["a", "b"];
