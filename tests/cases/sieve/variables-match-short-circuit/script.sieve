# RFC 5229 3.2: tests that are not reached set nothing.
require ["fileinto", "variables"];
if header :matches "from" "*@*" { }
if anyof (exists "to", header :matches "subject" "* *") { fileinto "${2}"; }
