# RFC 5703 5: :from must be a mailbox list.
require "replace";
replace :from "nobody" "y";
