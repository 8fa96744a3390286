# RFC 5463 4: what is not there fails the test; the block is read but needs to make no sense.
require "ihave";
if ihave "vnd.nobody.frobnicate" { frobnicate :hard "x" { }  }
else { redirect "a@example.com"; }
