# LIMIT_LIBSIEVE_ADDRESS_HALF: 200 octets; over it our own engine decides.
require "fileinto";
if address :contains "to" "x" { fileinto "fits"; }
if address :contains "cc" "x" { fileinto "long"; }
