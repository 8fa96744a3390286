# RFC 5230 5: 8-bit text in the MIME fields is refused, and so is what has no fields.
require "vacation";
vacation :mime text:
Content-Type: text/plain
Subject: Grüße

text
.
;
vacation :mime "no fields here";
