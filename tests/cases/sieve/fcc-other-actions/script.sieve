# RFC 8580 7, 8: only on actions that send a message of their own.
require ["fcc", "fileinto"];
redirect :fcc "Sent" "a@example.com";
fileinto :fcc "Sent" "x";
