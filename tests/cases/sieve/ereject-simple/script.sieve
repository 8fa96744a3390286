# RFC 5429 2.1.
require "ereject";
ereject text:
no
thanks
.
;
