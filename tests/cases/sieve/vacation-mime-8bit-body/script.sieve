# RFC 5230 5: it is the fields that must be ASCII.
require "vacation";
vacation :handle "h" :mime text:
Content-Type: text/plain;
  charset=utf-8

Grüße
.
;
