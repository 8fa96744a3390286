# RFC 5228 2.4.2.4: the table of examples.
require ["encoded-character", "variables"];
if allof (string "$${hex:40}" "$@",
          string "${hex: 40 }" "@",
          string "${HEX: 40}" "@",
          string "${hex:40" "${unicode:24}{hex:40",
          string "${hex:400}" "${unicode:24}{hex:400}",
          string "${hex:4${hex:30}}" "${unicode:24}{hex:40}",
          string "${unicode:40}" "@",
          string "${ unicode:40}" "${unicode:24}{ unicode:40}",
          string "${UNICODE:40}" "@",
          string "${UnICoDE:0000040}" "@",
          string "${hex:}" "${unicode:24}{hex:}") { redirect "a@example.com"; }
