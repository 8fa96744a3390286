# RFC 5230 4.4: a MIME entity.
require "vacation";
vacation :handle "m" :mime text:
Content-Type: multipart/alternative; boundary=foo

--foo

I'm at the beach relaxing.  Mmmm, surf...

--foo
Content-Type: text/html; charset=us-ascii

<HTML><BODY><P>surf</BODY></HTML>

--foo--
.
;
