# RFC 7352 3.3: the time is the site's without :seconds, and never longer than the site's maximum, without a word.
require "duplicate";
if duplicate { redirect "a@example.com"; }
if duplicate :seconds 60 :last { redirect "b@example.com"; }
if duplicate :seconds 4294967295 { redirect "c@example.com"; }
