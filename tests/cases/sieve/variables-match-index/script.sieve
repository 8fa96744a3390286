# RFC 5229 6: an index that is never there is an error, wherever the string stands.
require "variables";
redirect "a${32}@example.com";
redirect "a${0034}@example.com";
redirect "a${99999999999999999999999999}@example.com";
redirect "a${31}@example.com";
