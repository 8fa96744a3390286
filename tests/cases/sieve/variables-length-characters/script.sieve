# RFC 5229 4.1.5: characters, not octets.
require ["variables", "fileinto"];
set :length "n" "日本語";
fileinto "${n}";
