# RFC 5293 6: Received and Auto-Submitted are never deleted, nor is our mark; the attempt is ignored without a word.
require "editheader";
deleteheader "Received";
deleteheader :index 1 "auto-submitted";
deleteheader :contains "X-Todoke-Mark" "v=1";
addheader "X-Todoke-Mark" "v=1; forged";
