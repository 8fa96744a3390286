# RFC 6134 with RFC 5229: names of lists from variables.
require ["extlists", "variables", "copy"];
set "l" "a"; set "r" "b";
if header :list "subject" "${l}" {
	redirect :list :copy "${r}"; }
