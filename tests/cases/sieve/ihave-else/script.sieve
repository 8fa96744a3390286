# RFC 5463 4: the branch for the others is not read here.
require "ihave";
if ihave "fileinto" { fileinto "a"; } else { frobnicate; }
if not ihave "vnd.nobody" { keep; } else { frobnicate; }
