# LIBSIEVE 6: patterns see values of 4,096 octets; over it our own engine decides.
require "fileinto";
if header :matches "x-fits" "*end" { fileinto "fits"; }
if header :matches "x-long" "*end" { fileinto "long"; }
