# RFC 5228 4.2, RFC 5321 4.1.2: no control character is in an address, nor beside it, where a line end could begin another line of the talk.
require "encoded-character";
redirect "Ann${hex: 1b} <a@example.org>";
redirect "Ann <a@example.org>${hex: 0d 0a}X";
redirect "\"a${hex: 7f}\"@example.org";
redirect "${hex: 00}a@example.org";
