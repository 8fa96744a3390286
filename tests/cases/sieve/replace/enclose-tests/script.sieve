# RFC 5703 6: tests that follow see the new message.
require ["enclose", "fileinto", "mime", "body"];
enclose :subject "Warning" "careful";
if allof (header "subject" "warning", header :mime :anychild "subject" "old", body :contains "careful", body :content "message/rfc822" :contains "boss") { fileinto "yes"; }
