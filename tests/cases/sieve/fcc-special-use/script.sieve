# RFC 8580 3.1.3 with RFC 8579.
require ["vacation", "fcc", "special-use", "variables"];
set "s" "Sent";
vacation :handle "h" :specialuse "\\Sent" :fcc "${s}" "t";
