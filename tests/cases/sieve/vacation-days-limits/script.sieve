# RFC 5230 4.1: the site's limits; the maximum itself is not over it.
require "vacation";
vacation :handle "h" :days 10 "t";
