# RFC 5260 6: fields are counted from the first, with :last from the last.
require "index";
if header :index 2 "x-a" "two" { redirect "a@example.com"; }
if header :index 1 :last "x-a" "three" { redirect "b@example.com"; }
if header :last :index 3 "x-a" "one" { redirect "c@example.com"; }
if header :index 4 :matches "x-a" "*" { discard; }
