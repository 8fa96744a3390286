# RFC 5703 3: break without a loop is an error.
require "foreverypart";
break;
