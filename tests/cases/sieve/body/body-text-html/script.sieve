# RFC 5173 5.3: words of HTML, without tags between them and with references resolved.
require ["body", "fileinto"];
if body :text :contains "two & three" { fileinto "yes"; }
