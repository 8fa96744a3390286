# RFC 5173 5.2: what of a broken encoding can be decoded is seen; the rest spoils nothing.
require ["body", "fileinto"];
if body :contains "Hello" { fileinto "yes"; }
