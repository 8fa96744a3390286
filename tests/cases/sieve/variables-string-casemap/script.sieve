# RFC 5228 2.7.3: without a comparator it is i;ascii-casemap, in the test of RFC 5229 5 as in all others.
require ["variables", "fileinto"];
set "name" "Hello World";
if string :is "${name}" "hello world" { fileinto "is"; }
if string :matches "${name}" "*WORLD" { fileinto "matches"; }
if string :comparator "i;octet" :contains "${name}" "hello" { fileinto "octet"; }
