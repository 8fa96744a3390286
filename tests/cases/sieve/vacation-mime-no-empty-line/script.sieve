# Issue 11.7: fields without the empty line behind them are mended, with a warning (RFC 5230 5); Pigeonhole sends them as they are.
require "vacation";
vacation :mime text:
Content-Type: text/plain; charset=utf-8
 ; format=flowed
Grüße, ich bin im Urlaub: bis Montag
.
;
