# RFC 5293 5 with RFC 5260 6: :index of deleteheader is its own, whether index is required or not.
require ["editheader", "index"];
deleteheader :index 2 "X-Hello";
if header :index 2 "X-Hello" "3" { redirect "a@example.com"; }
