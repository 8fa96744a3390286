# RFC 5173 5.2: an empty string matches nothing where no such part is.
require ["body", "fileinto"];
if body :content "image" :contains "" { fileinto "yes"; }
