# RFC 5703 5: :from gives a new From; the old one is kept.
require "replace";
replace :from "Filter <me@example.jp>" "new";
