# LIMIT_LIBSIEVE_ADDRESSES: 1,000; over it our own engine decides.
require "fileinto";
if address :is "to" "a1000@a.example" { fileinto "fits"; }
if address :is "cc" "a1001@a.example" { fileinto "many"; }
