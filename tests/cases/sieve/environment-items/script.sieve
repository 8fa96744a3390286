# RFC 5183 4: items by name; empty ones match the empty string, unknown ones nothing.
require "environment";
if environment "name" "todoke" { redirect "a@example.com"; }
if environment :contains "location" "MDA" { redirect "b@example.com"; }
if environment "PHASE" "during" { redirect "c@example.com"; }
if environment :matches "vnd.nobody" "*" { discard; }
if environment :is "remote-host" "" { redirect "d@example.com"; }
