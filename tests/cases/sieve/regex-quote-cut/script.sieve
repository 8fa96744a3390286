# RFC 5229 6: no half escape at the limit.
require ["regex", "variables"];
set :quoteregex "a" ".................................";
if not string "${a}" "\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\.\\." { discard; }
