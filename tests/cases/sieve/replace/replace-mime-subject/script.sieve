# RFC 5703 5: :subject beside :mime is an error.
require "replace";
replace :mime :subject "x" "y";
