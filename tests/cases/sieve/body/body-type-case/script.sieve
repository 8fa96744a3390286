# RFC 2045 5.1: types have no case.
require ["body", "fileinto"];
if body :content "TEXT/HTML" :contains "Hello" { fileinto "yes"; }
