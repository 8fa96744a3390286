# LIMIT_LIBSIEVE_PATTERN_VALUE: patterns see 4,096 octets; over it our own engine decides.
require "fileinto";
if header :matches "x-fits" "*end" { fileinto "fits"; }
if header :matches "x-long" "*end" { fileinto "long"; }
