# RFC 5173 4: behind an empty line there is a body, which is empty.
require ["body", "fileinto"];
if body :raw :is "" { fileinto "yes"; }
