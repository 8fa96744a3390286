# RFC 5293 6: only the deletion of Auto-Submitted is forbidden.
require "editheader";
addheader "Auto-Submitted" "auto-replied";
