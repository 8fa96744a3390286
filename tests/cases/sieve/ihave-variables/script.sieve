# RFC 5463 4: extensions that change what strings mean fail, unless they are required.
require "ihave";
if ihave "variables" { discard; }
if ihave "encoded-character" { discard; }
