# filters/libsieve/FAULTS B1: a domain of 255 octets makes the library write behind its memory; our own engine decides the test.
require "fileinto";
if address :contains "to" "bbbbb" { fileinto "long"; }
if address :is "from" "boss@example.org" { fileinto "boss"; }
