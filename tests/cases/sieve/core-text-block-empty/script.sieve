# filters/libsieve/FAULTS B7: an empty text: block is the empty string.
require "variables";
set "a" text:
.
;
if string :is "${a}" "" { redirect "a@example.com"; }
