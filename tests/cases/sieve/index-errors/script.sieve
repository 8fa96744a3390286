# RFC 5260 6: :last needs :index; counting begins at 1.
require "index";
if header :last "x-a" "one" { keep; }
if header :index 0 "x-a" "one" { keep; }
if exists :index 1 "x-a" { keep; }
