# RFC 6009 4 with RFC 5229: matched text is captured as anywhere.
require ["envelope", "envelope-dsn", "variables"];
if envelope :matches "orcpt" "rfc822;*@*" { redirect "${1}@new.example.com"; }
