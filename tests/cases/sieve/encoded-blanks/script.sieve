# RFC 5228 2.4.2.4: blanks, tabs and line ends part the numbers, and stand before and behind them; nothing else does.
require ["encoded-character", "variables"];
if allof (string "${hex:41	42}" "AB",
          string "${hex:
41
42
}" "AB",
          string "${unicode:	41 	 42	}" "AB",
          string "${hex:41,42}" "${unicode:24}{hex:41,42}",
          string "${hex:41;42}" "${unicode:24}{hex:41;42}",
          string "${unicode:41-42}" "${unicode:24}{unicode:41-42}",
          string "${hex:4142}" "${unicode:24}{hex:4142}") { redirect "a@example.com"; }
