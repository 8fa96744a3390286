# RFC 5703 4.3: one that is nowhere.
require ["mime", "fileinto"];
if exists :mime :anychild ["content-md5", "content-base"] { fileinto "yes"; }
