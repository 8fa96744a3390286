# The recipient of a report with a name, a comment, dots.
require ["vnd.dovecot.report", "variables"];
set "v" "Abuse <abuse@example.net>";
report "abuse" "x" "Abuse Desk <abuse@example.com>";
report "abuse" "x" "${v}";
report "abuse" "x" "abuse.@docomo.ne.jp (dots)";
