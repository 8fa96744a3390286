# filters/libsieve/FAULTS B6, B6b, B6c: a fold first, 8-bit names, no blank behind the colon: the library never sees a header block.
require "fileinto";
if header :is "subject" "x" { fileinto "x"; }
if exists "x-none" { fileinto "none"; }
