# RFC 6134 2.5: "default" has no case when it is decoded, and the names of the RFC are one; other names keep theirs.
require ["extlists"];
if not header :list "subject" ":addrbook:default" { discard; }
if not header :list "subject" ":ADDRBOOK:DEFAULT" { discard; }
if not header :list "subject" ":aDdRbOOk:DeFauLt" { discard; }
if not header :list "subject" ":AddrBook:%44%65%66ault" { discard; }
if not header :list "subject" "URN:ietf:params:sieve:addrbook:Default" { discard; }
if valid_ext_list ":addrbook:OTHER" { discard; }
