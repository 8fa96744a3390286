# RFC 5463 4: what is there may be used from then on, also outside the block.
require "ihave";
if ihave ["fileinto", "copy"] { fileinto :copy "a"; }
fileinto "b";
