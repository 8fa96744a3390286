# RFC 5183 4.1: the client from the envelope, and what the agent says.
require "environment";
if environment :matches "remote-ip" "192.0.2.*" { redirect "a@example.com"; }
if environment "domain" "example.jp" { redirect "b@example.com"; }
