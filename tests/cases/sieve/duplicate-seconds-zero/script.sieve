# RFC 7352 3.3: with :seconds 0 the test is false, always.
require "duplicate";
if duplicate :seconds 0 { discard; }
