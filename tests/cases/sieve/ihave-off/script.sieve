# RFC 5463 4: what the site switched off is not available.
require "ihave";
if ihave "fileinto" { discard; }
