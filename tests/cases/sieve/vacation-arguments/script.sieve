# RFC 5230 4: types and number of arguments.
require "vacation";
vacation;
vacation :days "7" "t";
vacation :days 7 :days 8 "t";
vacation :handle ["a", "b"] "t";
vacation :seconds 7 "t";
vacation ["a", "b"];
