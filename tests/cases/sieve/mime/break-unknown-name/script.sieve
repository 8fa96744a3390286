# RFC 5703 3: so is the name of no loop around it.
require "foreverypart";
foreverypart :name "a" { }
foreverypart :name "b" { break :name "a"; }
