# RFC 6609 3.3: in the main script return is stop, with the implicit keep.
require "include";
if exists "from" { return; }
discard;
