# RFC 5173 5.2: a type alone takes any subtype.
require ["body", "fileinto"];
if body :content "text" :contains "<body>Hello" { fileinto "yes"; }
