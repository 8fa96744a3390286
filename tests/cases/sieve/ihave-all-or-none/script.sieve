# RFC 5463 4.4: one that is missing fails the test, and none is enabled.
require "ihave";
if ihave ["fileinto", "vnd.nobody"] { fileinto "x"; }
fileinto "y";
