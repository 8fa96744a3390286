# RFC 5293 6: local policy may protect more, and both ways.
require "editheader";
deleteheader "X-Keep"; deleteheader "List-Id"; deleteheader "X-Go";
addheader "X-Keep" "2";
