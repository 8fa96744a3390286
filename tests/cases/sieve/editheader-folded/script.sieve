# RFC 5293 4, RFC 5322 2.2.3: of a folded value the line ends go, the blanks stay.
require "editheader";
addheader "X-A" "one
  two
	three

 four
five";
keep;
