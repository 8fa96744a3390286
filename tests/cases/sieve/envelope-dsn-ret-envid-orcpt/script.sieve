# RFC 6009 4: xtext is decoded; the type of the original recipient stays.
require ["envelope", "envelope-dsn"];
if not envelope "ret" "HDRS" { discard; }
if not envelope :is "envid" "a+b=c" { discard; }
if not envelope :is "orcpt" "rfc822;bob+x@example.com" { discard; }
if not envelope :matches ["ret", "orcpt"] "*;*" { discard; }
