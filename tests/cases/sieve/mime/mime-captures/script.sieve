# RFC 5229 3.2: matches of header :mime set match variables.
require ["mime", "fileinto", "variables"];
if allof (header :mime :anychild :param "name" :matches "content-type" "*.com", string "${1}" "run") { fileinto "yes"; }
