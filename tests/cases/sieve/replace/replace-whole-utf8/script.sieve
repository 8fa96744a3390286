# RFC 5703 5: the text is UTF-8.
require ["replace", "body", "fileinto"];
replace "Grüße";
if body :contains "grüße" { fileinto "yes"; }
