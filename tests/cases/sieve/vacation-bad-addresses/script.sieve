# RFC 5230 4.5: :addresses are addresses.
require "vacation";
vacation :addresses ["a@example.com", "b", "c@"] "t";
