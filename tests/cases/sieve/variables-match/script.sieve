# RFC 5229 3.2: match variables, as short as possible.
require ["fileinto", "variables"];
if header :matches "List-ID" "*<*@*" { discard; }
if header :matches "List-ID" "*<*.*" { fileinto "INBOX.lists.${2}"; stop; }
