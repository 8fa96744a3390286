# RFC 5703 4.3: without :anychild the parts in it do not count.
require ["mime", "fileinto"];
if exists :mime "content-md5" { fileinto "yes"; }
