# RFC 5228 2.4.2.4: without require nothing is decoded.
if header :is "subject" "${hex:40}" { redirect "a@example.com"; }
