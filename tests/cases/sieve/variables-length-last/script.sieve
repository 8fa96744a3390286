# RFC 5229 4.1: :length has the lowest precedence: it sees what the others made.
require ["variables", "fileinto"];
set :length :quotewildcard "n" "a*b";
fileinto "${n}";
