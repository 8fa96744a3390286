# RFC 5463 5: error ends the script as a run-time error.
require ["ihave", "fileinto"];
fileinto "a";
if not ihave "vnd.nobody" { error "sorry, no vnd.nobody"; }
