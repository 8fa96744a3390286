# RFC 5230 4.1: more than the maximum is the maximum, however much.
require "vacation";
vacation :handle "h" :days 4294967295 "t";
