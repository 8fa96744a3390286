# RFC 8580 2: the capability.
require ["vacation"];
vacation :fcc "Sent" "t";
