# RFC 7352 3.2: entries with another handle, or without one, do not count; an empty handle is one.
require ["duplicate", "variables"];
set "h" "x";
if duplicate :handle "${h}" { redirect "a@example.com"; }
if duplicate :handle "X" { discard; }
if duplicate :handle "" { discard; }
if duplicate { discard; }
