# filters/libsieve/FAULTS B1: a word of 255 octets behind a dot of the local part, and in a display name.
require "fileinto";
if address :domain "from" "example.org" { fileinto "from"; }
if address :is "cc" "a@b.example" { fileinto "cc"; }
