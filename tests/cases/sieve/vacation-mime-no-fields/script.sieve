# Issue 11.7: a reason that has no MIME fields at all is sent as text, with a warning.
require "vacation";
vacation :mime "I am away: until Monday";
