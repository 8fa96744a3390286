# RFC 5703 4.3: all names must be there, each in any of the parts.
require ["mime", "fileinto"];
if exists :mime :anychild ["content-md5", "content-language"] { fileinto "yes"; }
