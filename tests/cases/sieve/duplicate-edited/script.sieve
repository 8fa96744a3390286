# RFC 5293 7 with RFC 7352: tests see the edited header.
require ["duplicate", "editheader"];
deleteheader "message-id";
addheader "Message-ID" "<other@example.org>";
if duplicate { redirect "a@example.com"; }
