# filters/libsieve/FAULTS B14: vacation puts the sender into the value of Precedence that later tests see.
require ["vacation", "fileinto"];
vacation "away";
if header :is "precedence" "special" { fileinto "special"; }
