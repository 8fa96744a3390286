# RFC 8580 11.1: the capability.
require ["vacation"];
vacation :fcc "Sent" "t";
