# RFC 6134 2.2: with variables ${0} is the value that was found.
require ["extlists", "variables"];
if address :list "cc" "a" { redirect "${0}"; }
if string "${1}" "" { redirect "none@example.com"; }
