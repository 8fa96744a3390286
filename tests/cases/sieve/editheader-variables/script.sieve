# RFC 5293 with RFC 5229: names, values and patterns may hold variables.
require ["editheader", "variables"];
set "n" "X-Var"; set "v" "value";
addheader "${n}" "a ${v}";
addheader "${n}2" "${v}";
deleteheader :contains "${n}" "${v}";
if exists "X-Var" { discard; }
