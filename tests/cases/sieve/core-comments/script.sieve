# RFC 5228 2.3: # to the end of the line, /* */ over lines; neither within strings.
/* one
 * two; discard; */
if /* here */ header :contains "subject" # and here
  "hello" { redirect "a#b@example.com"; }
