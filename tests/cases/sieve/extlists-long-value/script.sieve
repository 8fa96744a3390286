# RFC 6134 3: what is looked up is bounded; one octet over is in no list, the limit itself may be.
require ["extlists", "fileinto"];
if header :list "x-64" "tag:example" { fileinto "64"; }
if header :list "x-65" "tag:example" { fileinto "65"; }
