# RFC 5463 4: once it was true the extension is there to the end of the script, outside of the block, too; with all that it implies.
require "ihave";
if not ihave ["fileinto", "spamtestplus"] { error "no such thing"; }
if spamtest "0" { fileinto "a"; }
fileinto "b";
