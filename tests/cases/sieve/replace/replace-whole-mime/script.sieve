# RFC 5703 5: with :mime the fields of MIME are those of the entity.
require "replace";
replace :mime text:
Content-Type: text/x-note
X-Not: taken

note
.
;
