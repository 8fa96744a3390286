# RFC 5173 5.1: boundaries are content like any other.
require ["body", "fileinto"];
if body :raw :contains "--outer--" { fileinto "yes"; }
