# RFC 5703 5: :subject gives a new Subject, in encoded words where it needs them; the old one is kept.
require "replace";
replace :subject "Grüße" "new";
