# What stands behind break is never reached.
require "foreverypart";
foreverypart { break; keep; }
