# RFC 5322 3.2.2: a tab is white space, between a name and its address as at their ends.
require "encoded-character";
redirect "Ann${hex: 09}<a@example.org>";
