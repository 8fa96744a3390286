# RFC 5703 5: with :mime the string is an entity with its fields.
require ["foreverypart", "mime", "replace"];
foreverypart { if header :mime :contenttype :is "Content-Type" "application/exe" { replace :mime text:
Content-Type: text/x-note
Content-Language: en

removed
.
; } }
