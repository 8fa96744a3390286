# RFC 7352 3.2: an empty handle is not the same as none.
require "duplicate";
if duplicate :handle "" { redirect "a@example.com"; }
if duplicate { discard; }
