# RFC 5228 3.2: an unknown capability is an error that names the nearest.
require ["fileintoo", "vnd.dovecot.imapsieve", "nonsense-of-nobody"];
