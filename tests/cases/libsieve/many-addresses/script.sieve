# LIBSIEVE 8.4: 1,000 addresses; over it our own engine decides.
require "fileinto";
if address :is "to" "a1000@a.example" { fileinto "fits"; }
if address :is "cc" "a1001@a.example" { fileinto "many"; }
