# Line ends in a subject cannot add fields.
require "replace";
replace :subject text:
a
Bcc: x@example.org
.
"new";
