# RFC 5228 5.1: names of groups are ignored, so that an empty one leaves nothing to compare.
require "fileinto";
if address :contains "to" "" { fileinto "some"; }
if address :contains "cc" "undisclosed" { fileinto "name"; }
if header :contains "to" "undisclosed" { fileinto "header"; }
