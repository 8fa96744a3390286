# RFC 5173 5.2: its third example: a part of a type is there.
require ["body", "fileinto"];
if body :content "audio/mp3" :contains "" { fileinto "yes"; }
