# RFC 6131 2: v(eff) is v(min) below it and v(max) above it; 2**31 is accepted.
require ["vacation-seconds", "variables"];
if header "x-which" "low" { vacation :handle "h" :seconds 59 "t"; }
else { vacation :handle "h" :seconds 2147483648 "t"; }
