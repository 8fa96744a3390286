# RFC 5703 4.3: its example: a field in any part.
require ["mime", "fileinto"];
if exists :mime :anychild "content-md5" { fileinto "yes"; }
