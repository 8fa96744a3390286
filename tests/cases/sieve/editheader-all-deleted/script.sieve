# RFC 5293 5: a message may lose its last field.
require "editheader";
deleteheader "Subject";
if exists "subject" { discard; }
