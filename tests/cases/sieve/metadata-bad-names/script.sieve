# RFC 5464 4.1: what can be no name of an annotation is warned of, and is never there.
require ["mboxmetadata", "servermetadata"];
if metadata "INBOX" "comment" "x" { discard; }
if metadata "INBOX" "/private/*" "x" { discard; }
if metadataexists "INBOX" ["/private/a//b", "/shared/"] { discard; }
if servermetadata "/other/a" "x" { discard; }
if servermetadataexists "/private/ä" { discard; }
