# RFC 6131 2: below the minimum it is the minimum.
require ["vacation-seconds"];
vacation :handle "h" :seconds 59 "t";
