# Issue 3: a capability by the name that it had before its RFC.
require ["vnd.dovecot.duplicate", "fileinto"];
if duplicate { discard; }
