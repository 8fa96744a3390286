# Names of fields and parameters may be variables.
require ["mime", "fileinto", "variables"];
set "p" "x-note"; set "n" "content-type";
if header :mime :param "${p}" "${n}" "top" { fileinto "yes"; }
