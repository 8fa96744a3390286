# RFC 5463 4: tests behind a failed ihave in allof are not evaluated.
require "ihave";
if allof (ihave "vnd.nobody", frobnicate "x") { discard; }
if anyof (not ihave "vnd.nobody", exists "x") { redirect "a@example.com"; }
