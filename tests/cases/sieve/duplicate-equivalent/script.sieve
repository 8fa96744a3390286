# RFC 7352 3.2: the three examples match the same entry.
require ["duplicate", "variables"];
if duplicate { redirect "a@example.com"; }
if duplicate :header "message-id" { redirect "b@example.com"; }
if header :matches "message-id" "*" {
  if duplicate :uniqueid "${0}" { redirect "c@example.com"; }
}
