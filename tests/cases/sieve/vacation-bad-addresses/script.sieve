# RFC 5230 4.5: :addresses are addresses; what is none does no harm, and is said.
require "vacation";
vacation :handle "h" :addresses ["a@example.com", "b", "c@"] "t";
