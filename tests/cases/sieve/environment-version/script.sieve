# RFC 5183 4.1: the version is known, and is not empty.
require "environment";
if environment :matches "version" "?*" { redirect "a@example.com"; }
if environment :is "version" "" { discard; }
