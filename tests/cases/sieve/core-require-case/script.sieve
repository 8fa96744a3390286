# RFC 5228 6: names of capabilities have a case.
require "FileInto";
