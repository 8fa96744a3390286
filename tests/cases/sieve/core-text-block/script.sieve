# RFC 5228 2.4.2, 8.1: text: ends with a lone dot, a leading dot is doubled.
require ["variables"];
set "a" text: # a comment
one
..two
.
;
if string :is "${a}" "one
.two
" { redirect "a@example.com"; }
