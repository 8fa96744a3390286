# RFC 5490 3.4: all of them; an empty one exists.
require ["mboxmetadata"];
if metadataexists "Work" ["/private/a", "/shared/b"] { redirect "a@example.com"; }
if metadataexists "Work" ["/private/a", "/shared/c"] { discard; }
if metadataexists "Other" "/private/a" { discard; }
if metadata "Work" "/private/a" "" { redirect "b@example.com"; }
if metadata :contains "Work" "/private/c" "" { discard; }
