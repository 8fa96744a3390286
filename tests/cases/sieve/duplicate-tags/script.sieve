# RFC 7352 3.1: :header and :uniqueid exclude each other; the other tags.
require "duplicate";
if duplicate :header "a" :uniqueid "b" { }
if duplicate :seconds "60" { keep; }
if duplicate :handle ["a"] { keep; }
if duplicate "x" { keep; }
if duplicate :index 1 { keep; }
