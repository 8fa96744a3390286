# RFC 5703 3: a loop has a block.
require "foreverypart";
foreverypart;
