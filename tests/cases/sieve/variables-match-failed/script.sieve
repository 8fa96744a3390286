# RFC 5229 3.2: a match that fails leaves the variables alone.
require ["fileinto", "variables"];
if header :matches "subject" "* *" { }
if header :matches "subject" "no*" { }
if header :is "subject" "hello world" { fileinto "${1}"; }
