# A loop that runs over the message ends with the round in which it is filtered (READINGS).
require ["foreverypart", "vnd.dovecot.filter", "fileinto", "variables"];
foreverypart { filter "p"; set "n" "${n}i"; }
fileinto "${n}";
