require ["vnd.dovecot.pipe"];


pipe "news";
