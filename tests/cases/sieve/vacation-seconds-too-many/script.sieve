# RFC 6131 2: beyond 2**31 it is an error; :days and :seconds exclude each other.
require "vacation-seconds";
vacation :seconds 2147483649 "t";
vacation :days 1 :seconds 1 "t";
vacation :seconds 1 :days 1 "t";
