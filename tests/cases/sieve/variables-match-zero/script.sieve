# RFC 5229 3.2: ${0} is the whole value, leading zeroes do not count, over the end is empty.
require ["fileinto", "variables"];
if header :matches "subject" "* *" { fileinto "${0}|${01}|${2}|${3}|${31}|${0031}"; }
