# filters/libsieve/FAULTS B13: beyond 1,019 names of fields it loses some; it is never asked to read a header.
require "fileinto";
if header :is "x-last" "here" { fileinto "last"; }
if address :is "from" "a@b.example" { fileinto "from"; }
