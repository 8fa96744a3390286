# RFC 5230 4.1: less than the minimum is the minimum, and no error.
require "vacation";
vacation :handle "h" :days 0 "t";
