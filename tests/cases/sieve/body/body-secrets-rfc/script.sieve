# RFC 5173 5.2: its second example.
require ["body", "fileinto"];
if body :content "text" :contains ["missile", "coordinates"] { fileinto "yes"; }
