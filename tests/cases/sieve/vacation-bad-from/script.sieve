# RFC 5230 4.3: :from is a list of mailboxes; a wrong one is an error.
require "vacation";
vacation :from "nobody" "t";
vacation :from "" "t";
vacation :from "group: a@example.com;" "t";
