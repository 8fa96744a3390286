# RFC 5228 4.2 with RFC 5229: an address that a variable made wrong is a run-time error: nothing is done, the mail is kept.
require "variables";
keep;
set "a" "no address";
redirect "${a}";
