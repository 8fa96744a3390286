# RFC 5703 5: so is :from.
require "replace";
replace :mime :from "a@example.org" "y";
