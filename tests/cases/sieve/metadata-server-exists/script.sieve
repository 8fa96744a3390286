# RFC 5490 4.2: annotations of the server are not those of the INBOX.
require ["servermetadata"];
if servermetadataexists "/private/a" { redirect "a@example.com"; }
if servermetadataexists ["/private/a", "/private/b"] { discard; }
