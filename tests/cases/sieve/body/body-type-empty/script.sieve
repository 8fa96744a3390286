# RFC 5173 5.2: an empty type is every type.
require ["body", "fileinto"];
if body :content "" :contains "<html>" { fileinto "yes"; }
