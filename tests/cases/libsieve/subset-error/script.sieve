# With libsieve_refused = error the script is wrong, and the INBOX serves.
require ["fileinto", "copy"];
fileinto :copy "a";
