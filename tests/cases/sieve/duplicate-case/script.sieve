# RFC 7352 3.1: ids are matched with regard to case.
require "duplicate";
if duplicate :uniqueid "ABC" { discard; }
if duplicate :uniqueid "abc" { redirect "a@example.com"; }
