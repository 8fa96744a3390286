# RFC 5429 2.1.1: discard delivers nothing, so it may stand beside.
require "reject";
discard; reject "no";
