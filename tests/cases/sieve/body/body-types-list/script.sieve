# RFC 5173 5.2: any of the listed types.
require ["body", "fileinto"];
if body :content ["audio/mp3", "text/html"] :contains "Hello" { fileinto "yes"; }
