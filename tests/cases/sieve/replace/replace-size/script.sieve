# RFC 5703 5: size tests are of the new message.
require ["replace", "fileinto"];
replace "new";
if size :under 200 { fileinto "yes"; }
